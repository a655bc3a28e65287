"""The calls that live now, and what they hold: a channel of a trunk and of a campaign, a timer."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator

from engine.dialing.agents import Agents
from engine.dialing.call import Call
from engine.dialing.ranges import Range
from engine.dialing.running import Running
from engine.dialing.trunks import Trunk, Trunks
from engine.store.claimed import Claim


class Live:
    """A call from its claim to its end, with all that is needed to say what follows."""

    __slots__ = (
        "call",
        "claim",
        "deadline",
        "probe",
        "ranges",
        "running",
        "second",
        "timer",
        "told",
        "trunk",
        "written_at",
    )

    def __init__(self, claim: Claim, running: Running, trunk: Trunk) -> None:
        self.claim = claim
        self.call = Call(claim.attempt)
        self.running = running
        self.trunk = trunk
        self.second: Trunk | None = None
        """The trunk that has a second channel of it: the callee is connected with a number."""
        self.ranges: tuple[Range, ...] = ()
        """The ranges of numbers that it is in."""
        self.probe = False
        """It is to tell whether its trunk works again."""
        self.told = False
        """It has told what there is to tell of its trunk."""
        self.written_at: float | None = None
        """Monotonic instant of its Originate."""
        self.timer: asyncio.TimerHandle | None = None
        self.deadline = float("inf")
        """Monotonic instant after which events that should have come are missed."""

    @property
    def targets(self) -> frozenset[str]:
        """Transfer targets to which this call may lead."""
        return self.running.starts.get(self.claim.start, self.running.targets)

    def stop_timer(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None


class Ledger:
    """Every live call by attempt. What is taken is given back exactly once."""

    def __init__(self, trunks: Trunks, agents: Agents) -> None:
        self._trunks = trunks
        self.agents = agents
        self._calls: dict[int, Live] = {}
        self.begun: Counter[str] = Counter()
        """Calls claimed since the start, by campaign."""
        self.begun_by: Counter[str] = Counter()
        """The same, by trunk."""

    def __len__(self) -> int:
        return len(self._calls)

    def __iter__(self) -> Iterator[Live]:
        return iter(list(self._calls.values()))

    def __repr__(self) -> str:
        return f"<Ledger live={len(self._calls)} {self._trunks.by_name!r}>"

    def get(self, attempt: int) -> Live | None:
        return self._calls.get(attempt)

    def open(self, live: Live, *, adopted: bool = False) -> None:
        """Enter a call: just claimed, or taken up from an earlier run."""
        self._calls[live.claim.attempt] = live
        live.running.live += 1
        self.agents.take(live.targets)
        live.ranges = self._trunks.ranges.of(live.trunk.name, live.claim.e164)
        for one in live.ranges:
            one.live += 1
            one.queued += not adopted
        if adopted:
            live.told = True
            self._trunks.adopt(live.trunk)
        else:
            live.probe = live.trunk.breaker.probe()
            self._trunks.take(live.trunk)
            self.begun[live.running.name] += 1
            self.begun_by[live.trunk.name] += 1

    def left_queue(self, live: Live) -> None:
        """A claimed call was written or given up."""
        self._trunks.left_queue(live.trunk)
        for one in live.ranges:
            one.queued -= 1

    def close(self, live: Live) -> None:
        """The call ended: give its channel back."""
        del self._calls[live.claim.attempt]
        live.stop_timer()
        live.running.live -= 1
        self.agents.release(live.targets, live.claim.attempt)
        for one in live.ranges:
            one.live -= 1
        self._trunks.release(live.trunk)
        self.part(live)

    def connect(self, live: Live, trunk: str | None) -> None:
        """The callee is connected with a number, by `trunk`: that is a channel more. None: with somebody on the PBX."""
        found = self._trunks.by_name.get(trunk or "")
        if found is not None and live.second is None:
            live.second = found
            self._trunks.adopt(found)

    def part(self, live: Live) -> None:
        """That channel is free again."""
        if live.second is not None:
            self._trunks.release(live.second)
            live.second = None
