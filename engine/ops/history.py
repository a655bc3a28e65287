"""A contact's whole history, as it stands in the books: attempts with what happened in them, decisions,
promises, suppression.

Knows rows. What they mean in words: `engine.ops.explain`.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from engine.channel import channel_id
from engine.ops.suppressed import SELECT, Suppressed
from engine.store.campaigns import CampaignRow, campaign


@dataclass(frozen=True, slots=True)
class Number:
    """A number as it is known."""

    id: int
    e164: str
    region: str
    kind: str
    zones: tuple[str, ...]
    suppressed: Suppressed | None


@dataclass(frozen=True, slots=True)
class Event:
    """What the dialplan reported of a call."""

    seq: int
    at: float
    kind: str
    value: str


@dataclass(frozen=True, slots=True)
class Decision:
    """An answer of the gate, with what it stood on. What was not looked at by the rules of its time is empty."""

    at: float
    number: str
    reason: str
    not_before: float | None
    zones: tuple[str, ...]
    """Every zone in which the callee may have been."""
    local: tuple[str, ...]
    """Local time in each of them, ISO 8601, `?` where the zone was not known; empty in books of before."""
    rules: str
    """Version of the rules."""
    rule: str
    """Id of the rule that decided."""
    country: str
    subdivisions: tuple[str, ...]
    consent: str
    """Reference of the consent that was relied on."""
    lists: dict[str, str]
    """Lists that were asked, each with the date of its data."""
    caller_id: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """One dial. Instants in POSIX seconds."""

    id: str
    number: str
    kind: str
    trunk: str
    caller_id: str
    created_at: float
    sent_at: float | None
    answered_at: float | None
    ended_at: float | None
    disposition: str | None
    """None while the call lives."""
    counted: bool
    cause: int
    sip: int
    amd: str
    result: str
    note: str
    events: tuple[Event, ...]
    decision: Decision | None
    """What allowed it."""


@dataclass(frozen=True, slots=True)
class Promise:
    """A callback that the person asked for."""

    asked_at: float
    due_at: float
    state: str


@dataclass(slots=True)
class History:
    """All that is known of one contact."""

    contact: dict[str, Any]
    """Its row, by column."""
    campaign: CampaignRow
    job: str
    """The name under which the job was handed in."""
    numbers: list[Number] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)
    refusals: list[Decision] = field(default_factory=list)
    """Decisions not to dial, each written when the reason changed."""
    promises: list[Promise] = field(default_factory=list)
    erased: bool = False
    """What was personal is gone: the person was forgotten, or the time was over for which it is kept."""
    purged_at: float | None = None
    """When it was over, in the contact's campaign."""
    line_in_use: bool = False
    """The number that comes next has a live call, of this contact or of another."""


_BY_NUMBER = """
SELECT c.id FROM numbers n JOIN contact_numbers m ON m.number_id = n.id JOIN contacts c ON c.id = m.contact_id
WHERE n.e164 = :key AND (:campaign IS NULL OR c.campaign_id = (SELECT id FROM campaigns WHERE name = :campaign))
ORDER BY c.id
"""

_BY_ID = """
SELECT c.id FROM contacts c
WHERE c.id = :key AND (:campaign IS NULL OR c.campaign_id = (SELECT id FROM campaigns WHERE name = :campaign))
"""

_BY_EXTERNAL_ID = """
SELECT c.id FROM campaigns k JOIN contacts c ON c.campaign_id = k.id
WHERE c.external_id = :key AND (:campaign IS NULL OR k.name = :campaign)
ORDER BY c.id
"""

_ATTEMPTS = """
SELECT a.*, n.e164, t.name AS trunk FROM attempts a JOIN numbers n ON n.id = a.number_id
LEFT JOIN trunks t ON t.id = a.trunk_id
WHERE a.contact_id = ? ORDER BY a.id
"""

_DECISIONS = """
SELECT d.*, n.e164 FROM decisions d JOIN numbers n ON n.id = d.number_id WHERE d.contact_id = ? ORDER BY d.id
"""

_NUMBERS = """
SELECT n.id, n.e164, n.region, n.kind, n.zones FROM contact_numbers m JOIN numbers n ON n.id = m.number_id
WHERE m.contact_id = ? ORDER BY m.position
"""

Key = Literal["number", "id", "external_id"]
_QUERIES: Mapping[Key, str] = {"number": _BY_NUMBER, "id": _BY_ID, "external_id": _BY_EXTERNAL_ID}


