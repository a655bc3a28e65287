"""A database's answer, kept beside the job before anything is taken from it.

The same query may answer otherwise a minute later. Whoever resumes after a crash, or reads twice, must see
the same rows: so they are written down whole, made durable, and read from there.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

import orjson

from engine.intake.durable import sync_folders
from engine.intake.job_files import open_inside
from engine.intake.refused import Refused
from engine.intake.rows import RawRow
from engine.intake.source import Limits

SPOOL_NAME = ".volley-rows.jsonl"
"""In the job folder. A dot-name: no part of the job's content (`engine.intake.inspection`)."""


def write_spool(job_dir: Path, headings: list[str], rows: Iterator[RawRow], limits: Limits) -> None:
    """Write all rows down; the file gets its name when it is complete and durable. Raises InputError over a
    limit."""
    draft = job_dir / (SPOOL_NAME + ".tmp")
    draft.unlink(missing_ok=True)
    with open(
        os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "wb", buffering=1 << 20
    ) as stream:
        size = stream.write(orjson.dumps(headings, option=orjson.OPT_APPEND_NEWLINE))
        for row in rows:
            if row.number > limits.rows:
                raise Refused(
                    "contacts.database.query", f"it returns over {limits.rows} rows", "narrow it down"
                )
            size += stream.write(orjson.dumps(tuple(row), option=orjson.OPT_APPEND_NEWLINE))
            if size > limits.file_bytes:
                raise Refused(
                    "contacts.database.query", f"it returns over {limits.file_bytes} bytes", "narrow it down"
                )
        stream.flush()
        os.fsync(stream.fileno())
    draft.rename(job_dir / SPOOL_NAME)
    sync_folders(job_dir)


def read_spool(job_dir: Path, stack: ExitStack) -> tuple[list[str], Iterator[RawRow]]:
    """What `write_spool` wrote."""
    stream = stack.enter_context(open_inside(job_dir, SPOOL_NAME))
    return orjson.loads(stream.readline()), _rows(stream)


def _rows(stream: BinaryIO) -> Iterator[RawRow]:
    for line in stream:
        number, cells, fault = orjson.loads(line)
        yield RawRow(number, cells, fault)
