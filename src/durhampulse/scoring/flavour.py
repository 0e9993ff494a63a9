"""A model folder as a model of MLflow: the flavour ``python_function``, without pickle.

MLflow keeps a copy of the folder and the name of this module, which loads it; the folder is
verified each time. Needs the extra ``mlflow`` (mlflow-skinny).
"""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from durhampulse.extras import require_modules
from durhampulse.scoring.scorer import Scorer, load_model

__all__ = ["MLflowModel", "log_flavour", "save_flavour"]


class MLflowModel:
    """A scorer as MLflow calls models.

    Parameters
    ----------
    scorer
        From :func:`durhampulse.load_model`.
    """

    def __init__(self, scorer: Scorer) -> None:
        self.scorer = scorer

    def predict(
        self, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> pd.DataFrame:
        """Return the scores of a table, a row for each of its rows.

        Parameters
        ----------
        model_input
            Creators; columns as in the study's table, text or numbers.
        params
            Not used.

        Returns
        -------
        pandas.DataFrame
            As :meth:`durhampulse.scoring.scorer.Scorer.score` gives it.
        """
        del params
        return self.scorer.score(model_input)


def save_flavour(folder: str | Path, path: str | Path) -> None:
    """Save a model folder as a model of MLflow on this machine.

    Parameters
    ----------
    folder
        The model folder.
    path
        Where MLflow's folder shall be; nothing may be there yet.

    Raises
    ------
    ModelError
        If the folder holds no model that can be used.
    """
    parts = _parts(folder)
    import mlflow.pyfunc

    mlflow.pyfunc.save_model(path=str(path), **parts)


def log_flavour(folder: str | Path, name: str, **options: Any) -> Any:
    """Log a model folder in the run of MLflow that is under way.

    Parameters
    ----------
    folder
        The model folder.
    name
        What MLflow calls the model.
    options
        As :func:`mlflow.pyfunc.log_model` takes them, such as ``registered_model_name``.

    Returns
    -------
    mlflow.models.model.ModelInfo
        Where it is.

    Raises
    ------
    ModelError
        If the folder holds no model that can be used.
    """
    parts = _parts(folder)
    import mlflow.pyfunc

    return mlflow.pyfunc.log_model(name=name, **parts, **options)


def _parts(folder: str | Path) -> dict[str, Any]:
    """Return what MLflow is told of a model folder; the folder is verified."""
    require_modules("A model of MLflow", "mlflow")
    load_model(folder)
    return {
        "loader_module": __name__,
        "data_path": str(folder),
        "pip_requirements": [f"durhampulse=={version('durhampulse')}"],
    }


def _load_pyfunc(path: str) -> MLflowModel:
    """Return the model in MLflow's copy of a folder; the name is MLflow's."""
    return MLflowModel(load_model(path))
