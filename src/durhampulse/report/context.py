"""The report as data: sections of words, tables and figures, before any of it is rendered."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from durhampulse.creators.outcome import OutcomeWords
from durhampulse.creators.schema import IDENTIFIER
from durhampulse.decision.bands import BANDS
from durhampulse.report import advice, overlooked, plots
from durhampulse.report import interpretation as words
from durhampulse.report.interpretation import outcome_of
from durhampulse.report.tables import Table, decision_view, plain_table, score_rows
from durhampulse.study.results import Study

__all__ = ["Figure", "Report", "Section", "build_report", "report_title"]


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A picture with its words and numbers.

    Attributes
    ----------
    name
        File name without ending.
    svg
        The picture, its ink and grid in the page's own colours.
    png
        The same for slides.
    """

    name: str
    title: str
    alt: str
    table: Table
    svg: str
    png: bytes


@dataclass(frozen=True, kw_only=True)
class Section:
    """One part of the study."""

    part: str
    title: str
    paragraphs: list[str] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)
    code: str = ""


@dataclass(frozen=True, kw_only=True)
class Report:
    """Everything the report says."""

    title: str
    source: str
    simulated: bool
    summary: list[str]
    facts: list[tuple[str, str]]
    limits: list[str]
    decisions: Table
    sections: list[Section]

    @property
    def figures(self) -> list[Figure]:
        """All figures, in order."""
        return [figure for section in self.sections for figure in section.figures]


def build_report(study: Study) -> Report:
    """Put a study's tables, pictures and words together."""
    plots.use_style()
    source = study.a1.creators.source
    counts = study.e.table["Sponsorship Recommendation"].value_counts()
    facts: list[tuple[str, str]] = [("Verdict", study.judged.verdict.word)]
    facts += [(band, f"{int(counts.get(band, 0)):,}") for band in BANDS]
    auc = study.e.tested.set_index("metric").loc["roc_auc"]
    facts += [
        ("Base rate", f"{study.a2.target['share'].iloc[1]:.1%}"),
        (f"ROC AUC, tested ({auc['low']:.3f} to {auc['high']:.3f})", f"{auc['value']:.3f}"),
    ]
    return Report(
        title=report_title(study),
        source=source.name,
        simulated=source.simulated,
        summary=[
            *advice.verdict(study.judged),
            *advice.decision(study.e, study.judged),
            advice.champion_choice(study.e),
        ],
        facts=facts,
        limits=advice.limits(source.simulated, outcome_of(study.b1.creators)),
        decisions=decision_view(study.e.table, study.a1.creators.carried),
        sections=[
            part(study) for part in (_verdict, _a1, _a2, _b1, _b2, _b3, _c, _d1, _d2, _d3, _e)
        ],
    )


def report_title(study: Study) -> str:
    """Return what the study asks, in the outcome's words."""
    outcome = study.b1.creators.outcome
    return f"Who {outcome.gets}?" if outcome.own else "Who gets the sponsorship deal?"


def _verdict(study: Study) -> Section:
    tables = [plain_table("Checks", study.judged.verdict.frame())]
    if not study.judged.splits.empty:
        tables.append(score_rows("Split at random and as asked", study.judged.splits))
    return Section(
        part="Verdict",
        title="Can these data be judged?",
        paragraphs=advice.verdict(study.judged),
        tables=tables,
    )


def _a1(study: Study) -> Section:
    part = study.a1
    columns = part.columns.drop(columns="reason")
    ledger = part.irregularities
    return Section(
        part="A1",
        title="The table, loaded and inspected",
        paragraphs=_paragraphs(
            words.inspection(part), words.growth_unit(part), words.letters(part.creators)
        ),
        tables=[
            plain_table("Columns", columns),
            plain_table("First rows", part.head.astype({IDENTIFIER: "str"})),
            plain_table("Irregularities: what was found and what was done", ledger),
        ],
    )


def _paragraphs(*sentences: str) -> list[str]:
    return [sentence for sentence in sentences if sentence]


