"""Outcomes: what the dialplan reported, how an attempt ended, what follows for the contact. Each in one
transaction."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import field

from engine.channel import Report, channel_id
from engine.rules.abandonment import measure
from engine.store import abandonment, recordings
from engine.store.audit import CALLEE, Action, append
from engine.store.closing import close_contact
from engine.store.past import use
from engine.values import hot_value


@hot_value(frozen=True, slots=True)
class Outcome:
    """One attempt, ended, and the next step of its contact. Instants in POSIX seconds."""

    attempt: int
    contact_id: int
    campaign_id: int
    number_id: int
    ended_at: float
    sent_at: float | None
    """When its Originate was written."""
    dialed_at: float
    """The latest instant at which its INVITE can have left; the gap counts from here."""
    answered_at: float | None
    rang: bool
    disposition: str
    counted: bool
    cause: int = 0
    sip: int = 0
    amd: str = ""
    result: str = ""
    note: str = ""
    reports: Sequence[Report] = field(default=())
    position: int = 0
    """Of the number that this attempt dialed."""
    kept_callback: int | None = None
    """The promise that this attempt was to keep."""
    next_at: float | None = None
    """When the contact is due again; None when it is done."""
    next_position: int = 0
    next_callback: bool = False
    """The next dial keeps a promise made in this call."""
    callback_start: str = ""
    """The node with which that callback begins."""
    heard: float | None = None
    """Share of the message, 0 to 1; None: nobody listened, or its length is not known."""
    rang_at: float | None = None
    """When it was seen to ring."""
    cost: float = 0.0
    """By `engine.tariff`."""


@hot_value(frozen=True, slots=True)
class Stored:
    """What the transaction found: `fresh` is False when the attempt had ended before and nothing was changed."""

    fresh: bool
    contact_done: bool
    campaign_open: int
    missed: bool = False
    """A promise that this attempt was to keep will not be kept."""


def finish(connection: sqlite3.Connection, outcome: Outcome) -> Stored:
    """End an attempt, exactly once, and move its contact on."""
    # An opt-out has a transaction of its own, which suppresses too; storing it here as a mere report would make that one look done.
    keep_reports(connection, [report for report in outcome.reports if report.kind != "optout"])
    measured = measure(outcome.reports, outcome.answered_at, outcome.ended_at)
    changed = connection.execute(
        "UPDATE attempts SET ended_at = ?, sent_at = ?, answered_at = ?, rang = ?, rang_at = ?, disposition = ?, counted"
        " = ?, cause = ?, sip = ?, amd = ?,"
        " result = ?, note = ?, heard = ?, wait = ?, abandoned = ? WHERE id = ? AND disposition IS NULL RETURNING created_at, held",
        (
            outcome.ended_at,
            outcome.sent_at,
            outcome.answered_at,
            outcome.rang,
            outcome.rang_at,
            outcome.disposition,
            outcome.counted,
            outcome.cause,
            outcome.sip,
            outcome.amd,
            outcome.result,
            outcome.note,
            outcome.heard,
            measured.wait,
            measured.abandoned,
            outcome.attempt,
        ),
    ).fetchone()
    if changed is None:
        return Stored(False, False, 0)
    created_at, held = changed
    void = outcome.disposition == "NOT_SENT"
    if void or outcome.cost or held:
        use(
            connection, outcome.campaign_id, created_at, calls=-void,
            cost=0.0 if void else outcome.cost, held=-held,
        )  # fmt: skip
    abandonment.count(connection, outcome.campaign_id, measured, outcome.ended_at)
    state, tries_text, invalid, campaign = connection.execute(
        "SELECT c.state, c.tries, c.invalid, k.state FROM contacts c JOIN campaigns k ON k.id = c.campaign_id WHERE c.id = ?",
        (outcome.contact_id,),
    ).fetchone()
    tries = json.loads(tries_text)
    if outcome.disposition != "NOT_SENT":
        tries[outcome.disposition] = tries.get(outcome.disposition, 0) + 1
    if outcome.disposition == "INVALID_NUMBER":
        invalid = f"{invalid},{outcome.position}" if invalid else str(outcome.position)
    rung = (
        outcome.counted and outcome.disposition != "INVALID_NUMBER"
    )  # nobody stands behind an invalid number: no gap for the next
    promised = outcome.kept_callback is not None
    kept = promised and outcome.answered_at is not None
    connection.execute(
        "UPDATE contacts SET tries = ?, invalid = ?, attempts = attempts + ?, callbacks = callbacks + ?,"
        " disposition = CASE WHEN ? = 'NOT_SENT'"
        " THEN disposition ELSE ? END, goal = CASE WHEN ? = '' THEN goal ELSE ? END,"
        " last_attempt_at = coalesce(?, last_attempt_at) WHERE id = ?",
        (
            json.dumps(tries, separators=(",", ":")),
            invalid,
            outcome.counted and not promised,
            outcome.counted and promised,
            outcome.disposition,
            outcome.disposition,
            outcome.result,
            outcome.result,
            outcome.dialed_at if rung and outcome.sent_at is not None else None,
            outcome.contact_id,
        ),
    )
    callback_id = outcome.kept_callback
    if kept:
        # A promise is kept when the call for it was answered; until then its retries go on keeping it.
        connection.execute(
            "UPDATE callbacks SET state = 'kept', kept_by = ? WHERE id = ?",
            (outcome.attempt, outcome.kept_callback),
        )
        callback_id = None
    if outcome.next_callback and state == "in_call" and campaign not in ("cancelled", "failed"):
        callback_id = connection.execute(
            "INSERT INTO callbacks (contact_id, attempt_id, asked_at, due_at, start, caller_id)"
            " SELECT ?1, ?2, ?3, ?4, ?5, caller_id FROM attempts WHERE id = ?2 RETURNING id",
            (
                outcome.contact_id,
                outcome.attempt,
                outcome.ended_at,
                outcome.next_at,
                outcome.callback_start,
            ),
        ).fetchone()[0]
    missed = False
    if state != "in_call":
        done = True
    elif outcome.next_at is None or campaign in ("cancelled", "failed"):
        cancelled = outcome.next_at is not None or outcome.disposition == "CANCELLED"
        missed = close_contact(
            connection, outcome.contact_id, outcome.campaign_id, "CANCELLED" if cancelled else "", ""
        )
        done = True
    else:
        connection.execute(
            "UPDATE contacts SET state = 'pending', due_at = ?, position = ?, callback_id = ?, number_id = (SELECT number_id FROM"
            " contact_numbers WHERE contact_id = ? AND position = ?) WHERE id = ?",
            (
                outcome.next_at,
                outcome.next_position,
                callback_id,
                outcome.contact_id,
                outcome.next_position,
                outcome.contact_id,
            ),
        )
        done = False
    (open_contacts,) = connection.execute(
        "SELECT open_contacts FROM campaigns WHERE id = ?", (outcome.campaign_id,)
    ).fetchone()
    return Stored(True, done, open_contacts, missed)


def keep_reports(connection: sqlite3.Connection, reports: Sequence[Report]) -> int:
    """Store what the dialplan reported; a report that is there already changes nothing. Returns how many were new."""
    if not reports:
        return 0
    for report in reports:
        if report.kind == "record":
            recordings.note(connection, report)
    return connection.executemany(
        "INSERT OR IGNORE INTO call_events (attempt_id, seq, kind, value, at) VALUES (?, ?, ?, ?, ?)",
        [(report.attempt, report.seq, report.kind, report.value, report.at) for report in reports],
    ).rowcount


def keep_known_reports(connection: sqlite3.Connection, reports: Sequence[Report]) -> None:
    """Store reports of attempts that are in this database; the outbox may hold another engine's too."""
    for report in reports:
        if report.kind == "record":
            recordings.note(connection, report)
    connection.executemany(
        "INSERT OR IGNORE INTO call_events (attempt_id, seq, kind, value, at) SELECT ?1, ?2, ?3, ?4, ?5"
        " WHERE EXISTS (SELECT 1 FROM attempts WHERE id = ?1)",
        [(report.attempt, report.seq, report.kind, report.value, report.at) for report in reports],
    )


