"""Model folders that were damaged, or altered by somebody who put the hashes right."""

from __future__ import annotations

import contextlib
import copy
import json
import random
import shutil

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from starlette.testclient import TestClient

import durhampulse as dp
from durhampulse.exceptions import DurhamPulseError, ModelError
from durhampulse.scoring.artifact import read_model
from durhampulse.scoring.batch import score_files
from durhampulse.scoring.folder import BACKGROUND, MANIFEST, NEIGHBOURS
from durhampulse.scoring.model import describe
from durhampulse.service.app import create_app
from tests.models import edit, replace_file

"""Of a model's background."""
CREATORS = [
    {"Influencer_ID": 1, "Followers": 85_000, "Engagement_Rate": 0.041, "Growth_Rate": 0.02,
     "Niche": "Fashion", "Video_Quality": "HD", "Avg_Views_per_Post": 31_000},
    {"Influencer_ID": "b", "Followers": 900, "Engagement_Rate": 0.9, "Growth_Rate": -0.5,
     "Niche": "Chess", "Video_Quality": None, "Avg_Views_per_Post": 9e8},
    {"Influencer_ID": None, "Followers": 0, "Engagement_Rate": None, "Growth_Rate": 0.0,
     "Niche": "Pets", "Video_Quality": "8K", "Avg_Views_per_Post": 0},
]  # fmt: skip


@pytest.fixture
def folder(demo_model, tmp_path):
    return shutil.copytree(demo_model, tmp_path / "model")


def answers(folder):
    """Scores, intervals, flags and reasons of some creators."""
    scorer = dp.load_model(folder)
    accounts = [scorer.explain(creator).to_dict() for creator in CREATORS]
    return scorer.score(pd.DataFrame(CREATORS)).to_dict("list"), accounts


