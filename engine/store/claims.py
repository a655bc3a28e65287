"""Claims: due contacts become durable attempts, through the gate, in one transaction.

The only place that inserts an attempt. What the gate refuses gets a new `due_at` (or its final disposition), so it
is not scanned again.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Literal

from engine.channel import attempt_id
from engine.rules.gate import CampaignRules, Reason, Verdict, decide, place_and_rules
from engine.rules.gate import promise as opening
from engine.store import decisions
from engine.store.decisions import DecisionRecord
from engine.store.due import Due, contact, due, next_due, zones_of
from engine.store.halts import halted
from engine.store.listing import Lists, NoLists
from engine.store.past import Matter, StoredPast, share_of, use

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
    start_room: Mapping[str, int] = field(default_factory=dict)
    """How many callbacks that begin with a node (its name) find somebody free there."""


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
    zones: tuple[str, ...] = ()
    """Where the callee may be, by the contact's own word or by the number: IANA names, the likeliest first."""
    spoken: str = "{}"
    """JSON object: fields that are spoken, as the say applications take them."""
    start: str = ""
    """The node of the flow with which a callback begins; empty: as any call."""
    speech: str = ""
    """JSON list: names of the sounds that are this contact's alone, in the order of the campaign's texts; empty: none."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A contact that the gate did not let through; `final` when it never will."""

    contact_id: int
    campaign_id: int
    e164: str
    verdict: Verdict
    changed: bool
    missed: bool = False
    """The call would have kept a callback that was promised, and no other will."""


@dataclass(frozen=True, slots=True)
class Throttle:
    """What a campaign's share of abandoned calls means for it, and by which rule."""

    word: Literal["free", "slowed", "stopped"]
    """Slowed: SLOW seconds until its next call."""
    rule: str = ""
    detail: str = ""


FREE = Throttle("free")


@dataclass(frozen=True, slots=True)
class ClaimResult:
    claims: tuple[Claim, ...]
    refusals: tuple[Refusal, ...]
    exhausted: dict[int, float | None]
    """Campaigns with nothing due: campaign id -> when the next contact falls due, None when none is pending."""
    throttles: Mapping[int, Throttle] = field(default_factory=dict)
    """What the share of abandoned calls means for the campaigns that were looked at."""


