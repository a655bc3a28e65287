"""Changes of lists and people that are recorded: each one together with its audit entry, as one unit of work for the
writer. As `engine.store.audited` for everything else: an entry names numbers by their id, and cannot be erased."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from engine.store import erasure, lists, suppression
from engine.store.audit import Action, append, masked
from engine.store.audited import in_parts
from engine.store.erasure import Erased
from engine.store.list_file import Description
from engine.store.lists import ListRow


def swap(
    connection: sqlite3.Connection, made: Description, size: int, sha256: str, *, recorded_as: str
) -> None:
    """A new version of a list counts. Raises InputError."""
    lists.swap(connection, made, size, sha256)
    append(
        connection,
        Action.LIST_IMPORTED,
        made.at,
        actor=masked(recorded_as),
        subject=f"list {made.name}",
        details={
            "kind": made.kind,
            "jurisdiction": made.jurisdiction,
            "version": made.version,
            "how": made.how,
            "parts": {one.prefix: one.date for one in made.parts},
            "count": made.count,
            "added": made.added,
            "removed": made.removed,
            "unreadable": made.unreadable,
            "sources": [{"name": masked(one.name), "sha256": one.sha256} for one in made.sources],
            "reason": masked(made.reason),
        },
    )


def drop(
    connection: sqlite3.Connection, name: str, actor: str, reason: str, now: float, *, recorded_as: str
) -> ListRow:
    """A list counts no more; returns what it was. Raises InputError."""
    row = lists.drop(connection, name, actor, reason, now)
    append(
        connection,
        Action.LIST_DROPPED,
        now,
        actor=masked(recorded_as),
        subject=f"list {name}",
        details={"kind": row.kind, "version": row.version, "count": row.count, "reason": masked(reason)},
    )
    return row


def suppress_many(
    connection: sqlite3.Connection,
    e164: Sequence[str],
    reason: str,
    source: str,
    actor: str,
    now: float,
    *,
    recorded_as: str,
) -> tuple[int, list[int]]:
    """A batch of withdrawals; returns how many are new on the list, and the ids of those that may have a call."""
    fresh, live = suppression.suppress_many(connection, e164, reason, source, actor, now)
    details = {"reason": masked(reason), "source": source}
    in_parts(
        connection,
        Action.SUPPRESSION_ADDED,
        now,
        recorded_as,
        "suppression",
        "numbers",
        sorted(fresh),
        details,
    )
    return len(fresh), live


def forget(
    connection: sqlite3.Connection, e164: str, actor: str, reason: str, now: float, *, recorded_as: str
) -> Erased:
    """Forget a person; recorded when they are erased, not while a call of theirs lives. Raises KeyMissing."""
    erased = erasure.forget(connection, e164, actor, reason, now)
    if not erased.live:
        append(
            connection,
            Action.NUMBER_FORGOTTEN,
            now,
            actor=masked(recorded_as),
            subject="person",
            details={
                "numbers": list(erased.numbers),
                "contacts": erased.contacts,
                "attempts": erased.attempts,
                "reason": masked(reason),
            },
        )
    return erased
