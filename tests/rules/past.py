"""A past for the gate that lives in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from engine.rules.gate import UNLISTED, Listing, Used


@dataclass
class Blank:
    """What happened at a number: nothing, unless told otherwise."""

    called: Mapping[str, Sequence[float]] = field(default_factory=dict)
    """Scope -> instants, newest first."""
    events: Mapping[str, float] = field(default_factory=dict)
    listing: Listing = UNLISTED
    share: tuple[int, int] = (0, 0)
    used: Used = field(default_factory=Used)
    never: frozenset[str] = frozenset()
    """Other numbers that are never to be called."""
    asked: list[tuple[str, ...]] = field(default_factory=list)
    """Names of lists that the gate asked for."""

    def attempts(self, scope: str, most: int, since: float) -> Sequence[float]:
        return [at for at in self.called.get(scope, ()) if at > since][:most]

    def last(self, after: str) -> float | None:
        return self.events.get(after)

    def lists(self, names: Sequence[str]) -> Listing:
        self.asked.append(tuple(names))
        return self.listing

    def abandoned(self) -> tuple[int, int]:
        return self.share

    def suppressed(self, e164: str) -> bool:
        return e164 in self.never

    def today(self) -> Used:
        return self.used
