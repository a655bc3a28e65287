"""Asterisk in a Docker container that shares the host's network, from an image built here: the first stage of docker/Dockerfile.

Knows the docker command. Refuses to know what runs inside. The lab's directory has the same path inside and outside.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path

from lab.places import REPOSITORY

DOCKERFILE = REPOSITORY / "docker" / "Dockerfile"
STAGE = "asterisk-packages"
"""Debian's Asterisk and nothing else: configuration, prompts and state of the lab are mounted. It is the first stage, and needs no file
beside the Dockerfile."""


def first_stage() -> bytes:
    """The Dockerfile to the end of that stage."""
    head, _, rest = DOCKERFILE.read_bytes().partition(f" AS {STAGE}\n".encode())
    return head + f" AS {STAGE}\n".encode() + rest.partition(b"\nFROM ")[0]


def image_name() -> str:
    """The image's name and tag; the tag follows the stage's content."""
    return f"volley-lab-asterisk:{hashlib.sha256(first_stage()).hexdigest()[:12]}"


def unreachable() -> str:
    """Why Docker cannot be used here; empty when it can."""
    if not shutil.which("docker"):
        return "no docker on PATH"
    try:
        done = subprocess.run(["docker", "version"], capture_output=True, text=True, check=False, timeout=10)
    except subprocess.TimeoutExpired:
        return "docker is here, but its daemon does not answer within 10 s"
    if done.returncode:
        return f"docker is here, but its daemon is not reachable: {_last(done.stderr)}"
    return ""


def have_image() -> bool:
    """Whether the image is here already."""
    return (
        subprocess.run(
            ["docker", "image", "inspect", image_name()], capture_output=True, check=False
        ).returncode
        == 0
    )


def build_image(log: Path) -> str:
    """Build the image, with Docker's words in `log`; returns why it cannot be had, or nothing."""
    build = ["docker", "build", "--network", "host", "--force-rm", "--tag", image_name(), "-"]
    with log.open("wb") as out:
        done = subprocess.run(build, input=first_stage(), stdout=out, stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        return f"the Docker image cannot be had: {_last(log.read_text(encoding='utf-8', errors='replace'))} (all of it: {log})"
    return ""


def in_image(arguments: list[str]) -> list[str]:
    """The command line that runs something once in the image."""
    return ["docker", "run", "--rm", "--network", "none", image_name(), *arguments]


@dataclass(frozen=True, slots=True)
class Container:
    """The container of one instance."""

    name: str
    directory: Path
    """Mounted at the same path."""
    user: int

    def run(self, arguments: list[str]) -> list[str]:
        """The command line of its life: the docker client stays in front, hands signals on, and ends with it."""
        network = ["--network", "host", "--add-host", f"{socket.gethostname()}:127.0.0.1"]
        rights = [
            "--user",
            f"{self.user}:{self.user}",
            "--cap-drop",
            "ALL",
            "--security-opt",
            "no-new-privileges",
            "--read-only",
        ]
        files = ["--ulimit", "nofile=20000:20000", "--volume", f"{self.directory}:{self.directory}"]
        return [
            "docker",
            "run",
            "--rm",
            "--name",
            self.name,
            *network,
            *rights,
            *files,
            image_name(),
            *arguments,
        ]

    def inside(self, arguments: list[str]) -> list[str]:
        """The command line that runs something beside it."""
        return ["docker", "exec", self.name, *arguments]

    def remove(self) -> None:
        """End it if its client left it behind."""
        subprocess.run(["docker", "rm", "--force", self.name], capture_output=True, check=False)


def container(directory: Path, instance: str, user: int | None) -> Container:
    """The container of `instance` of the lab in `directory`."""
    lab = hashlib.sha256(str(directory).encode()).hexdigest()[:8]
    return Container(f"volley-lab-{lab}-{instance}", directory, os.geteuid() if user is None else user)


def _last(text: str) -> str:
    lines = [line for line in text.strip().splitlines() if line.strip()]
    return lines[-1].strip() if lines else "it said nothing"
