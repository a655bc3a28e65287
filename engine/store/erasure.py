"""Forgets a person: blanks what is personal in every row, and keeps the rows, so that the books still add up.

A person is known by a number. Their contacts are those that have it; their other numbers are those that only these
contacts have. What stays: ids, instants, dispositions, counts, causes, and decisions with the zones that they were made
by. What goes: numbers, dialed strings,
the contact's own columns and ids, its place in its file, consent, hours, language, notes, and what was keyed in.

The same blanking, without any suppression, is what retention asks for (`engine.store.purge`).

Knows rows. Refuses to know files: jobs that were handed in, exports, logs and backups are not rewritten; `forget`
names the jobs.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from engine.store import forgotten
from engine.store.closing import close_contact

ERASED = "erased:"
"""In front of a number's id, where its digits were: no E.164 number begins so."""

_PLAIN_REPORTS = '["amd", "play", "optout", "callback", "transfer", "record", "end"]'
"""Reports of the dialplan (`engine.channel.Report`) whose value is a fact of the call and not of the person;
JSON."""


_KEPT = frozenset(
    (
        *(
            "id",
            "campaign_id",
            "job_id",
            "state",
            "due_at",
            "number_id",
            "position",
            "numbers",
            "attempts",
            "tries",
        ),
        *("invalid", "callbacks", "callback_id", "last_attempt_at", "disposition", "verdict", "goal"),
    )
)
"""Columns of a contact that say nothing of the person: what was done, and how it ended."""


@dataclass(frozen=True, slots=True)
class Erased:
    """What was forgotten. `live` > 0: calls live, so only the suppression has happened; ask again when they have
    ended."""

    numbers: tuple[int, ...]
    """Ids of all numbers of the person: suppressed."""
    contacts: int
    attempts: int
    live: int
    jobs: tuple[str, ...]
    """Names of the jobs that brought the person in, whose files still have the data."""


@contextmanager
def overwriting(connection: sqlite3.Connection) -> Iterator[None]:
    """What is deleted or changed meanwhile is overwritten in the file (SQLite, PRAGMA secure_delete)."""
    (before,) = connection.execute("PRAGMA secure_delete").fetchone()
    connection.execute("PRAGMA secure_delete = ON")
    try:
        yield
    finally:
        connection.execute(f"PRAGMA secure_delete = {int(before)}")


def forget(connection: sqlite3.Connection, e164: str, actor: str, reason: str, now: float) -> Erased:
    """Forget the person of this number, whether it is known or not. The key must have been made
    (`forgotten.make_key`).

    Asked twice it changes nothing more. Raises KeyMissing.
    """
    forgotten.remember(connection, e164, actor, reason, now)
    row = connection.execute("SELECT id FROM numbers WHERE e164 = ?", (e164,)).fetchone()
    if row is None:
        return Erased((), 0, 0, 0, ())
    contacts = _ids(connection, "SELECT contact_id FROM contact_numbers WHERE number_id = ?", row[0])
    numbers = [row[0], *_own_numbers(connection, contacts, row[0])]
    connection.executemany(
        "INSERT INTO suppression (number_id, since, reason, source, actor) VALUES (?, ?, 'forgotten', 'forgotten', ?)"
        " ON CONFLICT (number_id) DO UPDATE SET reason = 'forgotten', actor = excluded.actor",
        [(number, now, actor) for number in numbers],
    )
    for number in numbers[1:]:
        (digits,) = connection.execute("SELECT e164 FROM numbers WHERE id = ?", (number,)).fetchone()
        forgotten.remember(connection, digits, actor, reason, now)
    # Every attempt on one of these numbers is an attempt of one of these contacts: who is dialed has the number.
    attempts = {
        attempt: ended
        for one in contacts
        for attempt, ended in connection.execute(
            "SELECT id, disposition IS NOT NULL FROM attempts WHERE contact_id = ?", (one,)
        ).fetchall()
    }
    live = sum(not ended for ended in attempts.values())
    jobs = {job for contact in contacts for job in _job(connection, contact)}
    if live:
        return Erased(tuple(numbers), len(contacts), 0, live, tuple(sorted(jobs)))
    with overwriting(connection):
        blank(connection, contacts, sorted(attempts), recordings=True)
        drop_digits(connection, numbers)
        connection.executemany(
            "UPDATE suppression SET reason = 'forgotten' WHERE number_id = ?", [(one,) for one in numbers]
        )
    return Erased(tuple(numbers), len(contacts), len(attempts), 0, tuple(sorted(jobs)))


