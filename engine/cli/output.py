"""How commands print: text for people, JSON for programs, errors on standard error."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

from engine.errors import InputError, Problem
from engine.ops.printable import line, plain


def say(text: str = "") -> None:
    """A line for a person."""
    print(plain(text))


def note(text: str) -> None:
    """A line for a person, beside the data: on standard error."""
    print(plain(text), file=sys.stderr)


def tell(error: Exception) -> None:
    """An error in plain words, every problem on a line of its own."""
    if isinstance(error, InputError):
        for problem in error.problems:
            note(line(str(problem)))
    elif isinstance(error, OSError) and error.strerror:
        note(f"{error.filename}: {error.strerror}" if error.filename else error.strerror)
    else:
        note(str(error))


def problems_json(problems: Iterable[Problem]) -> list[dict[str, str]]:
    """Problems as a program reads them."""
    return [{"where": one.where, "what": one.what, "todo": one.todo} for one in problems]


def say_json(value: Any) -> None:
    """A value as one JSON document; instants of dataclasses are POSIX seconds, datetimes ISO 8601."""
    import orjson

    sys.stdout.write(
        orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS, default=str).decode() + "\n"
    )
    sys.stdout.flush()
