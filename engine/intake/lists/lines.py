"""Text with one number a line, as registries hand it out.

- `AAA,NNNNNNN`: the full list of the Canadian DNCL (CRTC, "Telemarketer Subscription Rates and File Formats for the
  National DNCL") and of the FTC's registry (its flat text file: "one area code and telephone number per line,
  separated by a comma"); older FTC files, and many copies, have the ten digits together.
- `01635 506160`: TPS and CTPS, with a blank after the dialing code or filled with blanks to twelve signs (DMA,
  "Technical Specifications for File Formats").
- any other number a line, international or of the list's country; `#` begins a remark.

A change list of the FTC is "comma-delimited, several data items per record". Which items in which order was not to be
verified, so they are told by what they are: area code and number (or ten digits) first; of the others exactly one is
A or D (added, deleted), and one may be an instant.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import BinaryIO

from engine.intake.lists.rows import Faults, ListLimits, NumberReader
from engine.intake.refused import Refused
from engine.rules.numbers import NumberError

Change = tuple[int, bool, int]
"""Number, added (or taken off), and when: POSIX seconds, 0 where it is not told."""

_BLOCK = 1 << 20
_BOM = b"\xef\xbb\xbf"
ADDED = frozenset({"a", "add", "added", "addition", "insert", "new", "register", "registered", "activate"})
REMOVED = frozenset(
    {
        "d",
        "del",
        "delete",
        "deleted",
        "deletion",
        "remove",
        "removed",
        "deregister",
        "deregistered",
        "deactivate",
    }
)
_SPLIT_NUMBER = re.compile(r"[2-9][0-9]{2}")
_LOCAL_PART = re.compile(r"[2-9][0-9]{6}")


def whole_lines(stream: BinaryIO, name: str, limits: ListLimits) -> Iterator[bytes]:
    """A stream in blocks of whole lines, the last of them ended too. Raises InputError for an endless line."""
    rest = b""
    first = True
    while data := stream.read(_BLOCK):
        if first:
            data, first = data.removeprefix(_BOM), False
        if b"\0" in data:
            raise Refused(
                name, "this is not a text file: it holds zero bytes", "hand in text, CSV or a spreadsheet"
            )
        data = rest + data
        cut = data.rfind(b"\n") + 1
        rest = data[cut:]
        if len(rest) > limits.line_bytes:
            raise Refused(name, f"a line has over {limits.line_bytes} bytes", "one number a line")
        if cut:
            yield data[:cut]
    if rest:
        yield rest + b"\n"


def read_numbers(
    stream: BinaryIO, name: str, numbers: NumberReader, faults: Faults
) -> Iterator[tuple[list[int], int]]:
    """Numbers, and how many rows they come from, block by block. Raises InputError."""
    row = 0
    for block in whole_lines(stream, name, faults.limits):
        fast = numbers.block(block)
        if fast is not None:
            row += len(fast)
            yield fast, len(fast)
            continue
        found: list[int] = []
        rows = 0
        for line in block.split(b"\n")[:-1]:
            row += 1
            text = _text(line)
            if not text or (row == 1 and not any(sign.isdigit() for sign in text)):
                continue  # a blank, a remark, or a heading
            rows += 1
            try:
                found.append(numbers.number(text))
            except NumberError as error:
                faults.add(name, row, text, str(error))
        yield found, rows


def read_changes(
    stream: BinaryIO, name: str, numbers: NumberReader, faults: Faults
) -> Iterator[tuple[list[Change], int]]:
    """Changes, and how many rows they come from, block by block. Raises InputError."""
    row = 0
    for block in whole_lines(stream, name, faults.limits):
        found: list[Change] = []
        rows = 0
        for line in block.split(b"\n")[:-1]:
            row += 1
            text = _text(line)
            if not text or (row == 1 and not any(sign.isdigit() for sign in text)):
                continue
            rows += 1
            try:
                found.append(_change(text, numbers))
            except ValueError as error:  # NumberError is one
                faults.add(name, row, text, str(error))
        yield found, rows


def _text(line: bytes) -> str:
    text = line.decode("utf-8", "replace").replace('"', "").strip()
    return "" if text.startswith("#") else text


def _change(text: str, numbers: NumberReader) -> Change:
    fields = [field.strip() for field in text.split(",")]
    if len(fields) > 1 and _SPLIT_NUMBER.fullmatch(fields[0]) and _LOCAL_PART.fullmatch(fields[1]):
        fields[:2] = [fields[0] + fields[1]]
    number = numbers.number(fields[0])
    wanted: list[bool] = []
    when = 0
    for field in fields[1:]:
        word = field.casefold()
        if word in ADDED or word in REMOVED:
            wanted.append(word in ADDED)
        elif field:
            when = instant(field)
    if len(wanted) != 1:
        raise ValueError("a change says exactly once whether the number was added (A) or deleted (D)")
    return number, wanted[0], when


def instant(text: str) -> int:
    """An instant in ISO 8601, or as digits (20261101, 20261101153000); UTC where no offset is given. POSIX seconds.

    Raises ValueError.
    """
    for form in ("%Y%m%d%H%M%S", "%Y%m%d", "%m/%d/%Y", "%m/%d/%Y %H:%M:%S"):
        try:
            return int(datetime.strptime(text, form).replace(tzinfo=UTC).timestamp())
        except ValueError:
            continue
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text[:40]!r} is neither A or D nor an instant") from None
    return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp())
