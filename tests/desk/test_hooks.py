"""Webhooks: signed, at least once, in order, given up visibly, and never in a reviewer's way."""

from __future__ import annotations

import base64
import hmac
import json
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from sqlalchemy import func, select, update

from durhampulse.desk.hooks import sender as sending
from durhampulse.desk.hooks import target
from durhampulse.desk.hooks.endpoints import add_hook, change_hook, hooks
from durhampulse.desk.hooks.sender import Sender, sweep_deliveries
from durhampulse.desk.outcomes.recording import insert_outcomes, record, withdraw
from durhampulse.desk.people.erasure import erase
from durhampulse.desk.review.decisions import ReviewDecision, decide, decide_many
from durhampulse.desk.review.undoing import undo
from durhampulse.desk.store import clock
from durhampulse.desk.store.acts import begin_act, undo_act
from durhampulse.desk.store.tables import audit, creator, delivery, hook, setting
from durhampulse.exceptions import InputError
from tests.desk.conftest import add_people

TRIES = 4
NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)


class Receiver(ThreadingHTTPServer):
    """A program that is told; `answer` gives the status of each message by its type."""

    daemon_threads = True

    def __init__(self):
        self.messages, self.answer, self.secrets = [], lambda _message: 204, []
        super().__init__(("127.0.0.1", 0), _Handler)
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}/hooks?of=desk"

    def told(self, *keys):
        return [tuple(m["data"].get(key, m.get(key)) for key in keys) for m in self.messages]


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        message = {**json.loads(body), "id": self.headers["webhook-id"], "path": self.path}
        if self.server.secrets:
            verify(self.server.secrets[-1], self.headers, body)
            message["verified"] = True
        status = self.server.answer(message)
        if status < 300:
            self.server.messages.append(message)
        self.send_response(status)
        self.send_header("location", "http://127.0.0.1:1/")
        self.end_headers()

    def log_message(self, *_):
        pass


def verify(secret, headers, body):
    """Verify as the standard says receivers do, of the code's own functions using none."""
    key = base64.b64decode(secret.split("_", 1)[1])
    assert 24 <= len(key) <= 64
    signed = b".".join(
        [headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), body]
    )
    expected = base64.b64encode(hmac.new(key, signed, "sha256").digest()).decode()
    given = [one.split(",", 1) for one in headers["webhook-signature"].split(" ")]
    assert ["v1", expected] in given


@pytest.fixture
def receiver():
    server = Receiver()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def hooked(filled, receiver, monkeypatch):
    """A store with an endpoint, and a clock that stands still until it is moved."""
    moment = [NOW]
    monkeypatch.setattr(clock, "now", lambda: moment[0])
    with filled.writing() as db:
        number, secret = add_hook(db, receiver.url, "ann", private=True)
    receiver.secrets.append(secret)

    def wait(**span):
        moment[0] += timedelta(**span)

    monkeypatch.setattr(sending, "MOST_TRIES", TRIES)
    filled.wait, filled.hook = wait, number
    return filled


def decision(choice, request, reason="Off brand"):
    return ReviewDecision(choice=choice, reason=reason, note="a secret note", request=request)


def rows(store):
    with store.reading() as db:
        return db.execute(select(delivery).order_by(delivery.c.id)).all()


def state_of(store):
    with store.reading() as db:
        return hooks(db)[0]


def noted(store):
    with store.reading() as db:
        return list(db.scalars(select(audit.c.act).where(audit.c.subject == "webhook 1")))


