"""The breaker of one trunk: a trunk that fails gets no calls for a while, then single ones to see whether it works again.

Theory of operation. CLOSED: all calls pass. It OPENs when `failures` calls in a row, to so many different numbers and for SPAN
seconds at least, came to nothing by the trunk's doing (at a hundred calls a second five in a row may be chance), or when that
holds for `share` of all calls in the window, twice `failures` of them at least. One number counts once: who is behind it may be
what is congested. OPEN: no call passes for `pause` seconds. HALF_OPEN: one call at a time, a probe; `probes` of them that get
through (it rings, is answered, is busy: the far end spoke) close it, one that does not opens it again, for twice as long, up to
`max_pause`. Outcomes of calls that were made before it opened tell nothing then.

    {CLOSED: failures -> OPEN, OPEN: time -> HALF_OPEN, HALF_OPEN: probes -> CLOSED | failure -> OPEN}

Pure: instants are monotonic seconds, arguments. What a failure is: `engine.dialing.disposition`.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass
from enum import StrEnum

from engine.trunk_settings import BreakerSettings

SPAN = 0.25
"""Seconds."""


class Phase(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(frozen=True, slots=True)
class Change:
    """It went over to `phase`, because of `reason`."""

    phase: Phase
    reason: str
    pause: float = 0.0
    """Seconds until it is half open; of OPEN only."""


class Breaker:
    """One trunk's. Each method that may change the phase returns the change, or None."""

    __slots__ = (
        "_failed",
        "_limits",
        "_passed",
        "_pause",
        "_row",
        "_since",
        "_window",
        "_worked",
        "out",
        "phase",
        "reason",
        "until",
    )

    def __init__(self, limits: BreakerSettings) -> None:
        self._limits = limits
        self.phase = Phase.CLOSED
        self.reason = ""
        """Why it is not closed."""
        self.until = float("-inf")
        """While it is open: when it will be half open."""
        self.out = 0
        """Probes under way."""
        self._pause = limits.pause
        self._passed = 0
        self._row: dict[int, None] = {}
        """Numbers that failed since the last call that got through."""
        self._since = float("inf")
        """When the first of them did."""
        self._window: deque[tuple[float, int | None]] = deque()
        """Outcomes: when, and the number of one that failed."""
        self._failed: Counter[int] = Counter()
        self._worked = 0
        """The same, counted."""

    def __repr__(self) -> str:
        return f"<Breaker {self.phase} row={len(self._row)} out={self.out}>"

    @property
    def room(self) -> int | None:
        """How many calls may be made now; None: as many as one likes."""
        match self.phase:
            case Phase.CLOSED:
                return None
            case Phase.OPEN:
                return 0
            case Phase.HALF_OPEN:
                return max(0, 1 - self.out)

    def probe(self) -> bool:
        """A call is made. True when it is a probe: its end must be told as that of one."""
        if self.phase is not Phase.HALF_OPEN:
            return False
        self.out += 1
        return True

    def turn(self, now: float) -> Change | None:
        """Time has passed."""
        if self.phase is not Phase.OPEN or now < self.until:
            return None
        self.phase, self.out, self._passed = Phase.HALF_OPEN, 0, 0
        return Change(Phase.HALF_OPEN, self.reason)

    def worked(self, now: float, probe: bool) -> Change | None:
        """A call got through to the far end."""
        if probe:
            return self._probe_worked()
        if self.phase is Phase.CLOSED:
            self._row.clear()
            self._window.append((now, None))
            self._worked += 1
            self._forget(now)
        return None

    def _probe_worked(self) -> Change | None:
        self.out = max(0, self.out - 1)
        if self.phase is not Phase.HALF_OPEN:
            return None
        self._passed += 1
        if self._passed < self._limits.probes:
            return None
        self.phase, self.reason, self._pause = Phase.CLOSED, "", self._limits.pause
        self._clear()
        return Change(Phase.CLOSED, f"{self._passed} probes got through")

    def failed(self, now: float, number: int, why: str, probe: bool) -> Change | None:
        """A call came to nothing by the trunk's doing. `number`: whom it was for."""
        if probe:
            self.out = max(0, self.out - 1)
            if self.phase is not Phase.HALF_OPEN:
                return None
            self._pause = min(2 * self._pause, self._limits.max_pause)
            return self._open(now, f"a probe failed: {why}")
        if self.phase is not Phase.CLOSED:
            return None
        if not self._row:
            self._since = now
        self._row[number] = None
        self._window.append((now, number))
        self._failed[number] += 1
        self._forget(now)
        if len(self._row) >= self._limits.failures and now - self._since >= SPAN:
            return self._open(now, f"{len(self._row)} numbers failed in a row, the last one: {why}")
        failed = len(self._failed)
        if failed >= 2 * self._limits.failures and failed >= (failed + self._worked) * self._limits.share:
            share = 100 * failed // (failed + self._worked)
            return self._open(now, f"{share} % failed within {self._limits.window:g} s, the last one: {why}")
        return None

    def dropped(self, probe: bool) -> None:
        """A call ended in a way that tells nothing of the trunk."""
        if probe:
            self.out = max(0, self.out - 1)

    def _open(self, now: float, reason: str) -> Change:
        self.phase, self.reason = Phase.OPEN, reason
        self.until = now + self._pause
        self._clear()
        return Change(Phase.OPEN, reason, self._pause)

    def _clear(self) -> None:
        self._row.clear()
        self._window.clear()
        self._failed.clear()
        self._worked = 0

    def _forget(self, now: float) -> None:
        while self._window and self._window[0][0] < now - self._limits.window:
            _, number = self._window.popleft()
            if number is None:
                self._worked -= 1
            elif self._failed[number] > 1:
                self._failed[number] -= 1
            else:
                del self._failed[number]
