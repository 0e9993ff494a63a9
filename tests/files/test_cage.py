"""Foreign files are read by a process that may little, and whose end is one clear error."""

from __future__ import annotations

import io
import json
import os
import pickle
import re
import signal
import struct
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from durhampulse.creators.options import ReadOptions
from durhampulse.exceptions import InputError
from durhampulse.files import cage as cages
from durhampulse.files import caged, syscalls
from durhampulse.files.cage import Cage
from durhampulse.files.chunks import Chunk, Stream, StreamOptions
from durhampulse.files.export import open_sink
from durhampulse.files.stream import open_stream
from durhampulse.files.tables import look_over, read_source
from durhampulse.irregularities import Ledger

pytestmark = pytest.mark.cage
linux = pytest.mark.skipif(sys.platform != "linux", reason="the limits of Linux")
ROWS = "Influencer_ID,Followers,Niche\n1,100,Tech\n,,\n2,200,Food\nTotal,300,\n"


@pytest.fixture(scope="module")
def kept():
    """One process for tests that do it no harm."""
    with Cage() as cage:
        yield cage


def table_in(path):
    cells = pa.record_batch({"Influencer_ID": [1, 2], "Niche": ["Tech", None]})
    with open_sink(path, path.suffix, cells.schema, {}) as sink:
        sink.write(cells)
    return path


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".xlsx", ".parquet", ".arrow"])
def test_the_same_cells_come_out_of_the_cage(tmp_path, kept, suffix):
    path = table_in(tmp_path / f"a{suffix}")
    here, there = (read_source(path, Ledger(), cage=cage) for cage in (None, kept))
    assert there.cells.equals(here.cells)
    assert there.rows.tolist() == here.rows.tolist()
    streams = [open_stream(path, cage=cage) for cage in (None, kept)]
    kinds = [stream.types(stream.headers) for stream in streams]
    assert kinds[0] == kinds[1]


def test_what_is_odd_about_a_file_is_told_from_the_cage(write, kept, tmp_path):
    path = write(ROWS)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.write(path, "a.csv")
    ledgers = []
    for cage in (None, kept):
        for file in (path, tmp_path / "a.zip"):
            ledger = Ledger()
            raw = read_source(file, ledger, ReadOptions(), cage=cage)
            assert raw.cells["Influencer_ID"].to_pylist() == ["1", "2"]
            ledgers.append(ledger.entries)
    codes = [[entry["code"] for entry in entries] for entries in ledgers]
    assert codes == [["total-row", "blank-row"]] * 4
    assert ledgers[0] == ledgers[2]


def test_a_refusal_comes_out_of_the_cage_as_it_is(write, kept):
    path = write("Followers,Niche\n1,Tech,3\n")
    with pytest.raises(InputError, match="3 cells where the header has 2") as here:
        read_source(path, Ledger())
    with pytest.raises(InputError) as there:
        look_over(str(path), ReadOptions(), kept)
    assert (there.value.problem, there.value.way_out) == (here.value.problem, here.value.way_out)


@linux
def test_a_reader_that_is_killed_is_one_clear_error_and_the_next_file_is_read(write):
    path = write(ROWS)
    with Cage() as cage:
        stream = open_stream(path, cage=cage)
        os.kill(cage._child.pid, signal.SIGKILL)
        with pytest.raises(InputError, match=r"creators\.csv: its reader was stopped"):
            [*stream.chunks(stream.headers)]
        assert read_source(path, Ledger(), cage=cage).cells.num_rows == 2


def test_a_reader_that_takes_too_long_is_one_clear_error(write):
    with Cage(timeout=0.001) as cage:
        with pytest.raises(InputError, match="takes more than 0 seconds"):
            open_stream(write(ROWS), cage=cage)
        assert cage._child is None


def test_each_answer_has_the_whole_time_of_its_own():
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        watch = cages._Watchdog(child, 2.0)
        watch.start()
        for _ in range(3):
            with watch.answer():
                time.sleep(0.75)
        assert (watch.late, child.poll()) == (False, None)
        with watch.answer():
            assert child.wait(timeout=60)
        assert watch.late


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"what is this",
        (2).to_bytes(8, "little") + bytes(8) + b"[}",
        (1 << 62).to_bytes(8, "little") * 2,
        (1 << 63).to_bytes(8, "little") * 2,
    ],
)
def test_a_reader_that_answers_nonsense_is_one_clear_error(write, monkeypatch, answer):
    monkeypatch.setattr(cages, "_PROGRAM", f"import os; os.write(1, {answer!r})")
    with Cage() as cage, pytest.raises(InputError, match="its reader failed over it"):
        open_stream(write(ROWS), cage=cage)


