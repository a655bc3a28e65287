"""Notices that the wall clock was set, and moves what was reckoned by it.

Deadlines of pacing, ringing and waiting are monotonic and know nothing of it. But gaps and retry delays are kept as
instants in the database. They mean a length of time: when the clock jumps they jump with it, so that nobody is called
too soon, and nobody waits until a wrong clock's tomorrow. What means an hour of the day (a window, a start, an
expiry) stays where it is: the gate looks at the true clock anyway.
"""

from __future__ import annotations

from functools import partial

from engine.dialing.agenda import Agenda
from engine.dialing.follower import Clock
from engine.dialing.ledger import Ledger
from engine.ops import log as events
from engine.ops.log import Log
from engine.store import clock as stored
from engine.store.writer import Writer

TOLERANCE = 0.5
"""Seconds between two looks that are a setting of the clock. ntpd and chronyd slew what is less than about 0.1."""
START_TOLERANCE = 5.0


class ClockWatch:
    """Compares wall and monotonic clock at every look. `latest`: an instant that the wall clock had reached when the
    engine last ran."""

    def __init__(
        self, agenda: Agenda, ledger: Ledger, writer: Writer, clock: Clock, log: Log, latest: float
    ) -> None:
        self._agenda = agenda
        self._ledger = ledger
        self._writer = writer
        self._clock = clock
        self._log = log
        now = clock.now()
        # Before the start there was no monotonic clock of ours; but back behind the last dial it cannot be right.
        self._offset = (latest if latest > now + START_TOLERANCE else now) - clock.mono()

    async def look(self) -> None:
        """To be called before anything is decided by the wall clock. Raises StoreError; then the next look tries again."""
        now = self._clock.now()
        offset = now - self._clock.mono()
        jump = offset - self._offset
        if abs(jump) <= TOLERANCE:
            self._offset = offset
            return
        gaps = [(running.id, running.rules.min_gap) for running in self._agenda.campaigns.values()]
        moved = await self._writer.submit(partial(stored.shift, gaps=gaps, jump=jump, now=now))
        self._offset = offset
        for live in self._ledger:
            live.call.clock_was_set(jump)
        for running in self._agenda.campaigns.values():
            running.next_due = 0.0
        self._log.warning(events.CLOCK_JUMPED, seconds=round(jump, 3), contacts=moved)
