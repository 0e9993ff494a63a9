"""What a study is asked for, as an object and as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields

from durhampulse.creators.options import ReadOptions
from durhampulse.decision.bands import Thresholds
from durhampulse.decision.promise import require_share
from durhampulse.exceptions import InputError

__all__ = ["JudgeOptions", "Request"]


@dataclass(frozen=True, kw_only=True)
class JudgeOptions:
    """How a table is to be judged.

    Attributes
    ----------
    drop_leaks
        Leave out columns that leak the answer, or are suspected to.
    time, group
        Column of a time or a group: a second split by it is compared with the random one. A time
        is not learned from; a group is, where it is a feature.
    """

    drop_leaks: bool = False
    time: str | None = None
    group: str | None = None


@dataclass(frozen=True, kw_only=True)
class Request(ReadOptions, JudgeOptions):
    """What to study: where the table is, how to read and judge it, and how to decide.

    How to read it are the fields of :class:`.ReadOptions`, how to judge it those of
    :class:`JudgeOptions`.

    Attributes
    ----------
    source
        Path or database address; None for the built-in simulated market.
    thresholds
        Where the bands begin.
    promise
        The share of those marked *Yes* that shall get a deal; it sets where *Yes* begins.
    keep_identifiers
        Whether the model folder names past creators where others are compared with them.
    seed
        Of split, models and the simulated market.
    """

    source: str | None = None
    thresholds: Thresholds = field(default_factory=Thresholds)
    promise: float | None = None
    keep_identifiers: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        if self.promise is not None:
            require_share(self.promise)

    def to_json(self) -> str:
        """Return the request as JSON, an option a line."""
        options = {"source": self.source, **asdict(self)}
        return json.dumps(options, ensure_ascii=False, indent=2)

    @classmethod
    def from_json(cls, text: str) -> Request:
        """Return the request that a JSON text holds; an option not named has its default.

        Raises
        ------
        InputError
            If the text is not JSON, or names an option that does not exist.

        Examples
        --------
        >>> Request.from_json('{"seed": 7, "thresholds": {"yes_at": 0.9}}').thresholds
        Thresholds(yes_at=0.9, review_at=0.6)
        """
        try:
            options = json.loads(text)
        except ValueError as error:
            raise InputError(f"The request is not JSON: {error}.", "Correct that line.") from error
        known = [option.name for option in fields(cls)]
        if unknown := [name for name in options if name not in known]:
            raise InputError(
                f"The request has no option '{unknown[0]}'.", f"Options are {', '.join(known)}."
            )
        thresholds = Thresholds(**options.pop("thresholds", {}))
        lists = {name: tuple(value) for name, value in options.items() if isinstance(value, list)}
        return cls(**{**options, **lists}, thresholds=thresholds)