def opt_out(connection: sqlite3.Connection, report: Report, now: float) -> list[int]:
    """The person in this call said never again: suppress every number of the contact, for every campaign, at once.

    Returns the ids of the numbers. A report that is stored already changes
    nothing, so that a number taken off the list since stays off it.
    """
    if not keep_reports(connection, [report]):
        return []
    numbers = [
        row[0]
        for row in connection.execute(
            "SELECT number_id FROM attempts WHERE id = ?1 UNION"
            " SELECT n.number_id FROM attempts a JOIN contact_numbers n ON n.contact_id = a.contact_id WHERE a.id = ?1",
            (report.attempt,),
        )
    ]
    connection.executemany(
        "INSERT OR IGNORE INTO suppression (number_id, since, reason, source, attempt_id) VALUES (?, ?, 'opt-out', 'key', ?)",
        [(number, now, report.attempt) for number in numbers],
    )
    if numbers:
        append(
            connection,
            Action.SUPPRESSION_ADDED,
            now,
            actor=CALLEE,
            subject="suppression",
            details={
                "reason": "opt-out",
                "source": "key",
                "attempt": channel_id(report.attempt),
                "numbers": numbers,
            },
        )
    return numbers


def late_report(connection: sqlite3.Connection, report: Report, now: float) -> list[int]:
    """A report of a call that has ended in the database: kept, and an opt-out still counts. Returns the numbers
    suppressed by it."""
    if report.kind == "optout":
        known = connection.execute("SELECT 1 FROM attempts WHERE id = ?", (report.attempt,)).fetchone()
        return opt_out(connection, report, now) if known else []
    keep_known_reports(connection, [report])
    return []
