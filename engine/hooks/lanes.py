"""What waits for one receiver, in the order in which it may go.

Rows of a lane (a contact's events, a campaign's) go one after another, in the order of what happened: the next one not
before the receiver has taken the last, or it was given up. Lanes do not wait for each other. Knows nothing of clocks:
`now` is an argument, in POSIX seconds.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Collection, Iterable
from typing import Generic, Protocol, TypeVar

LONGEST_WAIT = 3600.0
"""Seconds that a row waits at most for its next try, however the clock was set since that was reckoned."""


class Waits(Protocol):
    """What waits: ids grow in the order of what happened."""

    id: int
    lane: int
    due_at: float


W = TypeVar("W", bound=Waits)


class Lanes(Generic[W]):
    """The rows that are in memory: taken by `take`, and then either done with or back by `again`."""

    def __init__(self) -> None:
        self._lanes: dict[int, deque[W]] = {}
        self._ready: list[tuple[int, W]] = []
        """Heads of lanes that may go, by id."""
        self._later: list[tuple[float, int, W]] = []
        """Heads of lanes that wait for their next try."""
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __repr__(self) -> str:
        return f"<Lanes rows={self._count} lanes={len(self._lanes)} ready={len(self._ready)}>"

    def add(self, rows: Iterable[W], now: float) -> None:
        """Rows that are new here, in the order of their ids."""
        for row in rows:
            self._count += 1
            lane = self._lanes.setdefault(row.lane, deque())
            lane.append(row)
            if len(lane) == 1:
                self._head(row, now)

    def _head(self, row: W, now: float) -> None:
        if row.due_at <= now:
            heapq.heappush(self._ready, (row.id, row))
        else:
            heapq.heappush(self._later, (min(row.due_at, now + LONGEST_WAIT), row.id, row))

    def take(self, now: float) -> W | None:
        """The oldest row that may go now. Nothing else of its lane goes until `done` or `again`."""
        while self._later and self._later[0][0] <= now:
            _, _, row = heapq.heappop(self._later)
            heapq.heappush(self._ready, (row.id, row))
        return heapq.heappop(self._ready)[1] if self._ready else None

    def next_due(self) -> float | None:
        """When the next row may go that may not yet; None when there is none."""
        return self._later[0][0] if self._later else None

    def done(self, row: W, now: float) -> None:
        """This row was taken, and is not to be sent any more: the next one of its lane may go."""
        lane = self._lanes[row.lane]
        lane.popleft()
        self._count -= 1
        if lane:
            self._head(lane[0], now)
        else:
            del self._lanes[row.lane]

    def again(self, row: W, now: float) -> None:
        """This row was taken, and is to be sent again at its `due_at`."""
        self._head(row, now)

    def discard(self, ids: Collection[int], now: float) -> None:
        """These rows are gone from the outbox. None of them may be one that was taken."""
        gone = set(ids)
        for lane in [key for key, rows in self._lanes.items() if any(row.id in gone for row in rows)]:
            rows = self._lanes[lane]
            kept = deque(row for row in rows if row.id not in gone)
            self._count -= len(rows) - len(kept)
            was = rows[0]
            if kept:
                self._lanes[lane] = kept
                if kept[0] is not was:
                    self._head(kept[0], now)
            else:
                del self._lanes[lane]
        self._ready = [one for one in self._ready if one[0] not in gone]
        self._later = [one for one in self._later if one[1] not in gone]
        heapq.heapify(self._ready)
        heapq.heapify(self._later)
