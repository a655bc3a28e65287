"""What part of its contracted rate a trunk is given now: less while it refuses or answers slowly, less while it starts.

Congestion. The share of calls that the trunk refused is looked at over a second and LEAST outcomes; from TOLERATED on, half of
the share is taken off the rate (as DCTCP does, RFC 8257: a few refusals take off little, nothing but refusals takes off half),
and each second gives RECOVERY of the contract back. A PBX that takes longer than SLOW to acknowledge an Originate is busy: a
quarter is taken off, once a second. Below FLOOR it does not go: what fails altogether is the breaker's.

Ramp-up. From `begin` on the rate grows from RAMP_FROM to the whole, in a straight line.

The part is never above 1, so the contract holds whatever is told here. Pure: instants are monotonic seconds.
"""

from __future__ import annotations

FLOOR = 0.1
RECOVERY = 0.05
TOLERATED = 0.05
LEAST = 5
SPAN = 1.0
SLOW = 0.5
"""Seconds. What is unacknowledged at one PBX is bounded, so this is a PBX that takes less than a hundred calls a second, or two."""
SLOW_CUT = 0.75
RAMP_FROM = 0.1


class Rate:
    """One trunk's."""

    __slots__ = ("_at", "_began", "_congested", "_ends", "_factor", "_ramp", "_since", "_slowed")

    def __init__(self, ramp_up: float) -> None:
        self._ramp = ramp_up
        self._began: float | None = None
        self._factor = 1.0
        self._at = float("-inf")
        """When `_factor` was reckoned."""
        self._since = float("-inf")
        self._ends = self._congested = 0
        self._slowed = float("-inf")

    def __repr__(self) -> str:
        return f"<Rate {self._factor:.2f}>"

    def begin(self) -> None:
        """It was away: what comes next is a start."""
        self._began = None

    def part(self, now: float) -> float:
        """The part of the rate that holds now, FLOOR to 1."""
        self._recover(now)
        if self._ramp <= 0:
            return self._factor
        if self._began is None:
            return min(self._factor, RAMP_FROM)
        grown = RAMP_FROM + (1.0 - RAMP_FROM) * (now - self._began) / self._ramp
        return min(self._factor, max(RAMP_FROM, grown))

    def called(self, now: float) -> None:
        """A call leaves: the first one begins the ramp."""
        if self._began is None:
            self._began = now

    def ended(self, now: float, congested: bool) -> None:
        """A call got through, or was refused by the trunk."""
        if now - self._since > 10 * SPAN:  # what was counted is of another time
            self._since, self._ends, self._congested = now, 0, 0
        self._ends += 1
        self._congested += congested
        if now - self._since < SPAN or self._ends < LEAST:
            return
        share = self._congested / self._ends
        self._since, self._ends, self._congested = now, 0, 0
        if share >= TOLERATED:
            self._cut(now, 1.0 - share / 2)

    def acknowledged(self, now: float, took: float) -> None:
        """The PBX has acknowledged an Originate after `took` seconds."""
        if took > SLOW and now - self._slowed >= SPAN:
            self._slowed = now
            self._cut(now, SLOW_CUT)

    def _cut(self, now: float, by: float) -> None:
        self._recover(now)
        self._factor = max(FLOOR, self._factor * by)

    def _recover(self, now: float) -> None:
        if self._factor < 1.0 and now > self._at:
            self._factor = min(1.0, self._factor + RECOVERY * (now - self._at))
        self._at = max(self._at, now)
