"""The report as data: sections of words, tables and figures, before any of it is rendered."""

from __future__ import annotations

from dataclasses import dataclass

from durhampulse.creators.schema import IDENTIFIER
from durhampulse.report import (
    advice,
    front,
    lookalikes,
    networks,
    overlooked,
    plots,
    worth,
)
from durhampulse.report import interpretation as words
from durhampulse.report.calculator import Calculator, study_calculator
from durhampulse.report.decisionfigures import DecisionFigures, decision_figures
from durhampulse.report.encoded import before_and_after, encoding_table
from durhampulse.report.figures import Figure, draw_figure, naming_source
from durhampulse.report.interpretation import outcome_of
from durhampulse.report.tables import Table, decision_view, plain_table, score_rows
from durhampulse.study.cleaning import as_found, missing_by_outcome, missing_cells, raw_overview
from durhampulse.study.results import Study

__all__ = ["Heading", "Report", "Section", "build_report", "report_title"]


@dataclass(frozen=True)
class Heading:
    """A heading within a section."""

    text: str


Content = list[str | Heading | Table | Figure]
"""What a section shows, in its order."""


@dataclass(frozen=True, kw_only=True)
class Section:
    """One part of the study: its paragraphs, each beside the table or picture it speaks of."""

    part: str
    title: str
    content: Content
    code: str = ""


@dataclass(frozen=True, kw_only=True)
class Report:
    """Everything the report says."""

    title: str
    source: str
    simulated: bool
    summary: list[str]
    opening: list[Figure]
    facts: list[tuple[str, str]]
    limits: list[str]
    decisions: Table
    sections: list[Section]
    calculator: Calculator | None = None

    @property
    def figures(self) -> list[Figure]:
        """All figures, in order."""
        shown = (item for section in self.sections for item in section.content)
        return [*self.opening, *(item for item in shown if isinstance(item, Figure))]


def build_report(study: Study) -> Report:
    """Return a study's tables, pictures and words as the report's context."""
    plots.use_style()
    source = study.a1.creators.source
    with naming_source(f"Data: {source.name}{', simulated' if source.simulated else ''}"):
        opening = front.opening(study)
        sections = [
            part(study) for part in (_verdict, _a1, _a2, _b1, _b2, _b3, _c, _d1, _d2, _d3, _e)
        ]
    return Report(
        title=report_title(study),
        source=source.name,
        simulated=source.simulated,
        summary=[
            *advice.verdict(study.judged),
            *advice.decision(study.e, study.judged),
        ],
        opening=opening,
        facts=front.facts(study),
        limits=advice.limits(source.simulated, outcome_of(study.b1.creators)),
        decisions=decision_view(study.e.table, study.a1.creators.carried),
        calculator=study_calculator(study),
        sections=sections,
    )


def report_title(study: Study) -> str:
    """Return what the study asks, in the outcome's words."""
    outcome = study.b1.creators.outcome
    return f"Who {outcome.gets}?" if outcome.own else "Who gets the sponsorship deal?"


def _verdict(study: Study) -> Section:
    splits = study.judged.splits
    return Section(
        part="Verdict",
        title="Can these data be judged?",
        content=[
            *advice.verdict(study.judged),
            plain_table("Checks", study.judged.verdict.frame()),
            *([] if splits.empty else [score_rows("Split at random and as asked", splits)]),
        ],
    )


def _a1(study: Study) -> Section:
    part, creators = study.a1, study.judged.creators
    raw_table = as_found(part.creators.source)
    return Section(
        part="A1",
        title="The table, loaded and inspected",
        content=_filled(
            plain_table("The table as its file holds it", raw_overview(raw_table)),
            plain_table("First rows, as found", raw_table.head().astype("str")),
            words.inspection(part),
            words.growth_unit(part),
            words.letters(part.creators),
            plain_table("Irregularities: what was found and what was done", part.irregularities),
            words.nulls(creators),
            plain_table("Missing cells, from the file to the table", missing_cells(creators)),
            plain_table("Missing cells and the outcome", missing_by_outcome(creators)),
            plain_table("Columns once read", part.columns.drop(columns="reason")),
            plain_table("First rows, once read", part.head.astype({IDENTIFIER: "str"}), own=False),
        ),
    )


def _filled(*items: str | Heading | Table | Figure) -> Content:
    """Return what says something: no empty sentence, no table without rows."""
    return [item for item in items if (item.rows if isinstance(item, Table) else item)]


def _a2(study: Study) -> Section:
    part, outcome = study.a2, study.b1.creators.outcome
    content = _filled(
        words.target(part),
        words.meaning(study.a1.creators),
        draw_figure(
            "a2-target", "Creators by outcome", part.target, lambda: plots.target(part.target)
        ),
        words.feature(part),
        draw_figure(
            "a2-associations",
            "Association of each feature with the outcome",
            part.associations,
            lambda: plots.associations(part.associations),
        ),
        draw_figure(
            "a2-groups",
            f"Share of {outcome.deals} by {part.feature}",
            part.by_group,
            lambda: plots.groups(part.by_group, part.feature, outcome=outcome),
        ),
    )
    if not part.histograms.empty:
        content.append(
            draw_figure(
                "a2-distributions",
                "Numeric features by outcome",
                part.histograms.drop(columns="scale"),
                lambda: plots.histograms(part.histograms),
            )
        )
    content.append(
        draw_figure(
            "a2-correlations",
            "Rank correlations between the numbers",
            part.correlations.rename_axis("feature").reset_index(),
            lambda: plots.correlations(part.correlations),
        )
    )
    return Section(part="A2", title="The outcome and what goes with it", content=content)


