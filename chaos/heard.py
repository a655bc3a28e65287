"""What the callee wrote down, read as it grows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Heard:
    """A line of the callee's log."""

    at: float
    """POSIX seconds."""
    what: str
    number: str
    call_id: str
    rest: str


class CalleeLog:
    """The log, and all that was read of it so far, in `lines`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines: list[Heard] = []
        self._offset = 0
        self._torn = b""

    def read(self) -> list[Heard]:
        """What came since the last time."""
        if not self.path.exists():
            return []
        with self.path.open("rb") as handle:
            handle.seek(self._offset)
            data = handle.read()
        self._offset += len(data)
        *lines, self._torn = (self._torn + data).split(b"\n")
        fresh = []
        for line in lines:
            at, what, number, call_id, *rest = line.decode().split(" ")
            fresh.append(Heard(float(at) / 1000, what, number, call_id, " ".join(rest)))
        self.lines += fresh
        return fresh

    def after(self, moment: float) -> list[Heard]:
        """What was written after that moment, oldest first."""
        self.read()
        found: list[Heard] = []
        for one in reversed(self.lines):
            if one.at <= moment - 1.0:
                break
            if one.at > moment:
                found.append(one)
        return found[::-1]
