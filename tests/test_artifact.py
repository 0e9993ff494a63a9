from __future__ import annotations

import errno
import json
import shutil
from dataclasses import asdict, replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save

import durhampulse as dp
from durhampulse.creators.reading import read_creators
from durhampulse.creators.roles import Role
from durhampulse.creators.schema import LABEL
from durhampulse.decision.bands import Thresholds
from durhampulse.decision.promise import NO_YES_AT, keep_promise
from durhampulse.exceptions import ModelError
from durhampulse.features.encoding import learn_encoding
from durhampulse.models.classifiers import LibraryModel, build_boosting, fit
from durhampulse.models.families import WeightedSum
from durhampulse.models.fitted import FittedModel
from durhampulse.models.interval import Interval
from durhampulse.models.splines import fit_splines
from durhampulse.models.trees import ObliviousTrees
from durhampulse.models.weights import DenseNetwork
from durhampulse.scoring.artifact import read_model
from durhampulse.scoring.model import describe
from tests.examples import examples
from tests.models import edit, replace_file, write

FEATURES = [
    Role("Followers", "feature", "numeric", ""),
    Role("Engagement_Rate", "feature", "numeric", ""),
    Role("Niche", "feature", "levels", ""),
]


@pytest.fixture(scope="module")
def creators(market_file):
    return read_creators(market_file)


@pytest.fixture(scope="module")
def rows(creators):
    """Rows of a simulated market whose outcomes are known."""
    return creators.labelled


@pytest.fixture(scope="module")
def models(rows, demo_model):
    """A model of each family, and the one that the package ships."""
    encoding = learn_encoding(rows, FEATURES)
    X, y = encoding.transform(rows), rows[LABEL].to_numpy(float)
    rng = np.random.default_rng(0)
    sizes = [X.shape[1], 8, 4, 1]
    network = DenseNetwork(
        tuple(rng.normal(size=pair).astype(np.float32) for pair in pairwise(sizes)),
        tuple(rng.normal(size=size).astype(np.float32) for size in sizes[1:]),
    )
    trees = ObliviousTrees.from_catboost(build_boosting(0).fit(X, y, verbose=False))
    return {
        "logistic": FittedModel(
            name="Logistic",
            encoding=encoding,
            weights=fit("Logistic regression", X, y, random_state=0),
        ),
        "network": FittedModel(name="Network", encoding=encoding, weights=network),
        "splines": FittedModel(name="Splines", encoding=encoding, weights=fit_splines(X, y)),
        "trees": FittedModel(name="Trees", encoding=encoding, weights=trees),
        "sum": FittedModel(
            name="Sum",
            encoding=encoding,
            weights=WeightedSum(
                (trees, replace(network, activation="parabolic")), np.ones(2), np.zeros(1)
            ),
        ),
        "shipped": read_model(demo_model).model,
    }


@pytest.mark.parametrize("family", ["logistic", "splines", "network", "trees", "sum", "shipped"])
def test_written_model_scores_like_original(family, models, rows, creators, tmp_path):
    model = models[family]
    write(tmp_path / "model", model, rows, creators, x=1)
    loaded = read_model(tmp_path / "model")
    gap = np.abs(loaded.model.predict_proba(rows) - model.predict_proba(rows))
    assert gap.max() <= 1e-6
    assert loaded.manifest["features"] == model.encoding.names
    assert loaded.manifest["x"] == 1


def test_library_model_cannot_be_written(models, rows, creators, tmp_path):
    forest = FittedModel(
        name="Forest", encoding=models["logistic"].encoding, weights=LibraryModel(None)
    )
    with pytest.raises(TypeError, match="LibraryModel"):
        write(tmp_path / "model", forest, rows, creators)


@examples(30)
@given(
    followers=st.one_of(st.none(), st.floats(0, 1e12)),
    rate=st.one_of(st.none(), st.floats(0, 1e4)),
    niche=st.one_of(st.none(), st.text(max_size=8)),
)
def test_extreme_rows_get_a_probability(models, followers, rate, niche):
    row = pd.DataFrame(
        {
            "Followers": pd.Series([followers], dtype=float),
            "Engagement_Rate": pd.Series([rate], dtype=float),
            "Niche": pd.Series([niche], dtype="str"),
        }
    )
    for model in models.values():
        assert 0 <= model.predict_proba(row)[0] <= 1


