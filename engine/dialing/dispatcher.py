"""The dispatcher: claims what is due and sends it, at the pace of the trunks.

Two tasks. One claims: it asks the trunks for free channels whose turn comes within HORIZON, the agenda for
campaigns with something due, and the store for claims; what it gets is durable. The other sends
(`engine.dialing.sender`): it takes claimed calls in order, waits for each one's deadline, and writes its Originate. Between
them stand at most some tens of milliseconds of calls, a few more where a trunk's turn is waited for, so a decision of the
gate is fresh when it is used, and a crash leaves few attempts unproven.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from engine.dialing.agenda import Agenda
from engine.dialing.clock_watch import ClockWatch
from engine.dialing.follower import Follower
from engine.dialing.ledger import Ledger, Live
from engine.dialing.running import NEVER, Running
from engine.dialing.sender import Pbx, Sender
from engine.dialing.surroundings import Clock
from engine.dialing.trunks import Trunk, Trunks
from engine.errors import StoreError, StoreFault
from engine.halts import Halts
from engine.ops import log as events
from engine.ops.log import Log
from engine.store import claims
from engine.store.claimed import Claimant, ClaimResult, Throttle
from engine.store.listing import Lists
from engine.store.writer import Writer

HORIZON = 0.080
"""Seconds ahead for which calls are claimed: each waits for its trunk's turn, and a commit may take as long as its window."""
EARLY = 0.040
"""Seconds by which a call may leave before the turn that its campaign's own pace gives it: for that one nobody waits."""
MOST = 96
"""Claimed and unsent calls at most, whatever the rate: more of them at once would hold the event loop up for too long, fewer would
hold up a ramp, in which no call ends: so many leave in a commit window."""
MOST_CLAIMANTS = 50
"""Campaigns asked in one claim at most."""
STORE_RETRY = 1.0
LONGEST_WAIT = 1.0


