"""Signing in by a provider: a small one of our own answers, and lies in the ways known of others."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import pytest
from joserfc import jws, jwt
from joserfc.jwk import ECKey
from sqlalchemy import func, select, text
from starlette.testclient import TestClient
from typer.testing import CliRunner

from durhampulse.cli import app as commands
from durhampulse.desk.people import people
from durhampulse.desk.people.identities import person_of, set_identity
from durhampulse.desk.people.provider import Claims, Flow, Provider, ProviderSettings
from durhampulse.desk.people.sign_in import SignIn
from durhampulse.desk.store.database import open_store
from durhampulse.desk.store.tables import audit, identity, person, session
from durhampulse.desk.web.access import COOKIE
from durhampulse.desk.web.app import create_desk
from durhampulse.desk.web.exposure import Exposure
from durhampulse.exceptions import InputError
from tests.desk.conftest import PASSWORD, add_people
from tests.desk.versions import store_of_version

DESK = "http://testserver"
CLIENT, SECRET = "desk-1", "s%cret of the client"


class MockProvider:
    """A provider as OpenID Connect Core 1.0 has it; `tamper` changes what it says."""

    def __init__(self):
        self.key = ECKey.generate_key("P-256", {"kid": "k1", "use": "sig"})
        self.codes, self.used = {}, []
        handler = type("Handler", (_Handler,), {"provider": self})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.issuer = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True)
        self.thread.start()
        self.known = Provider(settings(self))
        self.reset()

    def reset(self):
        self.claims = {"sub": "u-1", "email": "ann@example.com", "email_verified": True,
                       "name": "Ann Lee"}  # fmt: skip
        self.change, self.sign = dict, self._sign
        self.checks_verifier, self.metadata_issuer = True, self.issuer

    def close(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def authorize(self, address):
        """Let the person in; give what the browser brings back."""
        asked = dict(parse_qsl(urlsplit(address).query))
        assert address.startswith(f"{self.issuer}/authorize?")
        assert asked["response_type"] == "code"
        assert asked["client_id"] == CLIENT
        assert asked["code_challenge_method"] == "S256"
        assert asked["redirect_uri"] == f"{DESK}/sign-in/provider/callback"
        assert "openid" in asked["scope"].split()
        code = f"code-{len(self.codes)}"
        self.codes[code] = asked
        return {"code": code, "state": asked["state"]}

    def token(self, form, authorization):
        """Answer a code, as RFC 6749, 4.1.3, and RFC 7636, 4.6, have it."""
        user, _, password = (
            base64.b64decode(authorization.removeprefix("Basic ")).decode().partition(":")
        )
        asked = self.codes.get(form["code"])
        if (user, password) != (CLIENT, SECRET):
            return 401, {"error": "invalid_client"}
        if asked is None or form["code"] in self.used:
            return 400, {"error": "invalid_grant"}
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        if self.checks_verifier and challenge != asked["code_challenge"]:
            return 400, {"error": "invalid_grant"}
        assert form["redirect_uri"] == asked["redirect_uri"]
        self.used.append(form["code"])
        now = int(time.time())
        claims = {**self.claims, "iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 300,
                  "nonce": asked["nonce"], "auth_time": now}  # fmt: skip
        id_token = self.sign(self.change(claims))
        return 200, {"access_token": "at", "token_type": "Bearer", "id_token": id_token}

    def _sign(self, claims):
        return jwt.encode({"alg": "ES256", "kid": "k1"}, claims, self.key)

    def published(self, path):
        at = self.issuer
        return {
            "/.well-known/openid-configuration": {
                "issuer": self.metadata_issuer, "authorization_endpoint": f"{at}/authorize",
                "token_endpoint": f"{at}/token", "jwks_uri": f"{at}/keys",
                "end_session_endpoint": f"{at}/end",
            },
            "/keys": {"keys": [self.key.as_dict(private=False)]},
        }.get(path)  # fmt: skip


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        answer = self.provider.published(self.path)
        self._answer(200 if answer else 404, answer)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        self._answer(*self.provider.token(dict(parse_qsl(body)), self.headers["authorization"]))

    def _answer(self, status, answer):
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def running():
    provider = MockProvider()
    yield provider
    provider.close()


@pytest.fixture
def mock(running):
    running.reset()
    return running


def settings(mock, **more):
    return ProviderSettings(
        issuer=mock.issuer, client=CLIENT, secret=SECRET, title="Example", **more
    )


@pytest.fixture
def behind(desk, mock):
    """Give a browser before a desk whose people sign in by the provider; Ann is known there."""

    @contextmanager
    def _behind(*, passwords=True, role="viewer", **more):
        with desk.store.writing() as db:
            ann = people.add_person(db, "Ann", role, "test")
            set_identity(db, ann, " Ann@Example.com ", "test")
        app = create_desk(replace(
            desk, provider=Provider(settings(mock, **more)), exposure=Exposure(address=DESK),
            sign_in=SignIn(passwords=passwords),
        ))  # fmt: skip
        with TestClient(app, follow_redirects=False) as client:
            yield client

    return _behind


def come_back(client, brought):
    return client.get(f"/sign-in/provider/callback?{urlencode(brought)}")


def sign_in(client, mock, query=""):
    there = client.get(f"/sign-in/provider{query}")
    assert there.status_code == 303, there.text
    return come_back(client, mock.authorize(there.headers["location"]))


def people_of(desk):
    with desk.store.reading() as db:
        return db.execute(select(person.c.name, person.c.role)).all()


def test_somebody_known_by_a_verified_address_signs_in_and_is_bound_to_the_subject(
    behind, mock, desk
):
    with behind() as client:
        assert "Sign in with Example" in client.get("/sign-in").text
        inside = sign_in(client, mock, "?next=/lists")
        assert (inside.status_code, inside.headers["location"]) == (303, "/lists")
        assert client.get("/lists").status_code == 200
        mock.claims = {"sub": "u-1", "email": "new@example.com", "email_verified": False}
        client.cookies.clear()
        assert sign_in(client, mock).headers["location"] == "/shortlist"
        mock.claims = {"sub": "u-2", "email": "ann@example.com", "email_verified": True}
        assert sign_in(client, mock).status_code == 403  # the address has changed hands
    with desk.store.reading() as db:
        acts = db.scalars(select(audit.c.act)).all()
        assert acts.count("signed in by provider") == 2
        assert acts.count("bound to the provider") == 1
        assert "example.com" not in str(db.execute(select(audit)).all())


def test_nobody_comes_in_by_what_is_not_verified(behind, mock, desk):
    with behind() as client:
        for claims in (
            {"sub": "u-9", "email": "ann@example.com", "email_verified": False},
            {"sub": "u-9", "email": "ann@example.com"},
            {"sub": "u-9", "email": "ann@example.com", "email_verified": "true"},
            {"sub": "ann@example.com"},  # a subject of its owner's choice
            {"sub": "u-9", "email": "bea@example.com", "email_verified": True},
        ):
            mock.claims = claims
            refused = sign_in(client, mock)
            assert refused.status_code == 403
            assert "Nobody here is known as" in refused.text
            assert COOKIE not in client.cookies
        mock.change = other(nonce="of another sign-in")
        assert "could not be verified" in sign_in(client, mock).text
        assert COOKIE not in client.cookies
    assert len(people_of(desk)) == 1


def other(**claims):
    return lambda given: {**given, **claims}


def without(name):
    return lambda given: {key: value for key, value in given.items() if key != name}


NOW = int(time.time())


@pytest.mark.parametrize(
    "change",
    [other(nonce="of another sign-in"), without("nonce"),
     other(iss="https://evil.example"), without("iss"),
     other(aud="another-client"), without("aud"),
     other(aud=[CLIENT, "another-client"]), other(azp="another-client"),
     other(exp=NOW - 3600), without("exp"), other(iat=NOW + 86_400), without("iat"),
     other(nbf=NOW + 86_400), other(sub=""), other(sub=7), without("sub"),
     other(at_hash="wrong")],
)  # fmt: skip
def test_a_wrong_claim_lets_nobody_in(mock, change):
    assert redeem(mock).subject == "u-1"
    mock.change = change
    with pytest.raises(InputError, match="could not be verified"):
        redeem(mock)


def redeem(mock):
    """Let the person in at the provider; give what the desk takes for verified."""
    provider, flow, back = (
        Provider(settings(mock)),
        Flow.begin(""),
        f"{DESK}/sign-in/provider/callback",
    )
    brought = mock.authorize(provider.address_for(flow, back, max_age=60, again=False))
    return provider.redeem(flow, brought["code"], back)


def encoded(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def unsigned(mock):
    return lambda claims: f"{encoded({'alg': 'none'})}.{encoded(claims)}."


def by_secret(mock):
    """As if the public key were that of an HMAC; by hand, since joserfc refuses to."""

    def sign(claims):
        parts = f"{encoded({'alg': 'HS256', 'kid': 'k1'})}.{encoded(claims)}"
        mac = hmac.digest(mock.key.as_pem(private=False), parts.encode(), "sha256")
        return f"{parts}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"

    return sign


def by_stranger(mock):
    key = ECKey.generate_key("P-256", {"kid": "k1"})
    return lambda claims: jwt.encode({"alg": "ES256", "kid": "k1"}, claims, key)


def by_key_within(mock):
    key = ECKey.generate_key("P-256")
    header = {"alg": "ES256", "jwk": key.as_dict(private=False)}
    registry = jws.JWSRegistry(algorithms=["ES256"], strict_check_header=False)
    return lambda claims: jwt.encode(header, claims, key, registry=registry)


def altered(mock):
    def sign(claims):
        head, _, tail = mock._sign(claims).split(".")
        body = json.dumps({**claims, "sub": "u-2"}).encode()
        return f"{head}.{base64.urlsafe_b64encode(body).decode().rstrip('=')}.{tail}"

    return sign


@pytest.mark.parametrize("forge", [unsigned, by_secret, by_stranger, by_key_within, altered])
def test_an_identity_that_the_provider_has_not_signed_lets_nobody_in(mock, forge):
    mock.sign = forge(mock)
    with pytest.raises(InputError, match="could not be verified"):
        redeem(mock)


def test_a_code_is_used_once_and_by_the_browser_that_began(behind, mock):
    with behind() as client:
        brought = mock.authorize(client.get("/sign-in/provider").headers["location"])
        flow = client.cookies["durhampulse-flow"]
        assert come_back(client, {**brought, "state": "guessed"}).status_code == 403
        assert come_back(client, brought).status_code == 403  # its cookie is gone
        client.cookies.set("durhampulse-flow", flow)
        assert come_back(client, brought).status_code == 303
        client.cookies.clear()
        client.cookies.set("durhampulse-flow", flow)
        replayed = come_back(client, brought)
        assert replayed.status_code == 403
        assert "could not be verified" in replayed.text
        assert COOKIE not in client.cookies


def test_a_code_of_another_sign_in_is_refused_by_provider_and_desk(behind, mock):
    """A stolen code is put into a sign-in of the thief's: PKCE ends it, and else the nonce."""
    with behind() as client:
        stolen = mock.authorize(client.get("/sign-in/provider").headers["location"])["code"]
        for checks in (True, False):
            mock.checks_verifier = checks
            client.cookies.clear()
            asked = parse_qs(urlsplit(client.get("/sign-in/provider").headers["location"]).query)
            refused = come_back(client, {"code": stolen, "state": asked["state"][0]})
            assert "could not be verified" in refused.text
            assert COOKIE not in client.cookies


