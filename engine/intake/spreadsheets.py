"""XLSX and ODS by python-calamine.

Knows archive bombs before they go off, sheets by name and number, and what a cell's value looks like as text.
Reads values, never formulas.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

import python_calamine as calamine

from engine.intake.cells import as_text
from engine.intake.refused import Refused
from engine.intake.rows import RawRow
from engine.intake.source import ContactSource, Limits

_MEMBERS_MAX = 20_000
PANIC = "PanicException"
"""Of pyo3, which calamine is bound by."""
_RATIO_FROM_BYTES = 16 << 20
"""Small members may be packed as well as they like: a page of blanks is no bomb."""


def read_sheet(stream: BinaryIO, name: str, source: ContactSource, limits: Limits) -> Iterator[RawRow]:
    """The rows of one sheet, numbered as the spreadsheet shows them. Raises InputError."""
    _check_archive(stream, name, limits)
    stream.seek(0)
    with _refusing(name):
        book = calamine.CalamineWorkbook.from_filelike(stream)
        sheet = book.get_sheet_by_name(_sheet_name(book, name, source))
    return _rows(sheet, limits)


@contextmanager
def _refusing(name: str) -> Iterator[None]:
    """What calamine cannot read is refused, also where it panics: no Exception to Python, and of a class that cannot be imported."""
    try:
        yield
    except calamine.PasswordError as error:
        raise Refused(name, "the spreadsheet has a password", "save it without one") from error
    except Refused:
        raise
    except BaseException as error:
        if (
            not isinstance(error, calamine.CalamineError | OSError | ValueError)
            and type(error).__name__ != PANIC
        ):
            raise
        raise Refused(
            name, f"the spreadsheet cannot be read: {error}", "open and save it again, or export it as CSV"
        ) from error


def _rows(sheet: calamine.CalamineSheet, limits: Limits) -> Iterator[RawRow]:
    start = sheet.start
    if start is None:
        return
    # Calamine begins with the first column that holds anything; a spreadsheet counts the empty ones before it
    # too.
    before = [""] * start[1]
    for number, values in enumerate(sheet.iter_rows(), 1):
        cells = before.copy()
        fault = ""
        for value in values:
            text = value if type(value) is str else as_text(value)
            if text is None:
                fault = f"a cell holds a {type(value).__name__}, which is no text"
                text = ""
            elif len(text) > limits.cell_chars:
                fault = f"a cell has {len(text)} characters, more than the {limits.cell_chars} allowed"
                text = text[:1000]
            cells.append(text)
        yield RawRow(number, cells, fault)


def _sheet_name(book: calamine.CalamineWorkbook, name: str, source: ContactSource) -> str:
    shown = ", ".join(repr(sheet) for sheet in book.sheet_names[:20])
    if isinstance(source.sheet, str):
        if source.sheet not in book.sheet_names:
            raise Refused(
                "contacts.sheet", f"{name} has no sheet {source.sheet!r}", f"its sheets are {shown}"
            )
        return source.sheet
    if isinstance(source.sheet, int):
        if source.sheet > len(book.sheet_names):
            raise Refused("contacts.sheet", f"{name} has no sheet {source.sheet}", f"its sheets are {shown}")
        return book.sheet_names[source.sheet - 1]
    visible = [
        sheet.name
        for sheet in book.sheets_metadata
        if sheet.visible == calamine.SheetVisibleEnum.Visible
        and sheet.typ == calamine.SheetTypeEnum.WorkSheet
    ]
    if not visible:
        raise Refused(name, "the spreadsheet has no visible sheet")
    return visible[0]


def _check_archive(stream: BinaryIO, name: str, limits: Limits) -> None:
    """Refuse what would unpack to far more than a spreadsheet. What lies about its size runs into the
    process's memory limit."""
    try:
        with zipfile.ZipFile(stream) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise Refused(
            name, f"the spreadsheet is damaged or incomplete: {error}", "save and copy it again"
        ) from error
    if len(members) > _MEMBERS_MAX:
        raise Refused(name, f"the spreadsheet has {len(members)} parts, which is no spreadsheet of contacts")
    if sum(member.file_size for member in members) > limits.unpacked_bytes:
        raise Refused(
            name, f"the spreadsheet unpacks to over {limits.unpacked_bytes} bytes", "export it as CSV"
        )
    for member in members:
        if member.file_size > _RATIO_FROM_BYTES and member.file_size > limits.unpacked_ratio * max(
            member.compress_size, 1
        ):
            raise Refused(
                name,
                f"{member.filename} in the spreadsheet is packed {member.file_size // max(member.compress_size, 1)}"
                " times, as only an archive bomb is",
                "export it as CSV",
            )
