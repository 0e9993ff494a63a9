"""Tables from standard input and object stores, and scores that go there."""

from __future__ import annotations

import gzip
import io
import json

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import durhampulse as dp
from durhampulse.exceptions import DurhamPulseError, InputError, OutputError
from durhampulse.files.tables import read_source
from durhampulse.irregularities import Ledger
from durhampulse.scoring.batch import score_files
from durhampulse.scoring.lookup import accounts_of
from tests.commands import call


@pytest.fixture(scope="module")
def scorer(demo_model):
    return dp.load_model(demo_model)


@pytest.fixture(scope="module")
def table():
    return dp.simulate_market(40, seed=3).table.drop(columns="Sponsorship_Status")


@pytest.fixture
def send(monkeypatch):
    """Stand in for what a shell sends to standard input."""

    def sent(data):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))

    return sent


def written(table):
    """A table in the formats that a pipe may carry."""
    text = table.to_csv(index=False).encode()
    arrow = pa.Table.from_pandas(table, preserve_index=False)
    files = {name: io.BytesIO() for name in ("parquet", "arrow", "stream", "xlsx")}
    pq.write_table(arrow, files["parquet"])
    for name, write in (("arrow", pa.ipc.new_file), ("stream", pa.ipc.new_stream)):
        with write(files[name], arrow.schema) as writer:
            writer.write_table(arrow)
    table.to_excel(files["xlsx"], index=False)
    lines = table.to_json(orient="records", lines=True).encode()
    return {
        "csv": text,
        "csv, compressed": gzip.compress(text),
        "json": table.to_json(orient="records").encode(),
        "json lines": lines,
        "json lines, compressed": gzip.compress(lines),
        **{name: file.getvalue() for name, file in files.items()},
    }


def test_standard_input_is_read_as_what_it_is(table, send):
    expected = table["Influencer_ID"].astype(str).tolist()
    for name, data in written(table).items():
        send(data)
        raw = read_source("-", Ledger())
        assert raw.cells["Influencer_ID"].cast("string").to_pylist() == expected, name


def test_empty_standard_input_is_refused(send):
    send(b"")
    with pytest.raises(InputError, match="standard input is empty"):
        read_source("-", Ledger())


def test_scores_go_to_standard_output(scorer, table, send, tmp_path, capfdbinary):
    table.to_csv(tmp_path / "new.csv", index=False)
    score_files(scorer, [tmp_path / "new.csv"], tmp_path / "out.csv")
    send((tmp_path / "new.csv").read_bytes())
    score_files(scorer, ["-"], "-")
    assert capfdbinary.readouterr().out == (tmp_path / "out.csv").read_bytes()


def test_messages_leave_standard_output_to_the_table(demo_model, table, send, capfdbinary):
    send(table.to_csv(index=False).encode())
    assert call("score", "-", "-o", "-", "--model", demo_model) == 0
    written = capfdbinary.readouterr()
    assert len(pd.read_csv(io.BytesIO(written.out))) == 40
    assert b"40 rows: 40 scored, 0 refused." in written.err


def put(bucket, key, data):
    bucket.put_object(Bucket="creators", Key=key, Body=data)


def test_tables_in_an_object_store_are_read(bucket, scorer, table):
    for name, data in written(table).items():
        suffix = {
            "csv, compressed": "csv.gz",
            "json lines": "jsonl",
            "json lines, compressed": "jsonl.gz",
        }
        key = f"one/a.{suffix.get(name, 'arrow' if name == 'stream' else name)}"
        put(bucket, key, data)
        raw = read_source(f"s3://creators/{key}", Ledger())
        assert (raw.name, raw.cells.num_rows) == (key.removeprefix("one/"), 40)
    wanted = str(table["Influencer_ID"][0])
    (account,) = accounts_of(scorer, "s3://creators/one/a.csv", wanted)
    assert 0 < account.probability < 1