def test_a_refusal_or_another_provider_lets_nobody_in(behind, mock):
    refusals = ({"error": "access_denied"}, {"code": "c", "iss": "https://evil.example"}, {})
    with behind() as client:
        for brought in refusals:
            refused_by(client, brought)


def refused_by(client, brought):
    asked = parse_qs(urlsplit(client.get("/sign-in/provider").headers["location"]).query)
    refused = come_back(client, {**brought, "state": asked["state"][0]})
    assert refused.status_code == 403
    assert "Sign in with Example" in refused.text
    assert COOKIE not in client.cookies


def test_nobody_is_sent_elsewhere_after_it(behind, mock):
    with behind() as client:
        for away in ("https://evil.example", "//evil.example", "/\\evil.example", "javascript:x"):
            inside = sign_in(client, mock, f"?{urlencode({'next': away})}")
            assert inside.headers["location"] == "/shortlist"
            client.cookies.clear()
            # a browser whose cookie says so
            brought = mock.authorize(client.get("/sign-in/provider").headers["location"])
            flow = replace(Flow.read(client.cookies["durhampulse-flow"]), next=away)
            client.cookies.clear()
            client.cookies.set("durhampulse-flow", flow.cookie)
            assert come_back(client, brought).headers["location"] == "/shortlist"
            client.cookies.clear()


