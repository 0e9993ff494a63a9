"""The head of a model card: what registries of models read without reading the words.

YAML between two lines of ``---``, with the keys of the Hugging Face Hub's `model cards
<https://huggingface.co/docs/hub/model-cards>`_; its ``ModelCard`` parses it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["front_matter"]

_TASK = "tabular-classification"


def front_matter(name: str, facts: Mapping[str, Any]) -> str:
    """Return the head of a model's card.

    No licence is stated: that of a model is for its owner to say.

    Parameters
    ----------
    name
        What the model is called.
    facts
        What its manifest says; figures of quality and provenance are taken from it where it has
        them.

    Examples
    --------
    >>> print(front_matter("Logistic", {}))
    ---
    library_name: durhampulse
    pipeline_tag: tabular-classification
    tags:
      - tabular-classification
      - influencer-sponsorship
    ---
    <BLANKLINE>
    """
    return "\n".join(["---", *_lines(name, facts), "---", ""])


def _lines(name: str, facts: Mapping[str, Any]) -> Iterator[str]:
    provenance = facts.get("provenance", {})
    yield "library_name: durhampulse"
    yield f"pipeline_tag: {_TASK}"
    yield "tags:"
    simulated = ["simulated-data"] if provenance.get("simulated") else []
    yield from (f"  - {tag}" for tag in (_TASK, "influencer-sponsorship", *simulated))
    if quality := facts.get("quality"):
        yield "model-index:"
        yield f"  - name: {_quoted(name)}"
        yield "    results:"
        yield f"      - task: {{type: {_TASK}}}"
        source = _quoted(str(provenance.get("source", "")))
        yield f"        dataset: {{type: table, name: {source}, split: test}}"
        yield "        metrics:"
        yield from (
            f"          - {{type: {figure['metric']}, value: {figure['value']:.4f}}}"
            for figure in quality
        )


def _quoted(text: str) -> str:
    """Return text as a double-quoted scalar of YAML, any character allowed."""
    safe = (s if s.isprintable() and s not in '"\\' else f"\\U{ord(s):08x}" for s in text)
    return f'"{"".join(safe)}"'
