"""The asking side of the parsing process: starts it, gives what it writes types, and never leaves it behind.

Reads no faster than its user takes batches: the process then blocks on its standard output.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
from collections.abc import AsyncGenerator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import orjson

import engine
from engine.errors import InputError, Problem, VolleyError
from engine.intake.lawful import Law
from engine.intake.refused import Refused
from engine.intake.source import ContactSource, Limits
from engine.intake.wire import Batch, Done, unpack

_LINE_LIMIT = 4 << 20
"""The longest line of the protocol; a batch ends below (`engine.intake.parser`). Twice as much is read ahead
at most."""
_ERROR_BYTES = 1 << 20
_ERROR_TAIL = 4000


@dataclass(frozen=True, slots=True)
class ParseRequest:
    """What to parse. Rows up to `skip_rows` are read (their numbers and ids count as taken) but not handed
    out again.

    `sent` names the fields that go to Asterisk; the others need not fit into a channel variable. None: all
    may be sent.
    """

    job_dir: Path
    source: ContactSource
    rejects_file: Path
    region: str | None = None
    language: str | None = None
    sent: Sequence[str] | None = None
    skip_rows: int = 0
    limits: Limits = field(default_factory=Limits)
    law: Law | None = None
    """What rows are held against; None: nothing."""

    def to_json(self) -> bytes:
        """As the process reads it."""
        return orjson.dumps(
            {
                "job_dir": str(self.job_dir.absolute()),
                "source": self.source.model_dump(mode="json"),
                "rejects_file": str(self.rejects_file.absolute()),
                "region": self.region,
                "language": self.language,
                "sent": None if self.sent is None else list(self.sent),
                "skip_rows": self.skip_rows,
                "limits": asdict(self.limits),
                "law": None if self.law is None else asdict(self.law),
                "parent": os.getpid(),
            }
        )


async def parse_job(request: ParseRequest) -> AsyncGenerator[Batch | Done]:
    """Batches in the order of their rows, then Done.

    Raises InputError for problems of the source, VolleyError when the process broke. Close the generator
    (`contextlib.aclosing`): the process ends with it, also on cancellation.
    """
    with tempfile.TemporaryFile() as errors:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            "-m",
            "engine.intake.parser",
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
            await _ask(process, request)
            assert process.stdout is not None
            while (line := await _line(process.stdout, request.limits.silence_seconds)).endswith(b"\n"):
                message: dict[str, Any] = orjson.loads(line)
                if "batch" in message:
                    yield unpack(message)
                elif "done" in message:
                    yield Done(**message["done"])
                    return
                else:
                    raise InputError(Problem(**one) for one in message["error"]["problems"])
            raise _crash(await process.wait(), errors, request.limits)
        finally:
            await end(process)


def environment() -> dict[str, str]:
    """The engine's own environment (database drivers read theirs), with this very package importable."""
    root = str(Path(engine.__file__).resolve().parent.parent)
    paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


async def _ask(process: asyncio.subprocess.Process, request: ParseRequest) -> None:
    assert process.stdin is not None
    try:
        process.stdin.write(request.to_json())
        await process.stdin.drain()
        process.stdin.close()
        await process.stdin.wait_closed()
    except (BrokenPipeError, ConnectionResetError):
        # It broke before it had read everything; its exit status and last words tell why.
        return


async def _line(stream: asyncio.StreamReader, seconds: float) -> bytes:
    try:
        async with asyncio.timeout(seconds):
            return await stream.readline()
    except TimeoutError as error:
        raise Refused(
            "contacts", f"no rows came for {seconds:g} seconds", "look at the query, or split the source"
        ) from error


async def end(process: asyncio.subprocess.Process) -> None:
    """Wait for the process, killed unless it has ended by itself."""
    if process.returncode is None:
        process.kill()
    assert process.stdout is not None
    # Its pipe must reach its end: some versions of asyncio wait for that too, and reading may be paused over
    # a full buffer.
    while await process.stdout.read(_LINE_LIMIT):
        pass
    await process.wait()


def _crash(status: int, errors: BinaryIO, limits: Limits) -> VolleyError:
    errors.seek(0)
    words = errors.read(_ERROR_BYTES).decode("utf-8", "replace").strip()
    tail = words[-_ERROR_TAIL:]
    if status == -signal.SIGABRT and "memory allocation of" in words:
        # Rust's way to run out of memory: not an exception that the process could have told.
        return Refused(
            "contacts", "reading them needs more memory than allowed", "split the source, or hand in CSV"
        )
    if status == -signal.SIGXCPU:
        what = f"reading them takes more than {limits.cpu_seconds} seconds of processor time"
        return Refused("contacts", what, "split the source")
    how = f"was killed by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
    return VolleyError(
        f"the parsing process {how} before it was done" + (f"; its last words:\n{tail}" if tail else "")
    )