@pytest.fixture
def fresh(demo_model, tmp_path):
    """Return a function that copies a good model folder, to be spoilt, and returns its path."""

    def _fresh(name):
        shutil.copytree(demo_model, tmp_path / name)
        return tmp_path / name

    return _fresh


def expect(path, words):
    with pytest.raises(ModelError, match=words):
        read_model(path)


@pytest.mark.parametrize(("error", "way_out"), [
    (MemoryError(), "End other programs, or read it on a machine with more memory."),
    (OSError(errno.EIO, "Input/output error"),
     "Free room on the disk, or see whether it fails; then try again."),
    (OSError(errno.EMFILE, "Too many open files"), "Try again."),
    (ValueError("no model"), "Train it again."),
])  # fmt: skip
def test_folder_that_cannot_be_read_says_the_way_out(demo_model, monkeypatch, error, way_out):
    def fail(*_arguments, **_keywords):
        raise error

    monkeypatch.setattr("durhampulse.scoring.artifact.read_rows", fail)
    with pytest.raises(ModelError) as refusal:
        read_model(demo_model)
    assert refusal.value.way_out == way_out
    assert str(demo_model) in refusal.value.problem


def test_damaged_or_foreign_folder_is_refused(fresh, tmp_path):
    expect(tmp_path, "no manifest")
    path = fresh("weights")
    blob = bytearray((path / "weights.safetensors").read_bytes())
    blob[-1] ^= 1
    (path / "weights.safetensors").write_bytes(blob)
    expect(path, "not the one")
    path = fresh("version")
    edit(path, format_version=99)
    expect(path, "format 99")
    path = fresh("family")
    edit(path, family="pickle")
    expect(path, "does not describe")
    path = fresh("other family")
    edit(path, family="logistic")
    expect(path, "does not describe")
    path = fresh("encoding")
    manifest = json.loads((path / "manifest.json").read_text())
    edit(path, encoding=manifest["encoding"][:-1])
    expect(path, "does not describe")
    path = fresh("promise")
    edit(path, promise={"share": 0.8})
    expect(path, "does not describe")
    path = fresh("escape")
    files = json.loads((path / "manifest.json").read_text())["files"]
    edit(path, files={**files, "../card.md": files["card.md"]})
    expect(path, "'../card.md' is no file of a model folder")
    path = fresh("link")
    (path / "card.md").unlink()
    (path / "card.md").symlink_to("/etc/hostname")
    expect(path, "'card.md' is a link or no file")
    path = fresh("unvouched")
    edit(path, files={})
    expect(path, "vouch")
    path = fresh("huge")
    with (path / "card.md").open("r+b") as sparse:
        sparse.truncate((1 << 20) + 1)
    expect(path, "larger than the 1 MiB")
    path = fresh("nonsense")
    (path / "manifest.json").write_text("{")
    expect(path, "not JSON")


def test_inconsistent_folder_with_valid_hashes_is_refused(fresh):
    path = fresh("endless")
    text = (path / "manifest.json").read_text().replace('"rise": ', '"rise": 1e999, "old": ')
    (path / "manifest.json").write_text(text)
    expect(path, "not JSON .*not JSON compliant")
    path = fresh("backwards")
    edit(path, interval={"below": -1, "above": 0, "rise": 0, "empties": {}})
    expect(path, "does not describe")
    path = fresh("no verdict")
    edit(path, verdict=None)
    expect(path, "verdict is not of the form")
    path = fresh("files")
    edit(path, files=7)
    expect(path, "files is not of the form")
    path = fresh("deep")
    (path / "manifest.json").write_text("[" * 100_000)
    expect(path, "not JSON")
    path = fresh("negative unit")
    codes = json.loads((path / "manifest.json").read_text())["encoding"]
    edit(path, encoding=[{**code, "unit": -1.0} if "unit" in code else code for code in codes])
    expect(path, "does not describe")
    path = fresh("short curves")
    peers = json.loads((path / "manifest.json").read_text())["peers"]
    edit(path, peers={**peers, "curves": {"Engagement_Rate": {"|": [1.0]}}})
    expect(path, "does not describe")
    fitting = {"0.w": np.zeros((20, 1), "f4"), "0.b": np.zeros(1, "f4")}
    for name, arrays in {
        "shape": {"0.w": np.zeros((20, 3), "f4"), "0.b": np.zeros(3, "f4")},
        "type": {"0.w": np.zeros((20, 1)), "0.b": np.zeros(1)},
        "nan": {"0.w": np.full((20, 1), np.nan, "f4"), "0.b": np.zeros(1, "f4")},
        "activation": {**fitting, "activation": np.frombuffer(b"exec", "u1")},
    }.items():
        path = fresh(name)
        replace_file(path, "weights.safetensors", save(arrays))
        expect(path, "does not describe")
    path = fresh("many rows")
    many = pa.BufferOutputStream()
    pq.write_table(pa.table({"Followers": pa.repeat(1.0, 10_000_000)}), many)
    replace_file(path, "background.parquet", many.getvalue().to_pybytes())
    expect(path, "10,000,000 training rows")