def _b1(study: Study) -> Section:
    part = study.b1
    return Section(
        part="B1",
        title="Preparation",
        content=[
            words.preparation(part),
            plain_table("The encoder and the scaler", encoding_table(part.encoding)),
            plain_table("Three creators, before and after", before_and_after(part).reset_index()),
        ],
    )


def _b2(study: Study) -> Section:
    part = study.b2
    return Section(
        part="B2",
        title="Three classifiers and a baseline",
        content=[
            words.baseline_choice(part, study.judged),
            score_rows("Cross-validated on the training part", part.cross_validated),
            score_rows("Scored on the test part", part.tested),
            draw_figure(
                "b2-models",
                "Classifiers on the test part, 95% intervals",
                part.tested,
                lambda: plots.models(part.tested),
            ),
            draw_figure(
                "b2-ranking",
                "How the classifiers rank the test part",
                part.curves,
                lambda: plots.ranking(part.curves, part.tested),
            ),
        ],
    )


def _b3(study: Study) -> Section:
    part = study.b3
    figure = draw_figure(
        "b3-confusion",
        f"Confusion matrix of {part.model} on the test part",
        part.table.reset_index(),
        lambda: plots.confusion(part.table),
    )
    return Section(
        part="B3",
        title="The confusion matrix",
        content=[words.confusion(part, study.judged), figure],
    )


def _c(study: Study) -> Section:
    training, part = study.c2, study.c3
    return Section(
        part="C",
        title="A multilayer perceptron",
        content=[
            draw_figure(
                "c2-curves",
                "The network's training and validation curves",
                training.curves,
                lambda: plots.curves(training),
            ),
            networks.deep_learning(part, study.b2, study.judged),
            plain_table("The network (first) against the baseline (second)", part.difference),
            score_rows("The network and the baseline on the same test rows", part.tested),
            draw_figure(
                "c3-comparison",
                "The network against the baseline on the test part",
                part.tested,
                lambda: plots.models(part.tested, ("accuracy", "f1", "log_loss")),
            ),
            draw_figure(
                "c3-ranking",
                "How the network and the classifiers rank the test part",
                part.curves,
                lambda: plots.ranking(part.curves, part.scores),
            ),
        ],
    )


def _d1(study: Study) -> Section:
    training = study.d1
    figure = draw_figure(
        "d1-curves",
        "Curves of the network with dropout and L2",
        training.curves,
        lambda: plots.curves(study.c2, training),
    )
    return Section(part="D1", title="Dropout and L2", content=[figure])


def _d2(study: Study) -> Section:
    part = study.d2
    figure = draw_figure(
        "d2-gap",
        "Training and validation loss over five seeds",
        part.curves,
        lambda: plots.gaps(part.curves),
    )
    return Section(
        part="D2",
        title="What regularisation did",
        content=[
            networks.regularisation(part, study.judged),
            figure,
            plain_table("Each run", part.runs),
            plain_table("The new network (first) against the old (second)", part.difference),
        ],
    )


def _d3(_: Study) -> Section:
    import inspect

    from durhampulse.models import cnn

    return Section(
        part="D3",
        title="A network that looks at pictures",
        content=[networks.cnn_images(), networks.cnn_filters()],
        code=inspect.getsource(cnn.build_cnn),
    )


def _e(study: Study) -> Section:
    figures = decision_figures(study)
    return Section(
        part="E",
        title="What the decisions are worth",
        content=_filled(*_worth(study, figures), *_reasons(study, figures), *_assumed(study)),
    )


def _worth(study: Study, figures: DecisionFigures) -> Content:
    part = study.e
    return [
        Heading("The model that decides"),
        worth.champion_choice(part),
        score_rows(f"{part.champion.name} on the test part", part.tested),
        Heading("What each band holds"),
        figures.bands,
        plain_table("Hit rates on the test part", part.hit_rates),
        plain_table("Hit rates on the training part, out of fold", part.pooled_hit_rates),
        worth.lower_threshold(part),
        plain_table("Other thresholds, on the test part", part.sweep),
        Heading("Whether the probabilities hold"),
        worth.calibration(part),
        figures.reliability,
        worth.calibrations(part, study.b2),
        figures.calibrations,
        plain_table("How far off probabilities are on average", part.calibration_errors),
        worth.groups(part),
        *figures.groups,
        Heading("What inviting the first finds"),
        figures.gain,
        plain_table("Invitations by probability and at random", part.invitations),
        worth.more_rows(part, study.judged),
        plain_table("Learned from more and more creators", part.learning),
    ]


def _reasons(study: Study, figures: DecisionFigures) -> Content:
    part = study.e
    return [
        Heading("What the model goes by"),
        worth.explanation(part, study.judged),
        worth.alone_and_together(study.a2, part),
        figures.importance,
        worth.interaction(part, study.b1.test),
        figures.dependence,
        Heading("What became of past creators like a few of these"),
        lookalikes.sentence(part),
        figures.lookalikes,
        plain_table("The past creators most like each of them", lookalikes.nearest(part)),
    ]


def _assumed(study: Study) -> Content:
    sentences = overlooked.sentences(study.e, study.judged)
    if not sentences:
        return []
    tables = overlooked.tables(study.e, study.judged).items()
    return [
        Heading("Who may never have been looked at"),
        *sentences,
        *(plain_table(*pair) for pair in tables),
    ]
