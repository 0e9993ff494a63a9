"""Options by flag, environment and file: one meaning, and one order of precedence."""

from __future__ import annotations

import pytest

from durhampulse.cli import command_line
from durhampulse.cli.settings import commands_of, options_of
from tests.commands import call
from tests.commands import run as run_here


@pytest.fixture
def run(monkeypatch, tmp_path, capsys):
    """Run a command line whose work is only noted; give what `serve`, `desk` or `study` got."""
    calls = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        "durhampulse.service.server.run", lambda model, **options: calls.append(options)
    )
    monkeypatch.setattr("durhampulse.desk.server.run", lambda **options: calls.append(options))
    monkeypatch.setattr(
        "durhampulse.cli.studying._run_anywhere", lambda request, *_: calls.append(request)
    )

    def run(*words):
        calls.clear()
        code = call(*words)
        return calls[0] if calls else (code, capsys.readouterr().err)

    return run


@pytest.mark.parametrize("place", ["own table", "top"])
def test_flag_beats_environment_beats_file_beats_default(place, run, tmp_path, monkeypatch):
    assert run("serve", "--model", "m")["port"] == 8000
    table = "[serve]\n" if place == "own table" else ""
    (tmp_path / "options.toml").write_text(f"{table}port = 8001\nmodel = 'm'\n")
    assert run("serve", "--config", "options.toml")["port"] == 8001
    assert run("--config", "options.toml", "serve")["port"] == 8001
    monkeypatch.setenv("DURHAMPULSE_CONFIG", "options.toml")
    assert run("serve")["port"] == 8001
    monkeypatch.setenv("DURHAMPULSE_PORT", "8002")
    assert run("serve")["port"] == 8002
    monkeypatch.setenv("DURHAMPULSE_SERVE_PORT", "8003")
    assert run("serve")["port"] == 8003
    assert run("serve", "--port", "8004")["port"] == 8004


def test_lists_flags_and_choices_are_read_alike_from_environment_and_file(
    run, tmp_path, monkeypatch
):
    (tmp_path / "a.toml").write_text(
        'config-unknown = 1\n[study]\nmap = ["Followers=My subs", "Niche=Field"]\ndrop-leaks = true\n'
    )
    code, message = run("study", "t.csv", "--config", "a.toml")
    assert code == 2
    assert "config-unknown is no option" in message
    text = (tmp_path / "a.toml").read_text()
    (tmp_path / "a.toml").write_text(text.partition("\n")[2])
    by_file = run("study", "t.csv", "--config", "a.toml")
    monkeypatch.setenv("DURHAMPULSE_STUDY_MAP", "Followers=My subs\nNiche=Field\n")
    monkeypatch.setenv("DURHAMPULSE_STUDY_DROP_LEAKS", "true")
    by_environment = run("study", "t.csv")
    assert by_file.columns == {"Followers": "My subs", "Niche": "Field"}
    assert by_file.drop_leaks
    assert by_environment == by_file


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[serve]\nmodl = 'm'", ["modl is no option", "Nearest: model."]),
        ("[serf]\nmodel = 'm'", ["[serf] is no command", "Nearest: serve."]),
        ("[serve]\nport = 'x'", ["serve.port: ", "integer", "serve --help"]),
        ("[serve]\nport = [1]", ["serve.port: One value is wanted", "Keep one"]),
        ("[serve]\nport = 70000", ["serve.port: ", "65535"]),
        ("port", ["a.toml: this is not TOML", "Expected"]),
        ("[serve]\nkeys_file = 'none'", ["serve.keys_file: none cannot be read"]),
    ],
)
def test_wrong_file_is_one_clear_error(text, words, run, tmp_path):
    (tmp_path / "a.toml").write_text(text)
    code, message = run("serve", "--model", "m", "--config", "a.toml")
    assert code == 2
    assert all(word in message for word in words), message


def test_option_named_as_a_command_is_read_beside_it(tmp_path, demo_model):
    """A TOML key holds a value or a table: `model` is an option of `serve`, and has commands."""
    (tmp_path / "a.toml").write_text("model = 'm'\n")
    shown = run_here("--config", tmp_path / "a.toml", "model", "show", demo_model)
    assert (shown.returncode, shown.stderr) == (0, "")
    (tmp_path / "b.toml").write_text("[model.export]\nto = 'js'\n")
    scored = run_here("score", "none.csv", "-o", "out.csv", "--model", demo_model,
                     "--config", tmp_path / "b.toml", cwd=tmp_path)  # fmt: skip
    assert "none.csv" in scored.stderr


def test_byte_order_mark_of_an_editor_is_no_part_of_a_file(run, tmp_path, monkeypatch):
    """Windows' editors write one before UTF-8 (RFC 3629, 6)."""
    (tmp_path / "a.toml").write_text("port = 8001\nmodel = 'm'\n", encoding="utf-8-sig")
    assert run("serve", "--config", "a.toml")["port"] == 8001
    (tmp_path / "port").write_text("8002\n", encoding="utf-8-sig")
    monkeypatch.setenv("DURHAMPULSE_PORT_FILE", "port")
    assert run("serve", "--config", "a.toml")["port"] == 8002


