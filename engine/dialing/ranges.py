"""Ranges of callee numbers that take only so many calls: by prefix, on one trunk or over all together."""

from __future__ import annotations

from collections.abc import Mapping

from engine.config import Settings
from engine.dialing.pacing import Pace
from engine.dialing.throttle import Cap
from engine.rates import ranges_of
from engine.store.ways import RangeRoom
from engine.trunk_settings import PrefixCap

CALL = 2.0
"""Seconds that a call is reckoned with where those that wait for a channel of a full range are spread: a short one, so that
nobody waits for long when it is free."""
PLENTY = 1 << 30


class Range:
    """One range on one trunk, or, with an empty `trunk`, over all."""

    def __init__(self, trunk: str, prefix: str, settings: PrefixCap) -> None:
        self.trunk = trunk
        self.prefix = prefix
        self.most = settings.max_channels
        self.pace = None if settings.cps is None else Pace(settings.cps)
        self.cap = None if settings.cps is None else Cap(settings.cps)
        self.live = 0
        self.queued = 0
        """Claimed and not yet written."""

    def __repr__(self) -> str:
        return f"<Range {self.trunk or 'all'} {self.prefix} live={self.live}>"

    def room(self, mono: float, horizon: float) -> RangeRoom:
        """As a claim sees it."""
        room, interval = PLENTY, 0.0
        if self.most is not None:
            room, interval = self.most - self.live, CALL / self.most
        if self.pace is not None:
            room = min(room, self.pace.room(mono, horizon) - self.queued)
            interval = max(interval, self.pace.interval)
        return RangeRoom(self.trunk, self.prefix, room, interval)


class Ranges:
    """All of them."""

    def __init__(self, settings: Settings) -> None:
        self._by_trunk: dict[str, dict[str, Range]] = {}
        self._add("", settings.limits.prefix_caps)
        for name, trunk in settings.trunk.items():
            self._add(name, trunk.prefix_caps)

    def _add(self, trunk: str, caps: Mapping[str, PrefixCap]) -> None:
        if caps:
            self._by_trunk[trunk] = {prefix: Range(trunk, prefix, cap) for prefix, cap in caps.items()}

    def __bool__(self) -> bool:
        return bool(self._by_trunk)

    def of(self, trunk: str, e164: str) -> tuple[Range, ...]:
        """Those that a call to this number by this trunk is in."""
        if not self._by_trunk:
            return ()
        return tuple(
            table[prefix]
            for table in (self._by_trunk.get(""), self._by_trunk.get(trunk))
            if table is not None
            for prefix in ranges_of(table, e164)
        )

    def rooms(self, mono: float, horizon: float) -> list[RangeRoom]:
        """What each of them takes now."""
        return [one.room(mono, horizon) for table in self._by_trunk.values() for one in table.values()]