_ATTEMPT = """
INSERT INTO attempts (id, contact_id, campaign_id, number_id, position, kind, pbx_id, trunk_id, caller_id, dialed, flow_version, rules,
                      callback_id, created_at, held)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""

_FINAL = {
    Reason.CAMPAIGN_OVER: "EXPIRED",
    Reason.EXPIRED: "EXPIRED",
    Reason.BUDGET_SPENT: "",
}
"""What a contact ends as when the gate says never: SUPPRESSED, but for these; the empty word keeps the disposition of its
last attempt."""
_TAKEN_BACK = frozenset({Reason.SUPPRESSED, Reason.LISTED})
"""Refusals by which the callee has said that no call is wanted: a promise to them is not missed."""
NO_LISTS = NoLists()
_OF_THE_CAMPAIGN = frozenset({Reason.ABANDONMENT, Reason.DAY_CAP})
"""Refusals that hold for every contact of the campaign: the next ones need not be asked about."""
HALTED = 1.0
"""Seconds until a campaign is looked at again while nothing at all may be dialed."""
SLOW = 1.0
"""Seconds between two calls of a campaign that must slow down, since too many of its calls were abandoned."""


@lru_cache(maxsize=4096)
def positions_of(text: str) -> frozenset[int]:
    return frozenset(int(part) for part in text.split(",")) if text else frozenset()


def claim(
    connection: sqlite3.Connection,
    claimants: Sequence[Claimant],
    slots: Sequence[Slot],
    last_attempt: int,
    now: float,
    lists: Lists = NO_LISTS,
) -> ClaimResult:
    """Claim up to one contact a slot, campaigns in the order given. `last_attempt` is the newest id handed out so
    far."""
    if halted(connection, now):
        return ClaimResult((), (), {claimant.campaign_id: now + HALTED for claimant in claimants})
    lists.refresh(connection)
    taker = _Taker(connection, list(slots), last_attempt, now, lists)
    for claimant in claimants:
        taker.serve(claimant)
        if not taker.free or taker.scanned >= SCAN_LIMIT:
            break
    return ClaimResult(tuple(taker.claims), tuple(taker.refusals), taker.exhausted, taker.throttles)


class _Taker:
    """One claim, under way."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        free: list[Slot],
        last_attempt: int,
        now: float,
        lists: Lists,
    ) -> None:
        self._connection = connection
        self._last_attempt = last_attempt
        self._now = now
        self._lists = lists
        self._taken: set[int] = set()
        self.free = free
        self.scanned = 0
        self.claims: list[Claim] = []
        self.refusals: list[Refusal] = []
        self.exhausted: dict[int, float | None] = {}
        self.throttles: dict[int, Throttle] = {}

    def serve(self, claimant: Claimant) -> None:
        """What this campaign gets of the free channels."""
        state, owner, purpose = self._connection.execute(
            "SELECT state, owner, purpose FROM campaigns WHERE id = ?", (claimant.campaign_id,)
        ).fetchone()
        matter = Matter(claimant.campaign_id, owner, purpose)
        if state != "running":  # paused or cancelled since the agenda was made
            self.exhausted[claimant.campaign_id] = None
            return
        room = claimant.room
        share = share_of(self._connection, claimant.campaign_id, self._now)
        start_room = dict(claimant.start_room)
        while room > 0 and self.scanned < SCAN_LIMIT:
            usable = [slot for slot in self.free if slot.trunk in claimant.trunks]
            if not usable:
                return
            wanted = min(room, len(usable))
            rows = due(self._connection, claimant.campaign_id, self._now, wanted)
            self.scanned += len(rows)
            for row in rows:
                past = StoredPast(
                    self._connection,
                    matter,
                    row.number_id,
                    row.e164,
                    self._lists,
                    self._now,
                    share,
                )
                trunks = self._trunks_of(usable, claimant)
                candidate = row.candidate(row.number_id in self._taken, start_room.get(row.start, 1) <= 0)
                verdict = decide(claimant.rules, candidate, past, self._now, trunks)
                if not verdict.allowed:
                    self.refusals.append(_refuse(self._connection, claimant, row, verdict, self._now))
                    if verdict.reason is Reason.ABANDONMENT:
                        self._throttle(claimant, "stopped", verdict)
                    if verdict.reason in _OF_THE_CAMPAIGN:
                        self.exhausted[claimant.campaign_id] = verdict.at
                        return
                    continue
                slot = next(one for one in usable if one.trunk == verdict.trunk)
                usable.remove(slot)
                self.free.remove(slot)
                self._taken.add(row.number_id)
                room -= 1
                if row.start in start_room:
                    start_room[row.start] -= 1
                self._last_attempt = attempt_id(self._now, self._last_attempt)
                self.claims.append(
                    _insert(self._connection, claimant, slot, row, verdict, self._last_attempt, self._now)
                )
                if verdict.slow:
                    self._throttle(claimant, "slowed", verdict)
                    return
                self.throttles[claimant.campaign_id] = FREE
            if len(rows) < wanted:
                self.exhausted[claimant.campaign_id] = next_due(self._connection, claimant.campaign_id)
                return

    def _throttle(self, claimant: Claimant, word: Literal["slowed", "stopped"], verdict: Verdict) -> None:
        self.throttles[claimant.campaign_id] = Throttle(word, verdict.ground.rule, verdict.ground.detail)

    @staticmethod
    def _trunks_of(usable: Sequence[Slot], claimant: Claimant) -> Sequence[str]:
        """The trunk of the channel that is next; and all others, where the campaign's numbers are not for all of them, or its costs
        are capped."""
        if not claimant.rules.caller_ids.bound_to_trunks and claimant.rules.cost_a_day is None:
            return (usable[0].trunk,)
        return tuple(dict.fromkeys(slot.trunk for slot in usable))


