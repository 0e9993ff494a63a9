"""The study folder: everything a study gives, as files."""

from __future__ import annotations

import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from durhampulse.decision.bands import BANDS
from durhampulse.decision.reasons import REASONS_NOTE
from durhampulse.decision.table import carried_names
from durhampulse.features.profile import learn_profile
from durhampulse.files.export import write_csv, write_provenance, write_xlsx
from durhampulse.report.context import build_report
from durhampulse.report.fonts import letters_without_font
from durhampulse.report.rendering import render_card, render_report
from durhampulse.scoring.artifact import write_model
from durhampulse.scoring.model import StoredModel
from durhampulse.scoring.provenance import made_with, stamped
from durhampulse.study.results import Study

__all__ = ["write_study"]


def write_study(study: Study, folder: str | Path) -> list[str]:
    """Write report, decisions, ledger, figures and model into a folder.

    Returns
    -------
    list of str
        The names written, relative to the folder.
    """
    folder = Path(folder)
    report = build_report(study)
    provenance = _provenance(study)
    (folder / "report.html").write_text(render_report(report), encoding="utf-8")
    decisions = study.e.table
    write_csv(decisions, folder / "decisions.csv")
    write_provenance(folder / "decisions.csv", provenance)
    linked = carried_names(study.a1.creators.carried).values()
    write_xlsx(decisions, folder / "decisions.xlsx", provenance, linked=[*linked])
    write_csv(study.e.not_scored, folder / "not-scored.csv")
    write_csv(study.judged.creators.irregularities, folder / "irregularities.csv")
    (folder / "figures").mkdir(exist_ok=True)
    for figure in report.figures:
        (folder / "figures" / f"{figure.name}.png").write_bytes(figure.png)
    shutil.rmtree(folder / "model", ignore_errors=True)
    facts = _model_facts(study)
    write_model(
        folder / "model",
        _model(study),
        facts=facts,
        card=render_card(study, facts),
        train=study.b1.train,
        source=study.b1.creators.source,
    )
    figures = sorted(f"figures/{figure.name}.png" for figure in report.figures)
    return [
        "report.html", "decisions.csv", "decisions.xlsx", "not-scored.csv", "irregularities.csv",
        *figures, "model/manifest.json",
    ]  # fmt: skip


def _model(study: Study) -> StoredModel:
    """Return the model that decides, with what its folder holds beside it."""
    champion = study.e.champion
    return StoredModel(
        model=champion,
        peers=study.e.peers,
        thresholds=study.e.thresholds,
        profile=learn_profile(study.b1.train[champion.encoding.columns]),
        rules=study.b1.creators.rules,
        background_rows=study.e.background,
        neighbours=study.e.neighbours,
    )


def _provenance(study: Study) -> dict[str, Any]:
    source = study.a1.creators.source
    letters = letters_without_font(study.a1.creators)
    facts = {
        "source": source.name,
        "source_sha256": source.sha256,
        **_second_file(source.outcomes),
        "simulated": source.simulated,
        "model": study.e.champion.name,
        "verdict": study.judged.verdict.word,
        "reasons": REASONS_NOTE,
        **({"letters_without_font": letters} if letters else {}),
    }
    return stamped(facts, study.e.thresholds)


def _second_file(outcomes: tuple[str, str] | None) -> dict[str, str]:
    if outcomes is None:
        return {}
    return {"outcomes": outcomes[0], "outcomes_sha256": outcomes[1]}


def _model_facts(study: Study) -> dict[str, Any]:
    creators = study.a1.creators
    return {
        "provenance": _provenance(study),
        "units": dict(creators.units),
        "rows": {"train": len(study.b1.train), "test": len(study.b1.test)},
        "unit": study.b1.creators.unit,
        "base_rate": float(study.b1.y_train.mean()),
        "distillation_cost": study.e.cost,
        "random_state": study.b1.random_state,
        "verdict": {
            "word": study.judged.verdict.word,
            "refusal": study.judged.verdict.refusal,
            "dropped": list(study.judged.verdict.dropped),
            "checks": _records(study.judged.verdict.frame()),
        },
        "promise": asdict(study.e.promise) if study.e.promise else None,
        "quality": _records(study.e.tested.drop(columns="model")),
        "band_expected": _records(_expected(study.e.table)),
        "band_hit_rates": _records(study.e.hit_rates),
        "pooled_band_hit_rates": _records(study.e.pooled_hit_rates),
        "reliability": _records(study.e.reliability),
        "groups": _records(study.e.groups),
        "versions": made_with(),
    }


def _expected(table: pd.DataFrame) -> pd.DataFrame:
    """Return each band's mean probability: its hit rate as far as no outcome is known."""
    bands = table.groupby("Sponsorship Recommendation", sort=False)["Predicted Sponsorship"]
    means = bands.agg(creators="size", expected="mean").rename_axis("band").reset_index()
    return means[means["band"].isin(BANDS)]


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    plain = table.astype(object)
    return [
        {str(key): value for key, value in row.items()}
        for row in plain.where(plain.notna(), None).to_dict("records")
    ]
