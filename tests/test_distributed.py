"""The scorer on a real cluster of processes, of which one is killed on the way."""

from __future__ import annotations

import json
import os
import signal
from unittest import mock

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import durhampulse as dp
from durhampulse.exceptions import InputError, OutputError
from durhampulse.market.sampling import write_market
from durhampulse.scoring import cluster as distributed
from durhampulse.scoring.batch import score_files

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]


@pytest.fixture(scope="module")
def cluster():
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=3, threads_per_worker=1, processes=True, dashboard_address=None
    ) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """Two Parquet files of many row groups, and two rows in them that cannot be scored."""
    folder = tmp_path_factory.mktemp("source")
    write_market(folder / "m.parquet", 240_000, seed=4)
    table = pq.read_table(folder / "m.parquet").to_pandas()
    table.loc[[7, 150_000], "Followers"] = -2
    for number, part in enumerate((table[:140_000], table[140_000:])):
        pq.write_table(
            pa.Table.from_pandas(part, preserve_index=False),
            folder / f"part-{number}.parquet",
            row_group_size=10_000,
        )
    return folder


def parts(folder):
    return [pq.read_table(path) for path in sorted(folder.glob("part-*.parquet"))]


def test_killed_worker_loses_and_duplicates_no_row(cluster, source, demo_model, tmp_path):
    pids = [worker.pid for worker in cluster.workers.values()]
    killed = []

    def kill_one(_rows, _done):
        if not killed:
            killed.append(pids[0])
            os.kill(pids[0], signal.SIGKILL)

    summary = distributed.score_on_cluster(
        demo_model,
        [str(source / "part-*.parquet")],
        str(tmp_path / "cluster"),
        scheduler=cluster.scheduler_address,
        progress=kill_one,
        rows_a_piece=20_000,
    )
    assert killed
    local = score_files(
        dp.load_model(demo_model), [source / "part-*.parquet"], tmp_path / "local.parquet"
    )
    ours = pa.concat_tables(parts(tmp_path / "cluster"))
    assert ours.equals(pq.read_table(tmp_path / "local.parquet"))
    assert len(parts(tmp_path / "cluster")) == 12
    assert (summary.rows, summary.scored, summary.refused) == (240_000, 239_998, 2)
    assert summary.bands == local.bands
    refused = [
        line
        for path in sorted((tmp_path / "cluster" / "refused").iterdir())
        for line in path.read_text().splitlines()[1:]
    ]
    assert refused == (tmp_path / "local.parquet.refused.csv").read_text().splitlines()[1:]
    written = json.loads((tmp_path / "cluster" / "summary.json").read_text())
    assert written["rows"] == 240_000


def test_only_worker_may_die_and_what_all_pieces_need_is_sent_again(source, demo_model, tmp_path):
    from distributed import LocalCluster

    with (
        mock.patch.dict(os.environ),  # a nanny leaves what it sets for its worker
        LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as alone,
    ):
        pids = [worker.pid for worker in alone.workers.values()]

        def kill_once(_rows, _done):
            if pids:
                os.kill(pids.pop(), signal.SIGKILL)  # its nanny starts another

        summary = distributed.score_on_cluster(
            demo_model, [str(source / "part-1.parquet")], str(tmp_path / "out"),
            scheduler=alone.scheduler_address, progress=kill_once, rows_a_piece=20_000,
        )  # fmt: skip
    assert not pids
    assert (summary.scored, summary.refused) == (99_999, 1)
    assert sum(len(part) for part in parts(tmp_path / "out")) == 99_999


def test_scheduler_that_ends_is_one_clear_error_and_the_same_command_begins_anew(
    source, demo_model, tmp_path
):
    from distributed import LocalCluster

    inputs, out = [str(source / "part-0.parquet")], tmp_path / "out"

    def score(progress=lambda *_: None, **options):
        with LocalCluster(n_workers=1, processes=False, dashboard_address=None) as some:
            distributed.score_on_cluster(
                demo_model, inputs, str(out), scheduler=some.scheduler_address,
                progress=lambda *_: progress(some), patience=5,
                **{"rows_a_piece": 20_000, **options},
            )  # fmt: skip

    with pytest.raises(OutputError, match="the scheduler ended"):
        score(lambda some: some.close())
    with pytest.raises(OutputError, match="not empty"):  # another command is another folder
        score(units={"Engagement_Rate": "percent"})
    with pytest.raises(OutputError, match="not empty"):  # its pieces would be others
        score(rows_a_piece=40_000)
    score()
    whole = score_files(dp.load_model(demo_model), inputs, tmp_path / "local.parquet")
    ours = pa.concat_tables(parts(out))
    assert ours.equals(pq.read_table(tmp_path / "local.parquet"))
    assert json.loads((out / "summary.json").read_text())["rows"] == whole.rows
    assert not (out / "unfinished.json").exists()
    with pytest.raises(OutputError, match="not empty"):  # what is complete is never replaced
        score()