def _a2(study: Study) -> Section:
    part, outcome = study.a2, study.b1.creators.outcome
    figures = [
        _figure("a2-target", "Creators by outcome", part.target, lambda: plots.target(part.target)),
        _figure(
            "a2-associations",
            "Association of each feature with the outcome",
            part.associations,
            lambda: plots.associations(part.associations),
        ),
        _figure(
            "a2-groups",
            f"Share of {outcome.deals} by {part.feature}",
            part.by_group,
            lambda: plots.groups(part.by_group, part.feature, outcome=outcome),
        ),
    ]
    if not part.histograms.empty:
        figures.append(
            _figure(
                "a2-distributions",
                "Numeric features by outcome",
                part.histograms.drop(columns="scale"),
                lambda: plots.histograms(part.histograms),
            )
        )
    figures.append(
        _figure(
            "a2-correlations",
            "Rank correlations between the numbers",
            part.correlations.rename_axis("feature").reset_index(),
            lambda: plots.correlations(part.correlations),
        )
    )
    text = _paragraphs(words.target(part), words.meaning(study.a1.creators), words.feature(part))
    return Section(
        part="A2",
        title="The outcome and what goes with it",
        paragraphs=text,
        tables=[],
        figures=figures,
    )


def _b1(study: Study) -> Section:
    return Section(part="B1", title="Preparation", paragraphs=[words.preparation(study.b1)])


def _b2(study: Study) -> Section:
    part = study.b2
    return Section(
        part="B2",
        title="Three classifiers and a baseline",
        paragraphs=[words.baseline_choice(part, study.judged)],
        tables=[
            score_rows("Cross-validated on the training part", part.cross_validated),
            score_rows("Scored once on the test part", part.tested),
        ],
        figures=[
            _figure(
                "b2-models",
                "Classifiers on the test part, 95% intervals",
                part.tested,
                lambda: plots.models(part.tested),
            )
        ],
    )


def _b3(study: Study) -> Section:
    part = study.b3
    figure = _figure(
        "b3-confusion",
        f"Confusion matrix of {part.model} on the test part",
        part.table.reset_index(),
        lambda: plots.confusion(part.table),
    )
    return Section(
        part="B3",
        title="The confusion matrix",
        paragraphs=[words.confusion(part, study.judged)],
        tables=[],
        figures=[figure],
    )


def _c(study: Study) -> Section:
    training, part = study.c2, study.c3
    return Section(
        part="C",
        title="A multilayer perceptron",
        paragraphs=[words.deep_learning(part, study.b2, study.judged)],
        tables=[score_rows("The network and the baseline on the same test rows", part.tested)],
        figures=[
            _figure(
                "c2-curves",
                "The network's training and validation curves",
                training.curves,
                lambda: plots.curves(training.curves, "MLP"),
            ),
            _figure(
                "c3-comparison",
                "The network against the baseline on the test part",
                part.tested,
                lambda: plots.models(part.tested, ("accuracy", "f1", "log_loss")),
            ),
        ],
    )


def _d1(study: Study) -> Section:
    training = study.d1
    figure = _figure(
        "d1-curves",
        "Curves of the network with dropout and L2",
        training.curves,
        lambda: plots.curves(training.curves, "dropout + L2"),
    )
    return Section(part="D1", title="Dropout and L2", paragraphs=[], tables=[], figures=[figure])


def _d2(study: Study) -> Section:
    part = study.d2
    figure = _figure(
        "d2-gap",
        "Training and validation loss over three seeds",
        part.curves,
        lambda: plots.gaps(part.curves),
    )
    text = [words.regularisation(part, study.judged)]
    return Section(
        part="D2",
        title="What regularisation did",
        paragraphs=text,
        tables=[plain_table("Each run", part.runs)],
        figures=[figure],
    )


