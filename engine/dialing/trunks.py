"""A trunk at work: its limits, its pace, and how many of its channels are in use."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial

from engine.config import LimitSettings, Settings
from engine.dialing.pacing import MARGIN, Pace
from engine.dialing.throttle import Cap
from engine.rules.numbers import dial_format
from engine.store.ways import Slot
from engine.trunk_settings import TrunkSettings

MOST_UNHEARD = 64
LEAST_UNHEARD = 2
"""Originates that may be unacknowledged at one PBX, whatever the contract: what a lost link puts in doubt, and what a slow
acknowledgement of some ten milliseconds needs."""


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
        self.live = 0
        self.queued = 0
        """Claimed and not yet written."""
        self.taken = 0
        """Calls claimed for it since the start: who has had the fewest comes first."""
        self.slot = Slot(trunk_id, pbx_id, name, partial(_dial, settings.number_format))

    def __repr__(self) -> str:
        return f"<Trunk {self.name} live={self.live}/{self.settings.max_channels} queued={self.queued}>"

    @property
    def free(self) -> int:
        """Channels that its own limit leaves."""
        return self.settings.max_channels - self.live


def _dial(number_format: str, e164: str) -> str:
    return dial_format(e164, number_format)


class Trunks:
    """All trunks and the limits over them together."""

    def __init__(self, settings: Settings, ids: Mapping[str, tuple[int, int]]) -> None:
        self.limits: LimitSettings = settings.limits
        self.pace = Pace(settings.limits.cps)
        self.cap = Cap(settings.limits.cps)
        self.by_name = {name: Trunk(name, *ids[name], trunk) for name, trunk in settings.trunk.items()}
        self.live = 0
        self.queued = 0
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
        """Free channels whose turn comes within `horizon` seconds, at most `most`, spread over the trunks in turn."""
        room = min(
            self.limits.max_channels - self.live,
            self.pace.room(mono, horizon) - self.queued,
            most - self.queued,
        )
        offers = [
            (trunk, min(trunk.free, trunk.pace.room(mono, horizon) - trunk.queued))
            for trunk in sorted(self.by_name.values(), key=lambda trunk: trunk.taken)
            if usable(trunk)
        ]
        found: list[Slot] = []
        while room > 0 and offers:
            offers = [(trunk, left) for trunk, left in offers if left > 0]
            for at, (trunk, left) in enumerate(offers):
                if room > 0:
                    found.append(trunk.slot)
                    offers[at] = (trunk, left - 1)
                    room -= 1
        return found

    def next_turn(self, mono: float, usable: Callable[[Trunk], bool]) -> float | None:
        """The monotonic instant of the next pacing deadline of a trunk with a free channel; None when no channel is
        free."""
        if self.live >= self.limits.max_channels:
            return None
        turns = [trunk.pace.peek(mono) for trunk in self.by_name.values() if trunk.free > 0 and usable(trunk)]
        return max(min(turns), self.pace.peek(mono)) if turns else None

    def take(self, trunk: Trunk) -> None:
        """A call was claimed on `trunk`."""
        self.live += 1
        self.queued += 1
        trunk.live += 1
        trunk.queued += 1
        trunk.taken += 1

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


def _unheard(trunks: Iterable[Trunk], pbx: str, cps: float) -> int:
    contract = min(sum(trunk.settings.cps for trunk in trunks if trunk.pbx == pbx), cps)
    return min(MOST_UNHEARD, max(LEAST_UNHEARD, round(contract * (1.0 - MARGIN))))
