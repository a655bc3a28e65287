"""Ends of attempts, as many as one commit takes, in a handful of statements together.

What `engine.store.outcomes.finish` does for one attempt, for those of which it is plain: a call that was sent, of a
contact that is in it, of a campaign that goes on, and no promise of a callback in it. All others go through `finish`.
The end is the same to the last column; a test holds the two against each other.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Sequence
from typing import Any

import orjson

from engine.rules.abandonment import Measured, measure
from engine.rules.day_caps import DAY
from engine.store import abandonment, recordings, rows
from engine.store.outcomes import Outcome, Stored, finish
from engine.store.past import use

_KNOWN = (
    "SELECT a.id, a.created_at, a.held, c.state, c.tries, c.invalid, k.state FROM attempts a JOIN contacts c ON c.id = a.contact_id"
    " JOIN campaigns k ON k.id = c.campaign_id WHERE a.disposition IS NULL AND a.id IN (VALUES %s)"
)
_REPORTS = "INSERT OR IGNORE INTO call_events (attempt_id, seq, kind, value, at) VALUES %s"
_ATTEMPTS = (
    "WITH v (id, ended_at, sent_at, answered_at, rang, rang_at, disposition, counted, cause, sip, amd, result, note, heard, wait,"
    " abandoned) AS (VALUES %s) UPDATE attempts SET ended_at = v.ended_at, sent_at = v.sent_at, answered_at = v.answered_at,"
    " rang = v.rang, rang_at = v.rang_at, disposition = v.disposition, counted = v.counted, cause = v.cause, sip = v.sip,"
    " amd = v.amd, result = v.result, note = v.note, heard = v.heard, wait = v.wait, abandoned = v.abandoned"
    " FROM v WHERE attempts.id = v.id"
)
_DONE = (
    "WITH v (id, tries, invalid, counted, disposition, goal, dialed_at) AS (VALUES %s) UPDATE contacts SET state = 'done',"
    " verdict = '', callback_id = NULL, tries = v.tries, invalid = v.invalid, attempts = attempts + v.counted,"
    " disposition = v.disposition, goal = CASE WHEN v.goal = '' THEN contacts.goal ELSE v.goal END,"
    " last_attempt_at = coalesce(v.dialed_at, last_attempt_at) FROM v WHERE contacts.id = v.id"
)
_AGAIN = (
    "WITH v (id, tries, invalid, counted, disposition, goal, dialed_at, due_at, position) AS (VALUES %s) UPDATE contacts SET"
    " state = 'pending', due_at = v.due_at, position = v.position, callback_id = NULL, number_id = (SELECT number_id FROM"
    " contact_numbers n WHERE n.contact_id = contacts.id AND n.position = v.position), tries = v.tries, invalid = v.invalid,"
    " attempts = attempts + v.counted, disposition = v.disposition, goal = CASE WHEN v.goal = '' THEN contacts.goal ELSE v.goal END,"
    " last_attempt_at = coalesce(v.dialed_at, last_attempt_at) FROM v WHERE contacts.id = v.id"
)
_MISSED = "SELECT contact_id FROM callbacks WHERE state = 'due' AND contact_id IN (VALUES %s)"


def finish_all(connection: sqlite3.Connection, outcomes: Sequence[Outcome]) -> list[Stored]:
    """End these attempts, each exactly once, and move their contacts on; what was found of each, in their order."""
    if len(outcomes) == 1:
        return [finish(connection, outcomes[0])]
    known = {row[0]: row[1:] for row in rows.read(connection, _KNOWN, [one.attempt for one in outcomes])}
    promised = {
        row[0]
        for row in rows.read(connection, _MISSED, [one.contact_id for one in outcomes if one.next_at is None])
    }
    plain: list[tuple[Outcome, tuple[Any, ...]]] = []
    others: list[tuple[int, Outcome]] = []
    for at, outcome in enumerate(outcomes):
        found = known.pop(outcome.attempt, None)  # an attempt that is there twice ends once
        if found is not None and outcome.contact_id not in promised and _is_plain(outcome, found):
            plain.append((outcome, found))
        else:
            others.append((at, outcome))
    stored = _finish_plain(connection, plain)
    apart = {at: finish(connection, outcome) for at, outcome in others}
    return [apart[at] if at in apart else stored[outcome.attempt] for at, outcome in enumerate(outcomes)]


def _is_plain(outcome: Outcome, found: tuple[Any, ...]) -> bool:
    return (
        found[2] == "in_call"
        and found[5] not in ("cancelled", "failed")
        and outcome.disposition not in ("NOT_SENT", "CANCELLED")
        and outcome.kept_callback is None
        and not outcome.next_callback
    )


def _finish_plain(
    connection: sqlite3.Connection, plain: Sequence[tuple[Outcome, tuple[Any, ...]]]
) -> dict[int, Stored]:
    attempts: list[rows.Row] = []
    done: list[rows.Row] = []
    again: list[rows.Row] = []
    reports: list[rows.Row] = []
    live: Counter[tuple[int, int]] = Counter()
    abandoned: Counter[tuple[int, int]] = Counter()
    closed: Counter[int] = Counter()
    for outcome, (created_at, held, _, tries, invalid, _) in plain:
        measured = measure(outcome.reports, outcome.answered_at, outcome.ended_at)
        for report in outcome.reports:
            if report.kind == "optout":
                continue  # it has a transaction of its own, which suppresses too
            if report.kind == "record":
                recordings.note(connection, report)
            reports.append((report.attempt, report.seq, report.kind, report.value, report.at))
        attempts.append(_attempt(outcome, measured))
        if measured.live:
            day = outcome.campaign_id, int(outcome.ended_at // DAY)
            live[day] += 1
            abandoned[day] += measured.abandoned
        if outcome.cost or held:
            use(connection, outcome.campaign_id, created_at, calls=0, cost=outcome.cost, held=-held)
        contact = _contact(outcome, tries, invalid)
        if outcome.next_at is None:
            closed[outcome.campaign_id] += 1
            done.append(contact)
        else:
            again.append((*contact, outcome.next_at, outcome.next_position))
    # In the order in which `finish` has them: what a receiver of hooks is told stands in it.
    rows.write(connection, _REPORTS, reports)
    rows.write(connection, _ATTEMPTS, attempts)
    for (campaign_id, number), count in live.items():
        abandonment.add(connection, campaign_id, number, count, abandoned[campaign_id, number])
    rows.write(connection, _DONE, done)
    rows.write(connection, _AGAIN, again)
    open_contacts = {
        campaign_id: _close(connection, campaign_id, closed[campaign_id])
        for campaign_id in {outcome.campaign_id for outcome, _ in plain}
    }
    return {
        outcome.attempt: Stored(True, outcome.next_at is None, open_contacts[outcome.campaign_id])
        for outcome, _ in plain
    }


def _attempt(outcome: Outcome, measured: Measured) -> rows.Row:
    return (
        outcome.attempt, outcome.ended_at, outcome.sent_at, outcome.answered_at, outcome.rang, outcome.rang_at, outcome.disposition,
        outcome.counted, outcome.cause, outcome.sip, outcome.amd, outcome.result, outcome.note, outcome.heard, measured.wait,
        measured.abandoned,
    )  # fmt: skip


def _contact(outcome: Outcome, tries_text: str, invalid: str) -> rows.Row:
    tries = {} if tries_text == "{}" else orjson.loads(tries_text)
    tries[outcome.disposition] = tries.get(outcome.disposition, 0) + 1
    if outcome.disposition == "INVALID_NUMBER":
        invalid = f"{invalid},{outcome.position}" if invalid else str(outcome.position)
    rung = outcome.counted and outcome.disposition != "INVALID_NUMBER"
    return (
        outcome.contact_id, orjson.dumps(tries).decode(), invalid, outcome.counted, outcome.disposition, outcome.result,
        outcome.dialed_at if rung and outcome.sent_at is not None else None,
    )  # fmt: skip


def _close(connection: sqlite3.Connection, campaign_id: int, count: int) -> int:
    """So many contacts of a campaign are done; how many are open yet."""
    found: int = connection.execute(
        "UPDATE campaigns SET open_contacts = open_contacts - ? WHERE id = ? RETURNING open_contacts",
        (count, campaign_id),
    ).fetchone()[0]
    return found
