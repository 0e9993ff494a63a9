"""Tables and models that several tests share; importing this loads no training library."""

from __future__ import annotations

import gc
import json
import os
import pickle
import shutil
import textwrap
import threading
import warnings
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as the command line does, before numpy
os.environ.setdefault("KERAS_BACKEND", "jax")  # as the package does, before Keras
# The processes of a run, and later runs, share the compiled steps of networks.
os.environ.setdefault(
    "JAX_COMPILATION_CACHE_DIR", str(Path(__file__).parents[1] / ".pytest_cache" / "jax")
)

import pyarrow as pa
import pytest
from coverage import Coverage
from hypothesis import settings

from durhampulse.files.cage import Cage
from durhampulse.files.caged import Reader
from tests import examples  # noqa: F401  it registers the profiles of Hypothesis

if TYPE_CHECKING:
    from durhampulse.study import Study

settings.load_profile("durhampulse")  # unless --hypothesis-profile names another
gc.set_threshold(20_000, 20, 20)  # the usual 700 suit programs that import less


def pytest_collection_finish():
    """Leave what was imported out of all searches for garbage: they took a tenth of the time."""
    gc.collect()
    gc.freeze()


def pytest_sessionfinish():
    """Keep what a worker has covered and write no more: whoever takes long to end is killed.

    A file that is being written then cannot be read afterwards, and all of a worker's lines are lost.
    """
    if measured := Coverage.current():
        measured.stop()
        measured.save()


@pytest.fixture(autouse=True)
def reader_in_process(request, monkeypatch):
    """Have the cage's reader answer in this process, save in tests with the marker ``cage``.

    Its process takes half a second to start; the answers still go through pickle and JSON.
    """
    if request.node.get_closest_marker("cage") is None:
        monkeypatch.setattr(Cage, "ask", _answer_here)


def _answer_here(cage, _name, *sent):
    reader = vars(cage).setdefault("reader", Reader())
    answer, cells = reader.answer(*pickle.loads(pickle.dumps(sent)))
    return json.loads(json.dumps(answer)), pa.py_buffer(bytes(cells))


_BACKGROUND = {"uploads", "webhooks", "lease"}
"""Names of the threads in which a desk works while it serves."""


@pytest.fixture(autouse=True)
def no_thread_left():
    """Fail a test that leaves a desk at work, unless it is that of a whole module or of the run."""
    before = set(threading.enumerate())
    yield
    left = {thread for thread in threading.enumerate() if thread.name in _BACKGROUND} - before
    assert not left, f"still running after the test: {left}"


_SET_BY_OTHERS = ("PYTEST_", "KMP_", "_RJEM_", "TF_", "TPU_")
"""What pytest sets around each step of a test; scikit-learn, Polars and JAX when they are imported."""


@pytest.fixture(autouse=True)
def environment_unchanged():
    """Fail a test that leaves a variable of the environment changed: tests after it would read it."""
    before = _environment()
    yield
    after = _environment()
    changed = sorted(name for name, _ in before.items() ^ after.items())
    assert not changed, f"changed in os.environ: {changed}"


def _environment():
    names = [name for name in os.environ if not name.startswith(_SET_BY_OTHERS)]
    return {name: os.environ[name] for name in names}


@pytest.fixture
def write(tmp_path):
    """Return a function that writes a text to a file and returns the file's path."""

    def _write(text: str, name: str = "creators.csv", encoding: str = "utf-8") -> Path:
        path = tmp_path / name
        path.write_bytes(textwrap.dedent(text).lstrip("\n").encode(encoding))
        return path

    return _write


@pytest.fixture(scope="session")
def market_file(tmp_path_factory) -> Path:
    """The path of a simulated table of 1,200 rows."""
    from durhampulse.market.sampling import write_market

    path = tmp_path_factory.mktemp("market") / "creators.csv"
    write_market(path, 1_200, seed=3)
    return path


@pytest.fixture(scope="session")
def demo_model() -> Path:
    """The model folder that the package ships for the desk's demo; not to be written to."""
    return Path(str(files("durhampulse").joinpath("desk", "demo", "model")))


@pytest.fixture(scope="session")
def model_folder(demo_model, tmp_path_factory) -> Path:
    """A second model: the demo's, whose log-odds are halved."""
    import numpy as np
    from safetensors.numpy import save

    from durhampulse.models.families import WeightedSum
    from durhampulse.scoring.artifact import read_model
    from tests.models import edit, replace_file

    folder = tmp_path_factory.mktemp("scorer") / "model"
    shutil.copytree(demo_model, folder)
    weights = folder / "weights.safetensors"
    whole = read_model(demo_model).model.weights
    if not isinstance(whole, WeightedSum):
        whole = WeightedSum((whole,), np.ones(1), np.zeros(1))
    halved = WeightedSum(whole.members, whole.coef / 2, whole.intercept / 2)
    replace_file(folder, weights.name, save(halved.arrays()))
    edit(folder, family=halved.family)
    return folder


@pytest.fixture(scope="module")
def bucket():
    """A client of a local S3 server, which the environment points to, with a bucket `creators`."""
    server = pytest.importorskip("moto.server", reason="moto, a local S3 server, is not installed")
    boto3 = pytest.importorskip("boto3")
    running = server.ThreadedMotoServer(port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        patch.setenv("AWS_REGION", "us-east-1")
        patch.setenv("AWS_ACCESS_KEY_ID", "key")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        boto3.client("s3").create_bucket(Bucket="creators")
        yield boto3.client("s3")
    running.stop()


@pytest.fixture(scope="session")
def whole(market_file) -> Study:
    """A study of the simulated table, all parts; the networks of its blend train shortly."""
    from tests.studies import run_parts, short_trainings

    with warnings.catch_warnings(), short_trainings():
        warnings.simplefilter("error")
        return run_parts(market_file)
