"""DurhamPulse: of the thousands of creators who apply, who gets the sponsorship deal?

>>> import durhampulse as dp
>>> market = dp.simulate_market(100, seed=1)
>>> market.table.shape
(100, 8)
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from durhampulse.creators.reading import read_creators as read_creators
    from durhampulse.creators.table import Creators as Creators
    from durhampulse.decision.bands import Thresholds as Thresholds
    from durhampulse.evaluation.verdict import Verdict as Verdict
    from durhampulse.exceptions import CannotJudgeError as CannotJudgeError
    from durhampulse.exceptions import DurhamPulseError as DurhamPulseError
    from durhampulse.exceptions import InputError as InputError
    from durhampulse.exceptions import ModelError as ModelError
    from durhampulse.exceptions import OutputError as OutputError
    from durhampulse.market.sampling import Market as Market
    from durhampulse.market.sampling import simulate_market as simulate_market
    from durhampulse.market.sampling import write_market as write_market
    from durhampulse.models.estimator import SponsorshipClassifier as SponsorshipClassifier
    from durhampulse.report.notebook import run_study as run_study
    from durhampulse.scoring.estimators import save_model as save_model
    from durhampulse.scoring.scorer import Scorer as Scorer
    from durhampulse.scoring.scorer import load_model as load_model
    from durhampulse.study.request import Request as Request
    from durhampulse.study.verdicts import judge as judge

_HOMES = {
    "CannotJudgeError": "exceptions",
    "Creators": "creators.table",
    "DurhamPulseError": "exceptions",
    "InputError": "exceptions",
    "Market": "market.sampling",
    "ModelError": "exceptions",
    "OutputError": "exceptions",
    "Request": "study.request",
    "Scorer": "scoring.scorer",
    "SponsorshipClassifier": "models.estimator",
    "Thresholds": "decision.bands",
    "Verdict": "evaluation.verdict",
    "judge": "study.verdicts",
    "load_model": "scoring.scorer",
    "read_creators": "creators.reading",
    "run_study": "report.notebook",
    "save_model": "scoring.estimators",
    "simulate_market": "market.sampling",
    "write_market": "market.sampling",
}
_OF_THE_STUDY = ("SponsorshipClassifier", "judge", "run_study", "save_model")
"""Names that need the extra `study`."""


def _import(name: str) -> Any:
    """Return a public name; imported when first used, so that `import durhampulse` stays light."""
    extras = importlib.import_module("durhampulse.extras")
    if name == "__all__":  # a star import takes what is installed
        without = _OF_THE_STUDY if extras.missing_module("study") else ()
        return sorted(_HOMES.keys() - without)
    if name not in _HOMES:
        raise AttributeError(f"module 'durhampulse' has no attribute '{name}'")
    if name in _OF_THE_STUDY:
        extras.require_modules(f"durhampulse.{name}", *extras.EXTRAS["study"])
    return getattr(importlib.import_module(f"durhampulse.{_HOMES[name]}"), name)


if not TYPE_CHECKING:  # else every misspelt name would pass for one of Any type
    __getattr__ = _import


def __dir__() -> list[str]:
    return sorted(_HOMES)
