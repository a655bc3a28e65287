"""The campaigns that may dial now, in the order in which they get their turn.

Emergencies first, then by priority; among equals by share: each call moves a campaign back by as much as its share makes of
it, and who was idle begins where the others are. Kept in memory, and kept sorted: a campaign tells when something of it
changes, and only then its place is looked for, so that a claim costs the same with ten campaigns and with thousands.

Each campaign stands in one heap: of those that are ready, one heap for all that may use the same trunks and lead to the same
agents; of those whose next contact falls due later (by the wall clock); of those that their own pace holds (by the monotonic
one); or in none, while it is paused or has all its channels in use. What is left behind in a heap when a campaign moves is
known by its number, and dropped when it comes up.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from heapq import heapify, heappop, heappush

from pydantic import ValidationError

from engine.config import Settings
from engine.dialing.agents import Agents
from engine.dialing.running import NEVER, Running
from engine.store.campaigns import CampaignRow
from engine.store.claimed import Claimant

Group = tuple[frozenset[str], frozenset[str]]
"""Trunks that may be used, and transfer targets that may be offered."""
Rank = tuple[bool, int]
Turn = tuple[bool, int, float, int, int, int]
"""Not an emergency, priority downwards, calls by share, the last turn; the entry's number and the campaign's id."""
LEFT_BEHIND = 4
"""Entries for each campaign, in all, until the heaps are cleared of what was left behind."""


PASSED_OVER = 1000
"""Campaigns that cannot be dialed now (no PBX has their flow) and are passed over in one look."""


def _as_it_is(claimant: Claimant) -> Claimant:
    return claimant


class Agenda:
    """All campaigns that are not over."""

    def __init__(self, settings: Settings, agents: Agents) -> None:
        self._settings = settings
        self._agents = agents
        self._turns = itertools.count(1)
        self._numbers = itertools.count(1)
        self.campaigns: dict[int, Running] = {}
        self._touched: dict[int, Running] = {}
        """Those whose place is to be looked for."""
        self._entry: dict[int, int] = {}
        """Number of the entry that counts, by campaign."""
        self._ready: dict[Group, list[Turn]] = {}
        self._later: list[tuple[float, int, int]] = []
        self._held: list[tuple[float, int, int]] = []
        self._begun: dict[Rank, float] = {}
        """How far the first of those that were ready had come, by rank: where who was idle begins."""

    def __repr__(self) -> str:
        return f"<Agenda campaigns={len(self.campaigns)}>"

    def refresh(self, rows: Iterable[CampaignRow]) -> None:
        """Take the state of all open campaigns from the database."""
        rows = list(rows)
        self.update([(row.id, row.state) for row in rows], rows, {row.id for row in rows})

    def update(
        self,
        states: Sequence[tuple[int, str]],
        rows: Iterable[CampaignRow],
        grown: Iterable[int] = (),
    ) -> list[tuple[CampaignRow, ValidationError]]:
        """The same, where little has changed: the state of every open campaign, the rows of those that are new, and the ids of
        those that got contacts. Returns the campaigns that cannot be read, which stop nobody else."""
        unreadable = []
        for row in rows:
            if row.id not in self.campaigns:
                try:
                    known = Running(row, self._settings)
                except ValidationError as error:  # another version has stored it
                    unreadable.append((row, error))
                    continue
                self.campaigns[row.id] = known
                known.touched = self._touch
                self._touch(known)
            elif self.campaigns[row.id].steered != row.steered:
                self.campaigns[row.id].steer(row, self._settings)
        for campaign_id, state in states:
            one = self.campaigns.get(campaign_id)
            if one is not None and one.state != state:
                one.set_state(state)
                one.next_due = 0.0
        for campaign_id in grown:
            if campaign_id in self.campaigns:
                self.campaigns[campaign_id].next_due = 0.0
        open_ones = {campaign_id for campaign_id, _ in states}
        for known in [one for key, one in self.campaigns.items() if key not in open_ones]:
            del self.campaigns[known.id]
            known.set_state("over")  # calls of it that were claimed and not sent are void
            self._touched.pop(known.id, None)
            self._entry.pop(known.id, None)
        return unreadable

    def _touch(self, running: Running) -> None:
        if self.campaigns.get(running.id) is running:
            self._touched[running.id] = running

    # -- places --------------------------------------------------------------------------------------------------------

    def _settle(self, now: float, mono: float, horizon: float) -> None:
        """Everybody to the place that is theirs now."""
        touched, self._touched = self._touched, {}
        for one in touched.values():
            self._place(one, now, mono, horizon)
        for heap, until in ((self._later, now), (self._held, mono)):
            while heap and heap[0][0] <= until:
                _, number, campaign_id = heappop(heap)
                if self._entry.get(campaign_id) == number:
                    self._place(self.campaigns[campaign_id], now, mono, horizon)
        if (
            sum(map(len, self._ready.values())) + len(self._later) + len(self._held)
            > LEFT_BEHIND * len(self.campaigns) + 100
        ):
            self._clear()

    def _place(self, one: Running, now: float, mono: float, horizon: float) -> None:
        self._entry.pop(one.id, None)
        if one.wait(now, mono, horizon) == NEVER:
            return
        number = self._entry[one.id] = next(self._numbers)
        held = one.held_until(horizon)
        if one.next_due > now:
            heappush(self._later, (one.next_due, number, one.id))
        elif held > mono:
            heappush(self._held, (held, number, one.id))
        else:
            one.passed = max(one.passed, self._begun.get(one.rank, 0.0))
            emergency, priority = one.rank
            turn = (not emergency, -priority, one.passed, one.turn, number, one.id)
            heappush(self._ready.setdefault((one.trunks, one.targets), []), turn)

    def _clear(self) -> None:
        for heap in (self._later, self._held):
            heap[:] = [entry for entry in heap if self._entry.get(entry[2]) == entry[1]]
            heapify(heap)
        for group, turns in list(self._ready.items()):
            turns[:] = [turn for turn in turns if self._entry.get(turn[5]) == turn[4]]
            heapify(turns)
            if not turns:
                del self._ready[group]

    def _open(self) -> list[tuple[Group, list[Turn]]]:
        """The groups in which somebody is ready, and whose agents are free."""
        found = []
        for group, turns in list(self._ready.items()):
            while turns and self._entry.get(turns[0][5]) != turns[0][4]:
                heappop(turns)
            if not turns:
                del self._ready[group]
            elif not group[1] or self._agents.room(group[1]) != 0:
                found.append((group, turns))
        return found

    # -- what the dispatcher asks --------------------------------------------------------------------------------------

    def wait(self, now: float, mono: float, horizon: float) -> float:
        """Seconds until some campaign may have something to dial."""
        self._settle(now, mono, horizon)
        if self._open():
            return 0.0
        return min(self._first(self._later) - now, self._first(self._held) - mono)

    def _first(self, heap: list[tuple[float, int, int]]) -> float:
        while heap and self._entry.get(heap[0][2]) != heap[0][1]:
            heappop(heap)
        return heap[0][0] if heap else NEVER

    def targets(self) -> frozenset[str]:
        """Transfer targets of the campaigns that run."""
        running = [one for one in self.campaigns.values() if one.state == "running"]
        return frozenset().union(*(found for one in running for found in (one.targets, *one.starts.values())))

    def trunks(self, now: float, mono: float, horizon: float) -> frozenset[str]:
        """Trunks that campaigns with something due may use."""
        self._settle(now, mono, horizon)
        return frozenset().union(*(group[0] for group, _ in self._open()))

    def claimants(
        self,
        now: float,
        mono: float,
        horizon: float,
        trunks: frozenset[str],
        most: int = 50,
        ready: Callable[[Claimant], Claimant] = _as_it_is,
    ) -> list[tuple[Running, Claimant]]:
        """Campaigns with something due and channels left, at most `most`: the first whose turn it is. `ready` leaves of a
        claimant's trunks those that it can use now; who has none is passed over."""
        self._settle(now, mono, horizon)
        heaps = [turns for group, turns in self._open() if group[0] & trunks]
        heads = [(turns[0], at) for at, turns in enumerate(heaps)]
        heapify(heads)
        seen: list[tuple[Turn, int]] = []
        found: list[tuple[Running, Claimant]] = []
        while heads and len(found) < most and len(seen) < PASSED_OVER + most:
            turn, at = heappop(heads)
            seen.append((heappop(heaps[at]), at))
            while heaps[at] and self._entry.get(heaps[at][0][5]) != heaps[at][0][4]:
                heappop(heaps[at])
            if heaps[at]:
                heappush(heads, (heaps[at][0], at))
            running = self.campaigns[turn[5]]
            claimant = ready(self._claimant(running, mono, horizon, trunks))
            if claimant.trunks:
                found.append((running, claimant))
        for turn, at in reversed(seen):
            heappush(heaps[at], turn)
        for running, _ in reversed(found):
            self._begun[running.rank] = running.passed
        return found

    def _claimant(self, one: Running, mono: float, horizon: float, trunks: frozenset[str]) -> Claimant:
        own, agents = one.room(mono, horizon), self._agents.room(one.targets) if one.targets else None
        return Claimant(
            one.id,
            one.rules,
            one.flow_version,
            one.trunks & trunks,
            own if agents is None else min(own, agents),
            self._start_room(one),
            one.trunks,
            one.congestion_delay,
            one.most_of if one.campaign.cost_per_day is not None and one.tariff.by_number else None,
        )

    def _start_room(self, one: Running) -> dict[str, int]:
        """Callbacks that may be made now, by the node with which they begin; those that nothing limits are not in it."""
        rooms = {start: self._agents.room(targets) for start, targets in one.starts.items()}
        return {start: room for start, room in rooms.items() if room is not None}

    def serve(self, running: Running, mono: float = float("-inf")) -> None:
        """This campaign got a call: others of its rank come first the next time."""
        running.passed += 1.0 / running.share
        running.turn = next(self._turns)
        if running.pace is not None and mono > float("-inf"):
            running.pace.next(mono)
        self._touch(running)
