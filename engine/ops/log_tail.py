"""The last troubles in the engine's log file: what there is to see of them when no engine runs that could tell."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import orjson

from engine.ops.tally import TROUBLES, Trouble, text_of

TAIL = 256 * 1024
"""Bytes of the file that are looked at."""


def troubles(path: Path | None) -> list[Trouble]:
    """Lines of level warning and error near the end of the log, the last one last. Empty where it cannot be read."""
    if path is None:
        return []
    try:
        with path.open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - TAIL))
            lines = file.read(TAIL).splitlines()
    except OSError:
        return []
    found = [line for line in map(_line, lines) if line.get("level") in ("warning", "error")]
    return [
        Trouble(str(one["time"]), one["level"], str(one["event"]), text_of(one)) for one in found[-TROUBLES:]
    ]


def _line(text: bytes) -> dict[str, Any]:
    """A line of ours; empty for one that is not (cut off at the beginning, or somebody else's)."""
    try:
        found = orjson.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) and {"time", "level", "event"} <= found.keys() else {}
