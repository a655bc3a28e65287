"""Notices that the wall clock was set, and moves what was reckoned by it.

Deadlines of pacing, ringing and waiting are monotonic and know nothing of it. But gaps and retry delays are kept as
instants in the database. They mean a length of time: when the clock jumps they jump with it, so that nobody is called
too soon, and nobody waits until a wrong clock's tomorrow. What means an hour of the day (a window, a start, an
expiry) stays where it is: the gate looks at the true clock anyway.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from functools import partial
from typing import Protocol

from engine.dialing.agenda import Agenda
from engine.dialing.ledger import Ledger
from engine.ops import log as events
from engine.ops.log import Log
from engine.store import clock as stored
from engine.store.writer import Writer

TOLERANCE = 0.5
"""Seconds between two looks that are a setting of the clock. ntpd and chronyd slew what is less than about 0.1."""
START_TOLERANCE = 5.0


class Settable(Protocol):
    """A clock whose `now` runs on until its offset is moved."""

    offset: float

    def wall(self) -> float: ...

    def mono(self) -> float: ...

    def now(self) -> float: ...


class ClockWatch:
    """Compares wall and monotonic clock at every look. `latest`: an instant that the wall clock had reached when the
    engine last ran."""

    def __init__(
        self, agenda: Agenda, ledger: Ledger, writer: Writer, clock: Settable, log: Log, latest: float
    ) -> None:
        self._agenda = agenda
        self._ledger = ledger
        self._writer = writer
        self._clock = clock
        self._log = log
        # Before the start there was no monotonic clock of ours; but back behind the last dial it cannot be right.
        if latest > clock.now() + START_TOLERANCE:
            clock.offset = latest - clock.mono()

    async def look(self) -> None:
        """To be called before anything is decided by the wall clock. Raises StoreError when what should have moved could
        not: dialing goes on when it has been moved."""
        if self._moving is None:
            self._moving = self._move()
        if self._moving is not None:
            jump, work = self._moving
            moved = await self._writer.submit(work)
            self._moving = None
            self._log.warning(events.CLOCK_JUMPED, seconds=round(jump, 3), contacts=moved)

    _moving: tuple[float, Callable[[sqlite3.Connection], int]] | None = None
    """A jump that everybody reckons with and the database does not yet."""

    def _move(self) -> tuple[float, Callable[[sqlite3.Connection], int]] | None:
        """At one moment: what is queued for the database was reckoned by the old time and moves, what comes after was
        reckoned by the new."""
        offset = self._clock.wall() - self._clock.mono()
        jump = offset - self._clock.offset
        self._clock.offset = offset
        if abs(jump) <= TOLERANCE:
            return None
        for live in self._ledger:
            live.call.clock_was_set(jump)
        for running in self._agenda.campaigns.values():
            running.next_due = 0.0
        gaps = [(running.id, running.rules.min_gap) for running in self._agenda.campaigns.values()]
        return jump, partial(stored.shift, gaps=gaps, jump=jump, now=self._clock.now())