def test_cells_that_are_not_valid_do_not_come_out_of_the_cage(write, kept, monkeypatch):
    words = pa.DictionaryArray.from_arrays(pa.array([0, 7]), pa.array(["a"]), safe=False)
    batch = pa.record_batch([pa.array([1, 2]), words], names=["0", "1"])
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    stream = open_stream(write("Niche\na\n"), cage=kept)
    answer = {"end": False, "misshapen": [], "done": 1.0}, sink.getvalue()
    monkeypatch.setattr(Cage, "ask", lambda *_: answer)
    with pytest.raises(InputError, match="its reader failed over it"):
        [*stream.chunks(["Niche"])]


TRIES = """
import json, os, sys
from durhampulse.files import caged, syscalls
caged._set_limits()
ends = {}
for name, act in {
    "write": lambda: open(sys.argv[1], "wb", 0).write(b"x"),
    "allocate": lambda: bytearray(5 << 30),
}.items():
    try:
        act()
    except (OSError, MemoryError) as error:
        ends[name] = type(error).__name__
print(json.dumps(ends), flush=True)
caged._MOST_SECONDS = 0
caged._allow_time()
while True:
    pass
"""


@linux
def test_the_limits_are_in_force(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", TRIES, tmp_path / "new"], capture_output=True, check=False
    )
    assert json.loads(done.stdout) == {"write": "OSError", "allocate": "MemoryError"}
    assert done.returncode == -signal.SIGXCPU
    assert not (tmp_path / "new").exists() or not (tmp_path / "new").stat().st_size


BEYOND = """
import json, os, pathlib, signal, socket, subprocess, sys, threading
from durhampulse.files.syscalls import deny_system_calls
kept, parent = pathlib.Path(sys.argv[1]), os.getppid()
ways = {
    "unlink": lambda: kept.unlink(),
    "rename": lambda: kept.rename(kept.with_name("other")),
    "link": lambda: kept.with_name("other").hardlink_to(kept),
    "symlink": lambda: kept.with_name("other").symlink_to(kept),
    "truncate": lambda: os.truncate(kept, 0),
    "open to write": lambda: os.open(kept, os.O_RDWR),
    "open anew": lambda: os.open(kept.with_name("new"), os.O_RDONLY | os.O_CREAT),
    "folder": lambda: kept.with_name("folder").mkdir(),
    "mode": lambda: kept.chmod(0o777),
    "times": lambda: os.utime(kept, (0, 0)),
    "owner": lambda: os.chown(kept, os.getuid(), os.getgid()),
    "connect": lambda: socket.socket(socket.AF_UNIX),
    "signal": lambda: os.kill(parent, signal.SIGUSR1),
}
ends, begin = {}, threading.Event()

def try_all(kind):
    for name, act in ways.items():
        try:
            act()
        except OSError as error:
            ends[f"{name} {kind}"] = type(error).__name__

def late():
    begin.wait()
    try_all("in a thread of before")

thread = threading.Thread(target=late)
thread.start()
print(json.dumps(deny_system_calls()))
begin.set()
thread.join()
try_all("")
code = "import os, sys; os.unlink(sys.argv[1])"
child = subprocess.run([sys.executable, "-c", code, kept], stderr=subprocess.PIPE)
ends["in a child"] = "PermissionError" if b"PermissionError" in child.stderr else "done"
print(json.dumps([len(ways), ends, kept.read_text()]))
"""


@linux
def test_system_calls_that_reach_beyond_a_reader_are_denied(tmp_path):
    kept = tmp_path / "kept"
    kept.write_text("as it was")
    before = kept.stat()

    done = subprocess.run([sys.executable, "-c", BEYOND, kept], capture_output=True, check=False)

    held, (ways, ends, text) = map(json.loads, done.stdout.splitlines())
    if not held:
        pytest.skip("this kernel takes no filter of system calls")
    assert (len(ends), {*ends.values()}) == (2 * ways + 1, {"PermissionError"})
    after = kept.stat()
    assert (text, after.st_mode, after.st_mtime) == ("as it was", before.st_mode, before.st_mtime)
    assert [*tmp_path.iterdir()] == [kept]


@linux
def test_reader_runs_under_the_filter(write):
    if not taken_by_this_kernel():
        pytest.skip("this kernel takes no filter of system calls")
    with Cage() as cage:
        open_stream(write(ROWS), cage=cage)
        status = Path(f"/proc/{cage._child.pid}/status").read_text()
    assert re.search(r"^Seccomp:\s+2$", status, re.MULTILINE)


def taken_by_this_kernel():
    """Whether a process can put itself under the filter; the one that asks is another."""
    code = "from durhampulse.files.syscalls import deny_system_calls as d; print(d())"
    return (
        b"True"
        in subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).stdout
    )


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_filter_allows_reading_and_denies_the_rest(machine):
    """The filter, run as the kernel runs it, over calls by their numbers in asm/unistd.h."""
    read, openat, unlinkat, socket = {
        "x86_64": (0, 257, 263, 41), "aarch64": (63, 56, 35, 198),
    }[machine]  # fmt: skip
    architecture = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}[machine]
    calls = {
        (read, 0, architecture): True, (openat, os.O_RDONLY, architecture): True,
        (openat, os.O_RDONLY | os.O_CLOEXEC, architecture): True,
        (openat, os.O_WRONLY, architecture): False, (openat, os.O_RDWR, architecture): False,
        (openat, os.O_CREAT, architecture): False, (openat, os.O_TRUNC, architecture): False,
        (unlinkat, 0, architecture): False, (socket, 0, architecture): False,
        (read, 0, 0x40000003): False,  # of another machine: 32 bits
    }  # fmt: skip
    if machine == "x86_64":
        calls[0x40000000 + read, 0, architecture] = False

    allowed = {call: run_filter(machine, *call) for call in calls}

    assert allowed == calls