def _d3(_: Study) -> Section:
    import inspect

    from durhampulse.models import cnn

    return Section(
        part="D3",
        title="A network that looks at pictures",
        paragraphs=[words.cnn_images(), words.cnn_filters()],
        code=inspect.getsource(cnn.build_cnn),
    )


def _e(study: Study) -> Section:
    part, outcome = study.e, study.b1.creators.outcome
    importance = part.explanation.importance()
    dependence = part.explanation.dependence(study.b1.test)
    return Section(
        part="E",
        title="What the decisions are worth",
        paragraphs=[advice.calibration(part), advice.explanation(part), advice.groups(part),
                    *overlooked.sentences(part, study.judged)],
        tables=[
            plain_table("Hit rates on the test part", part.hit_rates),
            plain_table("Hit rates on the training part, out of fold", part.pooled_hit_rates),
            plain_table("Invitations by probability and at random", part.invitations),
            *(plain_table(*pair) for pair in overlooked.tables(part, study.judged).items()),
            score_rows(f"{part.champion.name} on the test part", part.tested),
        ],
        figures=[
            _figure("e-bands", "Hit rate of each band", part.hit_rates,
                    lambda: plots.bands(part.hit_rates, outcome=outcome)),
            _figure("e-reliability", f"Predicted and measured shares of {outcome.deals}",
                    part.reliability,
                    lambda: plots.reliability(part.reliability, outcome=outcome)),
            _figure("e-gain", "What inviting the best first finds", part.invitations,
                    lambda: plots.gain(part.gain, outcome=outcome)),
            _figure("e-importance", "What the model goes by", importance,
                    lambda: plots.importance(importance)),
            _figure("e-dependence", "Effect of each column over its values", dependence,
                    lambda: plots.dependence(dependence)),
            *_group_figures(part.groups, outcome),
        ],
    )  # fmt: skip


_SECTIONS: tuple[Callable[[Study], Section], ...] = (
    _verdict,
    _a1,
    _a2,
    _b1,
    _b2,
    _b3,
    _c,
    _d1,
    _d2,
    _d3,
    _e,
)


def _group_figures(groups: pd.DataFrame, outcome: OutcomeWords) -> list[Figure]:
    if groups.empty:
        return []
    title = f"Predicted and measured shares of {outcome.deals} by niche and tier"

    def draw() -> Any:
        return plots.group_calibration(groups, outcome=outcome)

    return [_figure("e-groups", title, groups, draw)]


def _figure(name: str, title: str, table: pd.DataFrame, draw: Callable[[], Any]) -> Figure:
    axes = draw()
    figure = np.ravel(axes)[0].figure
    svg, png = io.StringIO(), io.BytesIO()
    figure.savefig(svg, format="svg", transparent=True, metadata={"Date": None})
    figure.savefig(png, format="png", dpi=160, facecolor="white")
    plt.close(figure)
    numbers = plain_table(f"Numbers of: {title}", table)
    return Figure(
        name=name,
        title=title,
        alt=_alt(title, table),
        table=numbers,
        svg=_themed(svg.getvalue()),
        png=png.getvalue(),
    )


def _alt(title: str, table: pd.DataFrame) -> str:
    return f"{title}. The {len(table)} rows of numbers behind the picture follow as a table."


def _themed(svg: str) -> str:
    """Let a picture take ink and grid from the page, so that it fits light and dark."""
    svg = svg[svg.index("<svg") :]
    for color, name in ((plots.INK, "ink"), (plots.QUIET, "quiet"), (plots.GRID, "grid")):
        svg = svg.replace(color, f"var(--{name})")
    svg = re.sub(r'<g id="[^"]*"', "<g", svg)
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    # As wide as it was drawn, so that letters are of one size in all pictures, or as the page.
    svg = re.sub(r'(<svg [^>]*?)height="[^"]*"', r"\1", svg, count=1)
    return re.sub(
        r'<svg ([^>]*?)width="([\d.]+)pt"',
        r'<svg aria-hidden="true" style="max-width: \2pt" \1',
        svg,
        count=1,
    )
