"""A process of our own that reads what was handed in: started with one request, heard line by line, never left behind.

It is heard no faster than its user takes lines: the process then blocks on its standard output.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, BinaryIO

import orjson

import engine

LINE_LIMIT = 4 << 20
"""The longest line of a protocol, in bytes; twice as much is read ahead at most."""
_ERROR_BYTES = 1 << 20


class Child:
    """A running process that was given its request."""

    def __init__(self, process: asyncio.subprocess.Process, errors: BinaryIO) -> None:
        assert process.stdout is not None
        self._process = process
        self._output = process.stdout
        self._errors = errors

    async def messages(self, silence: float | None = None) -> AsyncGenerator[dict[str, Any]]:
        """What it tells, until it ends. Raises TimeoutError after `silence` seconds without a line."""
        while True:
            async with asyncio.timeout(silence):
                line = await self._output.readline()
            if not line.endswith(b"\n"):
                return
            yield orjson.loads(line)

    async def ended(self) -> tuple[int, str]:
        """Its exit status, negative for a signal, and its last words."""
        status = await self._process.wait()
        self._errors.seek(0)
        return status, self._errors.read(_ERROR_BYTES).decode("utf-8", "replace").strip()


@asynccontextmanager
async def child(module: str, request: bytes) -> AsyncIterator[Child]:
    """Run `python -m module` on a request; it is killed at the end of the block unless it has ended by itself."""
    with tempfile.TemporaryFile() as errors:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            "-m",
            module,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
            limit=LINE_LIMIT,
            env=_environment(),
            cwd="/",
            start_new_session=True,
            close_fds=False,  # ours are not inheritable anyway, and closing every possible one takes its time
        )
        try:
            await _ask(process, request)
            yield Child(process, errors)
        finally:
            await _end(process)


def how(status: int) -> str:
    """An exit status in words."""
    return f"was killed by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"


def _environment() -> dict[str, str]:
    """The engine's own environment (database drivers read theirs), with this very package importable."""
    root = str(Path(engine.__file__).resolve().parent.parent)
    paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


async def _ask(process: asyncio.subprocess.Process, request: bytes) -> None:
    assert process.stdin is not None
    try:
        process.stdin.write(request)
        await process.stdin.drain()
        process.stdin.close()  # not waited for: who is cancelled in that wait leaves asyncio an error to report
    except (BrokenPipeError, ConnectionResetError):
        # It broke before it had read everything; its exit status and last words tell why.
        return


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.kill()
    assert process.stdout is not None
    # Its pipe must reach its end: some versions of asyncio wait for that too, and reading may be paused over
    # a full buffer.
    while await process.stdout.read(LINE_LIMIT):
        pass
    await process.wait()
