"""A trunk at work: its limits, its pace, how many of its channels are in use, and whether it gets calls at all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from heapq import heapify, heappop, heapreplace

from engine.config import LimitSettings, Settings
from engine.dialing.breaker import Breaker
from engine.dialing.pacing import MARGIN, Pace
from engine.dialing.ranges import Ranges
from engine.dialing.rate import Rate
from engine.dialing.throttle import Cap
from engine.rates import Rates
from engine.rules.numbers import dial_format
from engine.store.ways import Slot, Waits, Way, Ways
from engine.trunk_settings import TrunkSettings

MOST_UNHEARD = 64
LEAST_UNHEARD = 2
"""Originates that may be unacknowledged at one PBX, whatever the contract: what a lost link puts in doubt, and what a slow
acknowledgement of some ten milliseconds needs."""
LOOK_AHEAD = 0.25
"""Seconds, at most, for which a call may wait for the turn of the trunk that should have it, where another could take it now:
until the next call of all together is due. So a trunk gets its share although its turns fall between theirs."""


class Trunk:
    """One way out. `live` counts calls from their claim to their end."""

    def __init__(self, name: str, trunk_id: int, pbx_id: int, settings: TrunkSettings) -> None:
        self.name = name
        self.id = trunk_id
        self.pbx_id = pbx_id
        self.pbx = settings.pbx
        self.settings = settings
        self.pace = Pace(settings.cps)
        self.cap = Cap(settings.cps)
        self.rate = Rate(settings.ramp_up)
        self.breaker = Breaker(settings.breaker)
        self.rates = Rates(settings.price, settings.prices, settings.areas)
        self.drained = False
        """It gets no new calls until it is resumed."""
        self.live = 0
        self.queued = 0
        """Claimed and not yet written."""
        self.share = 1.0
        """Its part of the calls of its tier, while all of it have room."""
        self.served = 0.0
        """Calls that it had, each counted as many as its tier made meanwhile when all is fair: who has the least comes first."""
        self.slot = Slot(trunk_id, pbx_id, name, partial(_dial, settings.number_format))

    def __repr__(self) -> str:
        return f"<Trunk {self.name} live={self.live}/{self.settings.max_channels} queued={self.queued}>"

    @property
    def free(self) -> int:
        """Channels that its own limit leaves."""
        return self.settings.max_channels - self.live

    @property
    def open(self) -> bool:
        """It is neither drained nor does its breaker keep it."""
        return not self.drained and self.breaker.room != 0

    def room(self, mono: float, horizon: float) -> int:
        """Calls that it takes within `horizon` seconds."""
        if self.drained:
            return 0
        self.pace.slow_to(self.rate.part(mono))
        room = min(self.free, self.pace.room(mono, horizon) - self.queued)
        probes = self.breaker.room
        return room if probes is None else min(room, probes)


def _dial(number_format: str, e164: str) -> str:
    return dial_format(e164, number_format)


class Tier:
    """Trunks of one priority: equals, each with its share."""

    def __init__(self, priority: int, trunks: list[Trunk]) -> None:
        self.priority = priority
        self.trunks = trunks
        self.top = 0.0
        weights = sum(trunk.settings.weight for trunk in trunks)
        for trunk in trunks:
            trunk.share = trunk.settings.weight / weights
        self._lag = 2.0 / min(trunk.share for trunk in trunks)

    def due(self, served: float) -> float:
        """By which its trunks take turns: who had no room for long makes up for a little of it only."""
        return max(served, self.top - self._lag)

    def took(self, trunk: Trunk) -> None:
        """The trunk got a call."""
        trunk.served = self.due(trunk.served) + 1.0 / trunk.share
        self.top = max(self.top, trunk.served)

    def order(self, rooms: Mapping[str, int], most: int) -> list[Slot]:
        """Up to `most` slots of those that have room, in the order of their turns."""
        turns = [
            (self.due(trunk.served), trunk.served, at)
            for at, trunk in enumerate(self.trunks)
            if rooms.get(trunk.name, 0) > 0
        ]
        if len(turns) == 1:
            only = self.trunks[turns[0][2]]
            return [only.slot] * min(most, rooms[only.name])
        heapify(turns)
        left = [rooms.get(trunk.name, 0) for trunk in self.trunks]
        found: list[Slot] = []
        while turns and len(found) < most:
            turn, served, at = turns[0]
            found.append(self.trunks[at].slot)
            left[at] -= 1
            if left[at]:
                heapreplace(turns, (turn + 1.0 / self.trunks[at].share, served, at))
            else:
                heappop(turns)
        return found


class Trunks:
    """All trunks and the limits over them together."""

    def __init__(self, settings: Settings, ids: Mapping[str, tuple[int, int]]) -> None:
        self.limits: LimitSettings = settings.limits
        self.pace = Pace(settings.limits.cps)
        self.cap = Cap(settings.limits.cps)
        self.by_name = {name: Trunk(name, *ids[name], trunk) for name, trunk in settings.trunk.items()}
        self.ranges = Ranges(settings)
        self.live = 0
        self.queued = 0
        self._waits = Waits()
        self._tiers = _tiers(self.by_name.values())
        self._tier = {trunk.name: tier for tier in self._tiers for trunk in tier.trunks}
        self._routed = bool(self.ranges) or any(not trunk.rates.plain for trunk in self.by_name.values())
        prices = {trunk.settings.price for trunk in self.by_name.values()}
        self._routed = self._routed or len(prices) > 1
        self._unheard = {
            name: _unheard(self.by_name.values(), name, settings.limits.cps) for name in settings.pbx
        }

    def unheard_limit(self, pbx: str) -> int:
        """Originates that may be written to this PBX and not acknowledged yet: what one that was frozen sends at once when
        it thaws fits into the part of the contract that pacing leaves."""
        return self._unheard[pbx]

    def find(self, name: str, pbx: str) -> Trunk:
        """The trunk of that name; for a call of a trunk that has left the settings, one that takes no new calls."""
        found = self.by_name.get(name)
        if found is None:
            found = Trunk(
                name, 0, 0, TrunkSettings(pbx=pbx, dial="Local/{number}@retired", max_channels=1, cps=1.0)
            )
        return found

    def slots(self, mono: float, horizon: float, most: int, usable: Callable[[Trunk], bool]) -> list[Slot]:
        """Free channels whose turn comes within `horizon` seconds, the best first: by priority, and in turn among equals.
        At most as many as may be used, `most` in all; more where the callee decides which of them."""
        room = self.spare(mono, horizon, most)
        if room <= 0:
            return []
        ahead = horizon
        if len(self.by_name) > 1:
            waits = 0.99 * min(self.pace.interval, LOOK_AHEAD)
            ahead = max(horizon, self.pace.peek(mono) - mono + waits)
        rooms = {
            trunk.name: min(room, trunk.room(mono, ahead)) for trunk in self.by_name.values() if usable(trunk)
        }
        found: list[Slot] = []
        for tier in self._tiers:
            found += tier.order(rooms, sum(rooms.values()) if self._routed else room - len(found))
            if len(found) >= room and not self._routed:
                break
        return found

    def spare(self, mono: float, horizon: float, most: int) -> int:
        """Calls that may leave within `horizon` seconds by whatever trunk, `most` of them waiting at most."""
        return min(
            self.limits.max_channels - self.live,
            self.pace.room(mono, horizon) - self.queued,
            most - self.queued,
        )

    def ways(self, mono: float, horizon: float, most: int, usable: Callable[[Trunk], bool]) -> Ways:
        """All of them, for a claim that is made now."""
        ways = {
            trunk.name: Way(
                trunk.name,
                trunk.open and usable(trunk),
                trunk.pace.interval,
                trunk.settings.priority,
                trunk.rates,
            )
            for trunk in self.by_name.values()
        }
        return Ways(
            ways,
            self.spare(mono, horizon, most),
            routed=self._routed,
            ranges=self.ranges.rooms(mono, horizon),
            waits=self._waits,
        )

    def next_turn(self, mono: float, usable: Callable[[Trunk], bool]) -> float | None:
        """The monotonic instant of the next pacing deadline of a trunk with a free channel; None when no channel is
        free."""
        if self.live >= self.limits.max_channels:
            return None
        turns = [
            trunk.pace.peek(mono)
            for trunk in self.by_name.values()
            if trunk.free > 0 and trunk.open and usable(trunk)
        ]
        return max(min(turns), self.pace.peek(mono)) if turns else None

    def take(self, trunk: Trunk) -> None:
        """A call was claimed on `trunk`."""
        self.live += 1
        self.queued += 1
        trunk.live += 1
        trunk.queued += 1
        self._tier[trunk.name].took(trunk)

    def left_queue(self, trunk: Trunk) -> None:
        """A claimed call was written or given up."""
        self.queued -= 1
        trunk.queued -= 1

    def release(self, trunk: Trunk) -> None:
        """A call on `trunk` ended."""
        self.live -= 1
        trunk.live -= 1

    def adopt(self, trunk: Trunk) -> None:
        """A call of an earlier run was taken up."""
        self.live += 1
        trunk.live += 1


def _tiers(trunks: Iterable[Trunk]) -> list[Tier]:
    by_priority: dict[int, list[Trunk]] = {}
    for trunk in trunks:
        by_priority.setdefault(trunk.settings.priority, []).append(trunk)
    return [Tier(priority, by_priority[priority]) for priority in sorted(by_priority, reverse=True)]


def _unheard(trunks: Iterable[Trunk], pbx: str, cps: float) -> int:
    contract = min(sum(trunk.settings.cps for trunk in trunks if trunk.pbx == pbx), cps)
    return min(MOST_UNHEARD, max(LEAST_UNHEARD, round(contract * (1.0 - MARGIN))))
