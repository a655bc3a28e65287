"""The dispatcher: claims what is due and sends it, at the pace of the trunks.

Two tasks. One claims: it asks the trunks for free channels whose turn comes within HORIZON, the agenda for
campaigns with something due, and the store for claims; what it gets is durable. The other sends: it takes claimed
calls in order, waits for each one's deadline, and writes its Originate. Between them stand at most some tens of
milliseconds of calls, so a decision of the gate is fresh when it is used, and a crash leaves few attempts unproven.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Protocol

from engine.ami.encode import Originate
from engine.channel import bucket_of, channel_id
from engine.dialing.agenda import NEVER, Agenda, Running
from engine.dialing.call import State
from engine.dialing.clock_watch import ClockWatch
from engine.dialing.follower import Follower
from engine.dialing.ledger import Ledger, Live
from engine.dialing.spoken import formats
from engine.dialing.surroundings import Clock
from engine.dialing.trunks import Trunk, Trunks
from engine.errors import AmiUnreachable, RefusedField, StoreError, StoreFault
from engine.halts import Halts
from engine.ops import log as events
from engine.ops.log import Log
from engine.store import claims
from engine.store.claims import Claimant, ClaimResult, Throttle
from engine.store.listing import Lists
from engine.store.writer import Writer

HORIZON = 0.040
"""Seconds ahead for which calls are claimed."""
MOST = 128
"""Claimed and unsent calls at most, whatever the rate."""
STORE_RETRY = 1.0
LONGEST_WAIT = 1.0


class Pbx(Protocol):
    """What the dispatcher asks of a PBX."""

    up: bool

    def write(self, action: bytes) -> None: ...

    def backlog(self) -> int: ...


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
        self._pbx = pbx
        self._has_flow = has_flow
        self._clock = clock
        self._watch = watch
        self._log = log
        self._last_attempt = last_attempt
        self._queue: deque[Live] = deque()
        self._wake = asyncio.Event()
        self._queued = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self.stopping = False

    def __repr__(self) -> str:
        return f"<Dispatcher queued={len(self._queue)} stopping={self.stopping} {self._trunks.by_name!r}>"

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
        now, mono = self._clock.now(), self._clock.mono()
        if self._halts.word(now):
            return LONGEST_WAIT
        wait = self._agenda.wait(now, mono, HORIZON)
        if wait > 0:
            return wait
        wanted = self._agenda.trunks(now, mono, HORIZON)

        def usable(trunk: Trunk) -> bool:
            return trunk.name in wanted and self._usable(trunk)

        slots = self._trunks.slots(mono, HORIZON, MOST, usable)
        if not slots:
            turn = self._trunks.next_turn(mono, usable)
            if turn is None:
                return LONGEST_WAIT
            ahead = turn - HORIZON - mono
            return (
                ahead if ahead > 0 else LONGEST_WAIT
            )  # its turn is taken by what is queued: the sender wakes us
        chosen = self._agenda.claimants(now, mono, HORIZON, frozenset(slot.trunk for slot in slots))
        chosen = [(running, self._ready(claimant)) for running, claimant in chosen]
        chosen = [(running, claimant) for running, claimant in chosen if claimant.trunks]
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

    def _usable(self, trunk: Trunk) -> bool:
        return self._pbx(trunk.pbx).up

    def _take(self, result: ClaimResult, served: dict[int, Running]) -> None:
        for claim in result.claims:
            self._last_attempt = max(self._last_attempt, claim.attempt)
            live = Live(claim, served[claim.campaign_id], self._trunks.by_name[claim.trunk])
            self._ledger.open(live)
            self._agenda.serve(live.running)
            if live.running.pace is not None:
                live.running.pace.next(self._clock.mono())
            self._queue.append(live)
        if result.claims:
            self._queued.set()
            self._idle.clear()
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

    # -- sending -------------------------------------------------------------------------------------------------------

    async def send(self) -> None:
        """Write claimed calls, each at its deadline, until cancelled."""
        while True:
            if not self._queue:
                self._idle.set()
                self._queued.clear()
                await self._queued.wait()
                continue
            live = self._queue.popleft()
            try:
                await self._send_one(live)
            finally:
                self._trunks.left_queue(live.trunk)
                if live.call.state is State.CLAIMED:
                    self._follower.void(live, "not sent: the engine was stopping")
                self._wake.set()

    async def _send_one(self, live: Live) -> None:
        trunk, clock = live.trunk, self._clock
        mono = clock.mono()
        at = max(trunk.pace.next(mono), self._trunks.pace.next(mono))
        if at > mono:
            await asyncio.sleep(at - mono)
        await self._trunks.cap.take()
        await trunk.cap.take()
        if live.call.state is State.ENDED:
            return
        await self._until_heard(trunk)
        await self._writer.heeded()
        why = self._unwanted(live)
        if why:
            self._follower.void(live, why)
            return
        pbx = self._pbx(trunk.pbx)
        try:
            action = self._originate(live).encode()
            pbx.write(action)
        except RefusedField as error:
            # The encoder is the last line of defence; intake should have refused this contact.
            self._log.error(
                events.ENGINE_FAULT,
                what="refused to encode a call",
                error=str(error),
                contact=live.claim.contact_id,
            )
            self._follower.refuse(live, str(error))
            return
        except AmiUnreachable as error:
            self._follower.void(live, str(error))
            return
        self._follower.sent(live, self._timeout(live))
        self._log.debug(
            events.CALL_ORIGINATED,
            campaign=live.running.name,
            contact=live.claim.contact_id,
            attempt=channel_id(live.claim.attempt),
            kind=live.claim.kind,
            trunk=trunk.name,
        )

    async def _until_heard(self, trunk: Trunk) -> None:
        """Do not run ahead of a PBX that is slow to acknowledge: what is written and unheard is what a lost link
        puts in doubt."""
        heard = self._follower.unacknowledged
        most = self._trunks.unheard_limit(trunk.pbx)
        while heard[trunk.pbx] >= most and self._usable(trunk) and not self.stopping:  # noqa: ASYNC110 -- rare
            await asyncio.sleep(0.002)

    def _unwanted(self, live: Live) -> str:
        if self.stopping:
            return "not sent: the engine was stopping"
        if halted := self._halts.word(self._clock.now()):
            return f"not sent: {halted}"
        if live.running.state != "running":
            return f"not sent: the campaign is {live.running.state}"
        if live.claim.number_id in self._follower.suppressed:
            return "not sent: the number was suppressed"
        if self._writer.fault:
            return "not sent: the database cannot be written"
        if not self._pbx(live.trunk.pbx).up:
            return "not sent: the link to the PBX is down"
        return ""

    def _timeout(self, live: Live) -> float:
        return live.running.ring_timeout + self._trunks.limits.post_dial_delay

    def _originate(self, live: Live) -> Originate:
        claim, running = live.claim, live.running
        language = claim.language or running.campaign.language
        return Originate(
            id=channel_id(claim.attempt),
            bucket=bucket_of(claim.attempt),
            dial=live.trunk.settings.dial.replace("{number}", claim.dialed),
            context="volley-call",
            caller_number=claim.caller_id,
            caller_name=running.caller_names.get(claim.caller_id, ""),
            timeout=self._timeout(live),
            account=running.name,
            codecs=live.trunk.settings.codecs,
            sent=int(self._clock.now()),
            flow=claim.flow_version,
            language=language.replace("-", "_"),  # BCP 47 -> Asterisk's names
            fields=_fields(claim.fields, running.sent_fields),
            speech=tuple(json.loads(claim.speech)) if claim.speech else (),
            spoken={} if claim.spoken == "{}" else json.loads(claim.spoken),
            formats=formats(language),
            start=claim.start,
            no_callback=claim.callbacks + (claim.callback_id is not None) >= running.campaign.max_callbacks,
        )

    # -- stopping ------------------------------------------------------------------------------------------------------

    async def stop(self) -> None:
        """No new claims; what was claimed and not written is void. Returns when the queue is empty."""
        self.stopping = True
        self._wake.set()
        await self._idle.wait()


def _fields(text: str, names: frozenset[str]) -> dict[str, str]:
    """Only the columns that the flow names are sent."""
    if not names or text == "{}":
        return {}
    return {name: value for name, value in json.loads(text).items() if name in names}
