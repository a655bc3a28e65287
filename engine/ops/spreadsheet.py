"""CSV that a spreadsheet opens without running anything in it.

A cell that begins as a formula does (OWASP, "CSV Injection") gets an apostrophe in front. The same holds
for what follows a semicolon, a tab or a line break within a cell: where the spreadsheet's own separator is
another than ours, a cell begins there. Plain numbers stay as they are, also with a sign, so that
`+33199001042` and `-0.5` remain what they are. Whoever needs every value untouched takes JSON Lines.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence
from typing import Any, TextIO

_BEGINS = "=+-@\uff1d\uff0b\uff0d\uff20"
"""The signs that begin a formula, and their full-width forms, which spreadsheets of East Asian languages
take for them."""
_SEPARATORS = re.compile(r"([;\t\r\n])")
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")
_OVERLOOKED = ' \u00a0"\ufeff'
"""Signs that a spreadsheet drops before it looks at what a cell begins with: blanks, quotes of a cell that
was cut in two, a byte-order mark."""


def inert(cell: str) -> str:
    """`cell` so that no spreadsheet runs it.

    >>> [inert(cell) for cell in ("=1+1", "+33199001042", "-0.5", "a;=b", "Lyon")]
    ["'=1+1", '+33199001042', '-0.5', "a;'=b", 'Lyon']
    """
    if _NUMBER.fullmatch(cell):
        return cell
    first, *rest = _SEPARATORS.split(cell)
    if _begins(first) or cell.startswith(("\t", "\r", "\n")):
        first = "'" + first
    return first + "".join(
        "'" + part if _begins(part) and not _NUMBER.fullmatch(part) else part for part in rest
    )


def _begins(part: str) -> bool:
    return part.lstrip(_OVERLOOKED).startswith(tuple(_BEGINS))


def write(columns: Sequence[str], rows: Iterable[Sequence[Any]], out: TextIO) -> int:
    """Write headings and rows as CSV; returns how many rows there were. None is an empty cell, a truth
    value 1 or 0."""
    lines = csv.writer(out, lineterminator="\r\n")  # RFC 4180
    lines.writerow([inert(column) for column in columns])
    count = 0
    for row in rows:
        lines.writerow([_cell(value) for value in row])
        count += 1
    return count


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(int(value))
    return inert(str(value))
