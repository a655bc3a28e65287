"""docker/ as it stands in its files: who runs as whom, what is mounted from where, which images. That it works tries docker/try."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from engine import __version__, config
from lab import docker as lab_docker
from tests.docker.stack import (
    DOCKER,
    OVERRIDES,
    REPOSITORY,
    WHOLE,
    Service,
    everything,
    load,
    services,
    stages,
)

RUNNING = pytest.mark.parametrize(
    ("file", "name", "service"), everything(), ids=[f"{file}:{name}" for file, name, _ in everything()]
)
SETUP = (DOCKER / "setup").read_text(encoding="utf-8")


def user_of(stage: str) -> str:
    """The user that an image runs as by itself."""
    return [line.split()[1] for line in stages()[stage] if line.startswith("USER ")][-1]


def stage_of(service: Service) -> str:
    found = re.fullmatch(rf"volley-(\w+):{re.escape(__version__)}", service["image"])
    assert found, f"{service['image']} is no image of this version that docker/build makes"
    return found[1]


@RUNNING
def test_a_container_has_no_rights(file: str, name: str, service: Service) -> None:
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", service["user"]), "not by number, or root"
    assert service["user"] == user_of(stage_of(service))
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "cap_add", "devices", "pid", "ipc", "userns_mode"} & set(service)
    assert all("docker.sock" not in mount for mount in service.get("volumes", ()))


@RUNNING
def test_a_container_is_bounded_and_looked_after(file: str, name: str, service: Service) -> None:
    assert service["pids_limit"] > 0
    assert service["restart"] == "unless-stopped"
    assert set(service["logging"]["options"]) == {"max-size", "max-file"}
    if name == "net":  # it sleeps
        assert (service["healthcheck"], service["stop_signal"]) == ({"disable": True}, "SIGKILL")
        return
    assert service["ulimits"]["nofile"]["hard"] >= 8192
    assert service["ulimits"]["core"] == 0
    assert service["healthcheck"]["test"][0] == "CMD"
    assert "stop_grace_period" in service


@RUNNING
def test_an_image_is_built_here(file: str, name: str, service: Service) -> None:
    stage = stage_of(service)
    assert stage in stages()
    if name != "net":
        assert service["build"] == {"context": "..", "dockerfile": "docker/Dockerfile", "target": stage}
    assert re.search(rf"for target in .*\b{stage}\b", (DOCKER / "build").read_text(encoding="utf-8"))


@RUNNING
def test_what_is_mounted_is_there(file: str, name: str, service: Service) -> None:
    image = "\n".join(stages()[stage_of(service)])
    for mount in service.get("volumes", ()):
        source, inside, *_ = mount.split(":")
        if source.startswith("./site/"):
            assert f"$site/{source.removeprefix('./site/')}" in SETUP, f"docker/setup makes no {source}"
        elif not source.startswith("/"):
            assert source in load(file)["volumes"]
        if not inside.startswith("/etc/"):
            # A volume takes its owner from the image.
            assert inside in image, f"{inside} is not made in the image"
    for secret in service.get("secrets", ()):
        path = load(file)["secrets"][secret]["file"]
        assert f'0600 "$site/{path.removeprefix("./site/")}"' in SETUP


@RUNNING
def test_what_is_in_memory_runs_no_program(file: str, name: str, service: Service) -> None:
    for mount in service.get("tmpfs", ()):
        assert "size=" in mount
        assert mount.endswith("nosuid,nodev,noexec")


def test_nothing_is_reachable_unless_asked() -> None:
    assert not [name for _, name, service in everything() if "ports" in service or "expose" in service]
    assert {
        service.get("network_mode") for name, service in services("compose.yaml").items() if name != "net"
    } == {"service:net"}
    assert "bindaddr=127.0.0.1" in (DOCKER / "asterisk/manager.conf").read_text(encoding="utf-8")
    assert {port.rsplit(":", 1)[1] for port in services("compose.published.yaml")["net"]["ports"]} == {
        "5060/udp",
        "10000-10099/udp",
    }


@pytest.mark.parametrize("name", OVERRIDES)
def test_an_override_changes_the_network_and_nothing_else(name: str) -> None:
    known = services("compose.yaml")
    for service, its in services(name).items():
        assert service in known
        assert set(its) <= {"network_mode", "hostname", "extra_hosts", "ports"}


@pytest.mark.parametrize("name", [*WHOLE, *OVERRIDES, "engine.yaml"])
def test_no_secret_stands_in_a_file(name: str) -> None:
    assert not [service for service, its in services(name).items() if "environment" in its]
    assert not re.search(
        r"[0-9a-f]{32}|password|token", (DOCKER / name).read_text(encoding="utf-8"), re.IGNORECASE
    )


def test_images_are_made_of_debian_and_the_hashed_requirements() -> None:
    text = (DOCKER / "Dockerfile").read_text(encoding="utf-8")
    assert not re.search(r"https?://|index-url|trusted-host|^ADD ", text, re.MULTILINE)
    installs = re.findall(r"pip.* install (.*?)(?: \\)?$", text, re.MULTILINE)
    assert installs
    assert all("--require-hashes" in one or "--no-index --no-deps" in one for one in installs)
    assert set(re.findall(r"^FROM (\S+)", text, re.MULTILINE)) <= {"${BOOKWORM}", "${FORKY}", *stages()}


def test_the_lab_builds_the_first_stage_alone() -> None:
    text = lab_docker.first_stage().decode()
    assert (
        text.count("\nFROM "),
        "\nCOPY " in text,
        "install -y --no-install-recommends asterisk" in text,
    ) == (1, False, True)
    assert (DOCKER / "Dockerfile").read_text(encoding="utf-8").startswith(text)


def test_what_is_copied_is_there_and_goes_in() -> None:
    allowed = [
        line[1:]
        for line in (REPOSITORY / ".dockerignore").read_text(encoding="utf-8").splitlines()
        if line.startswith("!")
    ]
    copied = {
        source.rstrip("/")
        for lines in stages().values()
        for line in lines
        if line.startswith("COPY ") and "--from=" not in line
        for source in line.split()[1:-1]
    }
    assert {"requirements.txt", "engine", "dialplans"} <= copied
    for source in sorted(copied):
        assert (REPOSITORY / source).exists()
        assert any(Path(source).is_relative_to(one) for one in allowed), f".dockerignore keeps {source} out"
    assert not any(
        Path(one).is_relative_to(kept)
        for one in allowed
        for kept in ("var", "docker/site", "docker/.env", ".git")
    )


def test_what_goes_into_the_wheel_is_there_when_it_is_built() -> None:
    lines = stages()["built"]
    build = next(at for at, line in enumerate(lines) if "pip wheel" in line)
    copied = {source for line in lines[:build] if line.startswith("COPY ") for source in line.split()[1:-1]}
    wheel = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"][
        "build"
    ]["targets"]["wheel"]
    assert {*wheel["packages"], *wheel["force-include"]} <= copied


def test_the_pbx_gets_the_files_that_users_get() -> None:
    lines = stages()["asterisk"]
    for wanted in ("COPY dialplans/ /etc/asterisk/volley/", "COPY asterisk-config/asterisk.conf.d/ /etc/asterisk/asterisk.conf.d/",
                   "COPY asterisk-config/extensions.d/ /etc/asterisk/extensions.d/"):  # fmt: skip
        assert wanted in lines
    assert "../asterisk-config/manager.d/volley.conf" in SETUP


def test_the_settings_are_valid_and_of_this_stack() -> None:
    found = config.load(DOCKER / "volley.toml")
    mounts = {mount.split(":")[1] for mount in services("compose.yaml")["engine"]["volumes"]}
    pbx = found.pbx["main"]
    assert {
        str(found.engine.state),
        str(found.engine.queue),
        str(pbx.sounds_dir),
        str(pbx.recordings_dir),
    } <= mounts
    assert str(pbx.secret_file) == "/run/secrets/ami.secret"
    assert "ami.secret" in services("compose.yaml")["engine"]["secrets"]