def run_filter(machine, number, flags, architecture):
    """Whether a call passes: struct seccomp_data, and five of Berkeley's instructions."""
    data = struct.pack("=IIQ6Q", number, architecture, 0, 0, flags, flags, 0, 0, 0)
    program = [struct.unpack("HBBI", part) for part in syscalls._program(machine)]
    at, loaded = 0, 0
    while True:
        code, yes, no, operand = program[at]
        at += 1
        match code:
            case 0x20:
                (loaded,) = struct.unpack_from("=I", data, operand)
            case 0x15:
                at += yes if loaded == operand else no
            case 0x35:
                at += yes if loaded >= operand else no
            case 0x45:
                at += yes if loaded & operand else no
            case 0x06:
                return operand == 0x7FFF0000


@linux
def test_a_reader_sees_no_password(write, monkeypatch):
    monkeypatch.setenv("DURHAMPULSE_DB_PASSWORD", "very secret")
    with Cage() as cage:
        open_stream(write(ROWS), cage=cage)
        assert b"very secret" not in Path(f"/proc/{cage._child.pid}/environ").read_bytes()


def test_a_reader_without_memory_says_so(write, monkeypatch):
    """What the process does, done here."""

    def open_as(*_):
        raise MemoryError

    monkeypatch.setattr(caged, "open_as", open_as)
    request = pickle.dumps(("open", 1, str(write(ROWS)), StreamOptions()))
    answers = io.BytesIO()
    caged.serve(io.BytesIO(len(request).to_bytes(8, "little") + request), answers, lambda: None)
    assert json.loads(answers.getvalue()[16:]) == {"too_large": True}


def asked(*requests):
    """What the process reads on its input."""
    blobs = map(pickle.dumps, requests)
    return io.BytesIO(b"".join(len(blob).to_bytes(8, "little") + blob for blob in blobs))


def answers_in(blob):
    answers = []
    while blob:
        long, cells = (int.from_bytes(blob[at : at + 8], "little") for at in (0, 8))
        answers.append(json.loads(blob[16 : 16 + long]))
        blob = blob[16 + long + cells :]
    return answers


@pytest.fixture
def numbered(monkeypatch):
    """The numbers of a file's chunks in the order in which they are read; the fifth is bad."""
    made = []

    class Numbered(Stream):
        def chunks(self, headers):
            for number in range(1, 5):
                made.append(number)
                yield Chunk(np.array([number]), {h: pa.array([number]) for h in headers})
            raise InputError("It is bad.", "Mend it.")

    monkeypatch.setattr(caged, "open_as", Numbered)
    return made


def test_the_next_chunk_is_read_before_it_is_asked_for(numbered):
    """After the second: whoever looks at a file asks for its first chunk alone."""
    reader = caged.Reader()
    requests = ("open", 1, "a.csv", StreamOptions()), ("chunks", 1, ["A"]), ("next", 1), ("next", 1)
    before = []
    for request in requests:
        reader.answer(*request)
        before.append(len(numbered))
        reader.read_ahead(*request)
    assert before == [0, 0, 1, 2]
    assert numbered == [1, 2, 3]
    reader.answer("next", 1)
    assert numbered == [1, 2, 3]


def test_what_is_wrong_ahead_is_said_when_it_is_asked_for(numbered):
    answers = io.BytesIO()
    opening = ("open", 1, Path("a.csv"), StreamOptions()), ("chunks", 1, ["A"])
    caged.serve(asked(*opening, *[("next", 1)] * 5), answers, lambda: None)
    *_, fourth, fifth = answers_in(answers.getvalue())
    assert fourth["end"] is False
    assert fifth == {"problem": "It is bad.", "way_out": "Mend it."}


def test_chunks_from_the_beginning_are_not_those_read_ahead(numbered):
    reader = caged.Reader()
    for request in (
        ("open", 1, "a.csv", StreamOptions()), ("chunks", 1, ["A"]), ("next", 1), ("next", 1),
        ("chunks", 1, ["A"]),
    ):  # fmt: skip
        reader.answer(*request)
        reader.read_ahead(*request)
    _, cells = reader.answer("next", 1)
    with pa.ipc.open_stream(pa.py_buffer(cells)) as batches:
        assert batches.read_next_batch().column(0).to_pylist() == [1]
