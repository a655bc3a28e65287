"""Contacts as JSON Lines, as a JSON array, or inline in the manifest: rows of key and value.

Headings are the keys, in the order in which they first appear; a later row may bring new ones. A list of
plain values stands for several values of one column (`engine.intake.rows.LIST_SIGN` between them).
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import BinaryIO

import orjson

from engine.intake.cells import as_text
from engine.intake.delimited import find_encoding
from engine.intake.refused import Refused
from engine.intake.rows import LIST_SIGN, RawRow
from engine.intake.source import ContactSource, Limits

_LINE_BYTES = 16 << 20
_BROKEN_MAX = 1000


def read_inline(
    rows: Sequence[Mapping[str, object]], headings: list[str], limits: Limits
) -> Iterator[RawRow]:
    """The rows of a manifest; the first is row 1."""
    layout = _Layout(headings, "contacts.rows", limits)
    return (layout.row(number, row) for number, row in enumerate(rows, 1))


def read_json(
    stream: BinaryIO, name: str, headings: list[str], source: ContactSource, limits: Limits
) -> Iterator[RawRow]:
    """The rows of a file: one object a line (numbered by lines), or one array of objects (numbered from 1).
    Raises InputError."""
    encoding = codecs.lookup(source.encoding or find_encoding(stream, name)).name
    stream.seek(0)
    start = stream.read(4096)
    if start.decode(encoding, "ignore").lstrip("\ufeff \t\r\n").startswith("["):
        return _array(stream, name, encoding, headings, limits)
    stream.seek(0)
    return _lines(stream, name, encoding, headings, limits)


def _array(
    stream: BinaryIO, name: str, encoding: str, headings: list[str], limits: Limits
) -> Iterator[RawRow]:
    size = stream.seek(0, 2)
    if size > limits.array_bytes:
        raise Refused(
            name,
            f"this JSON array has {size} bytes, more than the {limits.array_bytes} allowed",
            "write JSON Lines: one object a line, without the array around them",
        )
    stream.seek(0)
    try:
        found = orjson.loads(_utf8(stream.read(), encoding))
    except (orjson.JSONDecodeError, UnicodeError) as error:
        if "Not enough memory" in str(error):
            raise MemoryError from error
        raise Refused(name, f"not valid JSON: {error}") from error
    layout = _Layout(headings, name, limits)
    return (layout.row(number, row) for number, row in enumerate(found, 1))


def _lines(
    stream: BinaryIO, name: str, encoding: str, headings: list[str], limits: Limits
) -> Iterator[RawRow]:
    layout = _Layout(headings, name, limits)
    broken = 0
    for number, line in enumerate(_physical(stream, name, encoding), 1):
        if not line.strip():
            yield RawRow(number, [])
            continue
        try:
            found = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            broken += 1
            if broken > _BROKEN_MAX or (number == 1 and broken):
                raise Refused(
                    f"{name}, line {number}",
                    f"not valid JSON: {error}",
                    "JSON Lines have one object a line; give contacts.format if this is another format",
                ) from error
            yield RawRow(
                number,
                [line[:1000].decode("utf-8", "replace").strip()],
                f"this line is not valid JSON: {error}",
            )
            continue
        yield layout.row(number, found)


def _physical(stream: BinaryIO, name: str, encoding: str) -> Iterable[bytes]:
    """Lines as UTF-8. UTF-16 cannot be split at the byte 0x0A, so it is decoded first."""
    if encoding in ("utf-8", "utf-8-sig", "ascii", "cp1252", "iso8859-1"):
        first = True
        while line := stream.readline(_LINE_BYTES):
            if len(line) == _LINE_BYTES:
                raise Refused(
                    name, f"a line has over {_LINE_BYTES} bytes", "JSON Lines have one object a line"
                )
            yield _utf8(line.removeprefix(codecs.BOM_UTF8) if first else line, encoding)
            first = False
        return
    try:
        for text in codecs.getreader(encoding)(stream):
            yield text.lstrip("\ufeff").encode()
    except UnicodeError as error:
        raise Refused(
            name, f"this is not text in {encoding}", "give the encoding in contacts.encoding"
        ) from error


def _utf8(text: bytes, encoding: str) -> bytes:
    if encoding in ("utf-8", "ascii", "utf-8-sig"):
        return text.removeprefix(codecs.BOM_UTF8)
    return text.decode(encoding).lstrip("\ufeff").encode()


class _Layout:
    """Puts the values of an object under the headings, and new keys behind them."""

    def __init__(self, headings: list[str], name: str, limits: Limits) -> None:
        self._headings = headings
        self._positions: dict[str, int] = {}
        self._name = name
        self._limits = limits

    def row(self, number: int, found: object) -> RawRow:
        if not isinstance(found, Mapping):
            return RawRow(
                number,
                [str(found)[:1000]],
                'this is no object of names and values, such as {"phone_number": "+33..."}',
            )
        cells = [""] * len(self._headings)
        fault = ""
        for key, value in found.items():
            text = as_text(value)
            if text is None and isinstance(value, list | tuple):
                parts = [as_text(part) for part in value]
                if None not in parts:
                    text = LIST_SIGN.join(part for part in parts if part is not None)
            if text is None:
                fault = f"{key!r} is no plain value; nested objects cannot be read"
                text = ""
            if len(text) > self._limits.cell_chars:
                fault = f"{key!r} has {len(text)} characters, more than the {self._limits.cell_chars} allowed"
                text = text[:1000]
            position = self._positions.get(key)
            if position is None:
                position = self._positions[key] = len(self._headings)
                self._headings.append(key)
                cells.append("")
                if position >= self._limits.columns:
                    raise Refused(
                        f"{self._name}, row {number}",
                        f"over {self._limits.columns} different names",
                        "leave out what is not needed",
                    )
            cells[position] = text
        return RawRow(number, cells, fault)
