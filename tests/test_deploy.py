"""The files by which it is deployed: well-formed, and naming commands and options that exist."""

from __future__ import annotations

import configparser
import re
import shlex
import tomllib

import pytest
import yaml

from durhampulse.cli import command_line
from durhampulse.cli.settings import check_file, commands_of, options_of, variable, variables
from tests.deployment import COMPOSE, ROOT, instructions

KUBERNETES = [*yaml.safe_load_all((ROOT / "deploy" / "kubernetes.yaml").read_text())]
FILES = ("Dockerfile", "compose.yaml", "deploy/durhampulse.service", "deploy/kubernetes.yaml")


def unit():
    parser = configparser.RawConfigParser(strict=False, delimiters="=", interpolation=None)
    parser.optionxform = str
    parser.read_string((ROOT / "deploy" / "durhampulse.service").read_text())
    return parser


def command_lines():
    (deployment,) = [part for part in KUBERNETES if part["kind"] == "Deployment"]
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    image = dict(instructions())
    yield "Dockerfile", yaml.safe_load(image["CMD"])
    yield "health check", yaml.safe_load(image["HEALTHCHECK"].partition("CMD ")[2])[1:]
    yield "compose.yaml", COMPOSE["services"]["desk"]["command"]
    yield "kubernetes.yaml", container["args"]
    yield "unit", shlex.split(unit()["Service"]["ExecStart"])[1:]


@pytest.mark.parametrize(("place", "words"), [*command_lines()])
def test_commands_and_options_exist(place, words):
    command = dict(commands_of(command_line()))[words[0],]
    flags = {flag for option in command.params for flag in option.opts}
    assert {word for word in words if word.startswith("-")} <= flags, place


@pytest.mark.parametrize("name", FILES)
def test_variables_exist(name):
    known = {*variables(command_line()), "DURHAMPULSE_HOSTNAME"}  # the last is the proxy's
    text = re.sub(r"(?m)#.*", "", (ROOT / name).read_text())
    named = {word.removesuffix("_FILE") for word in re.findall(r"\bDURHAMPULSE_\w+", text)}
    assert named
    assert named <= known


def test_file_of_options_is_one():
    path = ROOT / "deploy" / "durhampulse.toml"
    assert tomllib.loads(path.read_text())
    check_file(path, command_line())


def test_nothing_runs_as_root_or_writes_beside_its_volumes():
    assert dict(instructions())["USER"] == "10001:10001"
    desk = COMPOSE["services"]["desk"]
    assert desk["read_only"]
    assert desk["cap_drop"] == ["ALL"]
    (deployment,) = [part for part in KUBERNETES if part["kind"] == "Deployment"]
    pod = deployment["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["enableServiceLinks"] is False  # else DURHAMPULSE_PORT is an address
    assert container["securityContext"]["readOnlyRootFilesystem"]
    paths = {mount["mountPath"] for mount in container["volumeMounts"]}
    assert {"/data", "/tmp"} <= paths
    service = unit()["Service"]
    assert service["ProtectSystem"] == "strict"
    assert service["DynamicUser"] == service["NoNewPrivileges"] == "yes"


def test_what_the_image_sets_gives_way_to_what_a_container_sets():
    """A command's own variable would come before the common one, and a value bars its file."""
    named = set(re.findall(r"DURHAMPULSE_\w+", dict(instructions())["ENV"]))
    common = {variable((), name) for _, c in commands_of(command_line()) for name in options_of(c)}
    assert named <= common
    assert not named & {"DURHAMPULSE_STORE", "DURHAMPULSE_MODEL", "DURHAMPULSE_KEYS"}


def test_no_secret_stands_in_a_file():
    for name in FILES:
        for address in re.findall(r"://[^/\s:]+:([^@\s]+)@", (ROOT / name).read_text()):
            assert address == "***", name


def test_image_gets_what_the_wheel_needs_and_no_more():
    lines = (ROOT / ".dockerignore").read_text().split()
    assert lines[0] == "*"
    kept = {line.removeprefix("!") for line in lines if line.startswith("!")}
    file = tomllib.loads((ROOT / "pyproject.toml").read_text())
    hook = file["tool"]["hatch"]["metadata"]["hooks"]["custom"]["path"]
    needed = {hook, "README.md", *file["project"]["license-files"], "pyproject.toml", "src"}
    assert kept == needed | {"constraints.txt"}


def test_probes_ask_what_exists(demo_model):
    from durhampulse.service.app import create_app

    paths = {getattr(route, "path", "") for route in create_app(demo_model).routes}
    (deployment,) = [part for part in KUBERNETES if part["kind"] == "Deployment"]
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert container[probe]["httpGet"]["path"] in paths
