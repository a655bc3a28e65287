"""Rows of a list of numbers: what they may cost, which could not be read, and the short way from digits to E.164.

Most rows of a registry are a national number and nothing else. For plans in which the digits alone decide what the
E.164 number is, a whole block of such rows is read at once. The short way takes a number also where nobody has been
given its range yet: it cannot be dialed today, and must not be dialed when it can be. For every text that
`parse_number` reads as it stands, it gives the same; `parse_number` also makes good what people forget, such as the plus
of a foreign number, and a registry's rows are not that.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from engine.intake.refused import Refused
from engine.rules.numbers import calling_code, parse_number


@dataclass(frozen=True, slots=True)
class ListLimits:
    """What files of numbers may cost. The largest registry known, that of the United States, has some 250 million
    numbers in 3 GB of text."""

    file_bytes: int = 16 << 30
    unpacked_bytes: int = 32 << 30
    """Of all members of an archive together."""
    unpacked_ratio: int = 200
    """Unpacked to packed bytes; sorted lists of numbers stay below 20."""
    members: int = 10_000
    rows: int = 1_000_000_000
    line_bytes: int = 64 << 10
    faults: int = 100_000
    """Unreadable rows after which reading on is of no use."""
    memory_bytes: int = 4 << 30
    cpu_seconds: int = 4 * 3600


@dataclass(frozen=True, slots=True)
class RowFault:
    """A row that could not be read. `row` as its author counts, the first is 1."""

    file: str
    row: int
    text: str
    why: str


@dataclass(slots=True)
class Faults:
    """Rows that could not be read: all are counted, the first are kept."""

    limits: ListLimits = field(default_factory=ListLimits)
    count: int = 0
    kept: list[RowFault] = field(default_factory=list)
    shown: int = 100

    def add(self, file: str, row: int, text: str, why: str) -> None:
        """Raises InputError when there are too many to go on."""
        self.count += 1
        if len(self.kept) < self.shown:
            self.kept.append(RowFault(file, row, text[:80], why))
        if self.count > self.limits.faults:
            first = self.kept[0]
            raise Refused(
                file,
                f"over {self.limits.faults} rows cannot be read; the first is row {first.row} of {first.file}: {first.why}",
                "is this the right file, and the right format?",
            )


@dataclass(frozen=True, slots=True)
class _ShortWay:
    """National numbers whose E.164 number is their digits behind the country code, one a line."""

    lines: re.Pattern[bytes]
    """A block of nothing but such lines, blanks and carriage returns taken out before."""
    one: re.Pattern[str]
    """One such number; its group is what follows the country code."""
    trunk: bytes
    """What stands in front of each in the national form."""


# NANP numbers are NXX NXX XXXX with N from 2 to 9 (ATIS-0300119); +44 numbers are 0 and 9 or 10 digits (Ofcom,
# National Telephone Numbering Plan), the Channel Islands and the Isle of Man among them; Indian mobile numbers are 10 digits from 6 on
# (DoT, National Numbering Plan 2003 and its extensions).
_NANP = _ShortWay(
    re.compile(rb"(?:[2-9][0-9]{2},?[2-9][0-9]{6}\n)+"),
    re.compile(r"(?:\+?1)?([2-9][0-9]{2},?[2-9][0-9]{6})"),
    b"",
)
_SHORT: dict[str, _ShortWay] = {
    "US": _NANP,
    "CA": _NANP,
    "GB": _ShortWay(
        re.compile(rb"(?:0[12378][0-9]{8,9}\n)+"), re.compile(r"(?:\+44|0)([12378][0-9]{8,9})"), b"0"
    ),
    "IN": _ShortWay(re.compile(rb"(?:[6-9][0-9]{9}\n)+"), re.compile(r"(?:\+91)?([6-9][0-9]{9})"), b""),
}


class NumberReader:
    """Reads the numbers of one country's list."""

    def __init__(self, region: str | None) -> None:
        """`region` (ISO 3166-1) is where numbers without a country code belong."""
        self.region = region
        self._short = _SHORT.get(region or "")
        self._code = calling_code(region) if region else ""

    def number(self, text: str) -> int:
        """The digits of the E.164 number. Raises NumberError."""
        if self._short is not None and (match := self._short.one.fullmatch(text.replace(" ", ""))):
            return int(self._code + match[1].replace(",", ""))
        return int(parse_number(text, self.region).e164[1:])

    def block(self, lines: bytes) -> list[int] | None:
        """The numbers of whole lines, when each of them is a plain national number; None when some may be anything
        else."""
        short = self._short
        if short is None:
            return None
        clean = lines.translate(None, b" \r")
        if short.lines.fullmatch(clean) is None:
            return None
        clean = clean.translate(None, b",")
        text = (b"\n" + clean[:-1]).replace(b"\n" + short.trunk, b"\n" + self._code.encode())
        return list(map(int, text.split()))