def test_wrong_variable_is_named(run, monkeypatch):
    monkeypatch.setenv(
        "DURHAMPULSE_PORT", "tcp://10.0.0.1:8000"
    )  # as Kubernetes sets for a service
    code, message = run("serve", "--model", "m")
    assert code == 2
    assert message.startswith("durhampulse: DURHAMPULSE_PORT: ")
    code, message = run("serve", "--model", "m", "--config", "nowhere.toml")
    assert "nowhere.toml: cannot be read" in message


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["serve", "--model", "m", "--root-path", "pulse"], "--root-path 'pulse' is no path."),
        (["serve", "--model", "m", "--workers", "0"], "--workers"),
        (["serve", "--model", "m", "--log-format", "xml"], "--log-format"),
    ],
)
def test_wrong_hosting_is_refused(words, message, run):
    code, printed = run(*words)
    assert code == 2
    assert message in printed


def test_misspelled_variable_is_refused_with_the_nearest(run, monkeypatch):
    monkeypatch.setenv("DURHAMPULSE_SERVICE_PORT", "8000")  # Kubernetes' own for a service
    monkeypatch.setenv("DURHAMPULSE_UNRELATED", "1")
    assert run("serve", "--model", "m")["port"] == 8000
    monkeypatch.setenv("DURHAMPULSE_PUBLIC_ULR", "https://desk.example")
    assert run("serve", "--model", "m") == (
        2,
        "durhampulse: DURHAMPULSE_PUBLIC_ULR sets nothing.\nNearest: DURHAMPULSE_PUBLIC_URL.\n",
    )


def test_secret_comes_from_a_file(run, tmp_path, monkeypatch):
    (tmp_path / "store").write_text("postgresql+psycopg://desk:secret@db/desk\n")
    address = "postgresql+psycopg://desk:secret@db/desk"
    assert run("desk", "--store-file", "store")["url"] == address
    monkeypatch.setenv("DURHAMPULSE_STORE_FILE", "store")
    assert run("desk")["url"] == address
    assert run("desk", "--store", "sqlite:///a.db")["url"] == "sqlite:///a.db"
    monkeypatch.setenv("DURHAMPULSE_STORE", "sqlite:///b.db")
    assert run("desk") == (
        2,
        "durhampulse: Both DURHAMPULSE_STORE and DURHAMPULSE_STORE_FILE are set.\n"
        "Keep one of them.\n",
    )
    monkeypatch.delenv("DURHAMPULSE_STORE_FILE")
    (tmp_path / "a.toml").write_text("[desk]\nstore_file = 'store'\n")
    monkeypatch.delenv("DURHAMPULSE_STORE")
    assert run("desk", "--config", "a.toml")["url"] == address


def test_masked_password_is_that_of_the_environment(tmp_path, monkeypatch):
    from durhampulse.files.databases import given_password

    assert given_password() is None
    (tmp_path / "password").write_text("geheim\n")
    monkeypatch.setenv("DURHAMPULSE_DB_PASSWORD_FILE", str(tmp_path / "password"))
    assert given_password() == "geheim"
    monkeypatch.setenv("DURHAMPULSE_DB_PASSWORD", "other")
    assert given_password() == "other"


def test_password_on_the_command_line_is_warned_about(run, monkeypatch, capsys):
    run("desk", "--store", "postgresql+psycopg://desk:secret@db/desk")
    message = capsys.readouterr().err
    assert "postgresql+psycopg://desk:***@ can be read in process lists" in message
    assert "secret@" not in message
    run("desk", "--store", "postgresql+psycopg://desk:***@db/desk")
    assert capsys.readouterr().err == ""


def test_every_option_of_every_command_has_one_name():
    for path, command in commands_of(command_line()):
        options = options_of(command)
        assert len({option.name for option in options.values()}) == len(options), path
        assert not any(name.endswith("_file") for name in options), path


@pytest.mark.parametrize("name", ["password", "sslpassword", "Passwd"])
def test_password_in_the_query_of_an_address_is_refused_unseen(name):
    from durhampulse.desk.store.database import open_store
    from durhampulse.exceptions import InputError
    from durhampulse.files.databases import password_of, read_rows, without_password

    address = f"postgresql://db/creators?{name}=geheim&sslmode=require"
    assert without_password(address) == "postgresql://db/creators?sslmode=require"
    for act in (password_of, open_store, lambda url: read_rows(url, table="t", query=None)):
        with pytest.raises(InputError, match=f"holds its '{name}'") as error:
            act(address)
        assert "geheim" not in str(error.value)


def test_store_takes_the_masked_password_and_says_none(tmp_path, monkeypatch):
    from sqlalchemy.exc import ArgumentError

    from durhampulse.desk.store import database, engines
    from durhampulse.exceptions import InputError

    given = []

    def refused(address, **_options):
        given.append(address.password)
        raise ArgumentError(f"{address!r}")

    (tmp_path / "password").write_text("geheim\n")
    monkeypatch.setenv("DURHAMPULSE_DB_PASSWORD_FILE", str(tmp_path / "password"))
    monkeypatch.setattr(engines, "create_engine", refused)
    with pytest.raises(InputError) as error:
        database.open_store("postgresql+psycopg://desk:***@db/desk")
    assert given == ["geheim"]
    assert "geheim" not in str(error.value)
