"""The outbox of hooks: what receivers are to be told, and what became of it.

Rows come in by the triggers of hook_triggers.sql, in the transaction of what they tell of, so there is no event
without its row and no row of what was rolled back. They go out when the receiver has taken them. Knows rows; what a
receiver gets is put together by `engine.store.hook_facts`, and sent by `engine.hooks`.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any, Literal

from engine.store import audit

FAILED_KEPT = 1000
"""Rows of each hook that are kept when they were given up: the newest."""
FORSAKEN_DAYS = 30
"""Rows of a hook that has left the settings wait so long for it to come back."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """What a hook of the settings takes."""

    events: Sequence[str]
    campaigns: Sequence[str]
    """Globs over campaigns' ids."""


@dataclass(slots=True)
class Row:
    """Something that waits to be told. `tries` and `refused` count on while it does."""

    id: int
    event: str
    subject: int
    part: int
    lane: int
    at: float
    key: bytes
    tries: int
    refused: int
    due_at: float


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one try."""

    row: Row
    how: Literal["delivered", "again", "failed"]
    at: float
    error: str = ""


@dataclass(frozen=True, slots=True)
class Waiting:
    """How much of a hook waits."""

    count: int
    oldest: float | None


def follow(
    connection: sqlite3.Connection, hooks: Mapping[str, Subscription], now: Callable[[], float]
) -> dict[str, int]:
    """Begin to write rows for these hooks, and for no others; returns name -> id. To be called on each connection that
    writes, before anything of which a hook should hear. `now` is asked in the connection's thread."""
    connection.execute("DELETE FROM hook_events")
    connection.execute("DELETE FROM hook_follows")
    connection.execute("UPDATE hooks SET gone_at = NULL")
    ids = {name: _register(connection, name, hook) for name, hook in hooks.items()}
    connection.execute(
        "INSERT INTO hook_follows (campaign_id, hook_id) SELECT k.id, h.id FROM campaigns k JOIN hooks h"
        " WHERE EXISTS (SELECT 1 FROM json_each(h.campaigns) p WHERE k.name GLOB p.value)"
        " OR EXISTS (SELECT 1 FROM json_each(k.manifest, '$.hooks') m WHERE m.value = h.name)"
    )
    if hooks:
        connection.create_function("volley_now", 0, now)
        for statement in _triggers():
            connection.execute(statement)
    return ids


def _triggers() -> Iterator[str]:
    """The statements of hook_triggers.sql. A script as a whole would commit the transaction that it is run in."""
    statement = ""
    script = (resources.files("engine.store") / "hook_triggers.sql").read_text(encoding="utf-8")
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _register(connection: sqlite3.Connection, name: str, hook: Subscription) -> int:
    (found,) = connection.execute(
        "INSERT INTO hooks (name, campaigns) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET campaigns = excluded.campaigns"
        " RETURNING id",
        (name, json.dumps(list(hook.campaigns))),
    ).fetchone()
    connection.executemany(
        "INSERT INTO hook_events (hook_id, event) VALUES (?, ?)", [(found, event) for event in hook.events]
    )
    hook_id: int = found
    return hook_id


def drop_forsaken(connection: sqlite3.Connection, now: float) -> dict[str, int]:
    """Drop what has waited for weeks for hooks that are not in the settings any more; returns name -> rows."""
    found = connection.execute(
        "SELECT h.name, h.id, count(*) FROM hook_outbox o JOIN hooks h ON h.id = o.hook_id WHERE o.at < ?"
        " AND h.id NOT IN (SELECT hook_id FROM hook_events) GROUP BY h.id",
        (now - FORSAKEN_DAYS * 86400.0,),
    ).fetchall()
    for _, hook_id, count in found:
        connection.execute(
            "DELETE FROM hook_outbox WHERE hook_id = ? AND at < ?", (hook_id, now - FORSAKEN_DAYS * 86400.0)
        )
        connection.execute("UPDATE hooks SET dropped = dropped + ? WHERE id = ?", (count, hook_id))
    return {name: count for name, _, count in found}


def waiting_rows(connection: sqlite3.Connection, hook_id: int, after: int, limit: int) -> list[Row]:
    """Rows of a hook behind the id `after`, in the order of what happened."""
    rows = connection.execute(
        "SELECT id, event, subject, part, lane, at, key, tries, refused, due_at FROM hook_outbox"
        " WHERE hook_id = ? AND id > ? ORDER BY id LIMIT ?",
        (hook_id, after, limit),
    ).fetchall()
    return [Row(*row) for row in rows]


def waiting(connection: sqlite3.Connection, hook_id: int) -> Waiting:
    """How many rows of a hook wait, and since when the oldest does."""
    count, first = connection.execute(
        "SELECT count(*), min(id) FROM hook_outbox WHERE hook_id = ?", (hook_id,)
    ).fetchone()
    oldest = connection.execute("SELECT max(at, since) FROM hook_outbox WHERE id = ?", (first,)).fetchone()
    return Waiting(count, None if oldest is None else oldest[0])


