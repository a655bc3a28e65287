"""The asking side of the list process: starts it, gives what it tells types, and never leaves it behind."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
from collections.abc import AsyncGenerator
from dataclasses import asdict, dataclass, replace
from typing import Any

import orjson

from engine.errors import InputError, Problem, StoreError
from engine.intake.lists.rows import RowFault
from engine.intake.lists.task import Task
from engine.intake.parse_client import end, environment
from engine.store.list_file import Description, Part, Source

_LINE_LIMIT = 4 << 20
"""The longest line of the protocol: a batch of 2,000 numbers, or 100 faults."""
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
    with tempfile.TemporaryFile() as errors:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            "-m",
            "engine.intake.lists.builder",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
            limit=_LINE_LIMIT,
            env=environment(),
            cwd="/",
            start_new_session=True,
            close_fds=False,  # ours are not inheritable anyway, and closing every possible one takes its time
        )
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            try:
                process.stdin.write(orjson.dumps(asdict(replace(task, parent=os.getpid()))))
                await process.stdin.drain()
                process.stdin.close()
                await process.stdin.wait_closed()
            except (BrokenPipeError, ConnectionResetError):
                pass  # it broke before it had read everything; its exit status and last words tell why
            while (line := await process.stdout.readline()).endswith(b"\n"):
                message: dict[str, Any] = orjson.loads(line)
                if "error" in message:
                    raise InputError(Problem(**one) for one in message["error"]["problems"])
                if "broken" in message:
                    raise StoreError(f"the list could not be built: {message['broken']}")
                yield _typed(message)
                if "done" in message:
                    return
            status = await process.wait()
            errors.seek(0)
            words = errors.read().decode("utf-8", "replace").strip()[-_LAST_WORDS:]
            how = (
                f"was killed by {signal.Signals(-status).name}"
                if status < 0
                else f"ended with status {status}"
            )
            raise StoreError(f"the list process {how} before it was done; its last words:\n{words}")
        finally:
            await end(process)


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