def contacts_of(
    connection: sqlite3.Connection, by: Key, key: str | int, campaign_name: str | None
) -> list[int]:
    """Ids of the contacts with this number (E.164), id or external id, of one campaign or of all; newest
    last."""
    rows = connection.execute(_QUERIES[by], {"key": key, "campaign": campaign_name}).fetchall()
    return [row[0] for row in rows]


def anything_purged(connection: sqlite3.Connection) -> bool:
    """Were contacts of any campaign purged? Then a number that is not known may have been."""
    return (
        connection.execute("SELECT 1 FROM campaigns WHERE purging_at NOT NULL LIMIT 1").fetchone() is not None
    )


def number(connection: sqlite3.Connection, e164: str) -> Number | None:
    """A number as it is known; None when it never was handed in."""
    row = connection.execute(
        "SELECT id, e164, region, kind, zones FROM numbers WHERE e164 = ?", (e164,)
    ).fetchone()
    return None if row is None else _number(connection, row)


def _number(connection: sqlite3.Connection, row: sqlite3.Row) -> Number:
    entry = connection.execute(SELECT + "WHERE s.number_id = ?", (row["id"],)).fetchone()
    zones = tuple(row["zones"].split(",")) if row["zones"] else ()
    suppressed = Suppressed(*entry[1:]) if entry else None
    return Number(row["id"], row["e164"], row["region"], row["kind"], zones, suppressed)


def read(connection: sqlite3.Connection, contact_id: int) -> History:
    """The history of that contact."""
    row = connection.execute("SELECT * FROM contacts WHERE id = ?", (contact_id,)).fetchone()
    job = connection.execute("SELECT source FROM jobs WHERE id = ?", (row["job_id"],)).fetchone()
    contact = {**dict(row), "fields": json.loads(row["fields"]), "tries": json.loads(row["tries"])}
    found = History(contact, campaign(connection, row["campaign_id"]), job[0] if job else row["job_id"])
    key = (contact_id,)
    found.erased = row["row"] == 0
    if found.erased:
        (found.purged_at,) = connection.execute(
            "SELECT purged_at FROM campaigns WHERE id = ?", (row["campaign_id"],)
        ).fetchone()
    found.numbers = [_number(connection, one) for one in connection.execute(_NUMBERS, key).fetchall()]
    allowed: dict[int, Decision] = {}
    for one in connection.execute(_DECISIONS, key).fetchall():
        if one["attempt_id"] is None:
            found.refusals.append(_decision(one))
        else:
            allowed[one["attempt_id"]] = _decision(one)
    found.attempts = [
        _attempt(connection, one, allowed.get(one["id"]))
        for one in connection.execute(_ATTEMPTS, key).fetchall()
    ]
    promises = connection.execute(
        "SELECT asked_at, due_at, state FROM callbacks WHERE contact_id = ? ORDER BY id", key
    )
    found.promises = [Promise(*one) for one in promises]
    live = "SELECT 1 FROM attempts WHERE number_id = ? AND disposition IS NULL"
    found.line_in_use = connection.execute(live, (row["number_id"],)).fetchone() is not None
    return found


def _decision(row: sqlite3.Row) -> Decision:
    return Decision(
        at=row["at"],
        number=row["e164"],
        reason=row["reason"],
        not_before=row["not_before"],
        zones=_parts(row["zones"]),
        local=_parts(row["local"]),
        rules=row["rules"],
        rule=row["rule"],
        country=row["country"],
        subdivisions=_parts(row["subdivision"]),
        consent=row["consent"],
        lists=json.loads(row["lists"]),
        caller_id=row["caller_id"],
    )


def _parts(text: str) -> tuple[str, ...]:
    return tuple(text.split(",")) if text else ()


def _attempt(connection: sqlite3.Connection, row: sqlite3.Row, decision: Decision | None) -> Attempt:
    query = "SELECT seq, at, kind, value FROM call_events WHERE attempt_id = ? ORDER BY seq"
    return Attempt(
        id=channel_id(row["id"]),
        number=row["e164"],
        kind=row["kind"],
        trunk=row["trunk"] or "",
        caller_id=row["caller_id"],
        created_at=row["created_at"],
        sent_at=row["sent_at"],
        answered_at=row["answered_at"],
        ended_at=row["ended_at"],
        disposition=row["disposition"],
        counted=bool(row["counted"]),
        cause=row["cause"],
        sip=row["sip"],
        amd=row["amd"],
        result=row["result"],
        note=row["note"],
        events=tuple(Event(*one) for one in connection.execute(query, (row["id"],))),
        decision=decision,
    )
