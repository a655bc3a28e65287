"""Those with whom callees are connected: how many more calls may be made while so many of them are free.

A transfer target has places. A live call that may offer it takes part of a place (`calls_per_place` of them share one), a call that
was connected takes a whole one, so that the dialer slows down while agents talk. Where the target is a queue, no more places count
than it has agents who are free, as the queue itself told last. The dialplan keeps the places too, on its own: it offers a key only
where a place is left.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from engine.config import TransferSettings


class Agents:
    """The places of every transfer target, over all PBXs."""

    def __init__(self, targets: Mapping[str, TransferSettings], pbxs: int = 1) -> None:
        self._targets = targets
        self._pbxs = pbxs
        self._offered: Counter[str] = Counter()
        self._talking: dict[str, set[int]] = {}
        self._free: dict[str, dict[str, int | None]] = {
            name: {} for name, target in targets.items() if target.queue is not None
        }
        """Queue target -> PBX -> agents for whom nobody waits yet, as it was told last; None where nobody can tell. Until it was
        asked, nobody is free."""
        self._talking_then: dict[str, int] = {}
        """Calls that were connected with that target then."""

    def __repr__(self) -> str:
        talking = {name: len(calls) for name, calls in self._talking.items() if calls}
        return f"<Agents offered={dict(self._offered)} talking={talking}>"

    def take(self, targets: Iterable[str]) -> None:
        """A call was made that may offer these."""
        self._offered.update(targets)

    def release(self, targets: Iterable[str], attempt: int) -> None:
        """That call ended."""
        self._offered.subtract(targets)
        for calls in self._talking.values():
            calls.discard(attempt)

    def connected(self, target: str, attempt: int) -> None:
        """The call waits for `target`, or talks with it."""
        self._talking.setdefault(target, set()).add(attempt)

    def parted(self, target: str, attempt: int) -> None:
        """Nobody was free: the call goes on without."""
        self._talking.get(target, set()).discard(attempt)

    def staffed(self, target: str, pbx: str, free: int | None) -> bool:
        """The target's queue on this PBX has so many agents who are free; None: it cannot tell. True when there may be room where
        none was."""
        before = self.room([target])
        self._free[target][pbx] = free
        self._talking_then[target] = self.talking(target)
        return not before and self.room([target]) != 0

    def queues(self, targets: Iterable[str]) -> dict[str, str]:
        """Those of the targets that are queues -> the queue's name on the PBX."""
        found = {name: self._targets.get(name) for name in targets}
        return {
            name: target.queue
            for name, target in found.items()
            if target is not None and target.queue is not None
        }

    def talking(self, target: str) -> int:
        """Calls that wait for this target, or talk with it."""
        return len(self._talking.get(target, ()))

    def room(self, targets: Iterable[str]) -> int | None:
        """How many more calls may be made that offer these; None when nothing limits them. A target that has left the
        settings limits nothing: the dialplan does not offer it."""
        found: int | None = None
        for name in targets:
            target = self._targets.get(name)
            if target is None:
                continue
            talking = self.talking(name)
            free = target.places * self._pbxs - talking
            if name in self._free:
                free = min(free, self._told(name, free))
            free = max(0, free)
            room = int(free * target.calls_per_place) - (self._offered[name] - talking)
            found = max(0, room if found is None else min(found, room))
        return found

    def _told(self, target: str, unasked: int) -> int:
        """Agents of the queue who are free; `unasked` when somebody of those who should know cannot tell."""
        known = [free for free in self._free[target].values() if free is not None]
        if len(known) < len(self._free[target]):
            return unasked
        # Who was connected since then is with an agent who was free then.
        return sum(known) - max(0, self.talking(target) - self._talking_then.get(target, 0))

    def trunk(self, target: str) -> str | None:
        """The trunk by which this target is dialed; None for one on the PBX."""
        found = self._targets.get(target)
        return None if found is None else found.trunk

    def longest(self, target: str) -> float:
        """Seconds that a call may last once it is connected."""
        found = self._targets.get(target)
        return 0.0 if found is None else found.max_talk + found.ring
