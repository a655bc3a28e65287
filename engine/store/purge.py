"""Retention: people in campaigns that ended long ago are blanked, as `engine.store.erasure` blanks who asked for it, and nobody is
suppressed by it. Afterwards numbers that nothing needs any more lose their digits.

Each function is a small unit of bulk work. A purge that was interrupted begins again at its first contact: blanking twice changes
nothing more. What is done has its audit entry in the same transaction: a campaign's with the first unit of its purge, numbers' with
each unit.

Knows rows. When: `engine.purging`; how long: `engine.retention_settings`.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from engine.store.audit import ENGINE, Action, append
from engine.store.erasure import blank, drop_digits, overwriting

A_UNIT = 100
"""Contacts blanked in one unit: some ten milliseconds of the writer, on a machine with other work to do."""
WINDOW = 4000
"""Ids of contacts that are looked at in one unit."""
NUMBERS = 500
"""Ids of numbers that are looked at in one unit: all of them may change, which takes some ten milliseconds."""


@dataclass(frozen=True, slots=True)
class Overdue:
    """A campaign whose contacts were kept long enough."""

    id: int
    name: str
    contacts: int


@dataclass(frozen=True, slots=True)
class Step:
    """How far a walk over ids came. `after` is where the next one begins; None at the end."""

    after: int | None
    changed: int


_OVERDUE = """
SELECT k.id, k.name, (SELECT coalesce(sum(j.accepted), 0) FROM jobs j WHERE j.campaign_id = k.id) FROM campaigns k
WHERE k.closed_at <= ? AND k.open_contacts <= 0 AND coalesce(k.purged_at, 0) <= k.closed_at
 AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.campaign_id = k.id AND j.state = 'loading')
 AND NOT EXISTS (SELECT 1 FROM attempts a INDEXED BY attempts_live WHERE a.disposition IS NULL AND a.campaign_id = k.id)
ORDER BY k.id
"""
"""Whoever may still be called, or is in a call, is not purged, however long ago the campaign was over."""


def overdue(connection: sqlite3.Connection, before: float) -> list[Overdue]:
    """Campaigns that ended at `before` (POSIX seconds) or earlier, and have contacts that are not blanked."""
    return [Overdue(*row) for row in connection.execute(_OVERDUE, (before,))]


def begin(connection: sqlite3.Connection, keep: float, now: float) -> list[Overdue]:
    """The campaigns whose contacts are to be blanked now, `keep` seconds after their end; recorded once for each end."""
    found = overdue(connection, now - keep)
    for one in found:
        row = connection.execute(
            "UPDATE campaigns SET purging_at = ? WHERE id = ? AND coalesce(purging_at, 0) <= closed_at RETURNING closed_at",
            (now, one.id),
        ).fetchone()
        if row is not None:
            append(
                connection,
                Action.CONTACTS_PURGED,
                now,
                actor=ENGINE,
                subject=f"campaign {one.name}",
                details={
                    "contacts": one.contacts,
                    "ended": datetime.fromtimestamp(row[0], UTC).isoformat(timespec="seconds"),
                    "kept_seconds": keep,
                },
            )
    return found


def blank_some(
    connection: sqlite3.Connection, campaigns: Sequence[int], after: int, limit: int = A_UNIT
) -> Step:
    """Blank the next contacts of these campaigns, those with ids above `after`. Recorded answers stay: they have a period of their
    own."""
    until = after + WINDOW
    rows = connection.execute(
        "SELECT id FROM contacts WHERE id > ? AND id <= ? AND state = 'done'"
        " AND campaign_id IN (SELECT value FROM json_each(?)) ORDER BY id LIMIT ?",
        (after, until, json.dumps(list(campaigns)), limit),
    ).fetchall()
    contacts = [row[0] for row in rows]
    attempts = [
        row[0]
        for contact in contacts
        for row in connection.execute("SELECT id FROM attempts WHERE contact_id = ?", (contact,)).fetchall()
    ]
    with overwriting(connection):
        blank(connection, contacts, attempts, recordings=False)
    if len(contacts) == limit:
        return Step(contacts[-1], len(contacts))
    (last,) = connection.execute("SELECT coalesce(max(id), 0) FROM contacts").fetchone()
    return Step(until if until < last else None, len(contacts))


def finish(
    connection: sqlite3.Connection, campaigns: Sequence[int], keep: float, now: float
) -> list[Overdue]:
    """All contacts of these campaigns are blanked. Returns them, without those that were added to meanwhile: theirs is another end."""
    found = [one for one in overdue(connection, now - keep) if one.id in campaigns]
    connection.executemany(
        "UPDATE campaigns SET purged_at = ? WHERE id = ?", [(now, one.id) for one in found]
    )
    return found


_NOT_NEEDED = """
SELECT n.id FROM numbers n WHERE n.id > ? AND n.id <= ? AND substr(n.e164, 1, 1) = '+'
 AND NOT EXISTS (SELECT 1 FROM suppression s WHERE s.number_id = n.id)
 AND NOT EXISTS (SELECT 1 FROM attempts a WHERE a.number_id = n.id AND a.disposition IS NULL)
 AND NOT EXISTS (SELECT 1 FROM contact_numbers m JOIN contacts c ON c.id = m.contact_id JOIN campaigns k ON k.id = c.campaign_id
                 WHERE m.number_id = n.id AND coalesce(k.purged_at <= k.closed_at, 1))
"""
"""A number is needed by a contact that was not purged, by the list of those never to be called, and by a call that lives. Registries
and lists have the numbers in files of their own."""


def drop_some(connection: sqlite3.Connection, after: int, now: float) -> Step:
    """Take the digits of the next numbers that nothing needs, those with ids above `after`."""
    until = after + NUMBERS
    numbers = [row[0] for row in connection.execute(_NOT_NEEDED, (after, until)).fetchall()]
    if numbers:
        with overwriting(connection):
            drop_digits(connection, numbers)
        append(
            connection,
            Action.NUMBERS_PURGED,
            now,
            actor=ENGINE,
            subject="numbers",
            details={"numbers": len(numbers), "from": numbers[0], "to": numbers[-1]},
        )
    (last,) = connection.execute("SELECT coalesce(max(id), 0) FROM numbers").fetchone()
    return Step(until if until < last else None, len(numbers))


def files_deleted(connection: sqlite3.Connection, files: int, keep: float, now: float) -> None:
    """Record that jobs and requests were deleted from the queue directory."""
    append(
        connection,
        Action.JOBS_PURGED,
        now,
        actor=ENGINE,
        subject="queue",
        details={"entries": files, "kept_seconds": keep},
    )
