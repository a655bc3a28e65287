"""Trunks: which of them get no new calls, and since when. A trunk that somebody drained stays so over restarts; a breaker
begins anew with each start."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from engine.store.audit import Action, append, masked


def drained(connection: sqlite3.Connection) -> frozenset[str]:
    """Names of the trunks that get no new calls until they are resumed."""
    rows = connection.execute("SELECT name FROM trunks WHERE drained_at IS NOT NULL")
    return frozenset(row[0] for row in rows)


def steer(
    connection: sqlite3.Connection, name: str, *, drain: bool, now: float, actor: str, reason: str = ""
) -> int:
    """Drain a trunk or resume it, with its entry in the audit log; nothing where it is so already. Returns how many of its
    calls live. The trunk is one of the settings, which have their rows."""
    trunk_id, since = connection.execute(
        "SELECT id, drained_at FROM trunks WHERE name = ?", (name,)
    ).fetchone()
    if drain is (since is None):
        who = masked(actor)
        connection.execute(
            "UPDATE trunks SET drained_at = ?, drained_by = ? WHERE id = ?",
            (now if drain else None, who if drain else "", trunk_id),
        )
        append(
            connection,
            Action.TRUNK_DRAINED if drain else Action.TRUNK_RESUMED,
            now,
            actor=who,
            subject=f"trunk {name}",
            details={"reason": masked(reason)} if reason else {},
        )
    (live,) = connection.execute(
        "SELECT count(*) FROM attempts INDEXED BY attempts_live WHERE disposition IS NULL AND trunk_id = ?",
        (trunk_id,),
    ).fetchone()
    found: int = live
    return found


def note_breaker(connection: sqlite3.Connection, name: str, phase: str, reason: str, now: float) -> None:
    """So that others can see what the engine makes of its trunk."""
    connection.execute(
        "UPDATE trunks SET breaker = ?, breaker_reason = ?, breaker_at = ? WHERE name = ?",
        (phase, reason, now, name),
    )


def close_breakers(connection: sqlite3.Connection, names: Sequence[str]) -> None:
    """An engine starts: it thinks nothing ill of any trunk yet."""
    connection.executemany(
        "UPDATE trunks SET breaker = 'closed', breaker_reason = '', breaker_at = NULL WHERE name = ?",
        [(name,) for name in names],
    )