def test_all_that_is_decided_and_recorded_is_told_in_order(hooked, rules, receiver):
    (ann,) = add_people(hooked, "reviewer")
    name = _names(hooked)
    number, _ = decide(hooked, 3, ann, decision("decline", "request-1"), rules)
    undo(hooked, ann, number)
    decide(hooked, 3, ann, decision("skip", "request-2"), rules)
    hooked.wait(minutes=1)
    many = decide_many(
        hooked, [4, 5], ann, decision("approve", "request-3", "Fits the brand"), rules
    )
    hooked.wait(minutes=1)
    undo_act(hooked, many.act, "ann")
    record(hooked, 6, deal=True, on=date(2026, 5, 1), by="ann")
    hooked.wait(minutes=1)
    record(hooked, 6, deal=False, on=date(2026, 5, 2), by="ann")
    withdraw(hooked, 6, "ann")
    assert Sender(hooked).work() == 4  # of each creator the earliest
    sender = Sender(hooked)
    while sender.work():
        pass
    told = receiver.told("type", "creator", "decision", "deal", "on")
    assert [one for one in told if one[1] == name[3]] == [
        ("decision.made", name[3], "decline", None, None),
        ("decision.undone", name[3], "decline", None, None),
    ]
    for other in (4, 5):
        assert [one for one in told if one[1] == name[other]] == [
            ("decision.made", name[other], "approve", None, None),
            ("decision.undone", name[other], "approve", None, None),
        ]
    assert [one for one in told if one[1] == name[6]] == [
        ("outcome.recorded", name[6], None, True, "2026-05-01"),
        ("outcome.recorded", name[6], None, False, "2026-05-02"),
        ("outcome.withdrawn", name[6], None, False, "2026-05-02"),
    ]
    assert all(message["verified"] for message in receiver.messages)
    assert len({message["id"] for message in receiver.messages}) == len(told) == 9
    assert receiver.messages[0]["path"] == "/hooks?of=desk"
    assert receiver.messages[0]["timestamp"] == "2026-05-04T12:00:00.000Z"
    assert "secret note" not in str(receiver.messages)
    assert "reviewer" not in str(receiver.messages)


def _names(store):
    with store.reading() as db:
        return dict(db.execute(select(creator.c.id, creator.c.external_id)).all())


def test_undone_outcomes_bring_back_the_one_before(hooked, receiver):
    with hooked.writing() as db:
        insert_outcomes(db, [(6, True, date(2026, 5, 1))], "ann", act_id=None)
    hooked.wait(minutes=1)
    with hooked.writing() as db:
        act = begin_act(db, "outcomes", "ann", {})
        insert_outcomes(db, [(6, False, date(2026, 5, 2))], "ann", act_id=act)
    undo_act(hooked, act, "ann")
    sender = Sender(hooked)
    while sender.work():
        pass
    assert receiver.told("type", "deal") == [
        ("outcome.recorded", True), ("outcome.recorded", False),
        ("outcome.withdrawn", False), ("outcome.recorded", True),
    ]  # fmt: skip


def test_what_is_rolled_back_is_not_told_and_nothing_is_queued_without_endpoints(hooked, filled):
    def half():
        with hooked.writing() as db:
            insert_outcomes(db, [(6, True, date(2026, 5, 1))], "ann")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half()
    assert rows(hooked) == []
    with hooked.writing() as db:
        change_hook(db, hooked.hook, "off", "ann")
    record(hooked, 6, deal=True, on=date(2026, 5, 1), by="ann")
    assert rows(hooked) == []


def test_failure_is_tried_again_with_growing_pauses_then_the_endpoint_is_failing(
    hooked, rules, receiver
):
    (ann,) = add_people(hooked, "reviewer")
    decide(hooked, 3, ann, decision("decline", "request-1"), rules)
    statuses = iter([500, 302, 429, 204])
    seen = []
    receiver.answer = lambda message: seen.append(message["id"]) or next(statuses)
    sender = Sender(hooked)
    for wait in (5, 10, 20):
        assert sender.work() == 0
        tried = len(seen)
        hooked.wait(seconds=wait - 1)
        assert sender.work() == 0
        assert len(seen) == tried  # not yet
        hooked.wait(seconds=1)
    assert sender.work() == 1
    assert len(set(seen)) == 1  # one identifier, however often
    assert state_of(hooked).sent == 1
    receiver.answer = lambda _message: 503
    decide(hooked, 4, ann, decision("decline", "request-2"), rules)
    for _ in range(TRIES):
        assert sender.work() == 0
        hooked.wait(hours=1)
    endpoint = state_of(hooked)
    assert (endpoint.row.state, endpoint.waiting) == ("failing", 1)
    assert endpoint.row.problem == "The answer was 503."
    assert noted(hooked) == ["webhook added", "webhook failing"]
    decide(hooked, 5, ann, decision("decline", "request-3"), rules)  # waits too
    receiver.answer = lambda _message: 204
    assert sender.work() == 0
    with hooked.writing() as db:
        change_hook(db, hooked.hook, "on", "ann")
    assert sender.work() == 2
    assert len(receiver.messages) == 3


