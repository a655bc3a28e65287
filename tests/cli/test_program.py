"""What holds for every command: help with an example, exit codes, errors in plain words."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from engine import __version__
from tests.cli.conftest import Volley

COMMANDS = [
    ("run",), ("check",), ("submit",), ("status",), ("pause",), ("resume",), ("cancel",), ("contacts", "remove"), ("dnc", "add"),
    ("dnc", "remove"), ("dnc", "list"), ("dnc", "check"), ("dnc", "import"), ("dnc", "lists"), ("dnc", "drop"), ("dnc", "export"),
    ("forget",), ("export",), ("report",), ("explain",), ("callbacks",), ("lab", "prepare"), ("lab", "up"),
    ("lab", "down"), ("lab", "status"), ("lab", "demo"), ("audit", "verify"), ("audit", "list"), ("audit", "head"), ("doctor",),
    ("install",), ("health",),
]  # fmt: skip
DATA = [one for one in COMMANDS if one not in (("run",), ("lab", "demo"))]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_help_has_an_example(volley: Volley, command: tuple[str, ...]) -> None:
    text = volley(*command, "--help").stdout
    assert f"Example: volley {' '.join(command)}" in " ".join(text.split())


@pytest.mark.parametrize("command", DATA, ids=" ".join)
def test_what_prints_data_also_prints_json(volley: Volley, command: tuple[str, ...]) -> None:
    assert "--json" in volley(*command, "--help").stdout


def test_no_command_more_than_these(volley: Volley) -> None:
    text = volley("--help").stdout
    for later in ("top", "simulate"):
        assert f" {later} " not in text


def test_version(volley: Volley) -> None:
    assert volley("--version").stdout == f"volley {__version__}\n"


@pytest.mark.parametrize(
    "arguments",
    [("nonsense",), ("status", "--nonsense"), ("export",), ("dnc", "add", "+33199001001"), ("explain",),
     ("explain", "+33199001001", "--contact", "1"), ("export", "x", "--format", "xml"), ("callbacks", "--limit", "0")],
)  # fmt: skip
def test_wrong_usage_is_two(volley: Volley, arguments: tuple[str, ...]) -> None:
    assert "Error" in volley(*arguments, code=2).stderr


def test_a_missing_settings_file(volley: Volley, tmp_path: Path) -> None:
    found = volley("status", "--config", str(tmp_path / "no.toml"), code=1)
    assert (
        found.stderr
        == f"{tmp_path}/no.toml: cannot read the settings: No such file or directory (give the file with --config or VOLLEY_CONFIG)\n"
    )
    assert found.stdout == ""


def test_every_problem_of_the_settings_is_a_line(volley: Volley) -> None:
    volley.config.write_text('[limits]\nring_timeout = "5s"\nnonsense = 1\n', encoding="utf-8")
    lines = volley("run", code=1).stderr.splitlines()
    assert any(line.startswith("limits.ring_timeout: ") for line in lines)
    assert any(line.startswith("limits.nonsense: there is no such key") for line in lines)
    assert any(line.startswith("pbx: ") for line in lines)


@pytest.mark.parametrize(
    "command",
    [("status",), ("callbacks",), ("export", "x"), ("explain", "+33199001001"), ("dnc", "list")],
    ids=" ".join,
)
def test_no_database_yet(volley: Volley, command: tuple[str, ...]) -> None:
    assert "has `volley run` been started with these settings?" in volley(*command, code=1).stderr


def test_a_secret_that_is_missing_is_told_at_once(volley: Volley, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VOLLEY_TEST_SECRET", raising=False)
    assert (
        "VOLLEY_TEST_SECRET: this environment variable holds the AMI secret and is empty"
        in volley("run", code=1).stderr
    )


def test_help_is_quick_because_nothing_heavy_is_imported() -> None:
    code = "import sys, engine.cli.program; heavy = {'panoramisk', 'aiosqlite', 'uvloop', 'phonenumbers', 'pydantic', 'structlog', 'lab'};"
    code += "print(sorted(heavy & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"
