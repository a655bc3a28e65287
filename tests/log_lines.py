"""Every line that is logged in a test is held against its published schema, docs/schema/log.json.

Lines of engines that run as processes of their own are read from their output by the fixtures that start them; what parts of the
engine log inside a test comes through `Captured`. A test ends wrong when a line in it did, see tests/conftest.py.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, MutableMapping
from pathlib import Path
from typing import Any

import orjson
from structlog.testing import LogCapture

SCHEMA = json.loads((Path(__file__).parents[1] / "docs" / "schema" / "log.json").read_text(encoding="utf-8"))
TYPES = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "array": list,
    "object": dict,
    "null": type(None),
}
BOUND = frozenset({"time", "pbx", "hook"})
"""Fields that the whole engine gives its parts' loggers; a part alone in a test has a logger without."""

wrong: list[str] = []
"""What was wrong with lines since the test began."""


def _is_a(value: Any, word: str) -> bool:
    return isinstance(value, TYPES[word]) and (word == "boolean" or not isinstance(value, bool))


WORDS: dict[str, Callable[[Any, Any], bool]] = {
    "type": _is_a,
    "enum": lambda value, wanted: value in wanted,
    "const": lambda value, wanted: value == wanted,
    "pattern": lambda value, wanted: not isinstance(value, str) or re.search(wanted, value) is not None,
    "minLength": lambda value, wanted: not isinstance(value, str) or len(value) >= wanted,
    "minimum": lambda value, wanted: not isinstance(value, int | float) or value >= wanted,
    "maximum": lambda value, wanted: not isinstance(value, int | float) or value <= wanted,
    "anyOf": lambda value, wanted: any(not faults(value, one) for one in wanted),
    "description": lambda value, wanted: True,
}
"""The words of JSON Schema (draft 2020-12) that log.json uses, beside those for what an object or a list holds."""
INSIDE = frozenset({"properties", "required", "additionalProperties", "items"})


def faults(value: Any, schema: dict[str, Any], where: str = "") -> list[str]:
    """What is wrong with a value. Raises KeyError at a word that is not known here: nothing may pass because its schema is
    not understood."""
    found = [
        f"{where}: {value!r} is not {word} {wanted!r}"
        for word, wanted in schema.items()
        if word not in INSIDE and not WORDS[word](value, wanted)
    ]
    if isinstance(value, list):
        for at, one in enumerate(value):
            found += faults(one, schema.get("items", {}), f"{where}[{at}]")
    if isinstance(value, dict):
        properties, rest = schema.get("properties", {}), schema.get("additionalProperties", True)
        found += [f"{where}.{key} is missing" for key in schema.get("required", ()) if key not in value]
        for key, one in value.items():
            if key in properties:
                found += faults(one, properties[key], f"{where}.{key}")
            elif rest is False:
                found.append(f"{where}.{key} is not known")
            elif rest is not True:
                found += faults(one, rest, f"{where}.{key}")
    return found


def line_faults(line: dict[str, Any], *, part: bool = False) -> list[str]:
    """What is wrong with a line. `part`: it comes from a part of the engine, whose logger has nothing bound to it."""
    event = line.get("event")
    definition = SCHEMA["$defs"].get(event)
    if definition is None:
        return [f"there is no event {event!r}: enter it in engine/ops/log_events.py, and `make schemas`"]
    if part:
        definition = {**definition, "required": [key for key in definition["required"] if key not in BOUND]}
    return [f"{event}{fault}: see engine/ops/log_events.py" for fault in faults(line, definition)]


def hold(lines: Iterable[str | bytes]) -> None:
    """Hold lines that an engine wrote against the schema. What is no JSON at all is somebody else's (a crash, an interpreter)."""
    for text in lines:
        try:
            line = orjson.loads(text)
        except ValueError:
            continue
        wrong.extend(line_faults(line))


class Captured(LogCapture):
    """Keeps what a part of the engine logs, and holds it against the schema."""

    def __call__(self, logger: Any, method: str, event: MutableMapping[str, Any]) -> Any:
        line: dict[str, Any] = orjson.loads(orjson.dumps(dict(event), default=str))
        if line.pop("exc_info", None) is not None:
            line["exception"] = "Traceback"
        line["level"] = "error" if method == "exception" else method
        wrong.extend(line_faults(line, part=True))
        return super().__call__(logger, method, event)
