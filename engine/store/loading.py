"""Contacts on their way into a campaign: batch by batch, each with how far its job got."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from engine.contacts import Contact, consent_text
from engine.rules.numbers import Number
from engine.store import forgotten, rows

HELD = 1e12
"""`due_at` of contacts that were added to a running campaign by a job that is not taken in whole: no claim sees
them."""
WORDLESS = 2e12
"""`due_at` of contacts whose own speech is not there yet (`engine.store.speech`): no claim sees them."""

_KNOWN = "SELECT id, e164, region, kind, zones FROM numbers WHERE e164 IN (VALUES %s)"
_NUMBERS = "INSERT INTO numbers (id, e164, region, kind, zones) VALUES %s"
_NUMBERS_IN = (
    "SELECT n.number_id FROM contact_numbers n JOIN contacts c ON c.id = n.contact_id"
    " WHERE n.number_id IN (VALUES %s) AND c.campaign_id = ?"
)
_EXTERNAL_IDS_IN = "SELECT external_id FROM contacts WHERE external_id IN (VALUES %s) AND campaign_id = ?"
_CONTACTS = (
    "INSERT INTO contacts (id, campaign_id, job_id, row, external_id, due_at, number_id, numbers, timezone, language, call_from,"
    " call_to, not_before, expires, consent, fields, subdivision, postal_code, spoken, speech) VALUES %s"
)
_LINKS = "INSERT INTO contact_numbers (contact_id, position, number_id) VALUES %s"


@dataclass(frozen=True, slots=True)
class Collision:
    """A contact that the database did not take: its row in the file, and why."""

    row: int
    code: str
    reason: str


def add_contacts(
    connection: sqlite3.Connection,
    job_id: str,
    campaign_id: int,
    contacts: Sequence[Contact],
    through_row: int,
    due_at: float,
    *,
    reject_known_numbers: bool,
    spoken_to: bool = False,
) -> list[Collision]:
    """Store a batch of contacts and how far the job got, together. Returns those that the campaign has already.

    `spoken_to`: something is spoken to each of them that is theirs alone; none is due before that is there.
    """
    collisions: list[Collision] = []
    ids = _number_ids(connection, contacts)
    numbers_met = _numbers_in(connection, campaign_id, ids.values()) if reject_known_numbers else set()
    external_met = _external_ids_in(connection, campaign_id, contacts)
    (last,) = connection.execute("SELECT coalesce(max(id), 0) FROM contacts").fetchone()
    stored: list[rows.Row] = []
    links: list[rows.Row] = []
    for contact in contacts:
        numbers = [ids[number.e164] for number in contact.numbers]
        if not numbers_met.isdisjoint(numbers):
            collisions.append(
                Collision(contact.row, "duplicate_number", "this number is in the campaign already")
            )
            continue
        if contact.external_id in external_met:
            collisions.append(
                Collision(
                    contact.row,
                    "duplicate_id",
                    f"external_id {contact.external_id!r} is in the campaign already",
                )
            )
            continue
        if reject_known_numbers:
            numbers_met.update(numbers)
        if contact.external_id is not None:
            external_met.add(contact.external_id)
        last += 1
        links += [(last, position, number) for position, number in enumerate(numbers)]
        stored.append(
            (
                last,
                campaign_id,
                job_id,
                contact.row,
                contact.external_id,
                WORDLESS if spoken_to else due_at,
                numbers[0],
                len(numbers),
                contact.timezone or "",
                contact.language or "",
                _clock(contact.call_from),
                _clock(contact.call_to),
                None if contact.not_before is None else contact.not_before.timestamp(),
                None if contact.expires is None else contact.expires.timestamp(),
                consent_text(contact.consent),
                json.dumps(contact.fields, ensure_ascii=False) if contact.fields else "{}",
                contact.subdivision or "",
                contact.postal_code or "",
                json.dumps(contact.spoken) if contact.spoken else "{}",
                "wanted" if spoken_to else "",
            )
        )
    rows.write(connection, _CONTACTS, stored)
    rows.write(connection, _LINKS, links)
    connection.execute(
        "UPDATE campaigns SET open_contacts = open_contacts + ? WHERE id = ?", (len(stored), campaign_id)
    )
    connection.execute(
        "UPDATE jobs SET through_row = ?, accepted = accepted + ? WHERE id = ?",
        (through_row, len(stored), job_id),
    )
    return collisions


def _numbers_in(connection: sqlite3.Connection, campaign_id: int, ids: Collection[int]) -> set[int]:
    """Those of the numbers that the campaign has."""
    return {row[0] for row in rows.read(connection, _NUMBERS_IN, list(ids), campaign_id)}


def _external_ids_in(
    connection: sqlite3.Connection, campaign_id: int, contacts: Sequence[Contact]
) -> set[str | None]:
    """Those of the contacts' ids that the campaign has."""
    given = [contact.external_id for contact in contacts if contact.external_id is not None]
    return {row[0] for row in rows.read(connection, _EXTERNAL_IDS_IN, given, campaign_id)}


def _number_ids(connection: sqlite3.Connection, contacts: Sequence[Contact]) -> dict[str, int]:
    """The id of each number (+ and digits); it is known from here on, with its traits."""
    numbers = {number.e164: number for contact in contacts for number in contact.numbers}
    ids: dict[str, int] = {}
    changed: list[rows.Row] = []
    for found, e164, *traits in rows.read(connection, _KNOWN, list(numbers)):
        ids[e164] = found
        if tuple(traits) != _traits(numbers[e164]):
            # It came by a list, which tells the number alone, or the plan of numbers has changed.
            changed.append((*_traits(numbers[e164]), found))
    connection.executemany("UPDATE numbers SET region = ?, kind = ?, zones = ? WHERE id = ?", changed)
    (last,) = connection.execute("SELECT coalesce(max(id), 0) FROM numbers").fetchone()
    fresh = {e164: last + at for at, e164 in enumerate((one for one in numbers if one not in ids), start=1)}
    rows.write(
        connection, _NUMBERS, [(found, e164, *_traits(numbers[e164])) for e164, found in fresh.items()]
    )
    forgotten.born(connection, fresh)
    return ids | fresh


def _traits(number: Number) -> tuple[str, str, str]:
    return number.region, number.kind, ",".join(number.zones)


def _clock(value: Any) -> str | None:
    return None if value is None else value.isoformat()


def release_held(connection: sqlite3.Connection, campaign_id: int, now: float, limit: int) -> int:
    """Make up to `limit` held contacts due. Returns how many there were."""
    return connection.execute(
        "UPDATE contacts SET due_at = ? WHERE id IN (SELECT id FROM contacts WHERE campaign_id = ? AND"
        " state = 'pending' AND due_at = ? LIMIT ?)",
        (now, campaign_id, HELD, limit),
    ).rowcount
