"""What is asked of the process that makes sound, and what it answers: JSON both ways."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

PLACES = ("{language}", "{voice}", "{output}")
"""What is replaced in the words of a command that speaks."""


@dataclass(frozen=True, slots=True)
class Speech:
    """A text, and the command that speaks it, with PLACES in its words."""

    text: str
    language: str
    voice: str
    command: tuple[str, ...]
    timeout: float
    """Seconds."""


@dataclass(frozen=True, slots=True)
class Item:
    """One prompt to make, of a recording or of a text; `key` names it in the answer."""

    key: str
    source: str | Speech
    """The path of a recording, or what is to be spoken."""
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
    cache: str | None = None
    """A folder of what commands spoke before."""
    keeps: bool = False
    """What they speak now is kept there."""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, table: dict[str, Any]) -> Order:
        items = tuple(Item(one["key"], _source(one["source"]), one["target"]) for one in table["items"])
        return cls(
            items, tuple(table["forms"]), *(table[key] for key in ("level", "parent", "cache", "keeps"))
        )


def _source(given: str | dict[str, Any]) -> str | Speech:
    return given if isinstance(given, str) else Speech(**{**given, "command": tuple(given["command"])})


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
