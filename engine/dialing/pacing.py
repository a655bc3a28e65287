"""When may the next call leave? Pure arithmetic on a monotonic clock, in seconds.

A `Pace` hands out evenly spaced absolute deadlines. What was missed (a stall, a suspended machine) is gone:
deadlines never pile up, so there is no burst after a pause. The hard cap over it is in `engine.dialing.throttle`.
"""

from __future__ import annotations

MARGIN = 0.95
"""Part of the contracted rate that is used. Even sending at 200 a second put 208 INVITEs into the callee's busiest
second, and 400 put 417: at 5 % under the contract no one-second window passes it."""

SLACK = 0.010
"""Seconds by which a deadline may lie in the past and still be used as it is: the event loop's own lateness, made
up at once so that the average rate holds."""


class Pace:
    """Even spacing of one rate.

    >>> pace = Pace(10 / MARGIN)
    >>> [round(pace.next(100.0), 3) for _ in range(3)]
    [100.0, 100.1, 100.2]
    >>> round(pace.next(200.0), 3)
    200.0
    """

    __slots__ = ("_at", "_shortest", "interval")

    def __init__(self, cps: float) -> None:
        self.interval = self._shortest = 1.0 / (cps * MARGIN)
        self._at = float("-inf")

    def slow_to(self, part: float) -> None:
        """Use this part of the rate from the next deadline on, above 0 to 1."""
        self.interval = self._shortest / min(1.0, part)

    def next(self, now: float) -> float:
        """Take the next deadline, at `now` or later."""
        at = self.peek(now)
        self._at = at + self.interval
        return at

    def peek(self, now: float) -> float:
        """The next deadline at `now` or later, not taken."""
        return self._at if self._at > now - SLACK else now

    def room(self, now: float, horizon: float) -> int:
        """How many deadlines lie before `now + horizon`."""
        left = now + horizon - self.peek(now)
        return 0 if left < 0 else int(left / self.interval) + 1