def test_accounts_are_made_only_where_an_option_says_so(behind, mock, desk):
    with behind(new_role="reviewer") as client:
        mock.claims = {"sub": "u-7", "email": "cem@example.com", "email_verified": True,
                       "name": "Cem"}  # fmt: skip
        assert sign_in(client, mock).status_code == 303
        client.cookies.clear()
        assert sign_in(client, mock).status_code == 303
        mock.claims = {"sub": "u-8", "name": "Cem"}  # two of a name stay two
        client.cookies.clear()
        assert sign_in(client, mock).status_code == 303
    assert people_of(desk) == [("Ann", "viewer"), ("Cem", "reviewer"), ("u-8", "reviewer")]


def test_passwords_can_be_switched_off(behind, mock, desk):
    with behind(passwords=False, role="admin") as client:
        with desk.store.writing() as db:
            bea = people.add_person(db, "Bea", "admin", "test", PASSWORD)
        page = client.get("/sign-in").text
        assert 'type="password"' not in page
        refused = client.post("/sign-in", data={"name": "Bea", "password": PASSWORD})
        assert refused.status_code == 403
        assert "Nobody signs in by a password here" in refused.text
        assert sign_in(client, mock).status_code == 303
        page = client.get("/people").text
        assert "Known to Example as" in page
        assert "New password link" not in page
        csrf = page.split('name="csrf" value="')[1].split('"')[0]
        link = client.post(f"/people/{bea}/link", data={"csrf": csrf})
        assert link.status_code == 422
        data = {"csrf": csrf, "known_as": "ann@example.com"}
        taken = client.post(f"/people/{bea}/identity", data=data)
        assert taken.status_code == 422
        data["known_as"] = "bea@example.com"
        assert client.post(f"/people/{bea}/identity", data=data).status_code == 303
        assert (
            client.post("/people", data={"csrf": csrf, "name": "C", "role": "viewer"}).status_code
            == 303
        )


