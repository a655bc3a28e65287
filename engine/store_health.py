"""Says how the database fares: an error at once and every while, and one word when it is over."""

from __future__ import annotations

from collections.abc import Callable

from engine.dialing.surroundings import Clock
from engine.ops import log as events
from engine.ops.log import Log

TELL_EVERY = 10.0
"""Seconds between two lines that say that the database still refuses."""


class StoreHealth:
    """Hears the writer. `recovered()` is told when the database can be written again."""

    def __init__(self, clock: Clock, log: Log, recovered: Callable[[], None]) -> None:
        self._clock = clock
        self._log = log
        self._recovered = recovered
        self._since: float | None = None
        """Monotonic instant since when the database refuses."""
        self._said = float("-inf")

    def __repr__(self) -> str:
        return f"<StoreHealth since={self._since}>"

    def told(self, fault: str) -> None:
        """What is wrong now; empty: nothing any more."""
        mono = self._clock.mono()
        if not fault:
            since, self._since, self._said = self._since, None, float("-inf")
            self._log.warning(events.STORE_RECOVERED, seconds=round(mono - (since or mono), 3))
            self._recovered()
            return
        self._since = self._since or mono
        if mono - self._said >= TELL_EVERY:
            self._said = mono
            self._log.error(events.STORE_FAILED, error=fault, dialing="stopped until it can be written again")
