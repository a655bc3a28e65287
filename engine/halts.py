"""Nothing at all is dialed: an emergency stop, which holds until it is lifted, and a quiet time, which has an end.

Values, and what the running engine remembers of them. They are stored by `engine.store.halts`; every claim looks there as
well, in its own transaction. Knows no campaign and no call. Instants in POSIX seconds.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

HaltKind = Literal["stop", "quiet"]


@dataclass(frozen=True, slots=True)
class Halt:
    """Why nothing is dialed, since when, and by whom."""

    kind: HaltKind
    at: float
    until: float | None
    """None: until it is lifted."""
    by: str
    reason: str

    def holds(self, now: float) -> bool:
        """Does it still hold at `now`?"""
        return self.until is None or now < self.until


class Halts:
    """Those that the running engine obeys, by kind."""

    def __init__(self, stored: Iterable[Halt] = ()) -> None:
        self._by_kind: dict[str, Halt] = {halt.kind: halt for halt in stored}

    def __repr__(self) -> str:
        return f"<Halts {' '.join(sorted(self._by_kind)) or 'none'}>"

    def lay(self, halt: Halt) -> None:
        """Obey it from now on, in place of the one of its kind."""
        self._by_kind[halt.kind] = halt

    def lift(self, kind: HaltKind) -> None:
        """Obey the one of this kind no longer."""
        self._by_kind.pop(kind, None)

    def word(self, now: float) -> str:
        """Why nothing may be dialed at `now`, in words; empty when nothing stands against it."""
        for halt in self._by_kind.values():
            if halt.holds(now):
                return "all dialing is stopped" if halt.kind == "stop" else "it is a quiet time"
        return ""