def test_message_that_alone_is_refused_holds_up_its_creator_and_nobody_else(
    hooked, rules, receiver
):
    (ann,) = add_people(hooked, "reviewer")
    bad = _names(hooked)[3]
    receiver.answer = lambda message: 400 if message["data"]["creator"] == bad else 204
    sender, n = Sender(hooked), 0
    decide(hooked, 3, ann, decision("decline", "request-a"), rules)
    decide(hooked, 3, ann, decision("approve", "request-b", "Fits the brand"), rules)
    for at in range(2 * TRIES):
        decide(hooked, 4 + at, ann, decision("decline", f"request-{at}"), rules)
        n += sender.work()
        hooked.wait(hours=1)
        n += sender.work()
    assert n == 2 * TRIES
    endpoint = state_of(hooked)
    assert (endpoint.row.state, endpoint.given_up, endpoint.waiting) == ("on", 2, 0)
    assert noted(hooked).count("webhook message given up") == 2
    receiver.answer = lambda _message: 204
    with hooked.writing() as db:
        change_hook(db, hooked.hook, "again", "ann")
    assert sender.work() + sender.work() == 2
    assert [one for one in receiver.told("creator", "decision") if one[0] == bad] == [
        (bad, "decline"), (bad, "approve"),
    ]  # fmt: skip


def test_process_that_ends_before_it_noted_the_answer_sends_the_same_message_again(
    hooked, rules, receiver, monkeypatch
):
    (ann,) = add_people(hooked, "reviewer")
    for number in (3, 4):
        decide(hooked, number, ann, decision("decline", f"request-{number}"), rules)
    with monkeypatch.context() as killed:
        killed.setattr(sending, "_arrived", lambda *_: (_ for _ in ()).throw(SystemExit))
        with pytest.raises(SystemExit):
            Sender(hooked).work()
    other = Sender(hooked)
    assert other.work() == 0  # the lease of the one that ended
    hooked.wait(seconds=61)
    assert other.work() == 2
    assert receiver.messages[0]["id"] == receiver.messages[1]["id"]
    assert len({message["id"] for message in receiver.messages}) == 2
    assert Sender(hooked).work() == 0


def test_slow_receiver_holds_up_no_reviewer(hooked, rules, receiver):
    (ann,) = add_people(hooked, "reviewer")
    decide(hooked, 3, ann, decision("decline", "request-1"), rules)
    begun, end = threading.Event(), threading.Event()
    receiver.answer = lambda _message: begun.set() or (end.wait(60) and 204)
    with ThreadPoolExecutor(1) as pool:
        try:
            sent = pool.submit(Sender(hooked).work)
            assert begun.wait(60)
            decide(hooked, 4, ann, decision("decline", "request-2"), rules)
            assert not sent.done()
        finally:
            end.set()
    assert sent.result() >= 1


def test_receiver_that_takes_long_lets_others_have_their_turn(hooked, rules, receiver, monkeypatch):
    monkeypatch.setattr(sending, "_TURN_SECONDS", 0.0)
    (ann,) = add_people(hooked, "reviewer")
    for number in (3, 4, 5):
        decide(hooked, number, ann, decision("decline", f"request-{number}"), rules)
    sender = Sender(hooked)
    assert [sender.work() for _ in range(4)] == [1, 1, 1, 0]
    assert len({message["id"] for message in receiver.messages}) == 3