def test_heavy_acts_ask_the_provider_again_and_signing_out_names_it(behind, mock, desk):
    with behind(role="admin") as client:
        mock.change = other(auth_time=NOW - 3600)  # signed in there an hour ago
        assert sign_in(client, mock).status_code == 303
        csrf = client.get("/account").text.split('name="csrf" value="')[1].split('"')[0]
        data = {"csrf": csrf, "name": "Bea", "role": "viewer"}
        asked = client.post("/people", data=data, headers={"referer": f"{DESK}/people"})
        assert asked.status_code == 422
        again = asked.text.split('href="/sign-in/provider')[1].split('"')[0].replace("&amp;", "&")
        mock.change = dict
        there = client.get(f"/sign-in/provider{again}").headers["location"]
        query = parse_qs(urlsplit(there).query)
        assert (query["prompt"], query["max_age"]) == (["login"], ["0"])
        assert come_back(client, mock.authorize(there)).headers["location"] == "/people"
        data["csrf"] = client.get("/account").text.split('name="csrf" value="')[1].split('"')[0]
        assert "one-time" in client.post("/people", data=data).text or len(people_of(desk)) == 2
        left = client.post("/sign-out", data={"csrf": data["csrf"]})
        assert f"{mock.issuer}/end?client_id={CLIENT}" in client.get(left.headers["location"]).text
        assert client.get("/shortlist").status_code == 303


def test_who_is_no_longer_known_or_let_in_is_signed_out(behind, mock, desk):
    with behind() as client:
        assert sign_in(client, mock).status_code == 303
        with desk.store.writing() as db:
            ann = db.scalar(select(person.c.id).where(person.c.name == "Ann"))
            set_identity(db, ann, "", "test")
            assert db.scalar(select(func.count()).select_from(session)) == 0
            set_identity(db, ann, "u-1", "test")
            people.add_person(db, "Bea", "admin", "test")
            people.change_person(db, ann, "test", role="viewer", active=False)
        refused = sign_in(client, mock)
        assert "You may not sign in here" in refused.text
        assert refused.status_code == 403


