"""A model as one JavaScript file without dependencies, for browsers and Node."""

from __future__ import annotations

import base64
import json
import math
import re
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from durhampulse.creators.cldr import currencies, sizes
from durhampulse.creators.counted import COUNTED, RATE_WORDS, counted_words
from durhampulse.creators.numbers import THREE_DECIMALS
from durhampulse.creators.qualifiers import qualifiers
from durhampulse.creators.schema import COLUMNS
from durhampulse.creators.words import NULL_WORDS
from durhampulse.decision.bands import ANSWERS
from durhampulse.export.program import Curves, Input, Part, Program, Sum, Trees
from durhampulse.export.spellings import SHORT
from durhampulse.features.codes import FARTHEST
from durhampulse.features.precedent import REACH
from durhampulse.models.exact import ExactLayers
from durhampulse.models.interval import AT_MOST, FAR_DOWN, HIGH, Interval

__all__ = ["explaining_script", "javascript_of", "plain_program", "script_text"]

_RUNTIME = Path(__file__).with_name("scorer.js")
_LAYOUT = re.compile(r"^ */\*\*.*?\*/\n|^ +", re.MULTILINE | re.DOTALL)
"""Comments and indents, a quarter of the runtime."""
_EXPLANATION = Path(__file__).with_name("shapley.js")
_END = """
(function () {
  const model = prepare(MODEL);
  const durhampulse = {
    name: model.name,
    columns: model.inputs.map((input) => input.column),
    score: (record) => scoreRecord(model, record),
  };
  if (typeof module === "object" && module.exports) module.exports = durhampulse;
  else globalThis.durhampulse = durhampulse;
})();
"""


def javascript_of(program: Program, version: str) -> str:
    """Return a script that scores creators: ``durhampulse.score({Followers: "145,000", ...})``.

    In Node it is what ``require`` gives, in a browser a global name.

    Parameters
    ----------
    program
        The model.
    version
        Of this package, for the first line.

    Raises
    ------
    InputError
        If a column has a name that no plain object of JavaScript can have.
    """
    program.require_free({"__proto__"}, "JavaScript")
    first = json.dumps(f"{program.name}, written by DurhamPulse {version}", ensure_ascii=True)
    data = script_text(plain_program(program))
    runtime = _LAYOUT.sub("", _RUNTIME.read_text("utf-8"))
    return f'"use strict";\n// {first}\n{runtime}\nconst MODEL = {data};\n{_END}'


def explaining_script(program: Program, background: pd.DataFrame) -> str:
    """Return a script that can score and explain, ready for what calls it.

    Parameters
    ----------
    program
        The model.
    background
        The rows that stand for unknown columns, shape (n_rows, any).
    """
    columns = [each.column for each in program.inputs]
    rows = background.reindex(columns=columns).astype(object)
    plain = rows.where(rows.notna(), None).to_numpy().tolist()
    return (
        f'"use strict";\n{_RUNTIME.read_text("utf-8")}\n{_EXPLANATION.read_text("utf-8")}\n'
        f"const MODEL = {script_text(plain_program(program))};\n"
        f"const BACKGROUND = {script_text(plain)};\n"
    )


