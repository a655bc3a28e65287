"""The ways out as a claim sees them: free channels, trunks with what they serve and cost, ranges of numbers with what they
still take. Made by the dialer for one claim; knows values, and nothing of why a trunk is open or not."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from engine.rates import Rates, ranges_of

LEAST_WAIT = 1.0
"""Seconds that somebody waits at least for whom there is no way out now."""
MOST_WAIT = 600.0
"""And about the most: where very many wait for one trunk they come back closer together than it can serve them."""
PLAIN = Rates()


@dataclass(frozen=True, slots=True)
class Slot:
    """A free channel on a trunk, with a pacing deadline that the dispatcher keeps to itself."""

    trunk_id: int
    pbx_id: int
    trunk: str
    dial: Callable[[str], str]
    """E.164 -> the number as this trunk wants it."""


@dataclass(frozen=True, slots=True)
class Way:
    """A trunk, whether it has a free channel now or not."""

    trunk: str
    open: bool
    """It gets calls: its PBX is up, it is not drained, its breaker is closed."""
    interval: float
    """Seconds between two of its calls: whoever waits for it comes back at that pace."""
    priority: int = 50
    rates: Rates = PLAIN


@dataclass(slots=True)
class RangeRoom:
    """What a range of numbers takes within this claim."""

    trunk: str
    """Of which trunk; empty: of all together."""
    prefix: str
    room: int
    interval: float
    """Seconds after which it takes another call, about."""


@dataclass(slots=True)
class Waits:
    """When those come back for whom there was no way out, by what they wait for: one after another, so that a backlog is not
    looked at again all at once. Kept from claim to claim; instants in POSIX seconds."""

    following: dict[str, float] = field(default_factory=dict)

    def put_off(self, reason: str, now: float, interval: float) -> float:
        """The instant at which the next one who waits for `reason` is looked at again."""
        at = max(self.following.get(reason, 0.0), now + LEAST_WAIT)
        if at > now + MOST_WAIT:
            at = now + LEAST_WAIT
        self.following[reason] = at + interval
        return at


class Ways:
    """All of them, for one claim. `room`: calls at most. `routed`: the callee's number has a say in which trunk is taken."""

    def __init__(
        self,
        ways: Mapping[str, Way],
        room: int,
        *,
        routed: bool = False,
        ranges: Sequence[RangeRoom] = (),
        waits: Waits | None = None,
    ) -> None:
        self.by_trunk = ways
        self.room = room
        self.routed = routed
        self._ranges = {(one.trunk, one.prefix): one for one in ranges}
        self._prefixes = {one.prefix: None for one in ranges}
        self.waits = waits or Waits()

    @classmethod
    def of(cls, slots: Sequence[Slot]) -> Ways:
        """Where free channels are all that is known."""
        return cls({slot.trunk: Way(slot.trunk, True, LEAST_WAIT) for slot in slots}, len(slots))

    def _of(self, e164: str, *trunks: str) -> list[RangeRoom]:
        if not self._ranges:
            return []
        return [
            found
            for prefix in ranges_of(self._prefixes, e164)
            for trunk in trunks
            if (found := self._ranges.get((trunk, prefix))) is not None
        ]

    def full(self, trunk: str, e164: str) -> RangeRoom | None:
        """The range of this number that takes no more by `trunk`; None when it may be called."""
        return next((one for one in self._of(e164, "", trunk) if one.room <= 0), None)

    def take(self, trunk: str, e164: str) -> None:
        """A call to this number was claimed."""
        for one in self._of(e164, "", trunk):
            one.room -= 1

    def choice(self, trunks: Sequence[str], e164: str, region: str) -> list[str]:
        """Those of `trunks` that may carry this call, the best first: by priority, then by price, then as given."""
        if not self.routed:
            return list(trunks)
        fit = [name for name in trunks if self._serves(name, e164, region) and not self.full(name, e164)]
        ways = self.by_trunk
        return sorted(fit, key=lambda name: (-ways[name].priority, ways[name].rates.price(e164, region)))

    def serving(self, trunks: frozenset[str], e164: str, region: str) -> list[Way]:
        """Those of `trunks` that serve this number at all."""
        return [
            self.by_trunk[name]
            for name in sorted(trunks)
            if name in self.by_trunk and self._serves(name, e164, region)
        ]

    def _serves(self, trunk: str, e164: str, region: str) -> bool:
        return self.by_trunk[trunk].rates.serves(e164, region)

    def wait(self, ways: Sequence[Way], e164: str, now: float) -> float:
        """Until when somebody is put off whom one of these could carry, had it a free channel or room in the number's
        range."""
        fulls = [self.full(way.trunk, e164) for way in ways]
        if fulls and all(fulls):
            full = fulls[0]
            assert full is not None
            return self.waits.put_off(f"{full.trunk} {full.prefix}", now, full.interval)
        first = min(ways, key=lambda way: (not way.open, way.interval))
        return self.waits.put_off(first.trunk, now, first.interval)
