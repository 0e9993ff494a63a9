"""The service: answers, limits, what it refuses, and its documentation."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import gzip
import json
import re
import threading
import time
from types import SimpleNamespace

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
from durhampulse.scoring.account import Account
from durhampulse.service import guard
from durhampulse.service.app import create_app
from durhampulse.service.guard import Bucket, Guard, Metrics
from durhampulse.service.keys import SCOPES, KeyRing, add_key
from durhampulse.service.server import run
from durhampulse.service.settings import Limits
from tests.asking import CREATOR, score
from tests.examples import examples


@pytest.fixture(scope="module")
def client(demo_model):
    with TestClient(create_app(demo_model)) as client:
        yield client


def test_service_scores_match_library(client, demo_model):
    frame = dp.simulate_market(300, seed=8).table.drop(columns="Sponsorship_Status")
    records = json.loads(frame.to_json(orient="records"))
    results = score(client, *records).json()["results"]
    scored = dp.load_model(demo_model).score(frame)
    assert [result["id"] for result in results] == frame["Influencer_ID"].tolist()
    for result, row in zip(results, scored.to_dict("records"), strict=True):
        assert result["probability"] == pytest.approx(row["Predicted Sponsorship"], abs=1.01e-4)
        assert result["interval"] == pytest.approx(
            [row["Interval Low"], row["Interval High"]], abs=2e-4
        )
        assert result["recommendation"] == row["Sponsorship Recommendation"]
        flags = [*row["Flags"].split("; ")] if row["Flags"] else []
        assert result["flags"] == [flag for flag in flags if not flag.startswith("no precedent")]
        assert len(result["unlike"]) == len(flags) - len(result["flags"])


def test_who_a_creator_is_comes_back_with_the_score(client):
    plain, named = score(
        client,
        {k: v for k, v in CREATOR.items() if k != "Influencer_ID"},
        {
            **{k: v for k, v in CREATOR.items() if k != "Influencer_ID"},
            "Handle": "@lena",
            "Email": "lena@mail.example",
            "Fee": 1840,
        },
    ).json()["results"]
    assert named.pop("id") == "@lena"
    assert named.pop("carried") == {"Email": "lena@mail.example", "Fee": "1840"}
    assert plain.pop("id") is None
    assert named == plain


@pytest.mark.parametrize(
    ("identifier", "answer"),
    [(7, 7), (7.5, 7.5), ("7", "7"), (None, None), (True, "True"), ([7], "[7]"), ({}, "{}")],
)
def test_identifier_comes_back_in_a_documented_form(client, identifier, answer):
    result = score(client, {**CREATOR, "Influencer_ID": identifier}).json()["results"][0]
    assert (result["id"], type(result["id"])) == (answer, type(answer))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"Followers": "many"}, "Followers must be a number, but is 'many'"),
        ({"Followers": True}, "must be a number"),
        ({"Followers": -2}, "Followers cannot be -2"),
        ({"Followers": 10**400}, "finite"),
        ({"Niche": ["Tech"]}, "Niche must be text"),
        ({"Engagement_Rate": 2.0}, "must be a fraction such as 0.056"),
        ({"Engagement_Rate": "2.0"}, "must be a fraction such as 0.056"),
        ({"Followers": "3.000"}, "may be 3000 or 3: write 3000 or 3.0"),
        ({"Folowers": 5}, "no column 'Folowers'"),
        ({"subs": 5}, "given twice"),
        (dict.fromkeys(["Followers", "Engagement_Rate", "Growth_Rate", "Niche"]), "are empty"),
    ],
)
def test_invalid_creator_does_not_affect_others(client, change, words):
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
def test_unusual_values_get_an_answer(client, odd, column, path):
    creator = {**CREATOR, column: odd}
    body = {"creators": [creator]} if path == "score" else {"creator": creator}
    headers = {"content-type": "application/json"}
    answer = client.post(f"/v1/{path}", content=json.dumps(body), headers=headers)
    assert answer.status_code in (200, 422)


def test_record_cells_are_read_as_in_a_file(client):
    typed = {
        **CREATOR,
        "Engagement_Rate": "4.1%",
        "Followers": "85K",
        "Niche": " fashion",
        "Video_Quality": "1080p",
    }
    plain, written = score(client, CREATOR, typed).json()["results"]
    assert plain["probability"] == written["probability"]


def test_explain_contributions_sum_to_log_odds(client):
    answer = client.post("/v1/explain", json={"creator": CREATOR}).json()
    total = answer["base"] + sum(answer["effects"].values())
    assert 1 / (1 + np.exp(-total)) == pytest.approx(answer["probability"], abs=2e-4)
    refused = client.post("/v1/explain", json={"creator": {"Followers": 5}})
    assert refused.status_code == 422
    assert "columns of the model are empty" in refused.json()["error"]["problem"]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "bad-request"),
        (b'{"creators": []}', 422, "not-valid"),
        (b'{"creators": [1]}', 422, "not-valid"),
        (b"[" * 100_000, 400, "bad-request"),
        (b'{"creators": [' + b"{}," * 10_000 + b"{}]}", 422, "not-valid"),
    ],
)
def test_malformed_bodies_are_refused(client, body, status, code):
    answer = client.post("/v1/score", content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/v1/model", "/openapi.json"])
def test_head_equals_get_without_body(client, path):
    answer, full = client.head(path), client.get(path)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-type"] == full.headers["content-type"]
    assert int(answer.headers["content-length"]) > 0
    refused = client.head("/v1/score")
    assert (refused.status_code, refused.headers["allow"]) == (405, "POST")


def packed(client, body, coding="gzip"):
    headers = {"content-type": "application/json", "content-encoding": coding}
    return client.post("/v1/score", content=body, headers=headers)


def test_gzip_body_is_decompressed(client):
    plain = json.dumps({"creators": [CREATOR] * 50}).encode()
    assert packed(client, gzip.compress(plain)).json() == score(client, *[CREATOR] * 50).json()


def test_x_gzip_is_gzip(client):
    """A recipient should take them for the same (RFC 9110, 8.4.1.3)."""
    plain = json.dumps({"creators": [CREATOR]}).encode()
    assert packed(client, gzip.compress(plain), "x-gzip").status_code == 200


def test_what_is_late_within_the_application_is_not_told_as_its_own_time():
    async def ask(_scope, _receive, _send):
        raise TimeoutError("timed out")  # as of a socket

    guard = Guard(ask, 60, Metrics())
    with pytest.raises(TimeoutError, match="timed out"):
        asyncio.run(guard({"type": "http", "path": "/"}, None, None))


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        (lambda body: body, 400, "cannot be unpacked as gzip: .*incorrect header"),
        (lambda body: gzip.compress(body)[:-9], 400, "it breaks off"),
        (lambda body: gzip.compress(body) + b"more", 400, "something follows its end"),
    ],
)
def test_damaged_gzip_body_is_one_clear_error(client, change, status, words):
    answer = packed(client, change(json.dumps({"creators": [CREATOR]}).encode()))
    assert answer.status_code == status
    assert re.search(words, answer.json()["error"]["problem"])
    assert answer.json()["error"]["way_out"]


def test_decompressed_body_is_limited(client):
    bomb = gzip.compress(b'{"creators": [' + b" " * (64 << 20) + b"{}]}")
    assert len(bomb) < 100_000
    answer = packed(client, bomb)
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too-large")


def test_unsupported_content_coding_names_supported_one(client):
    answer = packed(client, b"...", coding="br")
    assert (answer.status_code, answer.headers["accept-encoding"]) == (415, "gzip")
    assert answer.json()["error"]["way_out"] == "Send it in plain or as gzip."


@pytest.mark.parametrize("path", ["score", "explain"])
def test_duplicate_json_key_is_refused(client, path):
    creator = '{"Niche": "Tech", "Followers": 3000, "Followers": 7}'
    body = f'{{"creators": [{creator}]}}' if path == "score" else f'{{"creator": {creator}}}'
    headers = {"content-type": "application/json"}
    answer = client.post(f"/v1/{path}", content=body, headers=headers)
    assert answer.status_code == 422
    problem = answer.json()["error"]["problem"]
    assert problem == "'Followers' is given twice in one object, as 3000 and as 7."


def test_health_model_and_metrics_routes(client):
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json()["status"] == "ready"
    assert client.get("/v1/model").json()["columns"][0] == "Followers"
    score(client, CREATOR)
    text = client.get("/metrics").text
    assert 'durhampulse_requests_total{route="/v1/score",status="200"}' in text
    looked_at = re.search(r"(?m)^durhampulse_model_looked_at_seconds (\S+)$", text)[1]
    assert float(looked_at) == pytest.approx(time.time(), abs=600)
    assert client.get("/nowhere").json()["error"]["code"] == "not-found"
    assert 'route="/nowhere"' not in client.get("/metrics").text


@pytest.fixture
def clock(monkeypatch):
    """The time of token buckets, which stands still until a test moves it on."""
    clock = SimpleNamespace(now=1_000.0, perf_counter=time.perf_counter)
    clock.monotonic = lambda: clock.now
    monkeypatch.setattr(guard, "time", clock)
    return clock


def test_token_bucket_limits_rate(clock):
    bucket = Bucket(5)
    assert [bucket.take("a") for _ in range(12)] == [True] * 10 + [False] * 2
    assert bucket.take("b")
    clock.now += 0.19
    assert not bucket.take("a")
    clock.now += 0.02
    assert bucket.take("a")


@pytest.mark.parametrize(
    ("niche", "status"),
    [
        (r"a\ud800b", 422), (r"a\uDC00", 422), (r"a\u0000b", 422), (r"\\\u0000", 422),
        (r"\ud83d\ude00", 200), (r"a\\u0000b", 200),
    ],
)  # fmt: skip
def test_text_that_nothing_can_keep_is_refused(niche, status, client):
    """A lone surrogate is no character (RFC 3629, 3), and PostgreSQL takes no null character."""
    body = json.dumps({"creators": [CREATOR]}).replace("Fashion", niche)
    headers = {"content-type": "application/json"}
    answer = client.post("/v1/score", content=body, headers=headers)
    assert answer.status_code == status
    if status == 422:
        assert "A text of the body holds" in answer.json()["error"]["problem"]


@pytest.mark.parametrize(
    ("niche", "encoding", "status"),
    [
        ("\ud800", "utf-8", 400), ("\udfff", "utf-16", 400), (r"a\u0000b", "utf-16", 422),
        (r"\ud800", "utf-32", 422), ("Mode für Männer", "utf-16", 200),
    ],
)  # fmt: skip
def test_text_that_nothing_can_keep_is_refused_however_it_is_encoded(
    niche, encoding, status, client
):
    """No encoding of Unicode has a form for a lone surrogate (RFC 3629, 3)."""
    body = json.dumps({"creators": [CREATOR]}).replace("Fashion", niche)
    headers = {"content-type": "application/json"}
    content = body.encode(encoding, "surrogatepass")
    answer = client.post("/v1/score", content=content, headers=headers)
    assert answer.status_code == status


def test_bucket_is_not_full_while_a_thread_spends_of_it(clock, monkeypatch):
    bucket, taken, asked = Bucket(5), threading.Event(), []

    def monotonic():  # asked for the second time once the tokens are taken out
        asked.append(threading.current_thread())
        if len(asked) == 2:
            taken.set()
            other.join(0.2)  # until it has its answer, or waits for its turn
        return clock.now

    monkeypatch.setattr(clock, "monotonic", monotonic)
    answers = []
    other = threading.Thread(target=lambda: answers.append(taken.wait(9) and bucket.take("a")))
    other.start()
    bucket.spend("a", 10.0)
    other.join()
    assert answers == [False]


def test_work_beyond_what_a_client_may_have_waits(demo_model, clock):
    """Whoever took a second of work waits for as long as it takes to earn it; others do not."""
    bucket = Bucket(0.5, 4)
    bucket.spend("a", 2.25)
    assert not bucket.take("a", 0.0)
    assert bucket.take("b", 0.0)
    clock.now += 0.49
    assert not bucket.take("a", 0.0)
    clock.now += 0.02
    assert bucket.take("a", 0.0)
    with TestClient(create_app(demo_model, limits=Limits(work=0.001))) as client:
        for _ in range(50):
            answer = client.post("/v1/explain", json={"creator": CREATOR})
            if answer.status_code == 429:
                break
        assert answer.json()["error"]["problem"] == "Too much work for now."
        assert answer.headers["retry-after"] == "1"


def test_many_creators_are_scored_in_parts_as_alone(client):
    texts = [
        {**CREATOR, "Influencer_ID": n, "Followers": f"{n + 1}K", "Engagement_Rate": f"{n % 9}.5%"}
        for n in range(1_100)
    ]
    results = score(client, *texts).json()["results"]
    some = [0, 499, 500, 1_099]
    assert [results[n] for n in some] == score(client, *(texts[n] for n in some)).json()["results"]
    assert len(results) == 1_100


def test_answers_stay_out_of_caches_and_are_what_they_say(demo_model, client):
    answer = score(client, CREATOR)
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert client.get("/healthz").headers["x-content-type-options"] == "nosniff"
    assert "strict-transport-security" not in answer.headers
    with TestClient(create_app(demo_model, limits=Limits(hsts=True))) as behind_tls:
        header = behind_tls.get("/docs").headers["strict-transport-security"]
    assert header == "max-age=31536000; includeSubDomains"


def test_limits_of_rate_and_body(demo_model, clock):
    with TestClient(create_app(demo_model, limits=Limits(rate=1, body=2_000))) as client:
        statuses = [score(client, CREATOR).status_code for _ in range(4)]
        assert statuses == [200, 200, 429, 429]
        assert score(client, *[CREATOR] * 20).status_code == 413


def test_openapi_names_columns_and_required_keys(demo_model, tmp_path):
    add_key(tmp_path / "keys.json", "crm", ["score"])
    app = create_app(demo_model, keys=KeyRing(tmp_path / "keys.json"))
    with TestClient(app) as client:
        document = client.get("/openapi.json").json()
        page = client.get("/docs")
    secured = {
        path: [method for method in operations if "security" in operations[method]]
        for path, operations in document["paths"].items()
    }
    assert secured == {
        "/v1/score": ["post"],
        "/v1/explain": ["post"],
        "/v1/model": ["get"],
        "/metrics": ["get"],
        "/healthz": [],
        "/readyz": [],
    }
    schemas = document["components"]["schemas"]
    creator = schemas["ExplainRequest"]["properties"]["creator"]
    assert creator["properties"].keys() == CREATOR.keys()
    assert "Gaming" in creator["properties"]["Niche"]["description"]
    fields = {field.name for field in dataclasses.fields(Account)}
    assert schemas["AccountAnswer"]["properties"].keys() == fields | {"model"}
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    policy = page.headers["content-security-policy"]
    assert policy == "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
    for word in (*document["paths"], *CREATOR):
        assert f"{word}</code>" in page.text
    assert not re.search(r"<script|src=|https?://", page.text)


def test_public_address_requires_keys(demo_model):
    with pytest.raises(InputError, match="Anybody could use"):
        run(demo_model, host="0.0.0.0", port=1)
    with pytest.raises(ModelError, match="no manifest"):
        run(demo_model.parent, host="127.0.0.1", port=1)


@pytest.mark.slow
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_service_conforms_to_openapi(mode, demo_model, tmp_path):
    """Generated requests, valid and invalid, get documented answers and no server error."""
    token = add_key(tmp_path / "keys.json", "test", SCOPES)
    app = create_app(demo_model, keys=KeyRing(tmp_path / "keys.json"), limits=Limits(rate=0))
    schema = schemathesis.openapi.from_asgi("/openapi.json", app)
    refusals = schema.config.checks.negative_data_rejection
    refusals.expected_statuses = [*refusals.expected_statuses, "413"]  # more than may be sent
    tried = 0
    for outcome in schema.get_all_operations():
        operation = outcome.ok()

        @settings(examples(60), suppress_health_check=list(HealthCheck))
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


def test_answers_are_packed_for_who_takes_that(client):
    creators = [CREATOR | {"Influencer_ID": f"INF-{n}"} for n in range(50)]
    plain = score(client, *creators, headers={"accept-encoding": "identity"})
    packed = score(client, *creators, headers={"accept-encoding": "gzip"})
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.json() == plain.json()
    assert int(packed.headers["content-length"]) < len(plain.content) / 4


def test_service_below_a_path_of_a_proxy(demo_model):
    with TestClient(create_app(demo_model, root_path="/pulse")) as client:
        for path in ("/pulse/v1/model", "/v1/model"):  # as it came, or without it
            assert client.get(path).status_code == 200
        assert client.get("/pulse/openapi.json").json()["servers"] == [{"url": "/pulse"}]
        assert 'href="openapi.json"' in client.get("/pulse/docs").text
        assert client.get("/pulses/v1/model").status_code == 404


def test_each_refusal_has_a_way_out(demo_model, tmp_path):
    """A body without the header of JSON is text to the framework, which says nothing of that."""
    path = tmp_path / "keys.json"
    key = {"Authorization": f"Bearer {add_key(path, 'crm', ['score'])}"}
    limits = Limits(rate=0.001)
    with TestClient(create_app(demo_model, keys=KeyRing(path), limits=limits)) as client:
        answers = {
            401: score(client, CREATOR),
            403: client.get("/v1/model", headers=key),
            404: client.get("/nowhere"),
            405: client.get("/v1/score"),
            422: client.post("/v1/score", content=b'{"creators": [{}]}', headers=key),
            429: score(client, CREATOR, headers=key),
        }
    for status, answer in answers.items():
        assert answer.status_code == status
        assert answer.json()["error"]["way_out"]
    assert "Content-Type: application/json" in answers[422].json()["error"]["way_out"]
