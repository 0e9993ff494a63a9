"""What others read of a model or a release: cards, schemas, MLflow, the citation."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pandas as pd
import pytest
import yaml

from durhampulse.creators.rules import ColumnRule
from durhampulse.exceptions import ModelError
from durhampulse.market.sampling import simulate_market
from durhampulse.scoring.card import front_matter
from durhampulse.scoring.scorer import load_model
from durhampulse.scoring.tableschema import table_schema
from tests.models import write_logistic

ROOT = Path(__file__).parents[1]
QUALITY = [{"metric": "roc_auc", "value": 0.84, "low": 0.8, "high": 0.87}]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A model folder, written as every one is."""
    place = tmp_path_factory.mktemp("publishing")
    simulate_market(400, seed=2).table.to_csv(place / "creators.csv", index=False)
    write_logistic(place / "creators.csv", place / "model")
    return place / "model"


@pytest.mark.filterwarnings("ignore")
def test_hub_parses_the_card_of_a_model(folder):
    from huggingface_hub import ModelCard

    card = ModelCard((folder / "card.md").read_text(encoding="utf-8"))
    assert card.data.library_name == "durhampulse"
    assert card.data.pipeline_tag == "tabular-classification"
    assert card.text.strip() == "# card"
    facts = {"quality": QUALITY, "provenance": {"source": 'a "b"\\c\n😀.csv', "simulated": True}}
    data = ModelCard(front_matter("Trees: deep", facts)).data
    (result,) = data.eval_results
    assert data.model_name == "Trees: deep"
    assert "simulated-data" in data.tags
    assert (result.dataset_name, result.dataset_split) == ('a "b"\\c\n😀.csv', "test")
    assert (result.metric_type, result.metric_value) == ("roc_auc", 0.84)


def test_card_without_figures_states_none():
    head = front_matter("Logistic", {"quality": []}).strip("-\n")
    assert yaml.safe_load(head).keys() == {"library_name", "pipeline_tag", "tags"}


@pytest.mark.filterwarnings("ignore")
def test_table_schema_admits_what_is_scored_and_refuses_what_cannot_be(folder, tmp_path):
    from frictionless import Resource, Schema

    schema = Schema.from_descriptor(json.loads((folder / "schema.json").read_text()))
    good = pd.DataFrame(
        {
            "Influencer_ID": ["INF-1", "INF-2"],
            "Followers": [85_000, 1_200],
            "Engagement_Rate": [0.041, None],
            "Growth_Rate": [-0.02, 0.5],
            "Niche": ["Fashion", "Crypto"],
            "Video_Quality": ["HD", None],
            "Avg_Views_per_Post": [31_000, 0],
        }
    )
    assert set(good.columns) == set(schema.field_names)
    for name, table, is_valid in (
        ("good", good, True),
        ("negative", good.assign(Followers=-5), False),
        ("words", good.assign(Avg_Views_per_Post="many"), False),
    ):
        table.to_csv(tmp_path / f"{name}.csv", index=False)
        resource = Resource(path=f"{name}.csv", basepath=str(tmp_path), schema=schema)
        assert resource.validate().valid == is_valid, name


def test_table_schema_states_the_unit_and_levels_of_the_model():
    rules = [
        ColumnRule(column="Engagement_Rate", kind="rate", header="ER", unit="percent"),
        ColumnRule(column="Niche", kind="levels", header="Niche", levels=("Food", "Art")),
        ColumnRule(column="City", kind="levels", levels=tuple(map(str, range(101)))),
        ColumnRule(column="Handle", kind="carried", header="Handle", carries="handle"),
        ColumnRule(column="Age", kind="dropped", header="Age"),
    ]
    rate, niche, city, handle = table_schema(rules, {"Engagement_Rate", "Niche", "City"})["fields"]
    assert (rate["name"], rate["type"]) == ("ER", "number")
    assert rate["description"].endswith("as a percentage")
    assert rate["constraints"] == {"minimum": 0, "maximum": 100 * 1e4}  # 10,000 times the followers
    assert niche["categories"] == ["Food", "Art"]
    assert "categories" not in city
    assert handle["type"] == "string"


def test_folder_of_an_earlier_version_has_no_schema_and_is_read(folder, tmp_path):
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert set(manifest["files"]) == {path.name for path in folder.iterdir()} - {"manifest.json"}
    for path in folder.iterdir():
        if path.name not in {"schema.json", "manifest.json"}:
            (tmp_path / path.name).write_bytes(path.read_bytes())
    del manifest["files"]["schema.json"], manifest["sha256"]
    (tmp_path / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    assert load_model(tmp_path).model.manifest["name"] == "Logistic"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_mlflow_scores_as_the_scorer_does(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")  # a database takes seconds to be made
    monkeypatch.setenv("MLFLOW_TRACKING_URI", (tmp_path / "runs").as_uri())
    import mlflow

    from durhampulse.scoring.flavour import log_flavour, save_flavour

    creators = simulate_market(50, seed=3).table
    expected = load_model(folder).score(creators)
    save_flavour(folder, tmp_path / "saved")
    loaded = mlflow.pyfunc.load_model(str(tmp_path / "saved"))
    pd.testing.assert_frame_equal(loaded.predict(creators), expected)
    assert not list((tmp_path / "saved").rglob("*.pkl"))
    with mlflow.start_run():
        logged = log_flavour(folder, "sponsorship")
    loaded = mlflow.pyfunc.load_model(logged.model_uri)
    pd.testing.assert_frame_equal(loaded.predict(creators), expected)
    weights = next((tmp_path / "saved").rglob("weights.safetensors"))
    weights.write_bytes(weights.read_bytes()[:-1])
    with pytest.raises(ModelError):
        mlflow.pyfunc.load_model(str(tmp_path / "saved"))


def test_release_is_cited_and_noted_under_its_version():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation.keys() >= {"cff-version", "message", "title", "authors"}  # what 1.2.0 requires
    assert (citation["version"], citation["license"]) == (version, "Apache-2.0")
    notes = re.findall(r"(?m)^## (\d+\.\d+\.\d+)", (ROOT / "CHANGELOG.md").read_text())
    assert notes[0] == version


def test_release_workflow_publishes_without_a_stored_secret():
    path = ROOT / ".github" / "workflows" / "release.yml"
    workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert workflow["permissions"] == {}
    publish = workflow["jobs"]["publish"]
    assert publish["permissions"] == {"id-token": "write"}
    assert publish["environment"]["name"] == "pypi"
    assert "secrets." not in path.read_text(encoding="utf-8")
    assert publish["needs"] == "build"
