"""An engine of its own beside the lab, for benchmarks that run whole campaigns: its settings, its process, its progress."""

from __future__ import annotations

import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

import lab
from lab import process


def settings(practice: lab.Lab, folder: Path, channels: int, cps: int) -> Path:
    """The lab's volley.toml, with state and queue in `folder` and these limits; returns its path."""
    path = folder / "volley.toml"
    text = practice.settings.read_text(encoding="utf-8").replace(f"{practice.dir}/engine", str(folder))
    text = text.replace("max_channels = 500", f"max_channels = {channels}").replace(
        "cps = 50", f"cps = {cps}"
    )
    path.write_text(text, encoding="utf-8")
    return path


def start(folder: Path, path: Path) -> int:
    """Start `volley run` with these settings; returns its pid."""
    return process.start(
        [sys.executable, "-m", "engine.cli", "run", "--config", str(path)],
        folder / "engine.pid",
        folder / "engine.out",
    )


def follow(folder: Path, name: str, contacts: int) -> int:
    """Wait for the end of the campaign `name`; returns the most calls that lived at once."""
    database = folder / "state" / "volley.db"
    busiest = 0
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns) as progress:
        bar = progress.add_task("contacts", total=contacts)
        while True:
            time.sleep(0.5)
            if process.running(folder / "engine.pid") is None:
                raise SystemExit(
                    "the engine ended:\n" + (folder / "engine.out").read_text(encoding="utf-8")[-3000:]
                )
            if not database.exists():
                continue
            try:
                with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=10)) as connection:
                    done, live = connection.execute(
                        "SELECT (SELECT count(*) FROM contacts WHERE state = 'done'),"
                        " (SELECT count(*) FROM attempts WHERE disposition IS NULL)"
                    ).fetchone()
                    ended = connection.execute(
                        "SELECT 1 FROM campaigns WHERE name = ? AND state = 'completed'", (name,)
                    ).fetchone()
            except sqlite3.OperationalError:
                continue  # the engine is still making its tables
            busiest = max(busiest, int(live))
            progress.update(bar, completed=done, description=f"contacts ({live} calls live)")
            if ended:
                return busiest
