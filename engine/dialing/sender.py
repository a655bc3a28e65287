"""Sends claimed calls: in order, each at its deadline, within every cap, and only if it is still wanted by then."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Callable
from typing import Protocol

from engine.ami.encode import Originate
from engine.channel import bucket_of, channel_id
from engine.dialing.breaker import Phase
from engine.dialing.call import State
from engine.dialing.follower import Follower
from engine.dialing.ledger import Ledger, Live
from engine.dialing.spoken import formats
from engine.dialing.surroundings import Clock
from engine.dialing.trunks import Trunk, Trunks
from engine.errors import AmiUnreachable, RefusedField
from engine.halts import Halts
from engine.ops import log as events
from engine.ops.log import Log
from engine.store.writer import Writer

DEAF = 0.25
"""Seconds for which calls wait for a PBX that acknowledges nothing, where another one could take them."""

GRAIN = 0.0005
"""Seconds for which nobody waits: the event loop counts milliseconds, and would come back at once."""


class Pbx(Protocol):
    """What the dispatcher asks of a PBX."""

    up: bool

    def write(self, action: bytes) -> None: ...

    def backlog(self) -> int: ...


class Sender:
    """Owns claimed calls until they are written. `wake()`: one has left, or was given up."""

    def __init__(
        self,
        trunks: Trunks,
        ledger: Ledger,
        follower: Follower,
        writer: Writer,
        pbx: Callable[[str], Pbx],
        clock: Clock,
        log: Log,
        wake: Callable[[], None],
        halts: Halts,
    ) -> None:
        self._trunks = trunks
        self._ledger = ledger
        self._follower = follower
        self._writer = writer
        self._pbx = pbx
        self._clock = clock
        self._log = log
        self._wake = wake
        self._halts = halts
        self._queue: deque[Live] = deque()
        self._queued = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._deaf: set[str] = set()
        """PBXs that had as much as they may have and acknowledged nothing of it for DEAF seconds."""
        self._several = len({trunk.pbx for trunk in trunks.by_name.values()}) > 1
        self.stopping = False

    def __repr__(self) -> str:
        return f"<Sender queued={len(self._queue)} stopping={self.stopping}>"

    def usable(self, trunk: Trunk) -> bool:
        """Is the trunk's PBX there, and does it take calls?"""
        if not self._pbx(trunk.pbx).up:
            return False
        if trunk.pbx in self._deaf and not self._full(trunk):
            self._deaf.discard(trunk.pbx)
        return trunk.pbx not in self._deaf

    def _full(self, trunk: Trunk) -> bool:
        return self._follower.unacknowledged[trunk.pbx] >= self._trunks.unheard_limit(trunk.pbx)

    def put(self, live: Live) -> None:
        """Send this call at its turn."""
        self._queue.append(live)
        self._queued.set()
        self._idle.clear()

    async def idle(self) -> None:
        """Wait until nothing is queued."""
        await self._idle.wait()

    async def run(self) -> None:
        """Write claimed calls, each at its deadline, until cancelled."""
        while True:
            if not self._queue:
                self._idle.set()
                self._queued.clear()
                await self._queued.wait()
                continue
            live = self._queue.popleft()
            try:
                await self._send(live)
            finally:
                self._ledger.left_queue(live)
                if live.call.state is State.CLAIMED:
                    self._follower.void(live, "not sent: the engine was stopping")
                self._wake()

    async def _send(self, live: Live) -> None:
        trunk = live.trunk
        await self._turn(live)
        if live.call.state is State.ENDED:
            return
        await self._until_heard(trunk)
        await self._writer.heeded()
        why = self._unwanted(live)
        if why:
            self._follower.void(live, why)
            return
        try:
            self._pbx(trunk.pbx).write(self._originate(live).encode())
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

    async def _turn(self, live: Live) -> None:
        """Wait for the next deadline of everything that the call is in, and for the caps over them."""
        trunk, mono = live.trunk, self._clock.mono()
        trunk.rate.called(mono)
        trunk.pace.slow_to(trunk.rate.part(mono))
        at = max(trunk.pace.next(mono), self._trunks.pace.next(mono))
        for one in live.ranges:
            if one.pace is not None:
                at = max(at, one.pace.next(mono))
        if at - mono >= GRAIN:
            await asyncio.sleep(at - mono)
        await self._trunks.cap.take()
        await trunk.cap.take()
        for one in live.ranges:
            if one.cap is not None:
                await one.cap.take()

    async def _until_heard(self, trunk: Trunk) -> None:
        """Do not run ahead of a PBX that is slow to acknowledge: what is written and unheard is what a lost link
        puts in doubt. Where there is another PBX, nobody waits for this one for long."""
        began = self._clock.mono()
        while self._full(trunk) and self.usable(trunk) and not self.stopping:
            if self._several and self._clock.mono() - began >= DEAF:
                self._deaf.add(trunk.pbx)
                return
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
        trunk = live.trunk
        if not self._pbx(trunk.pbx).up:
            return "not sent: the link to the PBX is down"
        if not self.usable(trunk):
            return "not sent: the PBX does not acknowledge what it was told before"
        if trunk.drained:
            return "not sent: the trunk is drained"
        if trunk.breaker.phase is Phase.OPEN:
            return "not sent: the trunk's breaker is open"
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


def _fields(text: str, names: frozenset[str]) -> dict[str, str]:
    """Only the columns that the flow names are sent."""
    if not names or text == "{}":
        return {}
    return {name: value for name, value in json.loads(text).items() if name in names}