def test_pattern_in_an_object_store_is_scored_back_into_it(bucket, scorer, table, tmp_path):
    for name, part in (
        ("new/2.csv", table[20:]),
        ("new/1.csv", table[:20]),
        ("new/x/3.csv", table),
    ):
        put(bucket, name, part.to_csv(index=False).encode())
    put(bucket, "scores/out.parquet.refused.csv", b"stale")
    table.to_csv(tmp_path / "new.csv", index=False)
    score_files(scorer, [tmp_path / "new.csv"], tmp_path / "out.parquet")
    summary = score_files(scorer, ["s3://creators/new/*.csv"], "s3://creators/scores/out.parquet")
    assert summary.rows == 40
    listed = bucket.list_objects_v2(Bucket="creators", Prefix="scores/o")["Contents"]
    names = [entry["Key"] for entry in listed]
    assert names == ["scores/out.parquet", "scores/out.parquet.provenance.json"]
    stored = bucket.get_object(Bucket="creators", Key=names[0])["Body"].read()
    assert pq.read_table(io.BytesIO(stored)).equals(pq.read_table(tmp_path / "out.parquet"))
    about = json.loads(bucket.get_object(Bucket="creators", Key=names[1])["Body"].read())
    assert about["source"] == ["1.csv", "2.csv"]
    assert score_files(scorer, ["s3://creators/new/**/*.csv"], tmp_path / "all.csv").rows == 80


def test_faults_of_an_object_store_are_one_message(bucket, scorer, monkeypatch, tmp_path):
    put(bucket, "a.csv", b"id,Followers\n1,2\n")
    for source, words in (
        ("s3://creators/none.csv", "no such file"),
        ("s3://nobody/a.csv", "no bucket is called 'nobody'"),
        ("s3://creators/none/*.csv", "no such file"),
        ("az://creators/a.csv", "AZURE_STORAGE_ACCOUNT_NAME"),
    ):
        with pytest.raises(InputError, match=words):
            read_source(source, Ledger())
    put(bucket, "b.csv", b"id,Followers\n1,2\n")
    with pytest.raises(InputError, match="2 files match"):
        read_source("s3://creators/*.csv", Ledger())
    with pytest.raises(OutputError, match="no bucket is called 'nobody'"):
        score_files(scorer, ["s3://creators/a.csv"], "s3://nobody/a.csv")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(DurhamPulseError) as caught:
        read_source("s3://creators/a.csv", Ledger())
    assert "credentials" in caught.value.way_out


def test_tables_of_the_web_are_refused_with_a_way():
    with pytest.raises(InputError, match="not fetched from the web") as caught:
        read_source("https://example.com/a.csv", Ledger())
    assert "curl -sL 'https://example.com/a.csv' | durhampulse" in caught.value.way_out


@pytest.fixture
def opened(monkeypatch):
    """Arguments with which stores are opened, by class; nothing is connected to."""
    from pyarrow import fs

    arguments = {}
    for name in ("AzureFileSystem", "GcsFileSystem"):
        monkeypatch.setattr(fs, name, lambda _name=name, **given: arguments.update({_name: given}))
    for name in ("AZURE_STORAGE_ACCOUNT", "AZURE_STORAGE_ACCOUNT_NAME", "STORAGE_EMULATOR_HOST"):
        monkeypatch.delenv(name, raising=False)
    return arguments


def test_azure_connection_string_names_account_key_and_hosts(opened, monkeypatch):
    """The form that the Azure portal and Azurite, Microsoft's local server, give."""
    monkeypatch.setenv(
        "AZURE_STORAGE_CONNECTION_STRING",
        "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey=c2VjcmV0Kw==;"
        "BlobEndpoint=http://127.0.0.1:10000/devstoreaccount1;",
    )
    with pytest.raises(InputError):  # the stand-in is no store
        read_source("az://creators/a.csv", Ledger())
    assert opened["AzureFileSystem"] == {
        "account_name": "devstoreaccount1",
        "account_key": "c2VjcmV0Kw==",
        "blob_storage_scheme": "http",
        "blob_storage_authority": "127.0.0.1:10000",
        "dfs_storage_scheme": "http",
        "dfs_storage_authority": "127.0.0.1:10000",
    }


def test_azure_address_names_its_account(opened, monkeypatch):
    monkeypatch.setenv("AZURE_STORAGE_KEY", "secret")
    with pytest.raises(InputError):
        read_source("abfss://creators@brand.dfs.core.windows.net/a.csv", Ledger())
    assert opened["AzureFileSystem"] == {"account_name": "brand", "account_key": "secret"}


@pytest.mark.parametrize("host", ["127.0.0.1:9023", "http://127.0.0.1:9023"])
def test_google_emulator_is_opened_without_credentials(opened, monkeypatch, host):
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", host)
    with pytest.raises(InputError):
        read_source("gs://creators/a.csv", Ledger())
    options = opened["GcsFileSystem"]
    assert options["anonymous"]
    assert (options["scheme"], options["endpoint_override"]) == ("http", "127.0.0.1:9023")
