"""The service: what it answers, whom it admits, and that it can be replaced while it works."""

from __future__ import annotations

import contextlib
import json
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

import numpy as np
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance
from starlette.testclient import TestClient

import durhampulse as dp
from durhampulse.exceptions import InputError, ModelError
from durhampulse.service.app import create_app
from durhampulse.service.guard import Bucket
from durhampulse.service.keys import SCOPES, KeyRing, add_key
from durhampulse.service.server import run
from durhampulse.service.settings import Limits

CREATOR = {
    "Influencer_ID": "INF-045", "Followers": 85_000, "Engagement_Rate": 0.068,
    "Growth_Rate": 0.021, "Niche": "Fashion", "Video_Quality": "HD", "Avg_Views_per_Post": 31_000,
}  # fmt: skip


@pytest.fixture(scope="module")
def client(demo_model):
    with TestClient(create_app(demo_model)) as client:
        yield client


def score(client, *creators, **options):
    return client.post("/v1/score", json={"creators": creators}, **options)


def test_scores_are_those_of_the_library(client, demo_model):
    frame = dp.simulate_market(300, seed=8).table.drop(columns="Sponsorship_Status")
    records = json.loads(frame.to_json(orient="records"))
    results = score(client, *records).json()["results"]
    scored = dp.load_model(demo_model).score(frame)
    assert [one["id"] for one in results] == frame["Influencer_ID"].tolist()
    for one, row in zip(results, scored.to_dict("records"), strict=True):
        assert one["probability"] == pytest.approx(row["Predicted Sponsorship"], abs=1.01e-4)
        assert one["interval"] == pytest.approx(
            [row["Interval Low"], row["Interval High"]], abs=2e-4
        )
        assert one["recommendation"] == row["Sponsorship Recommendation"]
        assert "; ".join(one["flags"]) == row["Flags"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"Followers": "many"}, "Followers must be a number, but is 'many'"),
        ({"Followers": True}, "must be a number"),
        ({"Followers": -1}, "Followers cannot be -1"),
        ({"Followers": 10**400}, "finite"),
        ({"Niche": ["Tech"]}, "Niche must be text"),
        ({"Engagement_Rate": 2.0}, "must be a fraction such as 0.056"),
        ({"Engagement_Rate": "2.0"}, "must be a fraction such as 0.056"),
        ({"Followers": "3.000"}, "may be 3000 or 3: write 3000 or 3.0"),
        ({"Folowers": 5}, "no column 'Folowers'"),
        ({"subs": 5}, "given twice"),
        (dict.fromkeys(["Followers", "Engagement_Rate", "Growth_Rate", "Niche"]), "are empty"),
    ],
)  # fmt: skip
def test_one_bad_creator_does_not_stop_the_others(client, change, words):
    answer = score(client, CREATOR, {**CREATOR, **change}, CREATOR)
    assert answer.status_code == 200
    first, bad, last = answer.json()["results"]
    assert words in bad["error"]
    assert "probability" not in bad
    assert first == last
    assert 0 < first["probability"] < 1


@pytest.mark.parametrize("odd", ["\ud800", float("nan"), float("inf"), 10**30, ["a"], {}, None])
@pytest.mark.parametrize("column", ["Influencer_ID", "Niche", "Followers"])
@pytest.mark.parametrize("path", ["score", "explain"])
def test_odd_values_get_an_answer(client, odd, column, path):
    creator = {**CREATOR, column: odd}
    body = {"creators": [creator]} if path == "score" else {"creator": creator}
    headers = {"content-type": "application/json"}
    answer = client.post(f"/v1/{path}", content=json.dumps(body), headers=headers)
    assert answer.status_code in (200, 422)


def test_cells_are_read_as_in_a_file(client):
    typed = {**CREATOR, "Engagement_Rate": "6.8%", "Followers": "85K", "Niche": " fashion",
             "Video_Quality": "1080p"}  # fmt: skip
    one, two = score(client, CREATOR, typed).json()["results"]
    assert one["probability"] == two["probability"]


