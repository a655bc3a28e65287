"""Who answered lately, and how long each campaign will take at its present pace. Counted from the attempts of the last minutes."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path

from engine.ops.books import snapshot

SPAN = 300.0
"""Seconds that "lately" reaches back: attempts that ended in it."""
LOOK_BACK = 900.0
"""Attempts begun in this many seconds are looked at: a call that lasts longer than the rest of it is missing."""
SHORTEST = 10.0
"""A pace is told from this many seconds on."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """What the last minutes say."""

    answered: dict[str, int]
    """Attempts that ended ANSWERED_HUMAN, ANSWERED_MACHINE, ANSWERED_UNSURE."""
    pace: dict[str, float]
    """Contacts done a second, by campaign; none for one that has none done yet, or begun only just now."""

    def ends_in(self, campaign: str, left: int) -> float | None:
        """Seconds until `left` contacts are done at this pace; None where there is no pace."""
        pace = self.pace.get(campaign)
        return left / pace if pace else None


def look(database: Path, now: float) -> Outlook:
    """What the last minutes before `now` say. Costs a millisecond for a thousand attempts in them. Raises StoreError."""
    first = (
        max(0, int((now - LOOK_BACK) * 1000)) << 16
    )  # ids are ordered by time (`engine.channel.attempt_id`)
    with snapshot(database) as connection:
        return Outlook(_answered(connection, first, now), _pace(connection, first, now))


def _answered(connection: sqlite3.Connection, first: int, now: float) -> dict[str, int]:
    return dict(
        connection.execute(
            "SELECT disposition, count(*) FROM attempts WHERE id >= ? AND ended_at > ? AND disposition GLOB 'ANSWERED_*' GROUP BY 1",
            (first, now - SPAN),
        ).fetchall()
    )


def _pace(connection: sqlite3.Connection, first: int, now: float) -> dict[str, float]:
    found = {}
    rows = connection.execute(
        "SELECT k.name, count(DISTINCT a.contact_id), min(a.created_at)"
        " FROM attempts a JOIN contacts c ON c.id = a.contact_id JOIN campaigns k ON k.id = a.campaign_id"
        " WHERE a.id >= ? AND a.ended_at > ? AND c.state = 'done' GROUP BY 1",
        (first, now - SPAN),
    )
    for name, done, begun in rows:
        span = min(SPAN, now - begun)
        if span >= SHORTEST:
            found[name] = done / span
    return found
