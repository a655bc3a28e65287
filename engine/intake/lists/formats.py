"""Which reader takes a file of numbers: by the format that was named, else by what the file looks like.

| format | country | what it is |
|---|---|---|
| `us-ftc` | US | National Do Not Call Registry: flat text or tagged, full or change list |
| `ca-dncl` | CA | National DNCL: the same two |
| `uk-tps` | GB | TPS, CTPS: a number a line, with or without a blank |
| `fr-bloctel` | FR | the numbers that Bloctel's answer marks as opposed, as a column or a number a line |
| `in-ncpr` | IN | NCPR: a table with the number in a column, preferences in others |
| `lines`, `tagged`, `table` | any | as named |
| `auto` | any | told by the content |

A named format does not change what a row means; it says which country the list must be of, and so catches a file
that was handed in for the wrong list.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Literal

from engine.intake.lists import lines, tables, tagged
from engine.intake.lists.archives import members
from engine.intake.lists.lines import Change
from engine.intake.lists.rows import Faults, NumberReader
from engine.intake.refused import Refused

Format = Literal["auto", "lines", "tagged", "table", "us-ftc", "ca-dncl", "uk-tps", "fr-bloctel", "in-ncpr"]
Mode = Literal["full", "change", "add", "remove"]
"""What a file does to a list: replaces it; adds and deletes as its rows say; adds all of it; takes all of it off."""

COUNTRIES: dict[str, str] = {
    "us-ftc": "US",
    "ca-dncl": "CA",
    "uk-tps": "GB",
    "fr-bloctel": "FR",
    "in-ncpr": "IN",
}
"""The country that a named format is of."""

_SAMPLE = 64 << 10
_ONE_A_LINE = re.compile(r'"?[+0-9][-+0-9 ()./]*"?')
_AREA_AND_NUMBER = re.compile(r'"?[2-9][0-9]{2}"?,"?[2-9][0-9]{6}"?')
_MARKED = re.compile(r'"?(?:[2-9][0-9]{2}"?,"?[2-9][0-9]{6}|[+0-9]{7,16})"?,[^;\t]*')
Piece = tuple[list[int], list[Change], int]
"""Plain numbers, numbers with a change, and how many rows they come from."""


def check_country(form: Format, region: str | None) -> None:
    """Raises InputError when the format is another country's."""
    country = COUNTRIES.get(form)
    if country is not None and region != country:
        raise Refused(
            "format", f"{form} is a format of {country}, and this is a list of {region or 'no country'}"
        )


def read(
    path: Path,
    folder: Path,
    form: Format,
    mode: Mode,
    numbers: NumberReader,
    faults: Faults,
    column: str | None = None,
) -> Iterator[Piece]:
    """Everything in what was handed in, archive or not. `folder` is for what has to be unpacked. Raises InputError."""
    for name, stream in members(path, faults.limits):
        start = _peek(stream)
        kind = _kind(form, start, mode, name, column)
        if kind == "table":
            yield from _table(stream, name, path, folder, mode, numbers, faults, column)
        elif kind == "tagged":
            if mode == "change" and not re.search(
                rb"<ph\b[^>]*=\s*['\"](?i:a|d|add|delete|added|deleted)['\"]", start
            ):
                raise Refused(
                    name, "no tag says whether its number was added or deleted", "hand in a change list"
                )
            for changes, rows in tagged.read_tags(stream, name, numbers, faults):
                yield [], changes, rows
        elif mode == "change":
            for changes, rows in lines.read_changes(stream, name, numbers, faults):
                yield [], changes, rows
        else:
            for found, rows in lines.read_numbers(stream, name, numbers, faults):
                yield found, [], rows


def _peek(stream: BinaryIO) -> bytes:
    if stream.seekable():
        start = stream.read(_SAMPLE)
        stream.seek(0)
        return start
    found: bytes = stream.peek(_SAMPLE)[:_SAMPLE]  # type: ignore[attr-defined]
    return found


def _kind(
    form: Format, start: bytes, mode: Mode, name: str, column: str | None
) -> Literal["lines", "tagged", "table"]:
    if form in ("lines", "tagged", "table"):
        return form
    if (
        start.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"%PDF", b"\xff\xfe", b"\xfe\xff"))
        or b"\0" in start
    ):
        return "table"  # whose readers know spreadsheets and encodings, and say what is neither
    text = start.decode("utf-8", "replace").removeprefix("\ufeff").lstrip()
    if text.startswith("<"):
        return "tagged"
    if column is not None or name.lower().endswith((".jsonl", ".ndjson", ".json")):
        return "table"
    rows = [line.strip() for line in text.splitlines()]
    rows = rows[:-1] if len(start) >= _SAMPLE else rows
    rows = [row for row in rows if row and not row.startswith("#")]
    if rows and not any(sign.isdigit() for sign in rows[0]):
        if any(sign in ",;\t|" for sign in rows[0]):
            return "table"  # headings of several columns
        rows = rows[1:]  # the heading of a single one
    patterns = (_MARKED,) if mode == "change" else (_ONE_A_LINE, _AREA_AND_NUMBER)
    good = sum(any(pattern.fullmatch(row) for pattern in patterns) for row in rows)
    return "lines" if rows and good * 2 >= len(rows) else "table"  # the rest are rows that cannot be read


def _table(
    stream: BinaryIO,
    name: str,
    path: Path,
    folder: Path,
    mode: Mode,
    numbers: NumberReader,
    faults: Faults,
    column: str | None,
) -> Iterator[Piece]:
    unpacked = None
    if not stream.seekable():  # it comes out of an archive
        unpacked = folder / f".unpacked{Path(name).suffix}"
        with unpacked.open("xb") as sink:
            shutil.copyfileobj(stream, sink, 1 << 20)
    try:
        where, file = (path.parent, path.name) if unpacked is None else (folder, unpacked.name)
        for changes, rows in tables.read_table(
            where, file, name, numbers, faults, column=column, marked=mode == "change"
        ):
            yield [], changes, rows
    finally:
        if unpacked is not None:
            unpacked.unlink()
