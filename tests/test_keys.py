"""Keys of the service: scopes, terms, the file that holds them."""

from __future__ import annotations

import asyncio
import errno
import getpass
import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from durhampulse.exceptions import InputError, OutputError
from durhampulse.service.app import create_app
from durhampulse.service.keys import KeyRing, add_key, read_keys, revoke_key
from tests.asking import CREATOR, score
from tests.commands import run
from tests.desk.bodies import send_without_end


def test_keys_and_scopes(demo_model, tmp_path):
    path = tmp_path / "keys.json"
    token = add_key(path, "crm", ["score"])
    assert token not in path.read_text()
    assert path.stat().st_mode & 0o077 == 0
    path.chmod(0o640)  # for a service of the same group
    add_key(path, "reports", ["score"])
    assert path.stat().st_mode & 0o777 == 0o640
    with pytest.raises(InputError, match="there is a key 'crm'"):
        add_key(path, "crm", ["score"])
    with pytest.raises(InputError, match="No such scope: everything"):
        add_key(path, "other", ["everything"])
    with pytest.raises(InputError, match="without a scope"):
        add_key(path, "other", [])
    with TestClient(create_app(demo_model, keys=KeyRing(path))) as client:
        assert score(client, CREATOR).status_code == 401
        wrong = score(client, CREATOR, headers={"Authorization": f"Bearer {token[:-1]}"})
        assert wrong.status_code == 401
        mine = {"Authorization": f"Bearer {token}"}
        assert score(client, CREATOR, headers=mine).status_code == 200
        assert client.get("/v1/model", headers=mine).status_code == 403
        assert client.get("/metrics").status_code == 401
        assert client.get("/healthz").status_code == 200


@pytest.mark.parametrize("path", ["/v1/score", "/v1/explain"])
def test_nothing_is_read_of_what_is_sent_without_a_key_for_it(demo_model, tmp_path, path):
    keys = tmp_path / "keys.json"
    token = add_key(keys, "looks", ["model"])
    app = create_app(demo_model, keys=KeyRing(keys))
    json = {"content_type": "application/json"}
    assert send_without_end(app, path, **json) == (401, 0)
    assert send_without_end(app, path, **json, authorization="Bearer none") == (401, 0)
    assert send_without_end(app, path, **json, authorization=f"Bearer {token}") == (403, 0)


def test_keys_are_reloaded_when_file_changes(demo_model, tmp_path, caplog):
    path = tmp_path / "keys.json"
    first = {"Authorization": f"Bearer {add_key(path, 'first', ['score'])}"}
    with TestClient(create_app(demo_model, keys=KeyRing(path))) as client:
        assert score(client, CREATOR, headers=first).status_code == 200
        second = {"Authorization": f"Bearer {add_key(path, 'second', ['score'])}"}
        assert score(client, CREATOR, headers=second).status_code == 200
        revoke_key(path, "first", "ann")
        assert score(client, CREATOR, headers=first).status_code == 401
        assert score(client, CREATOR, headers=second).status_code == 200
        path.write_text("[")
        assert score(client, CREATOR, headers=second).status_code == 200
    assert "The keys stay as they were" in caplog.text


def test_key_is_refused_once_it_expired(tmp_path):
    path = tmp_path / "keys.json"
    token, lasting = add_key(path, "crm", ["score"], days=30), add_key(path, "erp", ["score"])
    ring = KeyRing(path)
    assert asyncio.run(ring.find(token)).name == "crm"
    records = json.loads(path.read_text())
    created, expires = (datetime.fromisoformat(records[0][n]) for n in ("created", "expires"))
    assert expires - created == timedelta(days=30)
    assert records[1].pop("expires") == ""  # as files of earlier versions have it
    records[0]["expires"] = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()
    path.write_text(json.dumps(records))
    assert asyncio.run(ring.find(token)) is None
    assert asyncio.run(ring.find(lasting)).name == "erp"
    records[0]["expires"] = "tomorrow"
    path.write_text(json.dumps(records))
    with pytest.raises(InputError, match="not a file of keys"):
        KeyRing(path)


@pytest.mark.skipif(sys.platform == "win32", reason="a folder cannot be locked there")
def test_keys_added_by_two_processes_at_once_are_all_kept(tmp_path):
    path, program = tmp_path / "keys.json", (
        "import sys; from pathlib import Path; from durhampulse.service.keys import add_key\n"
        "print(flush=True); input()\n"
        "for n in range(5): add_key(Path(sys.argv[1]), sys.argv[2] + str(n), ['score'])"
    )  # fmt: skip
    writers = [
        subprocess.Popen([sys.executable, "-c", program, path, name],
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for name in "ab"
    ]  # fmt: skip
    for writer in writers:
        writer.stdout.readline()
    for writer in writers:
        writer.stdin.write("\n")
        writer.stdin.flush()
    for writer in writers:
        writer.communicate()
        assert writer.returncode == 0
    expected = {f"{name}{n}" for name in "ab" for n in range(5)}
    assert {key.name for key in read_keys(path)} == expected


def test_revoked_key_stays_listed_with_who_and_when(tmp_path):
    path = tmp_path / "keys.json"
    old = add_key(path, "crm", ["score"])
    revoke_key(path, "crm", "ann")
    new = add_key(path, "crm", ["model"])  # a name is free again
    ring = KeyRing(path)
    assert asyncio.run(ring.find(old)) is None
    assert asyncio.run(ring.find(new)).scopes == ("model",)
    first, second = read_keys(path)
    assert (first.name, first.scopes, first.revoked_by) == ("crm", ("score",), "ann")
    assert (
        timedelta() <= datetime.now(UTC) - datetime.fromisoformat(first.revoked) < timedelta(0, 9)
    )
    assert (second.revoked, second.revoked_by) == ("", "")
    revoke_key(path, "crm", "bea")
    assert [key.revoked_by for key in read_keys(path)] == ["ann", "bea"]
    with pytest.raises(InputError, match="there is no key 'crm'"):
        revoke_key(path, "crm", "ann")


def test_key_is_revoked_by_a_user_whom_a_container_knows_by_number(tmp_path, monkeypatch):
    path = tmp_path / "keys.json"
    add_key(path, "crm", ["score"])

    def no_name():
        raise KeyError("getpwuid(): uid not found")  # as pwd of a container

    monkeypatch.setattr(getpass, "getuser", no_name)
    assert run("key", "revoke", "crm", "--keys", path).returncode == 0
    assert read_keys(path)[0].revoked_by == f"user {os.getuid()}"


def test_unknown_key_cannot_be_revoked(tmp_path):
    path = tmp_path / "keys.json"
    add_key(path, "crm", ["score"])
    with pytest.raises(InputError, match="there is no key 'erp'") as error:
        revoke_key(path, "erp", "ann")
    assert error.value.way_out == "There are: crm."


def test_keys_on_a_full_disk_are_one_clear_error(tmp_path, monkeypatch):
    path = tmp_path / "keys.json"
    add_key(path, "crm", ["score"])
    before = path.read_bytes()

    def no_space(*_args, **_options):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_text", no_space)
    with pytest.raises(OutputError, match="No space left on device"):
        add_key(path, "erp", ["score"])
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["keys.json"]