def test_a_provider_that_is_away_or_another_is_said(behind, mock, desk, caplog):
    with behind() as client:
        mock.metadata_issuer = "https://evil.example"
        answer = client.get("/sign-in/provider")
        assert answer.status_code == 503
        assert "calls itself otherwise" in answer.text
    away = Provider(replace(settings(mock), issuer="http://127.0.0.1:9"))
    with pytest.raises(InputError, match="does not answer"):
        away.address_for(Flow.begin(""), "back", max_age=1, again=False)
    assert away.end_address("back") == ""
    assert "does not answer" in caplog.text


def test_address_to_sign_out_keeps_the_query_that_the_provider_gave_it(mock, monkeypatch):
    """As of Azure AD B2C, whose policies stand in the query (RP-Initiated Logout 1.0, 2)."""
    published = mock.published("/.well-known/openid-configuration")
    ends = {**published, "end_session_endpoint": f"{mock.issuer}/end?p=b2c_1"}
    monkeypatch.setattr(mock, "published", lambda _path: ends)
    address = Provider(settings(mock)).end_address(DESK)
    assert parse_qs(urlsplit(address).query) == {
        "p": ["b2c_1"], "client_id": [CLIENT], "post_logout_redirect_uri": [DESK],
    }  # fmt: skip


@pytest.mark.parametrize(
    "other", [{"kty": "EC", "crv": "P-999", "x": "AA", "y": "AA"}, {"kty": "RSA", "kid": "k9"}]
)
def test_key_that_cannot_be_read_is_passed_over(mock, monkeypatch, other):
    """As RFC 7517, 5, has it of a value out of range or missing."""
    published = mock.published

    def with_other(path):
        answer = published(path)
        return {"keys": [other, *answer["keys"]]} if path == "/keys" else answer

    monkeypatch.setattr(mock, "published", with_other)
    assert redeem(mock).subject == mock.claims["sub"]


def test_provider_whose_name_can_be_none_does_not_answer():
    provider = Provider(ProviderSettings(issuer="https://\u00e4..example", client=CLIENT))
    with pytest.raises(InputError, match="does not answer"):
        provider.address_for(Flow.begin(""), "back", max_age=1, again=False)


def test_new_keys_of_the_provider_are_fetched(behind, mock, monkeypatch):
    with behind() as client:
        assert sign_in(client, mock).status_code == 303
        monkeypatch.setattr("durhampulse.desk.people.provider._KEYS_SECONDS", 0)
        monkeypatch.setattr(mock, "key", ECKey.generate_key("P-256", {"kid": "k2", "use": "sig"}))
        mock.sign = lambda claims: jwt.encode({"alg": "ES256", "kid": "k2"}, claims, mock.key)
        assert sign_in(client, mock).status_code == 303


def test_sign_ins_go_on_while_the_provider_is_asked_anew(mock, monkeypatch):
    asked, may_answer, published = threading.Event(), threading.Event(), mock.published
    known = Provider(settings(mock))
    expected = known.end_address(DESK)
    monkeypatch.setattr("durhampulse.desk.people.provider._KEPT_SECONDS", 0)

    def published_late(path):
        asked.set()
        may_answer.wait(60)
        return published(path)

    monkeypatch.setattr(mock, "published", published_late)
    with ThreadPoolExecutor(5) as pool:
        try:
            first = pool.submit(known.end_address, DESK)
            assert asked.wait(60)
            others = [pool.submit(known.end_address, DESK) for _ in range(4)]
            assert [other.result(60) for other in others] == [expected] * 4
            assert not first.done()
        finally:
            may_answer.set()
        assert first.result(60) == expected


def test_sign_ins_without_anything_kept_share_one_request(mock, monkeypatch):
    """Who comes while the first waits is not sent after them, ten seconds each."""
    may_answer, waiting, requests = threading.Event(), threading.Semaphore(0), []
    known = Provider(settings(mock))

    class Awaited(Future):
        def result(self, timeout=None):
            waiting.release()
            return super().result(timeout)

    def refused(path):
        requests.append(path)
        may_answer.wait(60)

    monkeypatch.setattr(mock, "published", refused)
    monkeypatch.setattr("durhampulse.desk.people.provider.Future", Awaited)
    with ThreadPoolExecutor(5) as pool:
        try:
            ends = [pool.submit(known.end_address, DESK) for _ in range(5)]
            assert all(waiting.acquire(timeout=60) for _ in range(4))
        finally:
            may_answer.set()
        assert [end.result(60) for end in ends] == [""] * 5
    assert len(requests) == 1


