"""A contact source, whatever it is, as a table: headings, and rows numbered as their author counts them.

Knows which reader takes which source, and where the headings are. The readers: `delimited`, `spreadsheets`,
`json_rows`, `databases`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import chain, islice
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from engine.intake import databases, delimited, json_rows, spreadsheets
from engine.intake.columns import Mapping, looks_like_data, looks_like_headings, resolve
from engine.intake.job_files import open_inside
from engine.intake.refused import Refused
from engine.intake.rows import RawRow
from engine.intake.source import ContactSource, Format, Limits
from engine.intake.spool import SPOOL_NAME, read_spool, write_spool

_TITLE_ROWS = 10
"""Headings are looked for this far down: titles and blank rows often stand above them."""
_SAMPLE_ROWS = 50

_BY_SUFFIX: dict[str, Format] = {
    ".csv": "csv",
    ".txt": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".xlsx": "xlsx",
    ".xlsm": "xlsx",
    ".ods": "ods",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
}


class Table:
    """An open source. Iterating gives its rows of data, blank ones left out. Use it as a context manager."""

    def __init__(
        self, headings: list[str], headed: bool, rows: Iterator[RawRow], limits: Limits, stack: ExitStack
    ) -> None:
        self.headings = headings
        """Grows while JSON is read: a later row may have keys that no earlier one had."""
        self.headed = headed
        self._sample = list(islice(rows, _SAMPLE_ROWS))
        self._rows = rows
        self._limits = limits
        # Last: whoever opened the source closes it when its first rows cannot be read.
        self._stack = stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def __iter__(self) -> Iterator[RawRow]:
        most = self._limits.rows
        count = 0
        for row in chain(self._sample, self._rows):
            if not any(row.cells) and not row.fault:
                continue
            count += 1
            if count > most:
                raise Refused(
                    f"row {row.number}", f"the source has over {most} rows", "split it into several jobs"
                )
            yield row

    def mapping(self, source: ContactSource, region: str | None) -> Mapping:
        """Which column is what, as far as the columns are known now. Raises InputError."""
        sample = [row.cells for row in self._sample if not row.fault and any(row.cells)]
        return resolve(self.headings, self.headed, source, sample, region)


def open_rows(source: ContactSource, job_dir: Path, region: str | None, limits: Limits) -> Table:
    """Open `source`. Raises InputError for what is not there, cannot be read, or is over a limit; reading on
    may raise it too."""
    with ExitStack() as stack:
        if source.rows is not None:
            headings: list[str] = []
            rows = json_rows.read_inline(source.rows, headings, limits)
            return Table(headings, True, rows, limits, stack)
        if source.database is not None:
            if not (job_dir / SPOOL_NAME).exists():
                with ExitStack() as connected:
                    write_spool(job_dir, *databases.query_rows(source.database, job_dir, connected), limits)
            headings, rows = read_spool(job_dir, stack)
            _check_columns(headings, limits, "contacts.database")
            return Table(headings, True, rows, limits, stack)
        assert source.file is not None
        stream = stack.enter_context(open_inside(job_dir, source.file))
        return _from_file(stream, source.file, source, region, limits, stack)


def _from_file(
    stream: BinaryIO, name: str, source: ContactSource, region: str | None, limits: Limits, stack: ExitStack
) -> Table:
    size = stream.seek(0, 2)
    if size > limits.file_bytes:
        raise Refused(
            name,
            f"the file has {size} bytes, more than the {limits.file_bytes} allowed",
            "split it into several jobs",
        )
    if size == 0:
        raise Refused(name, "the file is empty")
    stream.seek(0)
    kind = _format(stream.read(4096), name, source)
    if kind == "jsonl":
        headings: list[str] = []
        rows = json_rows.read_json(stream, name, headings, source, limits)
        return Table(headings, True, rows, limits, stack)
    if kind in ("xlsx", "ods"):
        grid = spreadsheets.read_sheet(stream, name, source, limits)
    else:
        grid = delimited.read_delimited(stream, name, source, limits)
    return _from_grid(grid, name, source, region, limits, stack)


def _format(start: bytes, name: str, source: ContactSource) -> Format:
    """What the file is. Its content wins over its name: a spreadsheet called .csv is a spreadsheet all the
    same."""
    if start.startswith(b"PK\x03\x04"):
        opendocument = b"mimetypeapplication/vnd.oasis.opendocument" in start[:200]
        return "ods" if opendocument else "xlsx"
    if start.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        raise Refused(
            name,
            "this is an old or encrypted Excel file (.xls)",
            "save it as .xlsx without a password, or as CSV",
        )
    if start.startswith((b"%PDF", b"\x1f\x8b", b"7z\xbc\xaf", b"Rar!")):
        raise Refused(
            name,
            "this is not a list of contacts (it looks like a PDF or an archive)",
            "hand in CSV, XLSX, ODS or JSON Lines",
        )
    by_name = source.format or _BY_SUFFIX.get(Path(name).suffix.lower(), "csv")
    if by_name in ("xlsx", "ods"):
        if source.format is not None or b"\0" in start:
            raise Refused(name, f"this is no {by_name.upper()} file", "save it again, or export it as CSV")
        return "csv"
    return by_name


def _check_columns(headings: Sequence[str], limits: Limits, where: str) -> None:
    if len(headings) > limits.columns:
        raise Refused(
            where,
            f"{len(headings)} columns, more than the {limits.columns} allowed",
            "export only the columns that are needed",
        )


def _from_grid(
    grid: Iterator[RawRow],
    name: str,
    source: ContactSource,
    region: str | None,
    limits: Limits,
    stack: ExitStack,
) -> Table:
    """Find the headings in a grid of cells."""
    first: list[RawRow] = []
    filled = 0
    for row in grid:
        first.append(row)
        filled += any(cell.strip() for cell in row.cells)
        if filled >= _TITLE_ROWS:
            break
    if not filled:
        raise Refused(name, "there is no row with anything in it")
    at = _heading_row(first, source, region)
    if at is None:
        width = max(len(_trimmed(row.cells)) for row in first)
        headings, rest = [""] * width, first
    else:
        headings, rest = _trimmed(first[at].cells), first[at + 1 :]
        # Without a heading and yet not empty: the column is kept under its position.
        width = max((len(_trimmed(row.cells)) for row in rest[:1] if not row.fault), default=0)
        headings = headings + [""] * (width - len(headings)) if _padded(headings, rest) else headings
    _check_columns(headings, limits, name)
    return Table(headings, at is not None, chain(rest, grid), limits, stack)


def _padded(headings: Sequence[str], rest: Sequence[RawRow]) -> bool:
    """Do all rows of the beginning have the same cells beyond the headings? Then it is a column whose heading
    was forgotten."""
    widths = {len(_trimmed(row.cells)) for row in rest if not row.fault and any(row.cells)}
    return len(widths) == 1 and len(rest) > 1 and widths.pop() > len(headings)


def _trimmed(cells: Sequence[str]) -> list[str]:
    """`cells` without the empty ones at the end."""
    end = len(cells)
    while end and not cells[end - 1].strip():
        end -= 1
    return [cell.strip() for cell in cells[:end]]


def _heading_row(first: Sequence[RawRow], source: ContactSource, region: str | None) -> int | None:
    """Where the headings are among the first rows, or None when there are none."""
    filled = [at for at, row in enumerate(first) if any(cell.strip() for cell in row.cells) and not row.fault]
    if source.header is False or not filled:
        return None
    for at in filled:
        if looks_like_headings(first[at].cells, source):
            return at
        if looks_like_data(first[at].cells, region):
            break
    if source.header is None and looks_like_data(first[filled[0]].cells, region):
        return None
    return filled[0]
