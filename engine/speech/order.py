"""What is asked of the process that makes sound, and what it answers: JSON both ways."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Item:
    """One prompt to make; `key` names it in the answer."""

    key: str
    source: str
    """A recording."""
    target: str
    """Path of the files to write, without their endings."""


@dataclass(frozen=True, slots=True)
class Order:
    """Prompts to make, all in the same forms and at the same level."""

    items: tuple[Item, ...]
    forms: tuple[str, ...]
    level: float | None
    """None: as they were recorded."""
    parent: int

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, table: dict[str, Any]) -> Order:
        items = tuple(Item(**one) for one in table["items"])
        return cls(items, tuple(table["forms"]), table["level"], table["parent"])


@dataclass(frozen=True, slots=True)
class Made:
    """The prompt `key` lies there. `level`: of its speech in dB below full scale."""

    key: str
    seconds: float
    level: float
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Refused:
    """The prompt `key` cannot be made: why, and what to do about it."""

    key: str
    what: str
    todo: str
