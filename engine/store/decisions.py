"""Decisions of the gate, with all that they stood on: one row a dial, and one a change of the gate's answer.

A row must be understood years later, when rules, lists, zones and settings have changed: so it carries the rules'
version, the places and local times, the consent and list dates of its moment, and not references to what stands in
them today. It names nobody: the number is an id.

Knows the row. Refuses to know why: that is `engine.rules`.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache

from engine.rules.gate import Verdict
from engine.rules.hours import zone
from engine.store import rows
from engine.store.due import Due, zones_of
from engine.values import hot_value


@hot_value(frozen=True, slots=True)
class DecisionRecord:
    """One answer of the gate. Instants in POSIX seconds. What was not looked at is empty."""

    at: float
    contact_id: int
    number_id: int
    campaign_id: int
    reason: str
    """The gate's word; `allowed` for a dial."""
    zones: tuple[str, ...]
    """Every zone in which the callee may be, IANA names."""
    rules: str
    """Version of the rules that decided."""
    attempt_id: int | None = None
    """The dial that it allowed."""
    not_before: float | None = None
    """When it may be asked again; None for a dial and for a refusal for good."""
    country: str = ""
    """ISO 3166-1 of the callee's place."""
    subdivisions: tuple[str, ...] = ()
    """ISO 3166-2, every one that is possible."""
    rule: str = ""
    """Id of the rule that decided, where one of the book did."""
    consent: str = ""
    """Reference of the consent that was relied on."""
    lists: tuple[tuple[str, str], ...] = ()
    """Lists that were asked, each with the date of its data (ISO 8601)."""
    caller_id: str = ""
    """The number of ours that was to be shown."""


def record(
    campaign_id: int, row: Due, verdict: Verdict, now: float, attempt: int | None = None
) -> DecisionRecord:
    """The gate's answer, and all that it stood on, as it is kept for years."""
    ground = verdict.ground
    place = ground.place
    return DecisionRecord(
        at=now,
        contact_id=row.contact_id,
        number_id=row.number_id,
        campaign_id=campaign_id,
        reason=verdict.reason,
        zones=place.zones if place is not None else zones_of(row.zones),
        rules=ground.rules,
        attempt_id=attempt,
        not_before=verdict.at,
        country=place.region if place is not None else row.region,
        subdivisions=place.subdivisions if place is not None else (),
        rule=ground.rule,
        consent=ground.consent,
        lists=tuple((name, _day(at)) for name, at in ground.copies),
        caller_id=verdict.caller_id,
    )


@lru_cache(maxsize=1024)
def _day(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).date().isoformat()


_INSERT = (
    "INSERT INTO decisions (at, contact_id, number_id, campaign_id, attempt_id, reason, not_before, zones, rules, local, country,"
    " subdivision, rule, consent, lists, caller_id) VALUES %s"
)


def insert(connection: sqlite3.Connection, record: DecisionRecord) -> None:
    """Store a decision, within the transaction of what follows from it."""
    insert_all(connection, [record])


def insert_all(connection: sqlite3.Connection, records: Sequence[DecisionRecord]) -> None:
    """Store decisions, in their order."""
    rows.write(connection, _INSERT, [_row(record) for record in records])


def _row(record: DecisionRecord) -> rows.Row:
    return (
        record.at,
        record.contact_id,
        record.number_id,
        record.campaign_id,
        record.attempt_id,
        record.reason,
        record.not_before,
        ",".join(record.zones),
        record.rules,
        local_times(int(record.at), record.zones),
        record.country,
        ",".join(record.subdivisions),
        record.rule,
        record.consent,
        lists_text(record.lists) if record.lists else "{}",
        record.caller_id,
    )


@lru_cache(maxsize=4096)
def local_times(at: int, zones: tuple[str, ...]) -> str:
    """Local time in each zone at `at` (whole POSIX seconds), ISO 8601, comma-separated; `?` for a zone that is not
    known. Kept as text, since a zone's rules may be others when it is read."""
    found = []
    for name in zones:
        where = zone(name)
        found.append("?" if where is None else datetime.fromtimestamp(at, where).isoformat())
    return ",".join(found)


@lru_cache(maxsize=256)
def lists_text(lists: tuple[tuple[str, str], ...]) -> str:
    """Lists and their dates as a JSON object with sorted keys."""
    return json.dumps(dict(lists), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
