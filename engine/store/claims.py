"""Claims: due contacts become durable attempts, through the gate, in one transaction.

The only place that inserts an attempt. What the gate refuses gets a new `due_at` (or its final disposition), so it
is not scanned again.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import time
from functools import lru_cache
from typing import Any

from engine.channel import attempt_id
from engine.rules.gate import RULES_VERSION, CampaignRules, Candidate, Reason, Verdict, decide
from engine.store import decisions
from engine.store.decisions import DecisionRecord

Row = tuple[Any, ...]
SCAN_LIMIT = 500
"""Contacts looked at in one claim: bounds how long the writer is held when many are refused in a row."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A free channel on a trunk, with a pacing deadline that the dispatcher keeps to itself."""

    trunk_id: int
    pbx_id: int
    trunk: str
    dial: Callable[[str], str]
    """E.164 -> the number as this trunk wants it."""


@dataclass(frozen=True, slots=True)
class Claimant:
    """A running campaign as the claim sees it."""

    campaign_id: int
    rules: CampaignRules
    flow_version: str
    trunks: frozenset[str]
    room: int
    """How many more calls its own limits allow now."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A durable attempt that is to be sent."""

    attempt: int
    contact_id: int
    campaign_id: int
    number_id: int
    e164: str
    dialed: str
    caller_id: str
    trunk: str
    kind: str
    position: int
    numbers: int
    attempts: int
    tries: dict[str, int]
    invalid: frozenset[int]
    callback_id: int | None
    callbacks: int
    """Callbacks dialed before this attempt."""
    flow_version: str
    language: str
    fields: str
    """JSON object of the contact's own columns."""
    created_at: float


@dataclass(frozen=True, slots=True)
class Refusal:
    """A contact that the gate did not let through; `final` when it never will."""

    contact_id: int
    campaign_id: int
    e164: str
    verdict: Verdict
    changed: bool


@dataclass(frozen=True, slots=True)
class ClaimResult:
    claims: tuple[Claim, ...]
    refusals: tuple[Refusal, ...]
    exhausted: dict[int, float | None]
    """Campaigns with nothing due: campaign id -> when the next contact falls due, None when none is pending."""


_DUE = """
SELECT c.id, c.number_id, n.e164, n.zones, c.timezone, c.attempts, c.callbacks, c.callback_id, c.last_attempt_at, c.call_from, c.call_to,
       c.not_before, c.expires, c.position, c.numbers, c.tries, c.invalid, c.verdict, c.language, c.fields,
       s.number_id IS NOT NULL, EXISTS (SELECT 1 FROM attempts a WHERE a.number_id = c.number_id AND a.disposition IS NULL)
FROM contacts c JOIN numbers n ON n.id = c.number_id LEFT JOIN suppression s ON s.number_id = c.number_id
WHERE c.campaign_id = ? AND c.state = 'pending' AND c.due_at <= ?
ORDER BY c.due_at LIMIT ?
"""

