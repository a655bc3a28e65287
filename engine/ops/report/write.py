"""Counts a campaign and writes its page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from engine.config import Settings
from engine.errors import InputError, Problem
from engine.ops.books import snapshot
from engine.ops.report.figures import Figures
from engine.ops.report.page import render
from engine.ops.report.read import read
from engine.ops.whole_file import whole

OFTEN = 200_000
"""Steps of SQLite's machine between two looks whether to go on: some milliseconds."""


def figures_of(settings: Settings, campaign: str, now: float) -> Figures:
    """The figures of the campaign of that name as of `now` (POSIX seconds).

    Raises StoreError, RulesError, and InputError when there is no such campaign."""
    with snapshot(settings.database) as connection:
        row = connection.execute("SELECT id FROM campaigns WHERE name = ?", (campaign,)).fetchone()
        if row is None:
            raise InputError(
                [Problem("campaign", f"there is no campaign {campaign!r}", "see `volley status`")]
            )
        return read(connection, row["id"], settings.law.book, now)


def write(settings: Settings, campaign_id: int, now: float, stopped: Callable[[], bool]) -> Path:
    """Write `<state>/reports/<campaign>.html`; returns that path. Once `stopped()`, it ends within milliseconds, with StoreError.

    Raises StoreError, RulesError, and VolleyError or OSError when the file cannot be written."""
    with snapshot(settings.database) as connection:
        connection.set_progress_handler(stopped, OFTEN)
        found = read(connection, campaign_id, settings.law.book, now)
    folder = settings.engine.state / "reports"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / f"{found.summary.name}.html"
    with whole(path) as out:
        out.write(render(found))
    return path
