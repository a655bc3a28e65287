"""The asking side of the list process: gives what it tells types."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import asdict, dataclass, replace
from typing import Any

import orjson

from engine.child import child, how
from engine.errors import InputError, Problem, StoreError
from engine.intake.lists.rows import RowFault
from engine.intake.lists.task import Task
from engine.store.list_file import Description, Part, Source

_LAST_WORDS = 2_000


@dataclass(frozen=True, slots=True)
class Built:
    """A new version of a list: its file lies there, whole and durable, and does not count yet."""

    description: Description
    bytes: int
    sha256: str
    rows: int
    idle: int
    """Changes that changed nothing."""
    unreadable: int
    faults: tuple[RowFault, ...]


@dataclass(frozen=True, slots=True)
class Numbers:
    """Digits of E.164 numbers, as they were read."""

    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class NumbersRead:
    """All numbers of a file were handed out; what could not be read is told here."""

    rows: int
    numbers: int
    unreadable: int
    faults: tuple[RowFault, ...]


@dataclass(frozen=True, slots=True)
class Progress:
    """Rows read so far."""

    rows: int


async def work(task: Task) -> AsyncGenerator[Progress | Numbers | NumbersRead | Built]:
    """What the process tells; the last is Built, or NumbersRead when the task names no list.

    Raises InputError with all that is wrong in the files, StoreError when the disk is full or the process broke.
    Close the generator (`contextlib.aclosing`): the process ends with it, also on cancellation.
    """
    request = orjson.dumps(asdict(replace(task, parent=os.getpid())))
    async with child("engine.intake.lists.builder", request) as process:
        async with aclosing(process.messages()) as messages:
            async for message in messages:
                if "error" in message:
                    raise InputError(Problem(**one) for one in message["error"]["problems"])
                if "broken" in message:
                    raise StoreError(f"the list could not be built: {message['broken']}")
                yield _typed(message)
                if "done" in message:
                    return
        status, words = await process.ended()
        raise StoreError(
            f"the list process {how(status)} before it was done; its last words:\n{words[-_LAST_WORDS:]}"
        )


def _typed(message: dict[str, Any]) -> Progress | Numbers | NumbersRead | Built:
    if "progress" in message:
        return Progress(message["progress"])
    if "numbers" in message:
        return Numbers(tuple(message["numbers"]))
    done = message["done"]
    faults = tuple(RowFault(**one) for one in done.pop("faults"))
    if "description" not in done:
        return NumbersRead(**done, faults=faults)
    told = done.pop("description")
    told["parts"] = tuple(Part(**one) for one in told["parts"])
    told["sources"] = tuple(Source(**one) for one in told["sources"])
    return Built(Description(**told), faults=faults, **done)
