"""Jobs on the way in: a job opens a campaign or adds to one, and brings its contacts batch by batch."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from engine.contacts import Contact, consent_text
from engine.rules.numbers import Number
from engine.store import forgotten, rows
from engine.store.closing import close_contact


@dataclass(frozen=True, slots=True)
class NewCampaign:
    """A campaign as its manifest describes it; `manifest` and `flow` are JSON-ready."""

    name: str
    title: str
    owner: str
    purpose: str
    priority: int
    start_at: float
    end_at: float | None
    manifest: dict[str, Any]
    flow_version: str
    flow: dict[str, str]
    message_seconds: float | None = None
    """How long the message lasts; None: not known."""


@dataclass(frozen=True, slots=True)
class JobRow:
    """A job in the database. `through_row`: rows up to this one are stored."""

    id: str
    campaign_id: int
    campaign: str
    state: str
    through_row: int
    accepted: int
    rejected: int


@dataclass(frozen=True, slots=True)
class Collision:
    """A contact that the database did not take: its row in the file, and why."""

    row: int
    code: str
    reason: str


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


def find_job(connection: sqlite3.Connection, job_id: str, fingerprint: str) -> JobRow | None:
    """The job of that id or that content, if it is known."""
    row = connection.execute(
        "SELECT j.id, j.campaign_id, k.name, j.state, j.through_row, j.accepted, j.rejected FROM jobs j JOIN campaigns k"
        " ON k.id = j.campaign_id WHERE j.id = ? OR j.fingerprint = ? ORDER BY j.id = ? DESC",
        (job_id, fingerprint, job_id),
    ).fetchone()
    return None if row is None else JobRow(*row)


def begin_job(
    connection: sqlite3.Connection,
    job_id: str,
    fingerprint: str,
    source: str,
    campaign: NewCampaign | int,
    now: float,
) -> int:
    """Open a job, with a new campaign (state `loading`: not dialed) or on one that is there. Returns the campaign's
    id."""
    if isinstance(campaign, int):
        campaign_id, adds = campaign, 1
    else:
        adds = 0
        connection.execute(
            "INSERT OR IGNORE INTO flows (version, entries) VALUES (?, ?)",
            (campaign.flow_version, json.dumps(campaign.flow, sort_keys=True)),
        )
        campaign_id = connection.execute(
            "INSERT INTO campaigns (name, title, owner, purpose, priority, state, manifest, flow_version, created_at, start_at, end_at,"
            " message_seconds) VALUES (?, ?, ?, ?, ?, 'loading', ?, ?, ?, ?, ?, ?) RETURNING id",
            (
                campaign.name,
                campaign.title,
                campaign.owner,
                campaign.purpose,
                campaign.priority,
                json.dumps(campaign.manifest),
                campaign.flow_version,
                now,
                campaign.start_at,
                campaign.end_at,
                campaign.message_seconds,
            ),
        ).fetchone()[0]
    connection.execute(
        "INSERT INTO jobs (id, fingerprint, source, campaign_id, state, adds, taken_at) VALUES (?, ?, ?, ?, 'loading', ?, ?)",
        (job_id, fingerprint, source, campaign_id, adds, now),
    )
    return campaign_id


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
    taken = len(stored)
    connection.execute(
        "UPDATE campaigns SET open_contacts = open_contacts + ? WHERE id = ?", (taken, campaign_id)
    )
    connection.execute(
        "UPDATE jobs SET through_row = ?, accepted = accepted + ? WHERE id = ?", (through_row, taken, job_id)
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


def close_job(connection: sqlite3.Connection, job_id: str, parsed: int, refused: int, now: float) -> JobRow:
    """The job is taken in: its campaign may be dialed from its start on.

    `parsed` and `refused` are the parser's counts of the whole source; what it parsed and the database did not take
    collided.
    """
    row = connection.execute(
        "UPDATE jobs SET state = 'accepted', closed_at = ?, rejected = ? + ? - accepted WHERE id = ? AND state = 'loading'"
        " RETURNING campaign_id, adds",
        (now, refused, parsed, job_id),
    ).fetchone()
    if row is not None:
        campaign_id, adds = row
        if adds:
            connection.execute(
                "UPDATE campaigns SET state = 'running', closed_at = NULL WHERE id = ? AND state = 'completed' AND open_contacts > 0",
                (campaign_id,),
            )
        else:
            connection.execute(
                "UPDATE campaigns SET state = CASE WHEN start_at > ? THEN 'scheduled' ELSE 'running' END WHERE id = ?",
                (now, campaign_id),
            )
    job = find_job(connection, job_id, "")
    assert job is not None
    return job


def drop_job(connection: sqlite3.Connection, job_id: str, limit: int) -> int:
    """Take back a job that turned out to be broken, `limit` contacts at a time. Returns how many were deleted; 0
    when all is gone."""
    row = connection.execute(
        "SELECT campaign_id, adds FROM jobs WHERE id = ? AND state = 'loading'", (job_id,)
    ).fetchone()
    if row is None:
        return 0
    campaign_id, adds = row
    ids = [
        found[0]
        for found in connection.execute(
            "SELECT id FROM contacts c WHERE campaign_id = ? AND state = 'pending' AND job_id = ?"
            " AND NOT EXISTS (SELECT 1 FROM attempts a WHERE a.contact_id = c.id) LIMIT ?",
            (campaign_id, job_id, limit),
        )
    ]
    if ids:
        connection.executemany("DELETE FROM contact_numbers WHERE contact_id = ?", [(one,) for one in ids])
        connection.executemany("DELETE FROM contacts WHERE id = ?", [(one,) for one in ids])
        connection.execute(
            "UPDATE campaigns SET open_contacts = open_contacts - ? WHERE id = ?", (len(ids), campaign_id)
        )
        return len(ids)
    for (contact_id,) in connection.execute(
        "SELECT id FROM contacts WHERE campaign_id = ? AND state = 'pending' AND job_id = ?",
        (campaign_id, job_id),
    ).fetchall():
        close_contact(
            connection, contact_id, campaign_id, "CANCELLED", "removed"
        )  # it was dialed, so its story stays
    connection.execute("DELETE FROM jobs WHERE id = ?", (job_id,))
    if not adds:
        connection.execute("DELETE FROM campaigns WHERE id = ? AND state = 'loading'", (campaign_id,))
    return 0
