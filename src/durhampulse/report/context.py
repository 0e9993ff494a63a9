"""The report as data: sections of words, tables and figures, before any of it is rendered."""

from __future__ import annotations

from dataclasses import dataclass, field

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
from durhampulse.report.decisionfigures import decision_figures
from durhampulse.report.encoded import before_and_after, encoding_table
from durhampulse.report.figures import Figure, draw_figure, naming_source
from durhampulse.report.interpretation import outcome_of
from durhampulse.report.tables import Table, decision_view, plain_table, score_rows
from durhampulse.study.cleaning import as_found, missing_by_outcome, missing_cells, raw_overview
from durhampulse.study.results import Study

__all__ = ["Report", "Section", "build_report", "report_title"]


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
    opening: Figure | None
    facts: list[tuple[str, str]]
    limits: list[str]
    decisions: Table
    sections: list[Section]
    calculator: Calculator | None = None

    @property
    def figures(self) -> list[Figure]:
        """All figures, in order."""
        first = [] if self.opening is None else [self.opening]
        return [*first, *(figure for section in self.sections for figure in section.figures)]


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
    part, creators = study.a1, study.judged.creators
    raw_table = as_found(part.creators.source)
    tables = {
        "The table as its file holds it": raw_overview(raw_table),
        "First rows, as found": raw_table.head().astype("str"),
        "Irregularities: what was found and what was done": part.irregularities,
        "Missing cells, from the file to the table": missing_cells(creators),
        "Missing cells and the outcome": missing_by_outcome(creators),
        "Columns once read": part.columns.drop(columns="reason"),
        "First rows, once read": part.head.astype({IDENTIFIER: "str"}),
    }
    return Section(
        part="A1",
        title="The table, loaded and inspected",
        paragraphs=_paragraphs(
            words.inspection(part),
            words.nulls(creators),
            words.growth_unit(part),
            words.letters(part.creators),
        ),
        tables=[plain_table(title, table) for title, table in tables.items() if len(table)],
    )


def _paragraphs(*sentences: str) -> list[str]:
    return [sentence for sentence in sentences if sentence]


def _a2(study: Study) -> Section:
    part, outcome = study.a2, study.b1.creators.outcome
    figures = [
        draw_figure(
            "a2-target", "Creators by outcome", part.target, lambda: plots.target(part.target)
        ),
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
    ]
    if not part.histograms.empty:
        figures.append(
            draw_figure(
                "a2-distributions",
                "Numeric features by outcome",
                part.histograms.drop(columns="scale"),
                lambda: plots.histograms(part.histograms),
            )
        )
    figures.append(
        draw_figure(
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
        figures=figures,
    )


def _b1(study: Study) -> Section:
    part = study.b1
    return Section(
        part="B1",
        title="Preparation",
        paragraphs=[words.preparation(part)],
        tables=[
            plain_table("The encoder and the scaler", encoding_table(part.encoding)),
            plain_table("Three creators, before and after", before_and_after(part).reset_index()),
        ],
    )


def _b2(study: Study) -> Section:
    part = study.b2
    return Section(
        part="B2",
        title="Three classifiers and a baseline",
        paragraphs=[words.baseline_choice(part, study.judged)],
        tables=[
            score_rows("Cross-validated on the training part", part.cross_validated),
            score_rows("Scored on the test part", part.tested),
        ],
        figures=[
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
        paragraphs=[words.confusion(part, study.judged)],
        figures=[figure],
    )


def _c(study: Study) -> Section:
    training, part = study.c2, study.c3
    return Section(
        part="C",
        title="A multilayer perceptron",
        paragraphs=[networks.deep_learning(part, study.b2, study.judged)],
        tables=[
            plain_table("The network (first) against the baseline (second)", part.difference),
            score_rows("The network and the baseline on the same test rows", part.tested),
        ],
        figures=[
            draw_figure(
                "c2-curves",
                "The network's training and validation curves",
                training.curves,
                lambda: plots.curves(training),
            ),
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
    return Section(part="D1", title="Dropout and L2", figures=[figure])


def _d2(study: Study) -> Section:
    part = study.d2
    figure = draw_figure(
        "d2-gap",
        "Training and validation loss over five seeds",
        part.curves,
        lambda: plots.gaps(part.curves),
    )
    text = [networks.regularisation(part, study.judged)]
    return Section(
        part="D2",
        title="What regularisation did",
        paragraphs=text,
        tables=[
            plain_table("Each run", part.runs),
            plain_table("The new network (first) against the old (second)", part.difference),
        ],
        figures=[figure],
    )


def _d3(_: Study) -> Section:
    import inspect

    from durhampulse.models import cnn

    return Section(
        part="D3",
        title="A network that looks at pictures",
        paragraphs=[networks.cnn_images(), networks.cnn_filters()],
        code=inspect.getsource(cnn.build_cnn),
    )


def _e(study: Study) -> Section:
    part = study.e
    return Section(
        part="E",
        title="What the decisions are worth",
        paragraphs=_paragraphs(
            worth.champion_choice(part),
            worth.calibration(part),
            worth.calibrations(part, study.b2),
            worth.lower_threshold(part),
            worth.more_rows(part),
            worth.explanation(part),
            worth.alone_and_together(study.a2, part),
            worth.interaction(part, study.b1.test),
            worth.groups(part),
            lookalikes.sentence(part),
            *overlooked.sentences(part, study.judged),
        ),
        tables=[
            plain_table("Hit rates on the test part", part.hit_rates),
            plain_table("Hit rates on the training part, out of fold", part.pooled_hit_rates),
            plain_table("Other thresholds, on the test part", part.sweep),
            plain_table("How far off probabilities are on average", part.calibration_errors),
            plain_table("Learned from more and more creators", part.learning),
            plain_table("The past creators most like one of each answer", lookalikes.nearest(part)),
            plain_table("Invitations by probability and at random", part.invitations),
            *(plain_table(*pair) for pair in overlooked.tables(part, study.judged).items()),
            score_rows(f"{part.champion.name} on the test part", part.tested),
        ],
        figures=decision_figures(study),
    )