def test_cluster_errors_are_clear_and_overwrite_nothing(cluster, source, demo_model, tmp_path):
    address = cluster.scheduler_address
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "precious").write_text("mine")
    with pytest.raises(OutputError, match="not empty"):
        distributed.score_on_cluster(
            demo_model, [str(source / "m.parquet")], str(tmp_path / "full"), scheduler=address
        )
    with pytest.raises(InputError, match="no file matches"):
        distributed.score_on_cluster(
            demo_model, [str(source / "none-*.csv")], str(tmp_path / "new"), scheduler=address
        )
    percent = pq.read_table(source / "m.parquet").to_pandas()
    percent["Engagement_Rate"] *= 100
    percent.to_csv(tmp_path / "percent.csv", index=False)
    with pytest.raises(InputError, match="look like percentages"):
        distributed.score_on_cluster(
            demo_model, [str(tmp_path / "percent.csv")], str(tmp_path / "new"), scheduler=address
        )
    assert not list(tmp_path.glob("new/part-*"))
    assert (tmp_path / "full" / "precious").read_text() == "mine"


def test_files_by_fsspec_address(cluster, source, demo_model, tmp_path):
    """Whatever fsspec reads and writes; here its view of local files by address."""
    summary = distributed.score_on_cluster(
        demo_model,
        [f"file://{source}/part-1.parquet"],
        f"file://{tmp_path}/out",
        scheduler=cluster.scheduler_address,
    )
    assert sum(len(part) for part in parts(tmp_path / "out")) == summary.scored == 99_999


def test_object_store_is_read_and_written_as_by_one_machine(bucket, source, demo_model, tmp_path):
    """By Arrow's own file systems: no fsspec package of a store is installed here."""
    from distributed import LocalCluster

    for number in (0, 1):
        body = (source / f"part-{number}.parquet").read_bytes()
        bucket.put_object(Bucket="creators", Key=f"in/part-{number}.parquet", Body=body)
    with LocalCluster(n_workers=1, processes=False, dashboard_address=None) as some:

        def score(inputs, out):
            return distributed.score_on_cluster(
                demo_model, [inputs], out, scheduler=some.scheduler_address, rows_a_piece=50_000
            )

        score("s3://creators/in/part-*.parquet", "s3://creators/out")
        score(str(source / "part-*.parquet"), str(tmp_path / "out"))
        with pytest.raises(OutputError, match="not empty"):
            score("s3://creators/in/part-*.parquet", "s3://creators/out")
        with pytest.raises(OutputError, match="nobody"):
            score("s3://creators/in/part-*.parquet", "s3://nobody/out")
        with pytest.raises(InputError, match="no such file"):
            score("s3://creators/none-*.parquet", "s3://creators/new")
        with pytest.raises(InputError, match="Protocol not known"):
            score("nowhere://creators/a.csv", str(tmp_path / "new"))
    stored = {
        entry["Key"].removeprefix("out/"): bucket.get_object(Bucket="creators", Key=entry["Key"])
        for entry in bucket.list_objects_v2(Bucket="creators", Prefix="out/")["Contents"]
    }
    written = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert stored.keys() - {""} == {str(path.relative_to(tmp_path / "out")) for path in written}
    for path in written:
        if path.name != "summary.json":  # which says how long it took
            name = str(path.relative_to(tmp_path / "out"))
            assert stored[name]["Body"].read() == path.read_bytes(), name


def test_workbook_sheet_on_cluster(cluster, source, demo_model, tmp_path):
    creators = pq.read_table(source / "m.parquet").to_pandas().head(30)
    with pd.ExcelWriter(tmp_path / "book.xlsx") as writer:
        creators.head(10).to_excel(writer, sheet_name="2025", index=False)
        creators.tail(20).to_excel(writer, sheet_name="2026", index=False)
    summary = distributed.score_on_cluster(
        demo_model,
        [str(tmp_path / "book.xlsx")],
        str(tmp_path / "out"),
        scheduler=cluster.scheduler_address,
        table="2026",
    )
    assert summary.rows == 20
    assert "'2025'" in summary.notes[0]


def test_unreachable_scheduler_is_one_clear_error(source, demo_model, tmp_path):
    with pytest.raises(OutputError, match="no scheduler answers"):
        distributed.score_on_cluster(
            demo_model,
            [str(source / "m.parquet")],
            str(tmp_path / "out"),
            scheduler="tcp://127.0.0.1:9",
            patience=1,
        )


def test_carried_columns_are_the_same_in_every_piece(cluster, source, demo_model, tmp_path):
    frame = pq.read_table(source / "m.parquet").to_pandas().head(40)
    frame.head(20).assign(Name="Ann").to_csv(tmp_path / "a.csv", index=False)
    frame.tail(20).assign(Fee=7, Name="Bo").to_parquet(tmp_path / "b.parquet")
    files = [str(tmp_path / "a.csv"), str(tmp_path / "b.parquet")]
    distributed.score_on_cluster(
        demo_model, files, str(tmp_path / "out"), scheduler=cluster.scheduler_address
    )
    first, second = parts(tmp_path / "out")
    assert first.schema.equals(second.schema)
    assert first.column_names[1:3] == ["Name", "Fee"]
    assert set(first["Fee"].to_pylist()) == {None}
    assert set(second["Fee"].to_pylist()) == {"7"}
