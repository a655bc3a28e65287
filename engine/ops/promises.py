"""Callbacks that people asked for: due, kept, missed, withdrawn."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from engine.channel import channel_id
from engine.errors import InputError, Problem
from engine.ops.books import snapshot

State = Literal["due", "kept", "missed", "withdrawn"]


@dataclass(frozen=True, slots=True)
class Callback:
    """One promise. Instants in POSIX seconds."""

    campaign: str
    contact: int
    external_id: str | None
    number: str
    state: str
    asked_at: float
    due_at: float
    asked_in: str
    """The call in which the person asked, as its channel id."""
    next_look_at: float | None
    """Of a promise that is due: when the contact is looked at next. Later than `due_at` where the gate
    moved it."""
    gate: str
    """Of a promise that is due: the gate's last reason."""
    kept_at: float | None
    """When the call that kept it was made."""
    start: str
    """The node of the flow with which it begins; empty: as any call."""


@dataclass(frozen=True, slots=True)
class Callbacks:
    """Counts of all, and the promises that were asked for."""

    counts: dict[str, int]
    listed: tuple[Callback, ...]


_LIST = """
SELECT k.name, c.id, c.external_id, n.e164, b.state, b.asked_at, b.due_at, b.attempt_id,
       CASE WHEN b.state = 'due' THEN c.due_at END, CASE WHEN b.state = 'due' THEN c.verdict ELSE '' END, a.sent_at, b.start
FROM callbacks b JOIN contacts c ON c.id = b.contact_id JOIN campaigns k ON k.id = c.campaign_id
JOIN numbers n ON n.id = c.number_id LEFT JOIN attempts a ON a.id = b.kept_by
WHERE (:state IS NULL OR b.state = :state) AND (:campaign IS NULL OR c.campaign_id = :campaign)
ORDER BY b.state = 'due' DESC, CASE WHEN b.state = 'due' THEN b.due_at ELSE -b.due_at END LIMIT :limit
"""


_COUNT = """
SELECT b.state, count(*) FROM callbacks b JOIN contacts c ON c.id = b.contact_id
WHERE :campaign IS NULL OR c.campaign_id = :campaign GROUP BY 1
"""


def look(database: Path, campaign: str | None, state: State | None, limit: int) -> Callbacks:
    """Promises: those due first, the earliest of them first, then the others, the latest first.

    Raises StoreError, and InputError when there is no such campaign.
    """
    with snapshot(database) as connection:
        campaign_id = None if campaign is None else _id_of(connection, campaign)
        rows = connection.execute(_LIST, {"state": state, "campaign": campaign_id, "limit": limit}).fetchall()
        counts = dict(connection.execute(_COUNT, {"campaign": campaign_id}).fetchall())
    return Callbacks(counts, tuple(_callback(tuple(row)) for row in rows))


def _id_of(connection: sqlite3.Connection, campaign: str) -> int:
    row = connection.execute("SELECT id FROM campaigns WHERE name = ?", (campaign,)).fetchone()
    if row is None:
        raise InputError([Problem("campaign", f"there is no campaign {campaign!r}", "see `volley status`")])
    found: int = row[0]
    return found


def _callback(row: tuple[Any, ...]) -> Callback:
    campaign, contact, external_id, number, state, asked_at, due_at, asked_in, *rest = row
    return Callback(
        campaign, contact, external_id, number, state, asked_at, due_at, channel_id(asked_in), *rest
    )