_ATTEMPT = """
INSERT INTO attempts (id, contact_id, campaign_id, number_id, position, kind, pbx_id, trunk_id, caller_id, dialed, flow_version, rules,
                      callback_id, created_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""

_FINAL = {
    Reason.SUPPRESSED: "SUPPRESSED",
    Reason.CAMPAIGN_OVER: "EXPIRED",
    Reason.EXPIRED: "EXPIRED",
    Reason.BUDGET_SPENT: "",
}
"""What a contact ends as when the gate says never; the empty word keeps the disposition of its last attempt."""


@lru_cache(maxsize=4096)
def _zones(text: str) -> tuple[str, ...]:
    return tuple(text.split(",")) if text else ()


@lru_cache(maxsize=4096)
def _clock(text: str | None) -> time | None:
    return None if text is None else time.fromisoformat(text)


@lru_cache(maxsize=4096)
def positions_of(text: str) -> frozenset[int]:
    return frozenset(int(part) for part in text.split(",")) if text else frozenset()


def claim(
    connection: sqlite3.Connection,
    claimants: Sequence[Claimant],
    slots: Sequence[Slot],
    last_attempt: int,
    now: float,
) -> ClaimResult:
    """Claim up to one contact a slot, campaigns in the order given. `last_attempt` is the newest id handed out so
    far."""
    free = list(slots)
    claims: list[Claim] = []
    refusals: list[Refusal] = []
    exhausted: dict[int, float | None] = {}
    scanned = 0
    taken: set[int] = set()
    for claimant in claimants:
        room = claimant.room
        (state,) = connection.execute(
            "SELECT state FROM campaigns WHERE id = ?", (claimant.campaign_id,)
        ).fetchone()
        if state != "running":  # paused or cancelled since the agenda was made
            exhausted[claimant.campaign_id] = None
            continue
        while room > 0 and scanned < SCAN_LIMIT:
            usable = [slot for slot in free if slot.trunk in claimant.trunks]
            if not usable:
                break
            wanted = min(room, len(usable))
            rows = connection.execute(_DUE, (claimant.campaign_id, now, wanted)).fetchall()
            scanned += len(rows)
            for row in rows:
                verdict = decide(claimant.rules, _candidate(row, row[1] in taken), now)
                if verdict.allowed:
                    slot = usable.pop(0)
                    free.remove(slot)
                    taken.add(row[1])
                    room -= 1
                    last_attempt = attempt_id(now, last_attempt)
                    claims.append(_insert(connection, claimant, slot, row, last_attempt, now))
                else:
                    refusals.append(_refuse(connection, claimant, row, verdict, now))
            if len(rows) < wanted:
                (due,) = connection.execute(
                    "SELECT min(due_at) FROM contacts WHERE campaign_id = ? AND state = 'pending'",
                    (claimant.campaign_id,),
                ).fetchone()
                exhausted[claimant.campaign_id] = due
                break
        if not free or scanned >= SCAN_LIMIT:
            break
    return ClaimResult(tuple(claims), tuple(refusals), exhausted)


def _candidate(row: Row, taken: bool) -> Candidate:
    return Candidate(
        zones=(row[4],) if row[4] else _zones(row[3]),
        suppressed=bool(row[20]),
        line_in_use=taken or bool(row[21]),
        attempts=row[5],
        callback=row[7] is not None,
        callbacks=row[6],
        last_attempt_at=row[8],
        call_from=_clock(row[9]),
        call_to=_clock(row[10]),
        not_before=row[11],
        expires=row[12],
    )


def _insert(
    connection: sqlite3.Connection, claimant: Claimant, slot: Slot, row: Row, attempt: int, now: float
) -> Claim:
    (
        contact_id,
        number_id,
        e164,
        zones,
        timezone,
        attempts,
        callbacks,
        callback_id,
        *_,
        position,
        numbers,
        tries,
        invalid,
        _,
        language,
        fields,
        _,
        _,
    ) = row
    kind = "callback" if callback_id is not None else "first" if tries == "{}" else "retry"
    caller_id, dialed = claimant.rules.caller_ids[0], slot.dial(e164)
    connection.execute(
        _ATTEMPT,
        (
            attempt,
            contact_id,
            claimant.campaign_id,
            number_id,
            position,
            kind,
            slot.pbx_id,
            slot.trunk_id,
            caller_id,
            dialed,
            claimant.flow_version,
            RULES_VERSION,
            callback_id,
            now,
        ),
    )
    decisions.insert(
        connection,
        DecisionRecord(
            at=now,
            contact_id=contact_id,
            number_id=number_id,
            campaign_id=claimant.campaign_id,
            reason=Reason.ALLOWED,
            zones=(timezone,) if timezone else _zones(zones),
            rules=RULES_VERSION,
            attempt_id=attempt,
            caller_id=caller_id,
        ),
    )
    connection.execute(
        "UPDATE contacts SET state = 'in_call', verdict = 'allowed' WHERE id = ?", (contact_id,)
    )
    return Claim(
        attempt=attempt,
        contact_id=contact_id,
        campaign_id=claimant.campaign_id,
        number_id=number_id,
        e164=e164,
        dialed=dialed,
        caller_id=caller_id,
        trunk=slot.trunk,
        kind=kind,
        position=position,
        numbers=numbers,
        attempts=attempts,
        tries=json.loads(tries),
        invalid=positions_of(invalid),
        callback_id=callback_id,
        callbacks=callbacks,
        flow_version=claimant.flow_version,
        language=language,
        fields=fields,
        created_at=now,
    )


def _refuse(
    connection: sqlite3.Connection, claimant: Claimant, row: Row, verdict: Verdict, now: float
) -> Refusal:
    contact_id, number_id, e164, zones, timezone = row[:5]
    changed = row[17] != verdict.reason
    if changed:
        decisions.insert(
            connection,
            DecisionRecord(
                at=now,
                contact_id=contact_id,
                number_id=number_id,
                campaign_id=claimant.campaign_id,
                reason=verdict.reason,
                zones=(timezone,) if timezone else _zones(zones),
                rules=RULES_VERSION,
                not_before=verdict.at,
            ),
        )
    if verdict.never:
        close_contact(
            connection,
            contact_id,
            claimant.campaign_id,
            _FINAL.get(verdict.reason, "SUPPRESSED"),
            verdict.reason,
        )
    else:
        connection.execute(
            "UPDATE contacts SET due_at = ?, verdict = ? WHERE id = ?",
            (verdict.at, verdict.reason, contact_id),
        )
    return Refusal(contact_id, claimant.campaign_id, e164, verdict, changed)


def close_contact(
    connection: sqlite3.Connection, contact_id: int, campaign_id: int, disposition: str, verdict: str
) -> None:
    """No further attempt for this contact. An empty disposition keeps the one that stands; an open promise is
    marked missed."""
    connection.execute(
        "UPDATE contacts SET state = 'done', verdict = ?, callback_id = NULL, disposition = CASE WHEN ? = '' THEN disposition"
        " ELSE ? END WHERE id = ? AND state != 'done'",
        (verdict, disposition, disposition, contact_id),
    )
    word = "withdrawn" if disposition in ("SUPPRESSED", "CANCELLED") else "missed"
    connection.execute(
        "UPDATE callbacks SET state = ? WHERE contact_id = ? AND state = 'due'", (word, contact_id)
    )
    connection.execute("UPDATE campaigns SET open_contacts = open_contacts - 1 WHERE id = ?", (campaign_id,))
