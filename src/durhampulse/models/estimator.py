"""The model that decides, as a scikit-learn estimator."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import Tags
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import (
    _check_sample_weight,
    check_is_fitted,
    column_or_1d,
    validate_data,
)

from durhampulse.creators.block import Block
from durhampulse.creators.framereader import FrameReader
from durhampulse.creators.frames import raw_cells
from durhampulse.creators.schema import IDENTIFIER, LABEL
from durhampulse.features.encoding import learn_encoding
from durhampulse.models.champion import train_champion
from durhampulse.models.classifiers import LOGISTIC
from durhampulse.models.fitted import FittedModel
from durhampulse.models.sample import draw_sample
from durhampulse.models.training import classifier_learner
from durhampulse.models.weights import Logistic, Weights, sigmoid

__all__ = ["SponsorshipClassifier"]

Floats = npt.NDArray[np.float64]

_FEWEST_OF_A_CLASS = 40
_FEWEST_CREATORS = 10


class SponsorshipClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Calibrated probabilities of a sponsorship deal.

    The same model as that of ``durhampulse study``: a blend of boosting and networks, logistic
    regression on splines where that does as well, or plain where a class has fewer than 40 rows. It
    learns from a table of creators as it comes (pandas, polars, Arrow), with nulls, percent signs
    and identifiers, or from any matrix of numbers. It judges no table: leaks and missing signal are
    the study's business.

    Parameters
    ----------
    random_state
        Same seed, same rows, same machine: same probabilities.

    Attributes
    ----------
    classes_
        The two outcomes, shape (2,); probabilities are of the second.
    model_
        The trained model, plain data.
    rules_
        How the cells of each column are read.
    sample_
        What is kept of the training rows, for :func:`durhampulse.save_model`.

    Examples
    --------
    >>> import durhampulse as dp
    >>> market = dp.simulate_market(100, seed=2).table
    >>> X, y = market.drop(columns="Sponsorship_Status"), market["Sponsorship_Status"]
    >>> model = dp.SponsorshipClassifier(random_state=0).fit(X, y)
    >>> model.predict_proba(X.head(3)).shape
    (3, 2)
    """

    def __init__(self, *, random_state: int = 0) -> None:
        self.random_state = random_state

    def __sklearn_tags__(self) -> Tags:
        """Return what scikit-learn may expect: two classes, missing values, text."""
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        return tags

    def fit(
        self,
        X: pd.DataFrame | npt.ArrayLike,
        y: npt.ArrayLike,
        sample_weight: npt.ArrayLike | None = None,
    ) -> Self:
        """Learn from past outcomes.

        Parameters
        ----------
        X
            Creators, shape (n_rows, n_columns); a DataFrame's standard columns are known by name.
        y
            Outcomes of two kinds, shape (n_rows,).
        sample_weight
            How much each row counts, shape (n_rows,), 0 or more. A row of weight 2 counts as one
            that stands there twice: exactly so in logistic regression, in the networks' loss on
            average. Equal weights count as none.

        Raises
        ------
        ValueError
            If `y` does not hold exactly two kinds of outcome or lacks some, `X` holds infinity, or
            a weight is negative.
        """
        if y is None:
            raise ValueError(
                "SponsorshipClassifier requires y to be passed, but the target y is None."
            )
        table, known = self._checked(X, y)
        weight = None
        if sample_weight is not None:
            weight = _check_sample_weight(sample_weight, known, ensure_non_negative=True)
            kept = weight > 0
            table, known, weight = table.filter(pa.array(kept)), known[kept], weight[kept]
            _require_two_kinds(known)
            weight = weight if np.ptp(weight) else None
        self.classes_, outcomes = np.unique(known, return_inverse=True)
        self._reader = FrameReader(table, named=_is_table(X))
        train = self._reader.read(table)
        train[LABEL] = outcomes.astype(np.float64)
        if IDENTIFIER not in train or _few_creators(train):
            train[IDENTIFIER] = np.arange(len(train))
        self.model_ = self._train(train, weight).with_precedent(train)
        self.rules_ = self._reader.rules
        self.sample_ = draw_sample(
            table, train, self.model_.encoding, random_state=self.random_state
        )
        return self

    def read_cells(self, cells: pa.Table) -> pd.DataFrame:
        """Return a table's features as they are learned from, shape (n_rows, n_features)."""
        return self._reader.read(cells)

    def _train(self, train: pd.DataFrame, weight: Floats | None) -> FittedModel:
        features = self._reader.features
        if train[LABEL].value_counts().min() >= _FEWEST_OF_A_CLASS:
            return train_champion(
                train, features, random_state=self.random_state, sample_weight=weight
            ).model
        encoding = learn_encoding(train, features, sample_weight=weight)
        X, y = encoding.transform(train), train[LABEL].to_numpy(np.float64)
        weights: Weights
        if X.shape[1]:
            weights = classifier_learner(LOGISTIC, self.random_state)(X, y, weight)
        else:
            rate = np.average(y, weights=weight)
            weights = Logistic(np.zeros(0), np.log([rate / (1 - rate)]))
        return FittedModel(name=LOGISTIC, encoding=encoding, weights=weights)

    def decision_function(self, X: pd.DataFrame | npt.ArrayLike) -> Floats:
        """Return the log-odds of the second class, shape (n_rows,)."""
        check_is_fitted(self)
        return self.model_.decision_function(self._reader.read(self._checked(X)[0]))

    def predict_proba(self, X: pd.DataFrame | npt.ArrayLike) -> Floats:
        """Return the probability of either class, shape (n_rows, 2)."""
        y_prob = sigmoid(self.decision_function(X))
        return np.column_stack([1 - y_prob, y_prob])

    def predict(self, X: pd.DataFrame | npt.ArrayLike) -> npt.NDArray[Any]:
        """Return the more probable class, shape (n_rows,)."""
        more_probable = (self.decision_function(X) > 0).astype(int)
        return np.asarray(self.classes_[more_probable])

    def predict_interval(self, X: pd.DataFrame | npt.ArrayLike) -> Floats:
        """Return the 90% interval for the true probability of the second class, shape (n_rows, 2).

        Without width where too few rows were trained on to tell.
        """
        check_is_fitted(self)
        block = Block.of(self._reader.read(self._checked(X)[0]))
        logits = self.model_.decision_function(block)
        return np.column_stack(self.model_.interval.ends(logits, block))

    def _checked(
        self, X: pd.DataFrame | npt.ArrayLike, y: npt.ArrayLike | None = None
    ) -> tuple[pa.Table, npt.NDArray[Any]]:
        """Check the input as scikit-learn expects, and return it as raw cells."""
        fitting = y is not None
        if _is_table(X):
            table = _selectable(raw_cells(X))
            frame = X if isinstance(X, pd.DataFrame) else table.slice(0, 0).to_pandas()
            validate_data(self, frame, reset=fitting, skip_check_array=True)
            if len(table) == 0:
                raise ValueError("Found array with 0 sample(s) while a minimum of 1 is required.")
            floats = [c for c in table.columns if pa.types.is_floating(c.type)]
            if any(pc.any(pc.is_inf(column)).as_py() for column in floats):
                raise ValueError("Input X contains infinity.")
        else:
            array = validate_data(self, X, reset=fitting, ensure_all_finite="allow-nan")
            table = pa.table({f"x{i}": array[:, i] for i in range(array.shape[1])})
        if y is None:
            return table, np.empty(0)
        return table, self._checked_outcomes(y, len(table))

    def _checked_outcomes(self, y: npt.ArrayLike, n_rows: int) -> npt.NDArray[Any]:
        outcomes = np.asarray(column_or_1d(y, warn=True))
        if pd.isna(outcomes).any():
            raise ValueError("Input y contains NaN or None: leave rows without an outcome out.")
        check_classification_targets(outcomes)
        if len(outcomes) != n_rows:
            raise ValueError(f"X has {n_rows} samples, but y has {len(outcomes)} samples.")
        _require_two_kinds(outcomes)
        return outcomes


