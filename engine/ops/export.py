"""A campaign's contacts, attempts and call events as rows: for a spreadsheet, or for another program.

Rows come in pieces, each read in a moment of its own, so that an export of millions neither fills the memory nor keeps the engine's write-ahead log
from being cut. A row that changes meanwhile is exported as it was at one of those moments.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from engine.channel import channel_id
from engine.errors import InputError, Problem
from engine.ops.books import SLICE, reading
from engine.store.campaigns import HELD

What = Literal["contacts", "attempts", "events"]
Values = dict[str, Any]

FIELD = "field_"
"""In front of the columns of the contact's own fields, so that none of them is taken for one of ours."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """Columns in their order, and rows as dictionaries with exactly those keys. Instants are ISO 8601 in UTC."""

    columns: tuple[str, ...]
    rows: Iterator[Values]


def sheet(database: Path, campaign: str, what: What) -> Sheet:
    """What is asked for of a campaign. Raises StoreError, and InputError when there is no such campaign."""
    with reading(database) as connection:
        row = connection.execute("SELECT id FROM campaigns WHERE name = ?", (campaign,)).fetchone()
        if row is None:
            raise InputError(
                [Problem("campaign", f"there is no campaign {campaign!r}", "see `volley status`")]
            )
        names = _field_names(connection, row["id"]) if what == "contacts" else ()
    query, make, columns = _SHEETS[what]

    def rows() -> Iterator[Values]:
        last = (0, 0)
        while True:
            with reading(database) as connection:
                found = connection.execute(
                    query, {"campaign": row["id"], "last": last[0], "seq": last[1], "limit": SLICE}
                ).fetchall()
            for one in found:
                yield {"campaign": campaign, **make(one), **_fields(one, names)}
            if len(found) < SLICE:
                return
            last = (found[-1]["cursor"], found[-1]["seq"] if what == "events" else 0)

    return Sheet(("campaign", *columns, *(FIELD + name for name in names)), rows())


def instant(at: float | None) -> str | None:
    """POSIX seconds as ISO 8601 in UTC, to the millisecond."""
    return (
        None
        if at is None
        else datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    )


def _field_names(connection: sqlite3.Connection, campaign_id: int) -> tuple[str, ...]:
    rows = connection.execute(
        "SELECT DISTINCT f.key FROM contacts c, json_each(c.fields) f WHERE c.campaign_id = ? AND c.fields != '{}' ORDER BY 1",
        (campaign_id,),
    )
    return tuple(row[0] for row in rows)


def _fields(row: sqlite3.Row, names: tuple[str, ...]) -> Values:
    if not names:
        return {}
    fields = json.loads(row["fields"])
    return {FIELD + name: fields.get(name) for name in names}


def _seconds(start: float | None, end: float | None) -> float | None:
    return None if start is None or end is None else round(max(0.0, end - start), 3)


# --- contacts ----------------------------------------------------------------------------------------------------------

_KEYS = """
(SELECT group_concat(substr(value, 1, instr(value || '@', '@') - 1), '')
 FROM (SELECT value FROM call_events WHERE attempt_id = {attempt} AND kind = 'key' ORDER BY seq))
"""

_CONTACTS = f"""
SELECT c.id AS cursor, c.*, n.e164, n.region, a.id AS attempt, a.disposition AS last_disposition, a.cause, a.sip, a.amd, a.result, a.answered_at,
       a.ended_at, {_KEYS.format(attempt="a.id")} AS keys, b.due_at AS callback_at,
       (SELECT group_concat(o.e164, ' ') FROM contact_numbers m JOIN numbers o ON o.id = m.number_id
        WHERE m.contact_id = c.id AND m.number_id != c.number_id) AS others,
       (SELECT count(*) FROM callbacks k WHERE k.contact_id = c.id AND k.state = 'kept') AS kept,
       (SELECT count(*) FROM callbacks k WHERE k.contact_id = c.id AND k.state = 'missed') AS missed
FROM contacts c CROSS JOIN numbers n ON n.id = c.number_id
LEFT JOIN attempts a ON a.id = (SELECT max(l.id) FROM attempts l WHERE l.contact_id = c.id)
LEFT JOIN callbacks b ON b.contact_id = c.id AND b.state = 'due'
WHERE c.id > :last AND c.campaign_id = :campaign ORDER BY c.id LIMIT :limit
"""


