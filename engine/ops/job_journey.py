"""Where a job is on its way through the queue directory, and how it ended.

A job is followed by its inode: it keeps that while it is renamed from incoming/ to processing/ and on to
accepted/ or rejected/.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from engine.config import Settings
from engine.errors import Problem
from engine.ops.books import reading

Place = Literal["incoming", "processing", "accepted", "rejected"]
PLACES: tuple[Place, ...] = ("incoming", "processing", "accepted", "rejected")


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Where a job lies now. `problems`: why it was rejected; `accepted` and `rejected`: its rows, once it
    was accepted."""

    place: Place
    path: Path
    accepted: int = 0
    rejected: int = 0
    problems: tuple[Problem, ...] = ()

    @property
    def ended(self) -> bool:
        """Accepted or rejected: it goes nowhere else."""
        return self.place in ("accepted", "rejected")


def inode_of(submitted: Path, queue: Path) -> int:
    """The inode of a job that was just put into incoming/, also when the engine has taken it already."""
    try:
        return submitted.stat().st_ino
    except FileNotFoundError:
        known = [
            entry for place in PLACES[1:] for entry in _entries(queue / place) if submitted.name in entry.name
        ]
        return max(known, key=lambda entry: entry.stat().st_ctime_ns).inode() if known else 0


def find(settings: Settings, inode: int) -> Whereabouts | None:
    """Where the job with this inode is; None while it is between two places, or when somebody took it
    away."""
    for place in PLACES:
        for entry in _entries(settings.engine.queue / place):
            if entry.inode() == inode:
                path = Path(entry.path)
                if place == "accepted":
                    return Whereabouts(place, path, *_counts(settings, path))
                return Whereabouts(place, path, problems=_reasons(path) if place == "rejected" else ())
    return None


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except FileNotFoundError:
        return []


def _counts(settings: Settings, path: Path) -> tuple[int, int]:
    """Rows accepted and rejected: of the newest job of that name, since its own name in the database is the
    one in processing/."""
    name, _, number = path.name.rpartition(".")
    with reading(settings.database) as connection:
        row = connection.execute(
            "SELECT accepted, rejected FROM jobs WHERE source IN (?, ?) AND state = 'accepted' ORDER BY closed_at DESC LIMIT 1",
            (path.name, name if number.isdigit() else path.name),
        ).fetchone()
    return (row["accepted"], row["rejected"]) if row else (0, 0)


def _reasons(path: Path) -> tuple[Problem, ...]:
    try:
        table = json.loads(path.with_name(path.name + ".reason.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return (Problem(path.name, "was rejected", "see the reason file beside it"),)
    return tuple(Problem(**one) for one in table["problems"])
