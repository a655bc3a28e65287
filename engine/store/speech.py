"""Contacts to whom something is spoken that is theirs alone: who waits for it, who has it, and with whom it failed.

Until it is there a contact is not due (`WORDLESS`), so no claim ever sees it.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engine.store.closing import close_contact
from engine.store.loading import HELD, WORDLESS

WANTED = "wanted"
FAILED = "speech_failed"
"""The verdict of a contact whose text cannot be spoken."""

# The index has those alone who have a speech of their own, or wait for it: SQLite would not always choose it.
_WANTED = """
SELECT id, language, fields FROM contacts INDEXED BY contacts_speech
WHERE campaign_id = ? AND speech = 'wanted' AND speech != '' AND state = 'pending' AND state != 'done' ORDER BY id LIMIT ?
"""
_AHEAD = """
SELECT count(*) FROM contacts INDEXED BY contacts_speech
WHERE campaign_id = ? AND speech != '' AND speech != 'wanted' AND state = 'pending' AND state != 'done' AND tries = '{}'
"""
_IN_USE = """
SELECT id, speech FROM contacts INDEXED BY contacts_speech
WHERE campaign_id = ? AND speech != '' AND speech != 'wanted' AND state != 'done'
"""


@dataclass(frozen=True, slots=True)
class Wordless:
    """A contact that waits for its speech."""

    contact_id: int
    language: str
    """Empty: the campaign's."""
    fields: dict[str, str]


def wanted(connection: sqlite3.Connection, campaign_id: int, limit: int) -> list[Wordless]:
    """The next contacts that wait for their speech, in the order of their rows."""
    rows = connection.execute(_WANTED, (campaign_id, limit))
    return [Wordless(row[0], row[1], json.loads(row[2])) for row in rows]


def ahead(connection: sqlite3.Connection, campaign_id: int) -> int:
    """How many contacts have their speech and were never dialed."""
    found: int = connection.execute(_AHEAD, (campaign_id,)).fetchone()[0]
    return found


def ready(connection: sqlite3.Connection, names: Mapping[int, Sequence[str]], now: float) -> None:
    """These contacts (id -> names of their sounds) may be dialed: at once, or when the job that brings them is in."""
    connection.executemany(
        "UPDATE contacts SET speech = ?, due_at = CASE WHEN EXISTS (SELECT 1 FROM jobs j WHERE j.id = job_id"
        " AND j.state = 'loading' AND j.adds = 1) THEN ? ELSE ? END WHERE id = ? AND state = 'pending' AND speech = ?",
        [(json.dumps(list(own)), HELD, now, contact, WANTED) for contact, own in names.items()],
    )


def failed(connection: sqlite3.Connection, contact_ids: Sequence[int]) -> list[int]:
    """End these contacts as FAILED: they would hear less than they should. Returns those that were still waiting."""
    ended = []
    for contact_id in contact_ids:
        row = connection.execute(
            "SELECT campaign_id FROM contacts WHERE id = ? AND state = 'pending' AND speech = ?",
            (contact_id, WANTED),
        ).fetchone()
        if row is not None:
            close_contact(connection, contact_id, row[0], "FAILED", FAILED)
            connection.execute("UPDATE contacts SET speech = '' WHERE id = ?", (contact_id,))
            ended.append(contact_id)
    return ended


def in_use(connection: sqlite3.Connection, campaign_id: int) -> dict[int, list[str]]:
    """Contacts that have their speech and are not done: id -> names of its sounds."""
    rows = connection.execute(_IN_USE, (campaign_id,))
    return {row[0]: json.loads(row[1]) for row in rows}


def lost(connection: sqlite3.Connection, contact_ids: Sequence[int]) -> int:
    """The sounds of these contacts are gone: they wait for them again. Returns how many do."""
    return sum(
        connection.execute(
            "UPDATE contacts SET speech = ?, due_at = ? WHERE id = ? AND state = 'pending'",
            (WANTED, WORDLESS, contact_id),
        ).rowcount
        for contact_id in contact_ids
    )