@pytest.mark.parametrize(("hours", "serves"), [(1.5, True), (2.5, False)])
def test_what_is_kept_serves_for_an_hour_more_without_the_provider(
    mock, monkeypatch, hours, serves
):
    now = [time.monotonic()]
    clock = SimpleNamespace(monotonic=lambda: now[0], time=time.time)
    monkeypatch.setattr("durhampulse.desk.people.provider.time", clock)
    known = Provider(settings(mock))
    address = known.end_address(DESK)
    now[0] += 3600 * hours
    monkeypatch.setattr(mock, "published", lambda _path: None)
    assert known.end_address(DESK) == (address if serves else "")


def test_without_a_provider_there_is_no_such_page(visit):
    nobody = visit()
    for path in ("/sign-in/provider", "/sign-in/provider/callback"):
        assert nobody.get(path).status_code == 404


@pytest.mark.parametrize("cookie", ["", "x", "e30", base64.urlsafe_b64encode(b'{"state": 3}').decode(),
                                    "\u00e4", "W10"])  # fmt: skip
def test_a_cookie_that_is_no_sign_in_is_none(cookie):
    assert Flow.read(cookie) is None


@pytest.mark.parametrize("address", ["https://[", "http://id.example", "id.example"])
def test_address_of_no_provider_is_one_clear_error(address):
    with pytest.raises(InputError, match="is not the address of a provider"):
        ProviderSettings.read(address, "desk", None)


def test_options_name_what_is_missing(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("hidden\n")
    given = ProviderSettings.read("https://id.example", "desk", secret)
    assert given.secret == "hidden"
    assert "hidden" not in repr(given)
    for bad in ({"issuer": "http://id.example"}, {"client": None}, {"new_role": "owner"},
                {"secret_file": tmp_path / "none"}):  # fmt: skip
        good = {"issuer": "https://id.example", "client": "desk", "secret_file": None}
        with pytest.raises(InputError):
            ProviderSettings.read(**{**good, **bad})
    refused = CliRunner().invoke(commands, ["desk", "--no-passwords"])
    assert isinstance(refused.exception, InputError)


@pytest.mark.parametrize(
    ("called", "name"),
    [
        ("bo  lee", "b.lee@example.org"),  # as somebody else is
        ("\u200b", "b.lee@example.org"),
        ("Ann\u200d Lee\t", "Ann Lee"),
    ],
)
def test_new_person_has_an_account_whatever_the_provider_calls_them(store, called, name):
    claims = Claims(issuer="https://id.example", subject="u-7", email="b.lee@example.org",
                    name=called)  # fmt: skip
    with store.writing() as db:
        people.add_person(db, "Bo Lee", "viewer", "test")
        number = person_of(db, claims, "viewer")
        assert people.find_person(db, number).name == name
        assert person_of(db, claims, "viewer") == number


def test_two_people_are_never_bound_to_one_subject(store):
    ann, bea = add_people(store, "viewer", "viewer")
    claims = Claims(issuer="https://id.example", subject="u-1", email="ann@example.com")
    with store.writing() as db:
        set_identity(db, ann, "ann@example.com", "test")
        set_identity(db, bea, "u-1", "test")
        first = person_of(db, claims)
        assert person_of(db, claims) == first
        assert db.scalar(select(func.count()).where(identity.c.subject == "u-1")) == 1


def test_migration_keeps_sessions_as_those_of_passwords(store_url):
    store = store_of_version("0024", store_url)
    (bea,) = add_people(store, "admin")
    with store.writing() as db:
        db.execute(
            text("INSERT INTO session (digest, person_id, csrf, browser, begun_at, used_at,"
                 " confirmed_at, expires_at) VALUES ('d', :bea, 'c', 'b', '2026-01-01',"
                 " '2026-01-01', '2026-01-01', '2999-01-01')"), {"bea": bea},
        )  # fmt: skip
    store.close()
    store = open_store(store_url)
    with store.reading() as db:
        assert db.execute(select(session.c.person_id, session.c.method)).one() == (bea, "password")
    store.close()
