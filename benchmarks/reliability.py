"""What becomes of damaged files: tracebacks, leftovers, and changes without a word.

Part "files": 124 files of each of five formats are made from one simulated table by a seeded
mutation (a bit flipped, a byte replaced, the end cut off, a piece doubled, zeros over a piece), and
each is inspected and scored through a cage. Counted are errors that are no clear ones, files left
behind by a run that failed, and scores that differ without an error where the format carries
checksums: Parquet's pages and a workbook's parts. Parquet's footer and the headers of its pages
have none, so what changes silently there is counted apart.

Each finished file is kept in `benchmarks/reliability.csv`, so that a stopped run goes on where it
was. `python -m benchmarks.reliability 10 --part files` makes ten files of each format.

Part "failing" is :mod:`benchmarks.failing`: each call of each act fails once.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq

import durhampulse as dp
from benchmarks import failing
from benchmarks.demo import MODEL
from benchmarks.kept import KeptRows
from durhampulse.exceptions import DurhamPulseError
from durhampulse.files.cage import Cage
from durhampulse.files.export import open_sink
from durhampulse.files.tables import read_source
from durhampulse.irregularities import Ledger
from durhampulse.market.sampling import write_market
from durhampulse.scoring.batch import score_files

FORMATS = (".csv", ".tsv", ".jsonl", ".xlsx", ".parquet")
EACH, ROWS = 124, 300
KEPT = Path(__file__).with_suffix(".csv")
Content = bytearray


def main(options: Sequence[str] = ()) -> None:
    """Damage files, fail calls, or both, and print what came of either."""
    parser = argparse.ArgumentParser()
    parser.add_argument("each", type=int, nargs="?", default=EACH)
    parser.add_argument("--part", choices=("files", "failing", "both"), default="both")
    asked = parser.parse_args(options)
    if asked.part != "failing":
        damage(asked.each)
    if asked.part != "files":
        failing.main()


def damage(each: int) -> None:
    """Try the damaged files that are not kept yet, so many of each format; report on all."""
    done = KeptRows(KEPT, "format", "number")
    scorer = dp.load_model(MODEL)
    with tempfile.TemporaryDirectory() as name, Cage() as cage:
        folder = Path(name)
        wholes = {suffix: whole(folder, suffix) for suffix in FORMATS}
        expected = {suffix: scored(scorer, path, cage) for suffix, path in wholes.items()}
        for number in range(each):
            for suffix, path in wholes.items():
                if (suffix, number) not in done:
                    row = tried(scorer, path, number, expected[suffix], cage)
                    done.add({"format": suffix, "number": number, **row})
    report(done.table)


def whole(folder: Path, suffix: str) -> Path:
    """Return the simulated table as a file of a format."""
    path = folder / f"whole{suffix}"
    source = folder / "market.parquet"
    if not source.exists():
        write_market(source, ROWS, seed=1)
    if suffix in (".csv", ".tsv", ".parquet"):
        write_market(path, ROWS, seed=1)
        return path
    cells = read_source(source, Ledger()).cells
    with open_sink(path, suffix, cells.schema, {}) as sink:
        for batch in cells.to_batches():
            sink.write(batch)
    return path


def tried(
    scorer: dp.Scorer, path: Path, number: int, expected: str, cage: Cage
) -> dict[str, object]:
    """Return what became of one mutated file, by the names of the kept columns."""
    rng = random.Random(f"{path.suffix} {number}")
    content, name, place = Content(path.read_bytes()), rng.choice([*MUTATIONS]), 0
    place = rng.randrange(len(content))
    MUTATIONS[name](content, place, rng)
    row: dict[str, object] = {"mutation": name, "checked": is_checked(path, name, place)}
    with tempfile.TemporaryDirectory() as folder:
        damaged = Path(folder, f"damaged{path.suffix}")
        damaged.write_bytes(content)
        row["inspect"] = outcome(lambda: dp.read_creators(damaged, cage=cage) and "")
        row["score"] = outcome(lambda: scored(scorer, damaged, cage))
        allowed = {damaged.name}
        allowed |= (
            {"out.csv", "out.csv.provenance.json", "out.csv.refused.csv"}
            if (row["score"] not in ("refused", "traceback"))
            else set()
        )
        row["leftovers"] = len({file.name for file in Path(folder).iterdir()} - allowed)
    if row["score"] not in ("refused", "traceback"):
        row["score"] = "same" if row["score"] == expected else "other"
    return row


def outcome(act: Callable[[], str]) -> str:
    """Return what an act gives, or in a word how it failed."""
    try:
        return act()
    except DurhamPulseError:
        return "refused"
    except Exception as error:  # noqa: BLE001 - this is what is counted
        print(f"traceback: {error!r}", flush=True)
        return "traceback"


def scored(scorer: dp.Scorer, path: Path, cage: Cage) -> str:
    """Return the scores of a file, as text."""
    out = path.with_name("out.csv")
    score_files(scorer, [path], out, cage=cage)
    return out.read_text(encoding="utf-8")


def is_checked(path: Path, mutation: str, place: int) -> bool:
    """Whether the byte that a mutation of one byte changes stands under a checksum."""
    if mutation not in ("bit", "byte"):
        return False
    return any(first <= place < last for first, last in checked_spans(path))


def checked_spans(path: Path) -> Iterator[tuple[int, int]]:
    """Yield where each part under a checksum begins and ends, page headers among it."""
    if path.suffix == ".parquet":
        group = pq.read_metadata(path).row_group(0)
        for column in (group.column(i) for i in range(group.num_columns)):
            start = column.dictionary_page_offset or column.data_page_offset
            yield start, start + column.total_compressed_size
    if path.suffix == ".xlsx":
        with zipfile.ZipFile(path) as archive:
            for part in archive.infolist():
                start = part.header_offset + 30 + len(part.filename)
                yield start, start + part.compress_size


def flip_bit(content: Content, place: int, rng: random.Random) -> None:
    """Turn one bit of a byte over."""
    content[place] ^= 1 << rng.randrange(8)


def replace_byte(content: Content, place: int, rng: random.Random) -> None:
    """Put another byte in a byte's place."""
    content[place] ^= rng.randrange(1, 256)


def cut(content: Content, place: int, _rng: random.Random) -> None:
    """Cut the end off."""
    del content[place:]


def double(content: Content, place: int, rng: random.Random) -> None:
    """Write a piece of at most 199 bytes twice."""
    piece = content[place : place + rng.randrange(1, 200)]
    content[place:place] = piece


def zero(content: Content, place: int, rng: random.Random) -> None:
    """Put zeros over a piece of at most 199 bytes."""
    end = min(place + rng.randrange(1, 200), len(content))
    content[place:end] = bytes(end - place)


MUTATIONS: dict[str, Callable[[Content, int, random.Random], None]] = {
    "bit": flip_bit, "byte": replace_byte, "cut": cut, "piece doubled": double, "zeros": zero,
}  # fmt: skip


def report(done: pd.DataFrame) -> None:
    """Print how the damaged files of each format ended."""
    rows = []
    for suffix, part in done.groupby("format"):
        other = part["score"] == "other"
        rows.append(
            {
                "format": suffix,
                "files": len(part),
                "tracebacks": int((part[["inspect", "score"]] == "traceback").sum().sum()),
                "leftovers": int(part["leftovers"].sum()),
                "refused": int((part["score"] == "refused").sum()),
                "scored the same": int((part["score"] == "same").sum()),
                "scored otherwise": int(other.sum()),
                "of these under a checksum": int((other & part["checked"].astype(bool)).sum()),
            }
        )
    print(pd.DataFrame(rows).to_string(index=False))


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
