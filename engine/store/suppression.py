"""The list of numbers never to be called again, by any campaign."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from engine.rules.numbers import Number
from engine.store import forgotten


def suppress(
    connection: sqlite3.Connection,
    numbers: Sequence[Number],
    reason: str,
    source: str,
    actor: str,
    now: float,
) -> list[int]:
    """Add numbers; those on the list keep their first entry. Returns the ids of all of them."""
    ids = []
    for number in numbers:
        row = connection.execute(
            "INSERT INTO numbers (e164, region, kind, zones) VALUES (?, ?, ?, ?) ON CONFLICT (e164) DO UPDATE SET e164 = e164"
            " RETURNING id",
            (number.e164, number.region, number.kind, ",".join(number.zones)),
        ).fetchone()
        connection.execute(
            "INSERT OR IGNORE INTO suppression (number_id, since, reason, source, actor) VALUES (?, ?, ?, ?, ?)",
            (row[0], now, reason, source, actor),
        )
        ids.append(row[0])
    return ids


def unsuppress(connection: sqlite3.Connection, e164: Sequence[str]) -> list[int]:
    """Take numbers off the list, those of people who were forgotten too: somebody consented anew. Returns the ids of
    those that were on it. Raises KeyMissing."""
    forgotten.lift(connection, e164)
    found = []
    for one in e164:
        found += connection.execute(
            "DELETE FROM suppression WHERE number_id = (SELECT id FROM numbers WHERE e164 = ?) RETURNING number_id",
            (one,),
        ).fetchall()
    return [row[0] for row in found]


def suppress_many(
    connection: sqlite3.Connection, e164: Sequence[str], reason: str, source: str, actor: str, now: float
) -> tuple[list[int], list[int]]:
    """Add a batch of numbers of a long file; those on the list keep their first entry.

    Returns the ids of those that are new on the list, and the ids of those that have a live call or a claimed one: later claims see
    the list.
    """
    ids: list[int] = []
    fresh: list[int] = []
    for one in e164:
        row = connection.execute("SELECT id FROM numbers WHERE e164 = ?", (one,)).fetchone()
        if row is None:
            row = connection.execute("INSERT INTO numbers (e164) VALUES (?) RETURNING id", (one,)).fetchone()
        added = connection.execute(
            "INSERT OR IGNORE INTO suppression (number_id, since, reason, source, actor) VALUES (?, ?, ?, ?, ?)",
            (row[0], now, reason, source, actor),
        ).rowcount
        if added:
            fresh.append(row[0])
        ids.append(row[0])
    open_now = {
        row[0] for row in connection.execute("SELECT number_id FROM attempts WHERE disposition IS NULL")
    }
    return fresh, [one for one in ids if one in open_now]
