"""Files that were handed over with a request: copied out of the queue before anything looks into them, so that whoever
handed them in cannot change them any more."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import shutil
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from engine.errors import InputError, Problem
from engine.intake.job_files import open_inside
from engine.intake.lists.housekeeping import FILES
from engine.intake.lists.rows import RowFault

WORK = ".work"
"""Below the lists' directory: where copies, temporary files and unfinished list files lie."""
_BLOCK = 16 << 20


@dataclass(frozen=True, slots=True)
class Copy:
    """A file of our own, and the SHA-256 of what was handed over."""

    path: Path
    sha256: str


@contextlib.asynccontextmanager
async def copies(source: Path, folder: Path, names: Sequence[str]) -> AsyncIterator[list[Copy]]:
    """Copies of the files `names` of `source`, in `folder`, which is made anew.

    When all went well, both are removed afterwards; else what was handed over stays where it is. Raises InputError
    with every file that is not there, or is no plain file.
    """
    await asyncio.to_thread(shutil.rmtree, folder, True)
    try:
        await asyncio.to_thread(folder.mkdir, 0o700, True)
        problems: list[Problem] = []
        made = []
        for name in names:
            try:
                made.append(await _copy(source, name, folder))
            except FileExistsError:
                problems.append(Problem("files", f"{name!r} is named twice", "name each file once"))
            except InputError as error:
                problems += error.problems
        if problems:
            raise InputError(problems)
        yield made
        for name in names:
            (source / name).unlink(missing_ok=True)
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, True)


async def _copy(source: Path, name: str, folder: Path) -> Copy:
    with open_inside(source, name, "files") as stream, (folder / name).open("xb") as sink:
        return Copy(folder / name, await _through(stream, sink))


async def digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal. Raises OSError."""
    with path.open("rb", buffering=0) as stream:
        return await _through(stream, None)


async def _through(stream: BinaryIO, sink: BinaryIO | None) -> str:
    """Read a file to its end, block by block: whoever stops the engine does not wait for gigabytes."""
    found = hashlib.sha256()

    def step() -> bool:
        block = stream.read(_BLOCK)
        found.update(block)
        if sink is not None:
            sink.write(block)
        return bool(block)

    while await asyncio.to_thread(step):
        pass
    return found.hexdigest()


def hand_over(queue: Path, source: Path, name: str) -> str:
    """Copy a file to where a request can name it, as `name`; returns that name. Raises OSError."""
    folder = queue / "control" / FILES
    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / f".{name}.tmp"
    try:
        with source.open("rb") as stream, draft.open("xb") as sink:
            shutil.copyfileobj(stream, sink, 1 << 20)
            sink.flush()
            os.fsync(sink.fileno())
        # The engine may run as somebody else of the queue's group.
        draft.chmod(0o660)
        draft.rename(folder / name)
    finally:
        draft.unlink(missing_ok=True)
    return name


def told_faults(count: int, faults: Sequence[RowFault]) -> dict[str, Any]:
    """Rows that could not be read, as a reply tells them: how many, and the first of them."""
    return {
        "unreadable": count,
        "faults": [f"{one.file}, row {one.row}: {one.text!r}: {one.why}" for one in faults],
    }
