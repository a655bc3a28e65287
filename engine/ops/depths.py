"""What waits in the books: contacts that are due, contacts that are open, events for receivers. Cheap at any size."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path

from engine.ops.books import snapshot

MOST = 10_000
"""Due contacts of a campaign are counted up to here: beyond, it is a backlog, however long."""

MOST_EVENTS = 100_000
"""The same for the events that wait for a receiver."""


@dataclass(frozen=True, slots=True)
class Depths:
    """What waits at one moment."""

    open: dict[str, int]
    """Contacts that are not done, by open campaign."""
    due: dict[str, int]
    """Those that could be looked at now, by running campaign; `MOST` at most."""
    outbox: dict[str, int]
    """Events that wait, by hook; `MOST_EVENTS` at most."""


def look(database: Path, now: float) -> Depths:
    """What waits at `now`. Raises StoreError."""
    with snapshot(database) as connection:
        campaigns = connection.execute(
            "SELECT id, name, state, open_contacts FROM campaigns WHERE closed_at IS NULL"
        ).fetchall()
        return Depths(
            {name: count for _, name, _, count in campaigns},
            {name: _due(connection, key, now) for key, name, state, _ in campaigns if state == "running"},
            dict(
                connection.execute(
                    "SELECT h.name, (SELECT count(*) FROM (SELECT 1 FROM hook_outbox WHERE hook_id = h.id LIMIT ?)) FROM hooks h",
                    (MOST_EVENTS,),
                ).fetchall()
            ),
        )


def _due(connection: sqlite3.Connection, campaign_id: int, now: float) -> int:
    (count,) = connection.execute(
        "SELECT count(*) FROM (SELECT 1 FROM contacts WHERE campaign_id = ? AND state = 'pending' AND due_at <= ? LIMIT ?)",
        (campaign_id, now, MOST),
    ).fetchone()
    return int(count)