def test_receiver_that_does_not_answer_is_cut_off(hooked, rules, receiver, monkeypatch):
    monkeypatch.setattr(target, "_SECONDS", 0.15)
    (ann,) = add_people(hooked, "reviewer")
    decide(hooked, 3, ann, decision("decline", "request-1"), rules)
    end = threading.Event()
    receiver.answer = lambda _message: end.wait(60) and 204
    assert Sender(hooked).work() == 0
    end.set()
    assert state_of(hooked).row.problem.startswith("No answer:")


def test_receiver_that_drips_is_cut_off_as_a_whole(monkeypatch):
    monkeypatch.setattr(target, "_SECONDS", 0.1)
    listening, end = socket.create_server(("127.0.0.1", 0)), threading.Event()
    listening.settimeout(60)

    def drip():
        """Send letters for a minute; return whether it was cut off before."""
        connection, _ = listening.accept()
        with connection:
            for _ in range(2_000):
                try:
                    connection.sendall(b"H")
                except OSError:
                    return True
                end.wait(0.03)
        return False

    address = f"http://127.0.0.1:{listening.getsockname()[1]}/"
    with listening, ThreadPoolExecutor(1) as pool:
        dripping = pool.submit(drip)
        with pytest.raises((OSError, target.http.client.HTTPException)):
            target.post(address, b"{}", {}, private=True)
        assert not dripping.done() or dripping.result()
        end.set()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://crm.example/hook", "https only"),
        ("ftp://crm.example/hook", "https only"),
        ("https://", "no address"),
        ("https://crm.example/a b", "no address"),
        ("https://crm..example/", "no address"),
        (f"https://{'x' * 64}.example/", "no address"),  # RFC 1035: 63 octets in a label
        ("https://ann:pw@crm.example/", "no name, password"),
        ("https://@crm.example/", "no name, password"),
        ("https://localhost/", "private network"),
        ("https://10.1.2.3/", "private network"),
        ("https://[::1]/", "private network"),
        ("https://[::ffff:169.254.169.254]/latest", "private network"),
    ],
)
def test_address_that_must_not_be_asked_is_refused(url, words):
    with pytest.raises(InputError, match=words) as error:
        target.check_url(url)
    assert error.value.field == "url"


def test_name_that_leads_into_a_private_network_is_asked_nothing(store, receiver, monkeypatch):
    """As of a name whose answer changes after it was checked: the connection goes nowhere else."""
    asked = []

    def resolve(host, port, *_, **__):
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    port = receiver.server_address[1]
    with pytest.raises(target.RefusedError):
        target.post(f"https://crm.example:{port}/", b"{}", {}, private=False)
    assert asked == ["crm.example"]  # once: what it stands for is what is connected to
    assert receiver.messages == []
    with pytest.raises(OSError, match=r"SSL|record|wrong version"):  # TLS is never left out
        target.post(f"https://crm.example:{port}/", b"{}", {}, private=True)


def test_endpoint_is_reached_by_the_next_address_where_the_first_leads_nowhere(
    receiver, monkeypatch
):
    ends = [(host, receiver.server_address[1]) for host in ("127.0.0.2", "127.0.0.1")]
    infos = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", end) for end in ends]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: infos)
    url = receiver.url.replace("127.0.0.1", "localhost")  # it listens on the second alone
    headers = {"webhook-id": "msg_1"}
    assert target.post(url, b'{"data": {}}', headers, private=True) == 204


def test_former_secret_signs_for_a_day_beside_the_new_one(hooked, receiver):
    first = receiver.secrets[0]
    with hooked.writing() as db:
        second = change_hook(db, hooked.hook, "rotate", "ann")
        stored = str(db.execute(select(hook)).all()) + str(db.execute(select(audit)).all())
        assert second != first
        assert first not in stored
        assert second not in stored
    sender = Sender(hooked)
    for at, (secret, fits) in enumerate([(first, True), (second, True), (first, False)]):
        receiver.secrets.append(secret)
        hooked.wait(hours=11)
        record(hooked, 6 + at, deal=True, on=date(2026, 5, 1), by="ann")
        assert sender.work() == int(fits)


