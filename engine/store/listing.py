"""What suppression lists say of a number, in the words of the gate: on which it is, how old a registry's copy is, and what
cannot be asked.

Lives in the thread of the connection that it is refreshed from, as `engine.store.registries` does.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Protocol

from engine.rules.gate import UNLISTED, Listing
from engine.store.registries import Registries

FOLDER = "lists"
"""Of the state directory, where the list files lie."""


class Lists(Protocol):
    """Suppression lists, as one transaction sees them."""

    def refresh(self, connection: sqlite3.Connection) -> object:
        """See what `connection` sees."""

    def of(self, e164: str, names: Sequence[str]) -> Listing:
        """What the lists of these names, and the ones that always count, say of a number."""


class NoLists:
    """No list is there: what must be checked cannot be."""

    def refresh(self, connection: sqlite3.Connection) -> None:
        """Nothing to see."""

    def of(self, e164: str, names: Sequence[str]) -> Listing:
        return Listing(unusable=f"there is no list {names[0]!r}: import it") if names else UNLISTED


class ListBook:
    """The lists of one state directory."""

    def __init__(self, state: Path) -> None:
        self._registries = Registries(state / FOLDER)

    def __repr__(self) -> str:
        return f"<ListBook {self._registries!r}>"

    def refresh(self, connection: sqlite3.Connection) -> None:
        """See what `connection` sees. Costs one tiny query when nothing has changed."""
        self._registries.refresh(connection)

    def of(self, e164: str, names: Sequence[str]) -> Listing:
        look = self._registries.look(e164, (), tuple(names))
        if not look.hits and not look.ages and not look.unusable:
            return UNLISTED
        return Listing(
            on=look.hits[0].list if look.hits else "",
            copies={age.list: _instant(age.date) for age in look.ages},
            unusable="; ".join(one.why for one in look.unusable),
        )

    def close(self) -> None:
        """Let go of all files."""
        self._registries.close()


@lru_cache(maxsize=1024)
def _instant(day: str) -> float:
    """The beginning of a date, UTC: the data is that old at the least."""
    return datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()
