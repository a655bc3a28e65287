"""The hard cap: no one-second window carries more calls than the contract says.

The one importer of asyncio-throttle. Its Throttler guarantees the window but polls, wakes its waiters in no order
and lets a full second's calls through at once; so evenness comes from `pacing`, one task alone awaits a `Cap`, and
it seldom waits.
"""

from __future__ import annotations

from asyncio_throttle import Throttler


class Cap:
    """At most `cps` calls in any window of a second, for whole rates; of 2.5 it is 2 in any window of 0.8 seconds,
    of 0.5 it is 1 in 2."""

    __slots__ = ("_throttler",)

    def __init__(self, cps: float) -> None:
        whole = max(1, int(cps))
        self._throttler = Throttler(rate_limit=whole, period=whole / cps, retry_interval=0.002)

    async def take(self) -> None:
        """Wait until one more call fits."""
        await self._throttler.acquire()