def test_secret_signs_for_a_day_after_it_was_replaced_however_often(hooked, receiver):
    """Such as where the second was lost before it was written down."""
    first = receiver.secrets[0]
    with hooked.writing() as db:
        second = change_hook(db, hooked.hook, "rotate", "ann")
    hooked.wait(hours=10)
    with hooked.writing() as db:
        third = change_hook(db, hooked.hook, "rotate", "ann")
    sender = Sender(hooked)
    fitting = [(first, True), (second, True), (third, True), (second, True), (first, False)]
    for at, (secret, fits) in enumerate(fitting):
        hooked.wait(hours=4)  # from the 14th hour to the 30th; the second ends with the 34th
        receiver.secrets.append(secret)
        record(hooked, 6 + at, deal=True, on=date(2026, 5, 1), by="ann")
        assert sender.work() == int(fits), at


def test_endpoint_turned_off_gets_nothing_more_of_a_batch(hooked, receiver):
    for number in (6, 7, 8):
        record(hooked, number, deal=True, on=date(2026, 5, 1), by="ann")

    def answer(_message):
        with hooked.writing() as db:
            change_hook(db, hooked.hook, "off", "ann")
        return 204

    receiver.answer = answer
    assert Sender(hooked).work() == 1
    assert len(receiver.messages) == 1
    assert [row.sent_at is None for row in rows(hooked)] == [False, True, True]


def test_creator_erased_while_a_batch_is_sent_is_told_of_to_nobody(hooked, receiver):
    names = _names(hooked)
    for number in (6, 7, 8):
        record(hooked, number, deal=True, on=date(2026, 5, 1), by="ann")

    def answer(_message):
        if not receiver.messages:
            erase(hooked, names[7], "ann")
        return 204

    receiver.answer = answer
    assert Sender(hooked).work() == 2
    assert receiver.told("creator") == [(names[6],), (names[8],)]


def test_erased_creators_leave_the_outbox_and_old_messages_are_swept(hooked, receiver):
    for number in (6, 7, 8):
        record(hooked, number, deal=True, on=date(2026, 5, 1), by="ann")
    erase(hooked, _names(hooked)[6], "ann")
    assert {row.creator_id for row in rows(hooked)} == {7, 8}
    receiver.answer = lambda message: 204 if not receiver.messages else 500
    Sender(hooked).work()
    assert len(receiver.messages) == 1
    hooked.wait(days=29)
    assert sweep_deliveries(hooked) == 0
    hooked.wait(days=2)
    assert sweep_deliveries(hooked) == 2
    assert rows(hooked) == []
    assert noted(hooked)[-1] == "webhook messages dropped"


def test_page_adds_changes_and_shows_endpoints_and_their_secret_once(visit, desk, receiver):
    root = visit("admin")
    page = root.post("/hooks", data={"csrf": root.csrf, "url": " https://crm.example/in "})
    assert "whsec_" in page.text
    assert "whsec_" not in root.get("/hooks").text
    assert "https://crm.example/in" in root.get("/hooks").text
    with desk.store.writing() as db:
        db.execute(update(hook).values(state="failing", problem="The answer was 503."))
    page = root.get("/hooks").text
    assert "failing" in page
    assert "The answer was 503." in page
    for what in ("on", "off", "again"):
        assert root.post("/hooks/1", data={"csrf": root.csrf, "what": what}).status_code == 303
    page = root.post("/hooks/1", data={"csrf": root.csrf, "what": "rotate"})
    assert "whsec_" in page.text
    wrong = root.post("/hooks/1", data={"csrf": root.csrf, "what": "explode"})
    assert wrong.status_code == 422
    with desk.store.reading() as db:
        acts = list(db.scalars(select(audit.c.act).where(audit.c.subject == "webhook 1")))
        assert db.scalar(select(func.count()).select_from(setting)) > 0
    assert acts == ["webhook added", "webhook on", "webhook off", "webhook again", "webhook rotate"]