def _contact(row: sqlite3.Row) -> Values:
    consent = json.loads(row["consent"]) if row["consent"] else {}
    waits = row["state"] == "pending" and row["due_at"] < HELD
    return {
        "contact": row["id"], "external_id": row["external_id"], "phone_number": row["e164"], "other_numbers": row["others"],
        "region": row["region"], "state": row["state"], "disposition": row["disposition"], "goal": row["goal"], "attempts": row["attempts"],
        "callbacks": row["callbacks"], "last_attempt_at": instant(row["last_attempt_at"]), "next_look_at": instant(row["due_at"]) if waits else None,
        "gate": row["verdict"], "last_cause": row["cause"], "last_sip": row["sip"], "last_amd": row["amd"], "last_keys": row["keys"],
        "last_talk_seconds": _seconds(row["answered_at"], row["ended_at"]), "callback_promised_for": instant(row["callback_at"]),
        "callbacks_kept": row["kept"], "callbacks_missed": row["missed"], "timezone": row["timezone"], "language": row["language"],
        "call_from": row["call_from"], "call_to": row["call_to"], "not_before": instant(row["not_before"]), "expires": instant(row["expires"]),
        "consent_purpose": consent.get("purpose"), "consent_at": consent.get("at"), "consent_source": consent.get("source"),
        "consent_reference": consent.get("reference"), "job": row["job_id"], "row": row["row"],
    }  # fmt: skip


# --- attempts ----------------------------------------------------------------------------------------------------------

_ATTEMPTS = f"""
SELECT a.id AS cursor, a.*, n.e164, c.external_id, p.name AS pbx, t.name AS trunk, {_KEYS.format(attempt="a.id")} AS keys,
       b.due_at AS promised_for, b.state AS promise
FROM attempts a CROSS JOIN numbers n ON n.id = a.number_id
LEFT JOIN contacts c ON c.id = a.contact_id LEFT JOIN pbxs p ON p.id = a.pbx_id LEFT JOIN trunks t ON t.id = a.trunk_id
LEFT JOIN callbacks b ON b.attempt_id = a.id
WHERE a.id > :last AND a.campaign_id = :campaign ORDER BY a.id LIMIT :limit
"""


def _attempt(row: sqlite3.Row) -> Values:
    return {
        "attempt": channel_id(row["id"]), "contact": row["contact_id"], "external_id": row["external_id"], "phone_number": row["e164"],
        "dialed": row["dialed"], "caller_id": row["caller_id"], "kind": row["kind"], "pbx": row["pbx"], "trunk": row["trunk"],
        "created_at": instant(row["created_at"]), "sent_at": instant(row["sent_at"]), "answered_at": instant(row["answered_at"]),
        "ended_at": instant(row["ended_at"]), "seconds": _seconds(row["sent_at"], row["ended_at"]),
        "talk_seconds": _seconds(row["answered_at"], row["ended_at"]), "rang": row["rang"], "disposition": row["disposition"],
        "counted": row["counted"], "cause": row["cause"], "sip": row["sip"], "amd": row["amd"], "result": row["result"], "keys": row["keys"],
        "callback_promised_for": instant(row["promised_for"]), "callback_state": row["promise"], "keeps_callback": row["callback_id"],
        "flow_version": row["flow_version"], "rules": row["rules"], "note": row["note"],
    }  # fmt: skip


# --- events ------------------------------------------------------------------------------------------------------------

_EVENTS = """
SELECT e.attempt_id AS cursor, e.*, a.contact_id, c.external_id, n.e164
FROM call_events e CROSS JOIN attempts a ON a.id = e.attempt_id CROSS JOIN numbers n ON n.id = a.number_id
LEFT JOIN contacts c ON c.id = a.contact_id
WHERE (e.attempt_id, e.seq) > (:last, :seq) AND a.campaign_id = :campaign ORDER BY e.attempt_id, e.seq LIMIT :limit
"""


def _event(row: sqlite3.Row) -> Values:
    return {
        "attempt": channel_id(row["attempt_id"]), "contact": row["contact_id"], "external_id": row["external_id"], "phone_number": row["e164"],
        "seq": row["seq"], "at": instant(row["at"]), "kind": row["kind"], "value": row["value"],
    }  # fmt: skip


_SHEETS: dict[What, tuple[str, Callable[[sqlite3.Row], Values], tuple[str, ...]]] = {
    "contacts": (_CONTACTS, _contact, (
        "contact", "external_id", "phone_number", "other_numbers", "region", "state", "disposition", "goal", "attempts", "callbacks",
        "last_attempt_at", "next_look_at", "gate", "last_cause", "last_sip", "last_amd", "last_keys", "last_talk_seconds", "callback_promised_for",
        "callbacks_kept", "callbacks_missed", "timezone", "language", "call_from", "call_to", "not_before", "expires", "consent_purpose", "consent_at",
        "consent_source", "consent_reference", "job", "row")),
    "attempts": (_ATTEMPTS, _attempt, (
        "attempt", "contact", "external_id", "phone_number", "dialed", "caller_id", "kind", "pbx", "trunk", "created_at", "sent_at", "answered_at",
        "ended_at", "seconds", "talk_seconds", "rang", "disposition", "counted", "cause", "sip", "amd", "result", "keys", "callback_promised_for",
        "callback_state", "keeps_callback", "flow_version", "rules", "note")),
    "events": (_EVENTS, _event, ("attempt", "contact", "external_id", "phone_number", "seq", "at", "kind", "value")),
}  # fmt: skip
"""The query of a piece, how its rows are read, and the columns."""
