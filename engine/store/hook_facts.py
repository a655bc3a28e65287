"""What a row of the hooks' outbox tells of, read when it is sent: plain values by their names in `engine.hooks.payload`.

An attempt that ended, a contact that is done and a promise that was made do not change any more, but for one thing: a
person may be forgotten. Then a number is None here, and so is what else named them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any

from engine.channel import channel_id
from engine.store.erasure import ERASED
from engine.store.hooks import Row

Facts = dict[str, Any]

MOST_CONTACTS = 20
"""Contacts named with an opt-out."""


def facts(connection: sqlite3.Connection, hook_id: int, row: Row) -> Facts | None:
    """What this row tells of; None when it is not there any more (a job that was taken back)."""
    read = _READERS[row.event] if row.event in _READERS else _READERS[row.event.partition(".")[0]]
    return read(connection, hook_id, row)


def _call_ended(connection: sqlite3.Connection, _: int, row: Row) -> Facts | None:
    found = _one(
        connection,
        "SELECT k.name AS campaign, c.id AS contact, c.external_id, a.id AS attempt, a.kind, n.e164 AS number, a.caller_id,"
        " t.name AS trunk, a.disposition, a.cause, a.sip, a.amd, a.result, a.rang, a.sent_at, a.answered_at, a.ended_at, a.heard, a.note"
        " FROM attempts a JOIN contacts c ON c.id = a.contact_id JOIN campaigns k ON k.id = a.campaign_id"
        " JOIN numbers n ON n.id = a.number_id JOIN trunks t ON t.id = a.trunk_id WHERE a.id = ?",
        row.subject,
    )
    if found is None:
        return None
    reports = connection.execute(
        "SELECT kind, value FROM call_events WHERE attempt_id = ? AND kind IN ('key', 'answer') ORDER BY seq",
        (row.subject,),
    ).fetchall()
    answered, ended = found["answered_at"], found["ended_at"]
    return {
        **found,
        "rang": bool(found["rang"]),
        "keys": "".join(value.partition("@")[0] for kind, value in reports if kind == "key"),
        "answers": [_answer(value) for kind, value in reports if kind == "answer" and value],
        "talk": 0.0 if answered is None else round(max(0.0, ended - answered), 3),
    }


def _answer(value: str) -> Facts:
    question, _, said = value.partition("=")
    return {"question": question, "answer": said}


def _report(connection: sqlite3.Connection, _: int, row: Row) -> Facts | None:
    found = _one(
        connection,
        "SELECT k.name AS campaign, c.id AS contact, c.external_id, a.id AS attempt, n.e164 AS number, e.kind, e.value, e.at AS said_at"
        " FROM call_events e JOIN attempts a ON a.id = e.attempt_id JOIN contacts c ON c.id = a.contact_id"
        " JOIN campaigns k ON k.id = a.campaign_id JOIN numbers n ON n.id = a.number_id WHERE e.attempt_id = ? AND e.seq = ?",
        row.subject,
        row.part,
    )
    if found is None:
        return None
    kind, value = found.pop("kind"), found.pop("value")
    if kind == "answer":
        return {**found, **_answer(value)}
    key, _, node = value.partition("@")
    return {**found, "key": key, "node": node}


def _contact_done(connection: sqlite3.Connection, _: int, row: Row) -> Facts | None:
    return _one(
        connection,
        "SELECT k.name AS campaign, c.id AS contact, c.external_id, n.e164 AS number, c.disposition, c.goal AS result,"
        " CASE c.verdict WHEN 'allowed' THEN '' ELSE c.verdict END AS reason, c.attempts, c.callbacks"
        " FROM contacts c JOIN campaigns k ON k.id = c.campaign_id JOIN numbers n ON n.id = c.number_id WHERE c.id = ?",
        row.subject,
    )


def _optout(connection: sqlite3.Connection, hook_id: int, row: Row) -> Facts | None:
    """Of the contacts that have the number, those that this hook hears of: nobody learns of another's campaigns."""
    found = _one(
        connection,
        "SELECT n.e164 AS number, s.source, s.since FROM suppression s JOIN numbers n ON n.id = s.number_id WHERE s.number_id = ?",
        row.subject,
    )
    if found is None:
        return None
    contacts = connection.execute(
        "SELECT k.name, c.id, c.external_id FROM contact_numbers n JOIN contacts c ON c.id = n.contact_id"
        " JOIN campaigns k ON k.id = c.campaign_id JOIN hook_follows f ON f.campaign_id = k.id AND f.hook_id = ?"
        " WHERE n.number_id = ? ORDER BY c.id DESC LIMIT ?",
        (hook_id, row.subject, MOST_CONTACTS),
    ).fetchall()
    return {
        **found,
        "contacts": [
            {"campaign": campaign, "contact": contact, "external_id": external_id}
            for campaign, contact, external_id in contacts
        ],
    }


def _callback(connection: sqlite3.Connection, _: int, row: Row) -> Facts | None:
    return _one(
        connection,
        "SELECT k.name AS campaign, c.id AS contact, c.external_id, n.e164 AS number, b.id AS callback, b.attempt_id AS attempt,"
        " b.asked_at, b.due_at, b.kept_by FROM callbacks b JOIN contacts c ON c.id = b.contact_id"
        " JOIN campaigns k ON k.id = c.campaign_id JOIN numbers n ON n.id = c.number_id WHERE b.id = ?",
        row.subject,
    )


def _campaign(connection: sqlite3.Connection, _: int, row: Row) -> Facts | None:
    found = _one(
        connection,
        "SELECT name AS campaign, title, purpose, state, start_at, end_at,"
        " (SELECT coalesce(sum(accepted), 0) FROM jobs WHERE campaign_id = campaigns.id) AS contacts,"
        " (SELECT coalesce(sum(rejected), 0) FROM jobs WHERE campaign_id = campaigns.id) AS rejected,"
        " max(0, open_contacts) AS open_contacts FROM campaigns WHERE id = ?",
        row.subject,
    )
    if found is None:
        return None
    counts = connection.execute(
        "SELECT disposition, count(*) FROM contacts WHERE campaign_id = ? AND state = 'done' AND disposition != '' GROUP BY 1",
        (row.subject,),
    ).fetchall()
    return {**found, "dispositions": dict(counts)}


_READERS: dict[str, Callable[[sqlite3.Connection, int, Row], Facts | None]] = {
    "call.ended": _call_ended,
    "call.key": _report,
    "call.answer": _report,
    "contact.done": _contact_done,
    "optout.recorded": _optout,
    "callback": _callback,
    "campaign": _campaign,
}


def _one(connection: sqlite3.Connection, query: str, *values: int) -> Facts | None:
    """The one row of a query by its columns' names; ids of attempts as Asterisk has them, numbers of people who were
    forgotten as None."""
    cursor = connection.execute(query, values)
    row = cursor.fetchone()
    if row is None:
        return None
    found = {column[0]: value for column, value in zip(cursor.description, row, strict=True)}
    for name in ("attempt", "kept_by"):
        if found.get(name) is not None:
            found[name] = channel_id(found[name])
    if "number" in found and found["number"].startswith(ERASED):
        found["number"] = None
    return found
