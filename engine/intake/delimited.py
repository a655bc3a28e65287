"""CSV and TSV as spreadsheets really write them.

Knows encodings without a declaration, delimiters by country, quoted line breaks, quotes that are never
closed, and Excel's `sep=` line. Row numbers are those that a spreadsheet shows when it opens the file.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import suppress
from typing import BinaryIO

from engine.errors import InputError, Problem
from engine.intake.refused import Refused
from engine.intake.rows import RawRow
from engine.intake.source import ContactSource, Limits

_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark is its beginning
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_DELIMITERS = (",", ";", "\t", "|")
_SAMPLE_CHARS = 256 << 10
_SAMPLE_ROWS = 200
_BROKEN_MAX = 1000
"""Rows with broken quotes before the file as a whole is refused."""
_LINE_CHARS = 4 << 20
_BLOCK = 1 << 20


def read_delimited(stream: BinaryIO, name: str, source: ContactSource, limits: Limits) -> Iterator[RawRow]:
    """The rows of a delimited text file, blank ones included (as no cells). Raises InputError."""
    encoding = source.encoding or find_encoding(stream, name)
    stream.seek(0)
    # newline="": the csv module itself must see the line ends that stand inside quotes.
    text = io.TextIOWrapper(stream, encoding=encoding, newline="")
    try:
        sample = text.read(_SAMPLE_CHARS)
        delimiter, skipped = _find_delimiter(sample, name, source)
        text.seek(0)
        for _ in range(skipped):
            text.readline()
        yield from _rows(_Lines(text, name), delimiter, name, limits)
    except UnicodeError as error:
        at = f" at byte {error.start}" if isinstance(error, UnicodeDecodeError) else ""
        raise Refused(
            name, f"this is not text in {encoding}{at}", "give the encoding in contacts.encoding"
        ) from error
    finally:
        # The stream is its opener's to close. It may be closed already when an abandoned reading ends.
        with suppress(ValueError):
            text.detach()


def find_encoding(stream: BinaryIO, name: str) -> str:
    """The encoding of a text, by its byte-order mark, else by its content: UTF-8 if all of it is, else
    Windows-1252 or Latin-1."""
    stream.seek(0)
    start = stream.read(4096)
    for mark, encoding in _BOMS:
        if start.startswith(mark):
            return encoding
    if b"\0" in start:
        return _wide_encoding(start, name)
    decoder = codecs.getincrementaldecoder("utf-8")()
    undefined = False
    is_utf8 = True
    block = start
    while block:
        if b"\0" in block:
            raise InputError([_not_text(name)])
        if is_utf8:
            try:
                decoder.decode(block)
            except UnicodeDecodeError:
                is_utf8 = False
        undefined = undefined or block.translate(None, _CP1252_UNDEFINED) != block
        block = stream.read(_BLOCK)
    if is_utf8 and decoder.getstate()[0] == b"":
        return "utf-8"
    # Windows-1252 is Latin-1 with printable signs in 0x80-0x9F, all but five of them.
    return "iso-8859-1" if undefined else "cp1252"


_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f]")
_CP1252_UNDEFINED = b"\x81\x8d\x8f\x90\x9d"


def _wide_encoding(start: bytes, name: str) -> str:
    """UTF-16 without its mark: Latin text has a zero in every second byte."""
    even, odd = start[0::2].count(0), start[1::2].count(0)
    half = len(start) / 2
    if odd > 0.7 * half and even < 0.05 * half:
        encoding = "utf-16-le"
    elif even > 0.7 * half and odd < 0.05 * half:
        encoding = "utf-16-be"
    else:
        raise InputError([_not_text(name)])
    if _CONTROL.search(start[: len(start) & ~1].decode(encoding, "replace")):
        raise InputError([_not_text(name)])
    return encoding


def _not_text(name: str) -> Problem:
    return Problem(
        name,
        "this is not a text file: it holds zero bytes",
        "export it as CSV (UTF-8), or hand in the spreadsheet itself",
    )


def _find_delimiter(sample: str, name: str, source: ContactSource) -> tuple[str, int]:
    """The delimiter, and how many lines before the first row say it (Excel's `sep=;`)."""
    first = sample.split("\n", 1)[0].rstrip("\r")
    if len(first) == 5 and first.lower().startswith("sep="):
        return source.delimiter or first[4], 1
    if source.delimiter is not None:
        return source.delimiter, 0
    if source.format == "tsv" or name.lower().endswith((".tsv", ".tab")):
        return "\t", 0
    return guess_delimiter(sample), 0


def guess_delimiter(sample: str) -> str:
    """The sign that splits the rows of `sample` most evenly into more than one cell; a comma where none does.

    A sign inside quotes does not count, and one that is merely frequent does not win: what counts is the
    share of rows that have the usual number of cells.
    """
    if len(sample) >= _SAMPLE_CHARS:
        sample = sample[: max(sample.rfind("\n"), 1)]
    best, best_score = ",", (0.0, 0)
    for delimiter in _DELIMITERS:
        widths: Counter[int] = Counter()
        try:
            for row in csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter):
                if row:
                    widths[len(row)] += 1
                if widths.total() >= _SAMPLE_ROWS:
                    break
        except csv.Error:
            continue
        usual, count = max(widths.items(), key=lambda item: (item[1], item[0]), default=(1, 0))
        if usual < 2:
            continue
        score = (round(count / widths.total(), 2), usual)
        if score > best_score:
            best, best_score = delimiter, score
    return best


class _Lines:
    """Physical lines, with those of the record that is being read kept, so that a broken record can be taken
    apart again."""

    def __init__(self, text: io.TextIOWrapper, name: str) -> None:
        self._text = text
        self._name = name
        self._again: deque[str] = deque()
        self.record: list[str] = []

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else self._text.readline(_LINE_CHARS)
        if not line:
            raise StopIteration
        if len(line) == _LINE_CHARS:
            raise Refused(
                self._name,
                f"a line has over {_LINE_CHARS} characters",
                "this is hardly a list of contacts; export it again",
            )
        self.record.append(line)
        return line

    def give_back(self) -> str:
        """Keep the first line of the broken record as its row; the others are read again as rows of their
        own."""
        first, *others = self.record
        self._again.extendleft(reversed(others))
        return first


def _rows(lines: _Lines, delimiter: str, name: str, limits: Limits) -> Iterator[RawRow]:
    csv.field_size_limit(limits.cell_chars)
    number = broken = 0
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        lines.record.clear()
        number += 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if not lines.record:
                raise Refused(f"{name}, row {number}", f"cannot be read: {error}") from error
            broken += 1
            if broken > _BROKEN_MAX:
                raise Refused(
                    name,
                    f"over {_BROKEN_MAX} rows have broken quotes (or cells over {limits.cell_chars} characters)",
                    "check the delimiter, and that quotes inside a cell are doubled",
                ) from error
            first = lines.give_back().rstrip("\r\n")
            fault = f"the quotes of this row are broken, or a cell has over {limits.cell_chars} characters ({error})"
            # A new reader: the old one may still be inside the quotes.
            reader = csv.reader(lines, delimiter=delimiter, strict=True)
            yield RawRow(number, first[:1000].split(delimiter), fault + "; double the quotes inside a cell")
            continue
        yield RawRow(number, cells)
