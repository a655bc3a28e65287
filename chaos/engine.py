"""The engine of a run: the process, its wall clock, its log.

Knows how it is started, killed, frozen and heard. Refuses to know the PBX and the callee.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from lab import process
from lab.places import REPOSITORY

CLOCK = REPOSITORY / "chaos" / "clock"
"""What sets the clock of a Python program that has it on its PYTHONPATH."""


class Engine:
    """`volley run` with the settings in `directory`, and the log that they name."""

    def __init__(self, directory: Path, log: Path) -> None:
        self._dir = directory
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        self._marked = 0
        self.clock = 0.0
        """Seconds by which its wall clock is off; set by `set_clock`."""

    # -- the process ---------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start it; returns at once."""
        environment = dict(os.environ)
        if (self._dir / "clock").exists():
            environment |= {"PYTHONPATH": str(CLOCK), "VOLLEY_CHAOS_CLOCK": str(self._dir / "clock")}
        with (self._dir / "engine.err").open("ab") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "engine.cli", "run", "--config", str(self._dir / "volley.toml")],
                cwd=REPOSITORY,
                stdout=errors,
                stderr=errors,
                env=environment,
            )
        # Who ends this harness by force finds the engine by this file.
        started = process.started_at(self._process.pid)
        (self._dir / "engine.pid").write_text(f"{self._process.pid} {started}\n", encoding="ascii")

    def set_clock(self, offset: float) -> None:
        """Set its wall clock, and nobody else's, to `offset` seconds off; its monotonic clock runs on."""
        self.clock = offset
        draft = self._dir / "clock.tmp"
        draft.write_text(repr(offset), encoding="ascii")
        draft.rename(self._dir / "clock")

    def signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def ended(self, patience: float = 30.0) -> int:
        """Its exit status, once it has ended."""
        assert self._process is not None
        return self._process.wait(patience)

    def lives(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def end(self) -> None:
        """End it if it lives, in whatever state it is."""
        if self.lives():
            self.signal(signal.SIGCONT)
            self.signal(signal.SIGKILL)
            self.ended()

    def last_words(self) -> str:
        """The end of what it said outside of its log."""
        path = self._dir / "engine.err"
        return path.read_text(encoding="utf-8", errors="replace")[-2000:] if path.exists() else "(nothing)"

    # -- its log -------------------------------------------------------------------------------------------------------

    def log(self, *names: str) -> list[dict[str, Any]]:
        """Its log lines of these events."""
        return list(self._lines(0, names))

    def mark(self) -> None:
        """A fault is about to strike: `logins` looks at what is logged from here on."""
        self._marked = self._log.stat().st_size if self._log.exists() else 0

    def logins(self) -> list[float]:
        """When it was ready to dial since the last `mark`, POSIX seconds: its `ami.connected`, by its own clock less what that
        is off."""
        return [
            datetime.fromisoformat(line["time"]).timestamp() - self.clock
            for line in self._lines(self._marked, ("ami.connected",))
        ]

    def _lines(self, start: int, names: tuple[str, ...]) -> Iterator[dict[str, Any]]:
        if not self._log.exists():
            return
        wanted = [b'"event":"%s"' % name.encode() for name in names]
        with self._log.open("rb") as lines:
            lines.seek(start)
            for line in lines:
                if any(word in line for word in wanted):
                    with suppress(ValueError):  # cut off by a full disk
                        yield json.loads(line)