def script_text(plain: Any) -> str:
    """Return plain data as JSON that is a JavaScript expression, inside a page too."""
    text = json.dumps(plain, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    for letter in "<\u2028\u2029":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return text


def plain_program(program: Program) -> dict[str, Any]:
    """Return a program as the runtime takes it, plain data."""
    precedent = program.precedent
    amounts = any(each.rule.kind == "any" for each in program.inputs)
    return {
        "name": program.name,
        "inputs": [_input(each) for each in program.inputs],
        "nothing": sorted(NULL_WORDS),
        "words": {
            "sizes": _sizes(),
            "counted": dict(counted_words()),
            "rates": {word: unit.adjusted() for word, unit in RATE_WORDS.items()},
            "qualifiers": qualifiers(),
            "powers": SHORT,
            "currencies": {k: sorted(v) for k, v in currencies().items()} if amounts else {},
            "threeDecimals": sorted(THREE_DECIMALS),
        },
        "codes": [{"code": type(code).__name__, **asdict(code)} for code in program.codes],
        "limit": FARTHEST,
        "reach": REACH,
        "model": _part(program.part),
        "interval": _interval(program.interval),
        "precedent": None if precedent is None else _finite(precedent.to_dict()),
        "kinds": program.kinds,
        "thresholds": asdict(program.thresholds),
        "answers": ANSWERS,
        "refusal": program.refusal,
    }


def _interval(interval: Interval) -> dict[str, Any]:
    ends = {"farDown": FAR_DOWN, "high": HIGH, "atMost": AT_MOST}
    return {**interval.to_dict(), "empties": interval.empties or {}, **ends}


def _sizes() -> dict[str, int]:
    """Return words for sizes without those that only lack a point behind."""
    words = sizes()
    return {word: size for word, size in words.items() if words.get(f"{word}.") != size}


def _input(source: Input) -> dict[str, Any]:
    rule = source.rule
    plain: dict[str, Any] = {"column": source.column, "header": source.header}
    if not rule.numeric:
        return {**plain, "spelling": [*rule.spelling.items()]}
    plain |= {"kind": rule.number_kind, "currency": rule.currency, "units": [*rule.words]}
    plain["unit"] = rule.unit if rule.kind == "rate" else "fraction"
    plain["counts"] = COUNTED.get(source.column, "")
    plain["missing"] = [*rule.missing_codes()]
    plain["decimal"] = rule.decimal or ("." if rule.kind == "any" else None)
    if source.column in COLUMNS:
        ends = {"low": source.low, "high": source.high}
        plain |= {name: end for name, end in ends.items() if math.isfinite(end)}
    return plain


def _finite(plain: Mapping[str, Any]) -> dict[str, Any]:
    """Return a precedent without ranges of columns that held no figure."""
    spans = {name: ends for name, ends in plain["spans"].items() if all(map(math.isfinite, ends))}
    return {**plain, "spans": spans}


def _part(part: Part) -> dict[str, Any]:
    match part:
        case ExactLayers():
            return _layers(part)
        case Curves(linear, splines):
            curves = {name: getattr(splines, name) for name in ("columns", "breaks", "pieces")}
            plain = {name: array.tolist() for name, array in curves.items()}
            return {"kind": "curves", "linear": _layers(linear), **plain}
        case Trees(trees, leaves, digits):
            return {
                "kind": "trees",
                "columns": trees.columns.tolist(),
                "borders": _base64(trees.borders.astype("<f4")),
                "questions": trees.questions.ravel().tolist(),
                "depth": trees.questions.shape[1],
                "leaves": _base64(leaves.astype("<i4")),
                "step": 2.0**-digits,
                "intercept": float(trees.intercept[0]),
            }
        case Sum(members, coef, intercept):
            plain = {"coef": coef, "intercept": intercept}
            return {"kind": "sum", "members": [_part(member) for member in members], **plain}


def _base64(array: npt.NDArray[np.generic]) -> str:
    return base64.b64encode(array.tobytes()).decode()


def _layers(layers: ExactLayers) -> dict[str, Any]:
    return {
        "kind": "layers",
        "kernels": [_kernel(kernel) for kernel in layers.kernels],
        "biases": [[_short(bias) for bias in biases] for biases in layers.biases],
        "shifts": layers.shifts,
        "single": [kernel.dtype == np.float32 for kernel in layers.kernels],
        "activation": layers.activation,
    }


def _kernel(kernel: npt.NDArray[np.floating]) -> dict[str, Any]:
    """Return a kernel as whole numbers and the power of two that they are multiples of."""
    exact = kernel.astype(np.float64)
    digits = 0
    while (exact * 2.0**digits % 1).any():
        digits += 1
    rows = (exact * 2.0**digits).astype(np.int64)
    return {"step": 2.0**-digits, "rows": rows.tolist()}


def _short(number: np.floating) -> float:
    """Return a number of the fewest digits that rounds to this one in its own precision."""
    return float(str(number))
