"""Report and model card through their templates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markdown_it import MarkdownIt
from markupsafe import Markup

from durhampulse.decision.figures import with_minus
from durhampulse.report import advice, worth
from durhampulse.report.context import Report, report_title
from durhampulse.report.interpretation import outcome_of
from durhampulse.study.results import Study

__all__ = ["render_card", "render_report"]

_MARKDOWN = MarkdownIt("commonmark", {"html": False})


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("durhampulse.report"),
        autoescape=select_autoescape(enabled_extensions=("html.j2",), default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["markdown"] = _sentence
    return environment


def _sentence(text: str) -> Markup:
    return Markup(_MARKDOWN.renderInline(with_minus(text)))  # noqa: S704 - raw HTML is off


def render_report(report: Report) -> str:
    """Return the report as one HTML file that needs no network."""
    return _environment().get_template("report.html.j2").render(report=report)


def render_card(study: Study, facts: Mapping[str, Any]) -> str:
    """Return the model card, Markdown."""
    source = study.a1.creators.source
    return (
        _environment()
        .get_template("card.md.j2")
        .render(
            study=study,
            facts=facts,
            verdict=advice.verdict(study.judged),
            choice=worth.champion_choice(study.e),
            decisions=advice.decision(study.e, study.judged),
            worth=[worth.calibration(study.e), worth.groups(study.e)],
            limits=advice.limits(source.simulated, outcome_of(study.b1.creators)),
            title=report_title(study),
        )
    )
