"""Claims: due contacts become durable attempts, through the gate, in one transaction.

The only place that inserts an attempt. What the gate refuses gets a new `due_at` (or its final disposition), so it
is not scanned again.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Literal

from engine.channel import attempt_id
from engine.rules.gate import CampaignRules, Reason, Verdict, decide
from engine.rules.verdict import no_trunk
from engine.store import decisions
from engine.store.claimed import FREE, Claim, Claimant, ClaimResult, Refusal, Throttle
from engine.store.closing import close_contact
from engine.store.decisions import record
from engine.store.due import Due, due, next_due, zones_of
from engine.store.entries import Entries
from engine.store.halts import halted
from engine.store.listing import Lists, NoLists
from engine.store.past import Matter, StoredPast, share_of
from engine.store.ways import Slot, Ways

SCAN_LIMIT = 500
"""Contacts looked at in one claim: bounds how long the writer is held when many are refused in a row."""


_REFUSALS = """
SELECT t.name, max(a.created_at) FROM attempts a JOIN trunks t ON t.id = a.trunk_id
WHERE a.contact_id = ? AND a.disposition = 'CONGESTION' AND NOT a.rang AND a.created_at > ? GROUP BY 1
"""
_FINAL = {
    Reason.CAMPAIGN_OVER: "EXPIRED",
    Reason.EXPIRED: "EXPIRED",
    Reason.BUDGET_SPENT: "",
}
"""What a contact ends as when the gate says never: SUPPRESSED, but for these; the empty word keeps the disposition of its
last attempt."""
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
    ways: Ways | None = None,
) -> ClaimResult:
    """Claim up to one contact a slot, campaigns in the order given, and no more than `ways` have room for. `last_attempt` is
    the newest id handed out so far."""
    if halted(connection, now):
        return ClaimResult((), (), {claimant.campaign_id: now + HALTED for claimant in claimants})
    lists.refresh(connection)
    taker = _Taker(connection, list(slots), last_attempt, now, lists, ways or Ways.of(slots))
    for claimant in claimants:
        taker.serve(claimant)
        if taker.full or taker.scanned >= SCAN_LIMIT:
            break
    taker.entries.write()
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
        ways: Ways,
    ) -> None:
        self._connection = connection
        self._last_attempt = last_attempt
        self._now = now
        self._lists = lists
        self._ways = ways
        self._taken: set[int] = set()
        self.entries = Entries(connection, now)
        self._free = free
        self.scanned = 0
        self.claims: list[Claim] = []
        self.refusals: list[Refusal] = []
        self.exhausted: dict[int, float | None] = {}
        self.throttles: dict[int, Throttle] = {}

    @property
    def full(self) -> bool:
        """No more calls can leave now."""
        return not self._free or len(self.claims) >= self._ways.room

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
            usable = [slot for slot in self._free if slot.trunk in claimant.trunks]
            wanted = min(room, len(usable), self._ways.room - len(self.claims))
            if wanted <= 0:
                return
            self.entries.write()  # nobody who was taken is due any more
            rows = due(self._connection, claimant.campaign_id, self._now, wanted)
            self.scanned += len(rows)
            for row in rows:
                if row.number_id in self._taken or claimant.rules.day_capped:
                    self.entries.write()  # the gate asks for what was taken
                past = StoredPast(
                    self._connection,
                    matter,
                    row.number_id,
                    row.e164,
                    self._lists,
                    self._now,
                    share,
                )
                refused = self._refused_by(row, claimant)
                trunks = self._trunks_of(usable, claimant, row, refused)
                rules = self._rules_of(claimant, row)
                # Where no trunk can carry it now the gate is asked all the same: who must not be called need not wait.
                verdict = decide(
                    rules,
                    row.candidate(row.number_id in self._taken, start_room.get(row.start, 1) <= 0),
                    past,
                    self._now,
                    trunks or sorted(claimant.all_trunks | claimant.trunks),
                )
                if verdict.allowed and not trunks:
                    lacking = self._no_trunk(claimant, row, verdict, refused)
                    if lacking is None:
                        continue
                    verdict = lacking
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
                self._free.remove(slot)
                self._ways.take(slot.trunk, row.e164)
                self._taken.add(row.number_id)
                room -= 1
                if row.start in start_room:
                    start_room[row.start] -= 1
                self._last_attempt = attempt_id(self._now, self._last_attempt)
                claimed = _enter(
                    self.entries, claimant, slot, row, verdict, self._last_attempt, self._now,
                    rules.most_per_call.get(slot.trunk, 0.0), frozenset(refused),
                )  # fmt: skip
                self.claims.append(claimed)
                if verdict.slow:
                    self._throttle(claimant, "slowed", verdict)
                    return
                self.throttles[claimant.campaign_id] = FREE
            if len(rows) < wanted:
                self.entries.write()
                self.exhausted[claimant.campaign_id] = next_due(self._connection, claimant.campaign_id)
                return

    def _throttle(self, claimant: Claimant, word: Literal["slowed", "stopped"], verdict: Verdict) -> None:
        self.throttles[claimant.campaign_id] = Throttle(word, verdict.ground.rule, verdict.ground.detail)

    @staticmethod
    def _rules_of(claimant: Claimant, row: Due) -> CampaignRules:
        if claimant.most_of is None:
            return claimant.rules
        return replace(claimant.rules, most_per_call=claimant.most_of(row.e164, row.region))

    def _refused_by(self, row: Due, claimant: Claimant) -> dict[str, float]:
        """Trunks that refused this contact since its last turn: trunk -> when it may be tried there again."""
        if row.last != "CONGESTION":
            return {}
        found = self._connection.execute(_REFUSALS, (row.contact_id, self._now - claimant.congestion_delay))
        return {trunk: at + claimant.congestion_delay for trunk, at in found}

    def _trunks_of(
        self, usable: Sequence[Slot], claimant: Claimant, row: Due, refused: Mapping[str, float]
    ) -> Sequence[str]:
        """Trunks with a free channel for this call, the best first: one, or all, where the campaign's numbers are not for all of
        them, or its costs are capped."""
        several = claimant.rules.caller_ids.bound_to_trunks or claimant.rules.cost_a_day is not None
        if usable and not (refused or several or self._ways.routed):
            return (usable[0].trunk,)
        free = [trunk for trunk in dict.fromkeys(slot.trunk for slot in usable) if trunk not in refused]
        found = self._ways.choice(free, row.e164, row.region)
        return found if several else found[:1]

    def _no_trunk(
        self, claimant: Claimant, row: Due, verdict: Verdict, refused: Mapping[str, float]
    ) -> Verdict | None:
        """Nothing but a way out is missing: put off until there may be one, or refused when there never is."""
        ways = self._ways.serving(claimant.all_trunks | claimant.trunks, row.e164, row.region)
        if not ways:
            return no_trunk(verdict, self._now)
        others = [way for way in ways if way.trunk not in refused]
        again = [refused[way.trunk] for way in ways if way.open and way.trunk in refused]
        elsewhere = not again or any(way.open for way in others)
        at = self._ways.wait(others or ways, row.e164, self._now) if elsewhere else min(again)
        self._connection.execute("UPDATE contacts SET due_at = ? WHERE id = ?", (at, row.contact_id))
        return None


def _enter(
    entries: Entries,
    claimant: Claimant,
    slot: Slot,
    row: Due,
    verdict: Verdict,
    attempt: int,
    now: float,
    held: float,
    refused_by: frozenset[str],
) -> Claim:
    kind = "callback" if row.callback_id is not None else "first" if row.tries == "{}" else "retry"
    dialed = slot.dial(row.e164)
    entries.add(
        claimant.campaign_id,
        row.contact_id,
        (
            attempt, row.contact_id, claimant.campaign_id, row.number_id, row.position, kind, slot.pbx_id, slot.trunk_id,
            verdict.caller_id, dialed, claimant.flow_version, verdict.ground.rules, row.callback_id, now, held,
        ),
        record(claimant.campaign_id, row, verdict, now, attempt),
        held,
    )  # fmt: skip
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
        tries={} if row.tries == "{}" else json.loads(row.tries),
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
        region=row.region,
        refused_by=refused_by,
    )


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