def settle(
    connection: sqlite3.Connection, hook_id: int, results: Sequence[Result], gone_at: float | None = None
) -> None:
    """Store what became of some tries, the latest of a row last. `gone_at`: when the receiver said that it is gone."""
    delivered = [one for one in results if one.how == "delivered"]
    failed = [one for one in results if one.how == "failed"]
    connection.executemany(
        "UPDATE hook_outbox SET tries = ?, refused = ?, due_at = ?, error = ? WHERE id = ?",
        [
            (one.row.tries, one.row.refused, one.row.due_at, one.error, one.row.id)
            for one in results
            if one.how == "again"
        ],
    )
    _keep_failed(connection, hook_id, [(one.row.id, one.row.tries, one.at, one.error) for one in failed])
    _delete(connection, [one.row.id for one in (*delivered, *failed)])
    error, error_at = next(((one.error, one.at) for one in reversed(results) if one.error), (None, None))
    connection.execute(
        "UPDATE hooks SET delivered = delivered + ?, failed = failed + ?, delivered_at = coalesce(?, delivered_at),"
        " error = coalesce(?, error), error_at = coalesce(?, error_at), gone_at = ? WHERE id = ?",
        (
            len(delivered),
            len(failed),
            max((one.at for one in delivered), default=None),
            error,
            error_at,
            gone_at,
            hook_id,
        ),
    )


def _keep_failed(
    connection: sqlite3.Connection, hook_id: int, rows: Sequence[tuple[int, int, float, str]]
) -> None:
    """Rows (id, tries, when, why) go to those that were given up."""
    connection.executemany(
        "INSERT INTO hook_failed (id, hook_id, event, subject, part, lane, at, key, tries, failed_at, error)"
        " SELECT id, hook_id, event, subject, part, lane, at, key, ?2, ?3, ?4 FROM hook_outbox WHERE id = ?1",
        rows,
    )
    if rows:
        connection.execute(
            "DELETE FROM hook_failed WHERE hook_id = ?1 AND id <="
            " (SELECT id FROM hook_failed WHERE hook_id = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)",
            (hook_id, FAILED_KEPT),
        )


def _delete(connection: sqlite3.Connection, ids: Iterable[int]) -> None:
    connection.execute(
        "DELETE FROM hook_outbox WHERE id IN (SELECT value FROM json_each(?))", (json.dumps(list(ids)),)
    )


def drop_oldest(connection: sqlite3.Connection, hook_id: int, count: int, keep: Sequence[int]) -> list[int]:
    """Drop the oldest rows of a hook, but those in `keep`; returns their ids."""
    ids = _ids(
        connection,
        "SELECT id FROM hook_outbox WHERE hook_id = ? AND id NOT IN (SELECT value FROM json_each(?)) ORDER BY id LIMIT ?",
        (hook_id, json.dumps(list(keep)), count),
    )
    _delete(connection, ids)
    connection.execute("UPDATE hooks SET dropped = dropped + ? WHERE id = ?", (len(ids), hook_id))
    return ids


def drop_old(
    connection: sqlite3.Connection, hook_id: int, before: float, now: float, limit: int, keep: Sequence[int]
) -> list[int]:
    """Drop up to `limit` rows of a hook, the oldest, that wait since before an instant, but those in `keep`; returns their
    ids. What was tried is kept among those that were given up."""
    young = connection.execute(
        "SELECT id FROM hook_outbox WHERE hook_id = ? AND max(at, since) >= ? ORDER BY id LIMIT 1",
        (hook_id, before),
    ).fetchone()
    rows = connection.execute(
        "SELECT id, tries, error FROM hook_outbox WHERE hook_id = ?1 AND (?2 IS NULL OR id < ?2)"
        " AND id NOT IN (SELECT value FROM json_each(?3)) ORDER BY id LIMIT ?4",
        (hook_id, young and young[0], json.dumps(list(keep)), limit),
    ).fetchall()
    _keep_failed(connection, hook_id, [(row, tries, now, error) for row, tries, error in rows if tries])
    ids = [row[0] for row in rows]
    _delete(connection, ids)
    connection.execute("UPDATE hooks SET dropped = dropped + ? WHERE id = ?", (len(ids), hook_id))
    return ids


def _ids(connection: sqlite3.Connection, query: str, values: tuple[Any, ...]) -> list[int]:
    return [row[0] for row in connection.execute(query, values).fetchall()]


def resend(connection: sqlite3.Connection, name: str, actor: str, now: float) -> int | None:
    """Let what was given up of a hook wait once more, under the keys that it had; returns how many. None when no hook of
    the settings has that name."""
    row = connection.execute(
        "SELECT id FROM hooks WHERE name = ? AND id IN (SELECT hook_id FROM hook_events)", (name,)
    ).fetchone()
    if row is None:
        return None
    count = connection.execute(
        "INSERT INTO hook_outbox (hook_id, event, subject, part, lane, at, since, key)"
        " SELECT hook_id, event, subject, part, lane, at, ?, key FROM hook_failed WHERE hook_id = ? ORDER BY id",
        (now, row[0]),
    ).rowcount
    connection.execute("DELETE FROM hook_failed WHERE hook_id = ?", row)
    connection.execute("UPDATE hooks SET failed = failed - ? WHERE id = ?", (count, row[0]))
    audit.append(
        connection, audit.Action.HOOK_RESENT, now, actor=actor, subject=name, details={"events": count}
    )
    return count