def test_explain_adds_up(client):
    answer = client.post("/v1/explain", json={"creator": CREATOR}).json()
    total = answer["base"] + sum(answer["effects"].values())
    assert 1 / (1 + np.exp(-total)) == pytest.approx(answer["probability"], abs=2e-4)
    refused = client.post("/v1/explain", json={"creator": {"Followers": 5}})
    assert refused.status_code == 422
    assert "columns of the model are empty" in refused.json()["error"]["problem"]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "bad-request"), (b'{"creators": []}', 422, "not-valid"),
        (b'{"creators": [1]}', 422, "not-valid"), (b"[" * 100_000, 400, "bad-request"),
        (b'{"creators": [' + b"{}," * 10_000 + b"{}]}", 422, "not-valid"),
    ],
)  # fmt: skip
def test_bodies_of_another_form_are_refused(client, body, status, code):
    answer = client.post("/v1/score", content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


def test_operations(client):
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json()["status"] == "ready"
    assert client.get("/v1/model").json()["columns"][0] == "Followers"
    score(client, CREATOR)
    text = client.get("/metrics").text
    assert 'durhampulse_requests_total{route="/v1/score",status="200"}' in text
    assert client.get("/nowhere").json()["error"]["code"] == "not-found"
    assert 'route="/nowhere"' not in client.get("/metrics").text


def test_keys_and_scopes(demo_model, tmp_path):
    path = tmp_path / "keys.json"
    token = add_key(path, "crm", ["score"])
    assert token not in path.read_text()
    assert path.stat().st_mode & 0o077 == 0
    with pytest.raises(InputError, match="there is a key 'crm'"):
        add_key(path, "crm", ["score"])
    with pytest.raises(InputError, match="No such scope"):
        add_key(path, "other", ["everything"])
    with TestClient(create_app(demo_model, keys=KeyRing.read(path))) as client:
        assert score(client, CREATOR).status_code == 401
        wrong = score(client, CREATOR, headers={"Authorization": f"Bearer {token[:-1]}"})
        assert wrong.status_code == 401
        mine = {"Authorization": f"Bearer {token}"}
        assert score(client, CREATOR, headers=mine).status_code == 200
        assert client.get("/v1/model", headers=mine).status_code == 403
        assert client.get("/metrics").status_code == 401
        assert client.get("/healthz").status_code == 200


def test_rates_are_limited():
    bucket = Bucket(5)
    assert [bucket.take("a") for _ in range(12)] == [True] * 10 + [False] * 2
    assert bucket.take("b")
    time.sleep(0.3)
    assert bucket.take("a")


def test_limits_of_rate_and_body(demo_model):
    with TestClient(create_app(demo_model, limits=Limits(rate=1, body=2_000))) as client:
        found = [score(client, CREATOR).status_code for _ in range(4)]
        assert found == [200, 200, 429, 429]
        assert score(client, *[CREATOR] * 20).status_code == 413


def test_a_public_address_needs_keys(demo_model):
    with pytest.raises(InputError, match="Anybody could use"):
        run(demo_model, host="0.0.0.0", port=1)
    with pytest.raises(ModelError, match="no manifest"):
        run(demo_model.parent, host="127.0.0.1", port=1)


def put(new, folder):
    """Put a model into the place of another, as an operator would."""
    shutil.copytree(new, folder.with_name("arriving"))
    folder.rename(folder.with_name("old"))
    folder.with_name("arriving").rename(folder)
    shutil.rmtree(folder.with_name("old"))


def test_a_model_is_replaced_without_a_dropped_request(demo_model, tmp_path):
    """A real process: a good model is taken, a damaged one left, and SIGTERM ends it in order."""
    folder, other = tmp_path / "model", tmp_path / "other"
    shutil.copytree(demo_model, folder)
    shutil.copytree(demo_model, other)
    manifest = json.loads((other / "manifest.json").read_text())
    manifest["half_width"] = 0.0
    (other / "manifest.json").write_text(json.dumps(manifest))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-c", "from durhampulse.cli import main; main()", "serve",
               "--model", str(folder), "--port", str(port)]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    seen, failed, stop = [], [], threading.Event()

    def ask():
        body = json.dumps({"creators": [CREATOR]}).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{port}/v1/score", body)
        request.add_header("content-type", "application/json")
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.loads(answer.read())

    def keep_asking():
        while not stop.is_set():
            try:
                seen.append(tuple(ask()["results"][0]["interval"]))
            except (urllib.error.URLError, OSError) as error:
                failed.append(error)

    try:
        wait_until(lambda: ask() and True)
        asking = threading.Thread(target=keep_asking)
        asking.start()
        wait_until(lambda: len(seen) > 20)
        put(other, folder)
        wait_until(lambda: seen[-1][0] == seen[-1][1])
        (other / "weights.safetensors").write_bytes(b"broken")
        put(other, folder)
        time.sleep(2)
        assert seen[-1][0] == seen[-1][1]
        stop.set()
        asking.join()
        assert failed == []
        assert len(set(seen)) == 2
    finally:
        stop.set()
        process.send_signal(signal.SIGTERM)
        log = process.communicate(timeout=30)[0].decode()
    assert process.returncode in (0, -signal.SIGTERM)
    assert "Application shutdown complete" in log
    assert "The new model is not used" in log
    assert "Traceback" not in log


def wait_until(condition, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if condition():
                return
        except (urllib.error.URLError, OSError):
            pass
        time.sleep(0.1)
    raise TimeoutError


@pytest.mark.slow
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_the_documented_interface_holds(mode, demo_model, tmp_path):
    """Whatever the documentation allows or forbids: documented answers, and no server error."""
    token = add_key(tmp_path / "keys.json", "test", SCOPES)
    app = create_app(demo_model, keys=KeyRing.read(tmp_path / "keys.json"), limits=Limits(rate=0))
    schema = schemathesis.openapi.from_asgi("/openapi.json", app)
    refusals = schema.config.checks.negative_data_rejection
    refusals.expected_statuses = [*refusals.expected_statuses, "413"]  # more than may be sent
    tried = 0
    for found in schema.get_all_operations():
        operation = found.ok()

        @settings(max_examples=60, suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy(generation_mode=mode))
        def holds(case):
            # A creator of the documented form may still be one who cannot be judged: 422.
            case.call_and_validate(
                headers={"Authorization": f"Bearer {token}"},
                excluded_checks=[positive_data_acceptance],
            )

        with contextlib.suppress(Unsatisfiable):  # nothing can be wrong with a bare GET
            holds()
            tried += 1
    assert tried >= 2
