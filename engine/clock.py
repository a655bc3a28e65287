"""The engine's clock: wall time that never jumps by itself, and monotonic time.

What is stored is wall time; but a wall clock can be set while units of work are under way, and then some of them would
be reckoned by the old time and stored by the new. So `now` runs with the monotonic clock from an offset that only
`engine.dialing.clock_watch` moves, at one moment for everybody.
"""

from __future__ import annotations

import time


class Clock:
    """Instants in POSIX seconds, deadlines in monotonic seconds."""

    def __init__(self) -> None:
        self.offset = self.wall() - self.mono()
        """Wall time less monotonic time, as everybody reckons with it."""

    def wall(self) -> float:
        """What the machine's own wall clock shows."""
        return time.time()

    def mono(self) -> float:
        return time.monotonic()

    def now(self) -> float:
        """The wall time to reckon with and to store."""
        return self.mono() + self.offset
