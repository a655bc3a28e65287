"""The command line as a test runs it: in this process where only a command counts, and beside a real engine
where it steers one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from engine.cli.program import app
from engine.config import Settings
from engine.errors import StoreError
from engine.ops.books import reading
from tests import log_lines
from tests.ops.filled import Books, settings_in, toml_of
from tests.patience import PATIENCE


@dataclass
class Volley:
    """`volley` with the settings of one test."""

    settings: Settings
    config: Path

    def __call__(self, *arguments: str, code: int = 0) -> Result:
        """Run a command; it must end with `code`, and without a traceback."""
        found = CliRunner().invoke(
            app, arguments, env={"VOLLEY_CONFIG": str(self.config), "COLUMNS": "100", "TERM": "dumb"}
        )
        assert found.exception is None or isinstance(found.exception, SystemExit), found.exc_info
        assert found.exit_code == code, f"{found.stdout}\n{found.stderr}"
        return found


@pytest.fixture
def books(tmp_path: Path) -> Iterator[Books]:
    found = Books(settings_in(tmp_path))
    yield found
    found.close()


@pytest.fixture
def volley(tmp_path: Path) -> Volley:
    """Commands on settings in the test's own directory; `books` fill the same database."""
    settings = settings_in(tmp_path)
    return Volley(settings, toml_of(settings, tmp_path / "volley.toml"))


@dataclass
class EngineProcess:
    """`volley run` as a process of its own. Its PBX is never there: everything but dialing works."""

    volley: Volley
    process: subprocess.Popen[str]

    def again(self) -> None:
        """Restart it."""
        assert self.end() == 0
        if self.process.stdout is not None:
            self.process.stdout.close()
        (self.volley.settings.engine.queue / "control" / "done").rename(
            self.volley.config.parent / "done before"
        )
        self.process = run_engine(self.volley)
        ready(self)

    def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        with suppress(ProcessLookupError):
            self.process.send_signal(how)
        return self.process.wait(20)


def run_engine(volley: Volley) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "engine.cli", "run", "--config", str(volley.config)],
        env={**os.environ, "VOLLEY_TEST_SECRET": "secret"}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


@pytest.fixture
def engine(volley: Volley) -> Iterator[EngineProcess]:
    found = EngineProcess(volley, run_engine(volley))
    ready(found)
    yield found
    if found.process.poll() is None:
        found.process.kill()
        found.process.wait()
    if found.process.stdout is not None:
        log_lines.hold(found.process.stdout)
        found.process.stdout.close()


def ready(engine: EngineProcess) -> None:
    """Wait until it takes requests."""
    deadline = time.monotonic() + PATIENCE
    while not _ready(engine.volley.settings):
        assert engine.process.poll() is None, engine.process.stdout and engine.process.stdout.read()
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _ready(settings: Settings) -> bool:
    if not (settings.engine.queue / "control" / "done").is_dir():
        return False
    try:
        with reading(settings.database):
            return True
    except StoreError:
        return False
