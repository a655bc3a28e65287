"""The compose files, read as docker compose reads them as far as these need it: `extends`, and words that .env may set."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
DOCKER = REPOSITORY / "docker"
DOCKERFILE = (DOCKER / "Dockerfile").read_text(encoding="utf-8")
WHOLE = ("compose.yaml", "beside.yaml")
"""Files that can be brought up by themselves; the others change what is in these."""
OVERRIDES = ("compose.host.yaml", "compose.published.yaml")

Service = dict[str, Any]


def load(name: str) -> dict[str, Any]:
    """A compose file with its words filled in by their defaults."""
    text = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", (DOCKER / name).read_text(encoding="utf-8"))
    found: dict[str, Any] = yaml.safe_load(text)
    return found


def services(name: str) -> dict[str, Service]:
    """Its services, each with what it takes from another file: lists are joined, everything else is replaced."""
    found = {}
    for service, its in load(name)["services"].items():
        base: Service = {}
        if "extends" in its:
            base = services(its["extends"]["file"])[its["extends"]["service"]]
        joined = {
            key: base[key] + its[key]
            for key in its
            if isinstance(its[key], list) and isinstance(base.get(key), list)
        }
        found[service] = base | its | joined
    return found


def everything() -> list[tuple[str, str, Service]]:
    """File, name and service of all that runs."""
    return [(name, service, its) for name in WHOLE for service, its in services(name).items()]


def stages() -> dict[str, list[str]]:
    """The stages of the Dockerfile: name -> its instructions, those of the stages that it is made from first."""
    found: dict[str, list[str]] = {}
    for part in re.split(r"^(?=FROM )", re.sub(r"\\\n", " ", DOCKERFILE), flags=re.MULTILINE)[1:]:
        lines = [line for line in part.splitlines() if line and not line.startswith((" #", "#"))]
        _, source, _, name = lines[0].split()
        found[name] = found.get(source, []) + lines[1:]
    return found
