"""How far an engine of a benchmark is: what stands in its log, and whether it still runs."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

from lab import process

PATIENCE = 180.0


def until(moment: datetime, pid_file: Path, output: Path) -> None:
    """Wait for a moment while the engine runs."""
    while datetime.now(UTC) < moment:
        must_run(pid_file, output)
        time.sleep(0.05)


def said(log: Path, word: bytes, pid_file: Path, output: Path) -> None:
    """Wait until this stands in the engine's log."""
    deadline, read, at = time.monotonic() + PATIENCE, b"", 0
    while word not in read:
        must_run(pid_file, output)
        if time.monotonic() > deadline:
            raise RuntimeError(f"{word.decode()} is not in {log} after {PATIENCE:.0f} s")
        time.sleep(0.05)
        if log.exists():
            with log.open("rb") as lines:
                lines.seek(at)
                new = lines.read()
            at += len(new)
            read = read[-100:] + new


def must_run(pid_file: Path, output: Path) -> None:
    """Raises RuntimeError, with its last words, when the engine does not run."""
    if process.running(pid_file) is None:
        raise RuntimeError(
            f"the engine ended:\n{output.read_text(encoding='utf-8', errors='replace')[-2000:]}"
        )