def _insert(
    connection: sqlite3.Connection,
    claimant: Claimant,
    slot: Slot,
    row: Due,
    verdict: Verdict,
    attempt: int,
    now: float,
) -> Claim:
    kind = "callback" if row.callback_id is not None else "first" if row.tries == "{}" else "retry"
    dialed = slot.dial(row.e164)
    held = claimant.rules.most_per_call.get(slot.trunk, 0.0)
    connection.execute(
        _ATTEMPT,
        (
            attempt,
            row.contact_id,
            claimant.campaign_id,
            row.number_id,
            row.position,
            kind,
            slot.pbx_id,
            slot.trunk_id,
            verdict.caller_id,
            dialed,
            claimant.flow_version,
            verdict.ground.rules,
            row.callback_id,
            now,
            held,
        ),
    )
    decisions.insert(connection, record(claimant.campaign_id, row, verdict, now, attempt))
    use(connection, claimant.campaign_id, now, calls=1, cost=0.0, held=held)
    connection.execute(
        "UPDATE contacts SET state = 'in_call', verdict = 'allowed' WHERE id = ?", (row.contact_id,)
    )
    return Claim(
        attempt=attempt,
        contact_id=row.contact_id,
        campaign_id=claimant.campaign_id,
        number_id=row.number_id,
        e164=row.e164,
        dialed=dialed,
        caller_id=verdict.caller_id,
        trunk=slot.trunk,
        kind=kind,
        position=row.position,
        numbers=row.numbers,
        attempts=row.attempts,
        tries=json.loads(row.tries),
        invalid=positions_of(row.invalid),
        callback_id=row.callback_id,
        callbacks=row.callbacks,
        flow_version=claimant.flow_version,
        language=row.language,
        fields=row.fields,
        created_at=now,
        zones=(row.timezone,) if row.timezone else zones_of(row.zones),
        spoken=row.spoken,
        speech=row.speech,
        start=row.start,
    )


def promise(
    connection: sqlite3.Connection, contact_id: int, rules: CampaignRules, at: float, now: float
) -> float | None:
    """When a callback that is asked for `at` can be made, by all hours that hold for the contact; None when it cannot."""
    row = contact(connection, contact_id)
    if row is None:
        return None
    candidate = replace(row.candidate(False), callback=True)
    found = place_and_rules(rules, candidate, now)
    return None if isinstance(found, Verdict) else opening(rules, candidate, *found, at)


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


def _refuse(
    connection: sqlite3.Connection, claimant: Claimant, row: Due, verdict: Verdict, now: float
) -> Refusal:
    changed = row.verdict != verdict.reason
    if changed:
        decisions.insert(connection, record(claimant.campaign_id, row, verdict, now))
    missed = False
    if verdict.never:
        missed = close_contact(
            connection,
            row.contact_id,
            claimant.campaign_id,
            _FINAL.get(verdict.reason, "SUPPRESSED"),
            verdict.reason,
        )
    else:
        connection.execute(
            "UPDATE contacts SET due_at = ?, verdict = ? WHERE id = ?",
            (verdict.at, verdict.reason, row.contact_id),
        )
    return Refusal(row.contact_id, claimant.campaign_id, row.e164, verdict, changed, missed)


def close_contact(
    connection: sqlite3.Connection, contact_id: int, campaign_id: int, disposition: str, verdict: str
) -> bool:
    """No further attempt for this contact. An empty disposition keeps the one that stands. Returns whether a promise to it
    is missed by that; one that the callee or the operator has taken back is withdrawn."""
    connection.execute(
        "UPDATE contacts SET state = 'done', verdict = ?, callback_id = NULL, disposition = CASE WHEN ? = '' THEN disposition"
        " ELSE ? END WHERE id = ? AND state != 'done'",
        (verdict, disposition, disposition, contact_id),
    )
    word = "withdrawn" if disposition == "CANCELLED" or verdict in _TAKEN_BACK else "missed"
    promises = connection.execute(
        "UPDATE callbacks SET state = ? WHERE contact_id = ? AND state = 'due'", (word, contact_id)
    ).rowcount
    connection.execute("UPDATE campaigns SET open_contacts = open_contacts - 1 WHERE id = ?", (campaign_id,))
    return word == "missed" and promises > 0