class Dispatcher:
    """Owns the way of a call from due to sent."""

    def __init__(
        self,
        agenda: Agenda,
        trunks: Trunks,
        ledger: Ledger,
        follower: Follower,
        writer: Writer,
        pbx: Callable[[str], Pbx],
        has_flow: Callable[[str, str], bool],
        clock: Clock,
        watch: ClockWatch,
        log: Log,
        last_attempt: int,
        lists: Lists = claims.NO_LISTS,
        halts: Halts | None = None,
    ) -> None:
        self._lists = lists
        self._halts = Halts() if halts is None else halts
        self._agenda = agenda
        self._trunks = trunks
        self._ledger = ledger
        self._follower = follower
        self._writer = writer
        self._has_flow = has_flow
        self._clock = clock
        self._watch = watch
        self._log = log
        self._last_attempt = last_attempt
        self._wake = asyncio.Event()
        self.sender = Sender(trunks, ledger, follower, writer, pbx, clock, log, self.wake, self._halts)

    def __repr__(self) -> str:
        return f"<Dispatcher {self.sender!r} {self._trunks.by_name!r}>"

    @property
    def stopping(self) -> bool:
        """No new claims; what was claimed and not written is void."""
        return self.sender.stopping

    @stopping.setter
    def stopping(self, stopping: bool) -> None:
        self.sender.stopping = stopping

    def wake(self) -> None:
        """Something changed: a channel came free, a campaign was opened, a PBX is back."""
        self._wake.set()

    # -- claiming ------------------------------------------------------------------------------------------------------

    async def claim(self) -> None:
        """Claim until stopped."""
        while not self.stopping:
            wait = await self._claim_once()
            if wait > 0:
                self._wake.clear()
                try:
                    async with asyncio.timeout(min(wait, LONGEST_WAIT)):
                        await self._wake.wait()
                except TimeoutError:
                    pass

    async def _claim_once(self) -> float:
        """One claim; returns how many seconds to wait before the next, unless woken."""
        if not await self._sound():
            return STORE_RETRY
        await self._writer.turn()  # what comes free until then is claimed as well
        if self.stopping:
            return 0.0
        now, mono = self._clock.now(), self._clock.mono()
        if self._halts.word(now):
            return LONGEST_WAIT
        wait = self._agenda.wait(now, mono, EARLY)
        if wait > 0:
            return wait
        wanted = self._agenda.trunks(now, mono, EARLY)

        def usable(trunk: Trunk) -> bool:
            return trunk.name in wanted and self.sender.usable(trunk)

        slots = self._trunks.slots(mono, HORIZON, MOST, usable)
        if not slots:
            turn = self._trunks.next_turn(mono, usable)
            if turn is None:
                return LONGEST_WAIT
            ahead = turn - HORIZON - mono
            return (
                ahead if ahead > 0 else LONGEST_WAIT
            )  # its turn is taken by what is queued: the sender wakes us
        most = min(MOST_CLAIMANTS, 2 * len(slots) + 2)
        trunks = frozenset(slot.trunk for slot in slots)
        chosen = self._agenda.claimants(now, mono, EARLY, trunks, most, self._ready)
        if not chosen:
            return LONGEST_WAIT
        for running, _ in chosen:
            running.next_due = NEVER
        try:
            result = await self._writer.submit(
                partial(
                    claims.claim,
                    claimants=[claimant for _, claimant in chosen],
                    slots=slots,
                    last_attempt=self._last_attempt,
                    now=now,
                    lists=self._lists,
                    ways=self._trunks.ways(mono, HORIZON, MOST, self.sender.usable),
                )
            )
        except StoreError as error:
            if not isinstance(error, StoreFault):  # that one is told by the writer's health
                self._log.error(events.STORE_FAILED, error=str(error), retry_in=STORE_RETRY)
            for running, _ in chosen:
                running.due(now)
            await asyncio.sleep(STORE_RETRY)
            return 0.0
        for running, _ in chosen:
            if running.id not in result.exhausted:
                running.due(now)
            elif (at := result.exhausted[running.id]) is not None:
                running.due(at)
            if running.id in result.throttles:
                self._throttle(running, result.throttles[running.id], mono)
        self._take(result, {running.id: running for running, _ in chosen})
        return 0.0

    def _throttle(self, running: Running, throttle: Throttle, mono: float) -> None:
        if throttle.word == "slowed":
            running.slow_until = mono + claims.SLOW
        if throttle.word != running.throttle:
            running.throttle = throttle.word
            self._log.warning(
                events.CAMPAIGN_THROTTLED, campaign=running.name, word=throttle.word, rule=throttle.rule, detail=throttle.detail,
            )  # fmt: skip

    async def _sound(self) -> bool:
        """Can the database be written, and is the clock the one that was reckoned with? Otherwise nothing is dialed."""
        if self._writer.fault and not await self._writer.probe():
            return False
        try:
            await self._watch.look()
        except StoreError:
            return False
        return True

    def _ready(self, claimant: Claimant) -> Claimant:
        """With those of its trunks whose PBX has the campaign's flow and all that is heard in it."""
        has = self._has_flow
        ready = [
            name for name in claimant.trunks if has(self._trunks.by_name[name].pbx, claimant.flow_version)
        ]
        return claimant if len(ready) == len(claimant.trunks) else replace(claimant, trunks=frozenset(ready))

    def _take(self, result: ClaimResult, served: dict[int, Running]) -> None:
        for claim in result.claims:
            self._last_attempt = max(self._last_attempt, claim.attempt)
            live = Live(claim, served[claim.campaign_id], self._trunks.by_name[claim.trunk])
            self._ledger.open(live)
            self._agenda.serve(live.running, self._clock.mono())
            self.sender.put(live)
        for refusal in result.refusals:
            if refusal.changed or refusal.verdict.never:
                word = (
                    events.CONTACT_SUPPRESSED
                    if refusal.verdict.reason == "suppressed"
                    else events.CONTACT_REFUSED
                )
                if refusal.missed:
                    self._log.error(
                        events.CALLBACK_MISSED,
                        campaign=served[refusal.campaign_id].name,
                        contact=refusal.contact_id,
                        callbacks=1,
                        why=refusal.verdict.reason,
                    )
                self._log.info(
                    word,
                    campaign=served[refusal.campaign_id].name,
                    contact=refusal.contact_id,
                    number=refusal.e164,
                    reason=refusal.verdict.reason,
                    detail=refusal.verdict.ground.detail,
                    not_before=refusal.verdict.at,
                    final=refusal.verdict.never,
                )
        if any(refusal.verdict.never for refusal in result.refusals):
            for campaign_id in {refusal.campaign_id for refusal in result.refusals if refusal.verdict.never}:
                self._follower.check_empty(campaign_id)

    async def send(self) -> None:
        """Write claimed calls, each at its deadline, until cancelled."""
        await self.sender.run()

    # -- stopping ------------------------------------------------------------------------------------------------------

    async def stop(self) -> None:
        """No new claims; what was claimed and not written is void. Returns when the queue is empty."""
        self.stopping = True
        self._wake.set()
        await self.sender.idle()