@pytest.mark.parametrize("family", ["splines", "trees", "sum"])
def test_folder_whose_weights_are_of_columns_that_are_not_there_is_refused(
    family, models, rows, creators, tmp_path
):
    path = tmp_path / "model"
    write(path, models[family], rows, creators)
    arrays = models[family].weights.arrays()
    name = next(name for name in arrays if name.endswith("columns"))
    replace_file(path, "weights.safetensors", save({**arrays, name: arrays[name] + 50}))
    expect(path, "does not describe")
    replace_file(path, "weights.safetensors", save({**arrays, "9.logistic.coef": np.zeros(1)}))
    expect(path, "does not describe")


def test_folder_of_format_2_is_read_by_the_rules_it_implies(demo_model, tmp_path):
    """Format 2 kept units and frequent levels only; what it scores is the same."""
    folder = tmp_path / "model"
    shutil.copytree(demo_model, folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    rules = {rule["column"]: rule for rule in manifest["columns"]}
    del manifest["columns"], manifest["sha256"]  # neither was written then
    manifest["format_version"] = 2
    (folder / "manifest.json").write_text(json.dumps(manifest))
    old, new = read_model(folder), read_model(demo_model)
    assert old.rules["Engagement_Rate"].unit == rules["Engagement_Rate"]["unit"]
    assert set(old.rules["Niche"].levels) == set(rules["Niche"]["levels"])
    table = dp.simulate_market(300, seed=9).table
    np.testing.assert_array_equal(
        dp.Scorer(old).score(table)["Predicted Sponsorship"],
        dp.Scorer(new).score(table)["Predicted Sponsorship"],
    )


@pytest.mark.parametrize(
    "change",
    [{"kind": "figure"}, {"decimal": ";"}, {"unit": "permille"}, {"kind": "levels"}, {"odd": 1}],
)
def test_rule_that_is_none_is_refused(change, demo_model, tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(demo_model, folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    for rule in manifest["columns"]:
        if rule["column"] == "Engagement_Rate":
            rule.update(change)
    edit(folder, columns=manifest["columns"])
    with pytest.raises(ModelError, match=r"is no rule|unexpected keyword|of the kind"):
        read_model(folder)


def test_model_without_a_yes_says_so_in_words(demo_model):
    """Of 20 deals of 40 no threshold can promise 80%, and `Yes from 1` would name one."""
    loaded = read_model(demo_model)
    assert "Yes from 0.8, Maybe (manual review) from 0.6" in describe(loaded)
    promise = keep_promise(np.tile([0.0, 1.0], 20), np.full(40, 0.9), 0.8)
    manifest = {**loaded.manifest, "promise": asdict(promise)}
    text = describe(replace(loaded, thresholds=Thresholds(NO_YES_AT, 0.6), manifest=manifest))
    assert "Yes from" not in text
    assert "Maybe (manual review) from 0.6. No Yes can promise that 80% get a deal" in text


def test_interval_is_told_in_probabilities(demo_model):
    """Even chances are log-odds of 0, and log(3) those of 75%."""
    loaded = read_model(demo_model)
    wide = replace(loaded.model, interval=Interval(below=np.log(3), above=np.log(3)))
    told = describe(replace(loaded, model=wide))
    assert "90% interval of an even chance: 25% to 75%" in told


def test_model_read_for_scores_alone_gives_the_same_scores(demo_model):
    whole, alone = read_model(demo_model), read_model(demo_model, explains=False)
    rows = whole.background
    np.testing.assert_array_equal(alone.model.predict_proba(rows), whole.model.predict_proba(rows))
    with pytest.raises(RuntimeError, match="explains nothing"):
        _ = alone.background
