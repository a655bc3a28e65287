"""The parsing process: `python -m engine.intake.parser`.

Reads one request (JSON) from standard input, and writes lines of JSON: batches of contacts, and at the end
`done` or `error`. A process of its own, so that a million rows never take the processor from the loop that
dials, and a spreadsheet that eats all memory ends nothing but itself. Standard output that blocks is the back
pressure. The order of contacts is that of the rows, always: reading on after `through_row` is exact.

Knows rows. Refuses to know the queue and the database. The asking side: `engine.intake.parse_client`.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from engine.contacts import Contact, Reject
from engine.errors import InputError, Problem
from engine.flow.prompts import SayKind
from engine.intake.columns import Mapping
from engine.intake.duplicates import FirstSeen, Merger
from engine.intake.lawful import Law, LawReader
from engine.intake.readers import Table, open_rows
from engine.intake.rejects import RejectsFile
from engine.intake.rows import RawRow, Reading, RowReader
from engine.intake.source import ContactSource, Limits
from engine.intake.wire import pack
from engine.restrain import restrain

BATCH_CONTACTS = 500
BATCH_CHARS = 256 << 10
"""A batch ends when its texts reach this, so that no line grows past two megabytes, however JSON escapes
them."""
BATCH_ROWS = 20_000
"""A batch ends after so many rows even when almost all of them are rejected: progress is told."""


@dataclass(frozen=True, slots=True)
class _Request:
    job_dir: Path
    source: ContactSource
    region: str | None
    language: str | None
    sent: frozenset[str] | None
    spoken: dict[str, SayKind]
    needed: tuple[str, ...]
    limits: Limits
    skip_rows: int
    law: Law | None
    rejects_file: Path
    parent: int

    @classmethod
    def from_json(cls, text: bytes) -> _Request:
        table: dict[str, Any] = orjson.loads(text)
        sent = table["sent"]
        source = ContactSource.model_validate(table["source"])
        return cls(
            job_dir=Path(table["job_dir"]),
            source=source,
            region=source.region or table["region"],
            language=table["language"],
            sent=None if sent is None else frozenset(sent),
            spoken=table["spoken"],
            needed=tuple(table["needed"]),
            limits=Limits(**table["limits"]),
            skip_rows=table["skip_rows"],
            rejects_file=Path(table["rejects_file"]),
            law=None if table["law"] is None else Law.from_json(table["law"]),
            parent=table["parent"],
        )


@dataclass(slots=True)
class _Counts:
    """As in `engine.intake.wire.Done`."""

    rows: int = 0
    accepted: int = 0
    rejected: int = 0
    duplicates: int = 0


@dataclass(slots=True)
class _Run:
    """One reading of a source."""

    request: _Request
    out: BinaryIO
    counts: _Counts = field(default_factory=_Counts)
    batch: list[Contact] = field(default_factory=list)
    chars: int = 0
    rejected_in_batch: int = 0
    through_row: int = 0
    flushed_row: int = 0

    def run(self) -> None:
        """Read the whole source. Raises InputError."""
        self.flushed_row = self.request.skip_rows
        merger = self._collect() if self.request.source.duplicates == "merge" else None
        seen = FirstSeen(self.request.source.duplicates)
        with self._open() as table, RejectsFile(self.request.rejects_file, table.headings) as rejects:
            for row, (contact, reject) in _readings(table, self.request):
                if contact is None:
                    self._settle(row, None, reject, rejects)
                elif merger is not None:
                    merged = merger.merged(contact) if merger.first_row(row.number) is None else None
                    self.counts.duplicates += merged is None
                    self._settle(row, merged, reject, rejects)
                elif (repeated := seen.reason(contact)) is not None:
                    self.counts.duplicates += 1
                    self._settle(row, None, Reject(row.number, *repeated, tuple(row.cells)), rejects)
                else:
                    self._settle(row, contact, reject, rejects)
            self._flush(rejects)
        self._write(orjson.dumps({"done": asdict(self.counts)}, option=orjson.OPT_APPEND_NEWLINE))

    def _collect(self) -> Merger:
        """The first pass of `merge`: what later rows add to earlier ones."""
        merger = Merger()
        with self._open() as table:
            for _, (contact, _) in _readings(table, self.request):
                if contact is not None:
                    merger.collect(contact)
        return merger

    def _open(self) -> Table:
        request = self.request
        return open_rows(request.source, request.job_dir, request.region, request.limits)

    def _settle(
        self, row: RawRow, contact: Contact | None, reject: Reject | None, rejects: RejectsFile
    ) -> None:
        """Count a row and pass on what became of it: a contact, a reject, a contact with a note, or nothing
        (merged)."""
        new = row.number > self.request.skip_rows
        self.counts.rows += 1
        if reject is not None:
            rejects.write(reject)
        if contact is not None:
            self.counts.accepted += 1
            if new:
                self.batch.append(contact)
                self.chars += _chars(contact)
        elif reject is not None:
            self.counts.rejected += 1
            self.rejected_in_batch += new
        self.through_row = row.number
        if (
            len(self.batch) >= BATCH_CONTACTS
            or self.chars >= BATCH_CHARS
            or row.number - self.flushed_row >= BATCH_ROWS
        ):
            self._flush(rejects)

    def _flush(self, rejects: RejectsFile) -> None:
        rejects.flush()
        if self.through_row > self.flushed_row:
            self._write(pack(self.batch, self.through_row, self.rejected_in_batch))
            self.flushed_row = self.through_row
        self.batch.clear()
        self.chars = self.rejected_in_batch = 0

    def _write(self, line: bytes) -> None:
        self.out.write(line)
        self.out.flush()


def _chars(contact: Contact) -> int:
    size = sum(map(len, contact.fields.values()))
    if contact.consent is not None:
        consent = contact.consent
        size += sum(
            len(part) for part in (consent.purpose, consent.source, consent.reference, consent.text) if part
        )
    return size


def _reader(mapping: Mapping, request: _Request) -> RowReader:
    return RowReader(mapping, request.region, request.language, request.sent, request.spoken, request.needed)


def _readings(table: Table, request: _Request) -> Iterator[tuple[RawRow, Reading]]:
    mapping = table.mapping(request.source, request.region)
    reader = _reader(mapping, request)
    law = None if request.law is None else LawReader(request.law)
    for row in table:
        if len(table.headings) != mapping.width:
            mapping = table.mapping(request.source, request.region)
            reader = _reader(mapping, request)
        reading = reader.read(row)
        if law is not None and reading.contact is not None:
            problem = law.problem(reading.contact)
            if problem is not None:
                reading = Reading(None, Reject(row.number, *problem, tuple(row.cells)))
        yield row, reading


def main() -> int:
    """Answer the one request. Returns the exit status."""
    # What a library prints must not get between the lines of the protocol.
    out = os.fdopen(os.dup(1), "wb", buffering=1 << 16)
    os.dup2(2, 1)
    request = _Request.from_json(sys.stdin.buffer.read())
    restrain(request.limits.memory_bytes, request.limits.cpu_seconds, request.parent)
    # Everything up to here lives as long as the process: the collector need not look at it again and again.
    gc.freeze()
    gc.set_threshold(100_000, 20, 100)
    try:
        try:
            _Run(request, out).run()
        except InputError as error:
            problems = list(error.problems)
        except MemoryError:
            size = request.limits.memory_bytes >> 20
            problems = [
                Problem(
                    "contacts",
                    f"reading them needs more than the {size} MiB of memory allowed",
                    "split the source, or hand in CSV",
                )
            ]
        else:
            return 0
        found = [{"where": one.where, "what": one.what, "todo": one.todo} for one in problems]
        out.write(orjson.dumps({"error": {"problems": found}}, option=orjson.OPT_APPEND_NEWLINE))
        out.flush()
        return 1
    except BrokenPipeError:
        # The asking side is gone, and nobody is left to tell.
        with suppress(OSError):
            out.close()
        return 1


if __name__ == "__main__":
    sys.exit(main())
