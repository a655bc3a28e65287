"""Stops of all dialing, as rows: they outlast the engine. What is recorded of them: `engine.store.audited_steering`."""

from __future__ import annotations

import sqlite3

from engine.halts import Halt, HaltKind


def halts(connection: sqlite3.Connection) -> list[Halt]:
    """All that were laid and not lifted, those among them whose time is over."""
    rows = connection.execute("SELECT kind, at, until, by, reason FROM halts ORDER BY kind DESC")
    return [Halt(*row) for row in rows]


def halted(connection: sqlite3.Connection, now: float) -> bool:
    """Does one hold at `now`?"""
    return (
        connection.execute("SELECT 1 FROM halts WHERE until IS NULL OR until > ?", (now,)).fetchone()
        is not None
    )


def lay(connection: sqlite3.Connection, halt: Halt) -> None:
    """Store it, in place of the one of its kind."""
    connection.execute(
        "INSERT OR REPLACE INTO halts (kind, at, until, by, reason) VALUES (?, ?, ?, ?, ?)",
        (halt.kind, halt.at, halt.until, halt.by, halt.reason),
    )


def lift(connection: sqlite3.Connection, kind: HaltKind) -> Halt | None:
    """Take the one of this kind away; returns it, None when there was none."""
    row = connection.execute(
        "DELETE FROM halts WHERE kind = ? RETURNING kind, at, until, by, reason", (kind,)
    ).fetchone()
    return None if row is None else Halt(*row)