def _require_two_kinds(outcomes: npt.NDArray[Any]) -> None:
    kinds = len(pd.unique(pd.Series(outcomes)))
    if kinds > 2:
        raise ValueError(
            "Only binary classification is supported. The type of the target is "
            f"{type_of_target(outcomes)}."
        )
    if kinds < 2:
        raise ValueError("Classifier can't train when only one class is present.")


def _is_table(X: Any) -> bool:
    """Whether columns have names that mean something: any table that speaks Arrow."""
    lazy = type(X).__name__ == "LazyFrame"  # refused where its cells are read
    return isinstance(X, pd.DataFrame) or hasattr(X, "__arrow_c_stream__") or lazy


def _selectable(table: pa.Table) -> pa.Table:
    """Return a table whose rows Arrow can select: of views of text, as polars has, it cannot."""
    text = {i for i, kind in enumerate(table.schema.types) if kind == pa.string_view()}
    fields = [f.with_type(pa.string()) if i in text else f for i, f in enumerate(table.schema)]
    return table.cast(pa.schema(fields))


def _few_creators(train: pd.DataFrame) -> bool:
    """Return whether creators are too few to be drawn as wholes, into folds of both kinds."""
    outcomes = train.groupby(IDENTIFIER)[LABEL].agg(["max", "min"])
    return min(outcomes["max"].sum(), (outcomes["min"] == 0).sum()) < _FEWEST_CREATORS