def _ids(connection: sqlite3.Connection, query: str, value: int) -> list[int]:
    return [row[0] for row in connection.execute(query, (value,)).fetchall()]


def _own_numbers(connection: sqlite3.Connection, contacts: list[int], named: int) -> list[int]:
    """Further numbers that none but these contacts have: a number shared with somebody else is theirs too."""
    ours = set(contacts)
    found: dict[int, None] = {}
    for contact in contacts:
        for number in _ids(connection, "SELECT number_id FROM contact_numbers WHERE contact_id = ?", contact):
            if number != named and number not in found:
                holders = _ids(
                    connection, "SELECT contact_id FROM contact_numbers WHERE number_id = ?", number
                )
                if ours.issuperset(holders):
                    found[number] = None
    return list(found)


def _job(connection: sqlite3.Connection, contact: int) -> list[str]:
    """The name under which the job of a contact was handed in."""
    rows = connection.execute(
        "SELECT coalesce(j.source, c.job_id) FROM contacts c LEFT JOIN jobs j ON j.id = c.job_id"
        " WHERE c.id = ? AND c.row > 0",
        (contact,),
    ).fetchall()
    return [row[0] for row in rows]


def blank(
    connection: sqlite3.Connection, contacts: Sequence[int], attempts: Sequence[int], *, recordings: bool
) -> None:
    """Blank what is personal of these contacts and of their attempts, all of which have ended; twice is as good as once.
    `recordings`: the files of recorded answers go as well, at once. For `overwriting`."""
    blanks = _blanks(connection)
    for contact in contacts:
        (campaign, state) = connection.execute(
            "SELECT campaign_id, state FROM contacts WHERE id = ?", (contact,)
        ).fetchone()
        if state != "done":
            close_contact(connection, contact, campaign, "SUPPRESSED", "suppressed")
        connection.execute(f"UPDATE contacts SET {blanks} WHERE id = ?", (contact,))  # noqa: S608 -- our columns
        connection.execute(
            "UPDATE decisions SET consent = 'erased' WHERE contact_id = ? AND consent != ''", (contact,)
        )
    for attempt in attempts:
        connection.execute("UPDATE attempts SET dialed = '', note = '' WHERE id = ?", (attempt,))
        if recordings:
            connection.execute("UPDATE recordings SET keep_until = 0 WHERE attempt_id = ?", (attempt,))
        connection.execute(
            "UPDATE call_events SET value = '' WHERE attempt_id = ?"
            " AND kind NOT IN (SELECT value FROM json_each(?))"
            " AND NOT (kind = 'key' AND substr(value, 2, 1) = '@')"  # one key of a menu; more of them are an entry
            " AND NOT (kind = 'result' AND value NOT GLOB '*[^a-z_]*')",  # a word of the dialplan's own
            (attempt, _PLAIN_REPORTS),
        )


def drop_digits(connection: sqlite3.Connection, numbers: Sequence[int]) -> None:
    """Take the digits of these numbers; the rows stay, for all that refers to them. For `overwriting`."""
    connection.executemany(
        "UPDATE numbers SET e164 = ? || id WHERE id = ?", [(ERASED, one) for one in numbers]
    )


def _blanks(connection: sqlite3.Connection) -> str:
    """Every column of a contact that is not known to be harmless, as it is in a contact of whom nothing is known: a
    column that is added some day is erased without anybody thinking of it."""
    found = []
    for name, kind, needed, default in connection.execute(
        "SELECT name, type, \"notnull\", dflt_value FROM pragma_table_info('contacts')"
    ):
        if name not in _KEPT:
            empty = default or (("''" if kind == "TEXT" else "0") if needed else "NULL")
            found.append(f"{name} = {empty}")
    return ", ".join(found)
