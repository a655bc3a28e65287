"""The asking side of the parsing process: gives what it writes types."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass, field
from pathlib import Path

import orjson

from engine.child import child, how
from engine.errors import InputError, Problem, VolleyError
from engine.flow.prompts import SayKind
from engine.intake.lawful import Law
from engine.intake.refused import Refused
from engine.intake.source import ContactSource, Limits
from engine.intake.wire import Batch, Done, unpack

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
    spoken: Mapping[str, SayKind] = field(default_factory=dict)
    """Fields that the call speaks, and how."""
    needed: Sequence[str] = ()
    """Fields that stand in a text that the call speaks."""

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
                "spoken": dict(self.spoken),
                "needed": list(self.needed),
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
    async with child("engine.intake.parser", request.to_json()) as process:
        try:
            async with aclosing(process.messages(request.limits.silence_seconds)) as messages:
                async for message in messages:
                    if "batch" in message:
                        yield unpack(message)
                    elif "done" in message:
                        yield Done(**message["done"])
                        return
                    else:
                        raise InputError(Problem(**one) for one in message["error"]["problems"])
        except TimeoutError as error:
            raise Refused(
                "contacts",
                f"no rows came for {request.limits.silence_seconds:g} seconds",
                "look at the query, or split the source",
            ) from error
        raise _crash(*await process.ended(), request.limits)


def _crash(status: int, words: str, limits: Limits) -> VolleyError:
    tail = words[-_ERROR_TAIL:]
    if status == -signal.SIGABRT and "memory allocation of" in words:
        # Rust's way to run out of memory: not an exception that the process could have told.
        return Refused(
            "contacts", "reading them needs more memory than allowed", "split the source, or hand in CSV"
        )
    if status == -signal.SIGXCPU:
        what = f"reading them takes more than {limits.cpu_seconds} seconds of processor time"
        return Refused("contacts", what, "split the source")
    return VolleyError(
        f"the parsing process {how(status)} before it was done"
        + (f"; its last words:\n{tail}" if tail else "")
    )
