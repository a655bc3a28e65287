"""What each call tells of its trunk: handed to the trunk's breaker and rate, and what changes by it is logged, stored and acted
upon.

A call tells once: when it rings or is answered, or at its end. Calls of an earlier run, and those whose link was lost, tell
nothing: what is known of them is of another time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from engine.dialing.backlog import Backlog
from engine.dialing.breaker import Change, Phase
from engine.dialing.disposition import Disposition, Ending, Telling, telling
from engine.dialing.ledger import Live
from engine.dialing.surroundings import Clock
from engine.dialing.trunks import Trunk
from engine.ops import log as events
from engine.ops.log import Log
from engine.store import trunks as stored

_EVENT = {
    Phase.OPEN: events.TRUNK_OPENED,
    Phase.HALF_OPEN: events.TRUNK_HALF_OPEN,
    Phase.CLOSED: events.TRUNK_CLOSED,
}


class Health:
    """Of all trunks. `wake()`: calls may be made that could not before, or by others."""

    def __init__(self, backlog: Backlog, clock: Clock, log: Log, wake: Callable[[], None]) -> None:
        self._backlog = backlog
        self._clock = clock
        self._log = log
        self._wake = wake

    def __repr__(self) -> str:
        return "<Health>"

    def acknowledged(self, live: Live) -> None:
        """The PBX told of this call for the first time."""
        if live.written_at is not None:
            mono = self._clock.mono()
            live.trunk.rate.acknowledged(mono, mono - live.written_at)

    def alive(self, live: Live) -> None:
        """It rings, or was answered."""
        self._tell(live, Telling.WORKED, 0, "")

    def ended(self, live: Live, disposition: Disposition, ending: Ending, note: str) -> None:
        """It is over."""
        why = f"SIP {ending.sip}" if ending.sip else f"cause {ending.cause}" if ending.cause else note
        self._tell(live, telling(disposition, ending), live.claim.number_id, why)

    def _tell(self, live: Live, told: Telling, number: int, why: str) -> None:
        if live.told:
            return
        live.told = True
        mono, trunk = self._clock.mono(), live.trunk
        if told is Telling.NOTHING:
            trunk.breaker.dropped(live.probe)
            change = None
        elif told is Telling.WORKED:
            trunk.rate.ended(mono, congested=False)
            change = trunk.breaker.worked(mono, live.probe)
        else:
            trunk.rate.ended(mono, congested=True)
            change = trunk.breaker.failed(mono, number, why, live.probe)
        if change is not None:
            self._changed(trunk, change)
        if live.probe:
            self._wake()

    def _changed(self, trunk: Trunk, change: Change) -> None:
        fields = {"pause": change.pause} if change.phase is Phase.OPEN else {}
        log = self._log.info if change.phase is Phase.CLOSED else self._log.warning
        log(_EVENT[change.phase], trunk=trunk.name, reason=change.reason, **fields)
        self._backlog.spawn(
            self._backlog.stored(
                partial(
                    stored.note_breaker,
                    name=trunk.name,
                    phase=change.phase.value,
                    reason="" if change.phase is Phase.CLOSED else change.reason,
                    now=self._clock.now(),
                )
            )
        )
        if change.phase is Phase.OPEN:
            asyncio.get_running_loop().call_later(change.pause, self._turn, trunk)
        elif change.phase is Phase.CLOSED:
            trunk.rate.begin()
        self._wake()

    def _turn(self, trunk: Trunk) -> None:
        # A timer may be early by the grain of its clock; the breaker is not asked to be.
        change = trunk.breaker.turn(max(self._clock.mono(), trunk.breaker.until))
        if change is not None:
            self._changed(trunk, change)