def flipped(blob, bit):
    damaged = bytearray(blob)
    damaged[bit // 8] ^= 1 << bit % 8
    return bytes(damaged)


@pytest.mark.parametrize("n", [60, pytest.param(2_000, marks=pytest.mark.slow)])
def test_flipped_bit_is_refused_or_changes_no_answer(n, folder, demo_model):
    """Half of the bits are of the manifest, the others of the files that it vouches for."""
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    drawn = random.Random(n)
    harmless = 0
    for _ in range(n):
        name = drawn.choice([MANIFEST] * (len(files) - 1) + [*files.keys() - {MANIFEST}])
        (folder / name).write_bytes(flipped(files[name], drawn.randrange(8 * len(files[name]))))
        try:
            read_model(folder)
        except ModelError:
            pass
        else:
            harmless += 1
            assert str(answers(folder)) == str(answers(demo_model))
        (folder / name).write_bytes(files[name])
    assert harmless <= n // 100


def parquet(**columns):
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue().to_pybytes()


def background(folder, **changes):
    rows = pq.read_table(folder / BACKGROUND)
    for name, cells in changes.items():
        rows = rows.set_column(rows.column_names.index(name), name, [cells])
    sink = pa.BufferOutputStream()
    pq.write_table(rows, sink)
    replace_file(folder, BACKGROUND, sink.getvalue().to_pybytes())


def expect(folder, words):
    with pytest.raises(ModelError, match=words):
        read_model(folder)


@pytest.mark.parametrize(
    ("cell", "words"),
    [("many", "string"), ([1.0], "list"), ({"n": 1}, "struct"), (True, "bool")],
)
def test_background_of_another_kind_is_refused(cell, words, folder):
    n_rows = pq.read_table(folder / BACKGROUND).num_rows
    background(folder, Followers=pa.array([cell] * n_rows))
    expect(folder, f"Followers holds {words}")


def test_background_without_rows_is_refused(folder):
    rows = pq.read_table(folder / BACKGROUND)[:0]
    replace_file(folder, BACKGROUND, parquet(**dict(zip(rows.column_names, rows, strict=True))))
    expect(folder, "0 training rows")


def test_small_background_of_huge_cells_is_refused(folder):
    rows = pa.concat_tables([pq.read_table(folder / BACKGROUND)] * 2)
    huge = pa.DictionaryArray.from_arrays(np.zeros(len(rows), np.int32), ["x" * (1 << 20)])
    columns = dict(zip(rows.column_names, rows, strict=True)) | {"Niche": huge}
    blob = parquet(**columns)
    assert len(blob) < 100_000
    replace_file(folder, BACKGROUND, blob)
    expect(folder, "too much room")


def test_background_packed_beyond_measure_is_refused(folder):
    sink, rows = pa.BufferOutputStream(), pq.read_table(folder / BACKGROUND)
    pq.write_table(rows, sink, compression={rows.column_names[-1]: "zstd"})
    replace_file(folder, BACKGROUND, sink.getvalue().to_pybytes())
    expect(folder, "packed by ZSTD")


def change(part, *path, to):
    """A part of a manifest with another value at a place."""
    part = copy.deepcopy(part)
    inner = part
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = to
    return part


@pytest.mark.parametrize(
    ("path", "to"),
    [
        (("name",), "a\ud800b"),
        (("name",), "a\0b"),
        (("name",), None),
        (("encoding", 0, "scale"), "x"),
        (("encoding", 0, "unit"), 0.0),
        (("encoding", 3, "levels", 0), 7),
        (("encoding", 6, "shifts"), [0.0]),
        (("peers", "curves", "Engagement_Rate", "|"), None),
        (("peers", "curves", "Engagement_Rate", "|"), []),
        (("peers", "curves", "Engagement_Rate", "micro|"), [[1.0]] * 101),
        (("peers", "curves", "Engagement_Rate", "micro|"), [1.0, 0.0] * 50 + [1.0]),
        (("peers", "tiers"), {}),
        (("peers", "niches", 0), True),
        (("peers", "rates", "shares", "Niche"), [0.5]),
        (("profile", "levels", "Niche", 0), True),
        (("profile", "shares", "Niche"), []),
        (("precedent", "spans"), {"Niche": [0.0, 1.0]}),
        (("verdict", "refusal"), ["no"]),
        (("quality", 0, "value"), "high"),
        (("rows", "train"), 10**400),
        (("files", "model.pkl"), {"bytes": 1, "sha256": ""}),
    ],
)
def test_altered_manifest_with_a_valid_seal_is_refused(path, to, folder):
    manifest = json.loads((folder / MANIFEST).read_text())
    first, *inner = path
    altered = change(manifest[first], *inner, to=to) if inner else to
    try:
        edit(folder, **{first: altered})
    except ValueError:  # no seal fits such text: a manifest without one, as earlier versions wrote
        del manifest["sha256"]
        (folder / MANIFEST).write_text(json.dumps({**manifest, first: altered}))
    with pytest.raises(ModelError) as error:
        read_model(folder)
    str(error.value).encode()


def test_manifest_that_was_edited_by_hand_is_refused(folder):
    text = (folder / MANIFEST).read_text().replace('"yes_at": 0.8', '"yes_at": 0.7')
    (folder / MANIFEST).write_text(text)
    expect(folder, "manifest.json: it is not as it was written")


ODD = [
    None, True, False, 0, -1, 1, 1e308, -1e-308, 10**30, "", "x", "|", "; ", "\u2028", "100%",
    [], {}, [None], [[]], {"a": None}, [1e9] * 101, ["a"] * 3,
]  # fmt: skip


def mutate(value, drawn):
    """A JSON value with one place of it replaced, removed or repeated."""
    if isinstance(value, dict) and value and drawn.random() < 0.93:
        name = drawn.choice([*value])
        if drawn.random() < 0.1:
            return {k: v for k, v in value.items() if k != name}
        return {**value, name: mutate(value[name], drawn)}
    if isinstance(value, list) and value and drawn.random() < 0.93:
        at = drawn.randrange(len(value))
        if drawn.random() < 0.1:
            return [*value[:at], *value[at + 1 :]]
        if drawn.random() < 0.1:
            return [*value, value[at]]
        return [*value[:at], mutate(value[at], drawn), *value[at + 1 :]]
    return drawn.choice(ODD)


def use(folder, out):
    """Do with a folder what can be done with one."""
    scorer = dp.load_model(folder)
    describe(scorer.model).encode()
    table = out / "creators.csv"
    pd.DataFrame(CREATORS).to_csv(table, index=False)
    score_files(scorer, [str(table)], str(out / "scored.xlsx"), reasons=True).text(scorer)
    for creator in CREATORS:
        with contextlib.suppress(DurhamPulseError):  # too little is known of one
            scorer.explain(creator).text().encode()
    with TestClient(create_app(folder)) as client:
        assert client.post("/v1/score", json={"creators": CREATORS}).status_code == 200
        assert client.get("/v1/model").status_code == 200
        assert client.get("/docs").status_code == 200


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of figures that overflow
def test_random_alteration_is_refused_or_usable(demo_model, tmp_path):
    """80 changes of the manifest and 40 of the rows, each with its hashes put right."""
    drawn, usable = random.Random(0), 0
    manifest = json.loads((demo_model / MANIFEST).read_text())
    for number in range(120):
        folder = shutil.copytree(demo_model, tmp_path / str(number))
        if number % 3:
            name = drawn.choice([*manifest])
            edit(folder, **{name: mutate(manifest[name], drawn)})
            altered = name
        else:
            altered = drawn.choice([BACKGROUND, NEIGHBOURS])
            blob = (folder / altered).read_bytes()
            for _ in range(drawn.randrange(1, 9)):
                blob = flipped(blob, drawn.randrange(8 * len(blob)))
            replace_file(folder, altered, blob)
        try:
            use(folder, tmp_path)
            usable += 1
        except DurhamPulseError:
            pass
        except Exception as error:  # noqa: BLE001 - any is a fault
            pytest.fail(f"change {number}, {altered}: {error!r}")
    assert usable > 10
