"""XLSX and ODS, made by openpyxl and odfpy. `engine.intake.spreadsheets`."""

from __future__ import annotations

import io
import zipfile
from datetime import date, datetime, time
from typing import Any

import openpyxl
import pytest
from odf.opendocument import OpenDocumentSpreadsheet
from odf.table import Table, TableCell, TableRow
from odf.text import P

from engine.errors import InputError
from engine.intake.rows import RawRow
from engine.intake.source import ContactSource, Limits
from engine.intake.spreadsheets import read_sheet

LIMITS = Limits()
SOURCE = ContactSource(file="people.xlsx")


def xlsx(sheets: dict[str, list[list[Any]]], hidden: tuple[str, ...] = ()) -> io.BytesIO:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        if name in hidden:
            sheet.sheet_state = "hidden"
        for row in rows:
            sheet.append(row)
    stream = io.BytesIO()
    book.save(stream)
    return stream


def ods(rows: list[list[tuple[str, str, str]]], blank_rows_before: int = 0) -> io.BytesIO:
    """Cells are (value type, attribute, value)."""
    document = OpenDocumentSpreadsheet()
    table = Table(name="People")
    if blank_rows_before:
        row = TableRow(numberrowsrepeated=blank_rows_before)
        row.addElement(TableCell())
        table.addElement(row)
    for cells in rows:
        row = TableRow()
        for kind, attribute, value in cells:
            cell = TableCell(valuetype=kind, **({attribute: value} if attribute else {}))
            cell.addElement(P(text=value))
            row.addElement(cell)
        table.addElement(row)
    # LibreOffice writes the rest of the sheet as one repeated row.
    rest = TableRow(numberrowsrepeated=1_048_000)
    rest.addElement(TableCell(numbercolumnsrepeated=16_384))
    table.addElement(rest)
    document.spreadsheet.addElement(table)
    stream = io.BytesIO()
    document.save(stream)
    return stream


def read(stream: io.BytesIO, source: ContactSource = SOURCE, limits: Limits = LIMITS) -> list[RawRow]:
    return list(read_sheet(stream, "people.xlsx", source, limits))


def test_values_become_what_a_person_would_have_typed() -> None:
    stream = xlsx({
        "People": [
            ["phone", "when", "at", "due", "ok", "share", "none"],
            [33199001234, datetime(2026, 3, 1), time(9, 30), datetime(2026, 3, 1, 9, 30), True, 2.5, None],  # noqa: DTZ001 - spreadsheets hold local time
            [199001234.0, date(2026, 3, 1), time(0, 0), "2026-03-01", False, 1e300, "0199"],
        ]
    })  # fmt: skip
    assert read(stream) == [
        RawRow(1, ["phone", "when", "at", "due", "ok", "share", "none"]),
        RawRow(2, ["33199001234", "2026-03-01", "09:30:00", "2026-03-01 09:30:00", "true", "2.5", ""]),
        RawRow(3, ["199001234", "2026-03-01", "00:00:00", "2026-03-01", "false", "1e+300", "0199"]),
    ]


def test_rows_and_columns_are_counted_as_the_spreadsheet_shows_them() -> None:
    book = openpyxl.Workbook()
    book.active["C4"] = "phone"
    book.active["C6"] = 33199001234
    stream = io.BytesIO()
    book.save(stream)
    rows = read(stream)
    assert [row.number for row in rows] == [1, 2, 3, 4, 5, 6]
    assert rows[3].cells == ["", "", "phone"]
    assert rows[5].cells == ["", "", "33199001234"]


def test_ods() -> None:
    stream = ods(
        [
            [("string", "", "phone"), ("string", "", "when")],
            [("float", "value", "33199001234"), ("date", "datevalue", "2026-03-01")],
            [("string", "", "0199001234"), ("time", "timevalue", "PT09H30M00S")],
        ],
        blank_rows_before=2,
    )
    assert read(stream)[2:] == [
        RawRow(3, ["phone", "when"]),
        RawRow(4, ["33199001234", "2026-03-01"]),
        RawRow(5, ["0199001234", "09:30:00"]),
    ]


def test_the_first_visible_sheet_is_read_unless_another_is_named() -> None:
    stream = xlsx({"Setup": [["x"]], "People": [["phone"]], "Old": [["tel"]]}, hidden=("Setup",))
    assert read(stream) == [RawRow(1, ["phone"])]
    assert read(stream, ContactSource(file="people.xlsx", sheet="Old")) == [RawRow(1, ["tel"])]
    assert read(stream, ContactSource(file="people.xlsx", sheet=3)) == [RawRow(1, ["tel"])]
    assert read(stream, ContactSource(file="people.xlsx", sheet="Setup")) == [RawRow(1, ["x"])]


@pytest.mark.parametrize("sheet", ["Nobody", 9])
def test_a_sheet_that_is_not_there(sheet: str | int) -> None:
    with pytest.raises(InputError, match=r"no sheet.*'People'"):
        read(xlsx({"People": [["phone"]]}), ContactSource(file="people.xlsx", sheet=sheet))


def test_an_empty_sheet_has_no_rows() -> None:
    assert read(xlsx({"People": []})) == []


def test_a_cell_over_the_limit_costs_its_row() -> None:
    rows = read(xlsx({"People": [["phone"], ["x" * 200], ["1"]]}), limits=Limits(cell_chars=100))
    assert "more than the 100 allowed" in rows[1].fault
    assert rows[2] == RawRow(3, ["1"])


def test_a_cut_off_file() -> None:
    whole = xlsx({"People": [["phone"]]}).getvalue()
    with pytest.raises(InputError, match="damaged or incomplete"):
        read(io.BytesIO(whole[: len(whole) // 2]))


def test_an_archive_that_is_no_spreadsheet() -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("hello.txt", "hello")
    with pytest.raises(InputError, match="cannot be read"):
        read(stream)


def test_damaged_xml_inside() -> None:
    whole = zipfile.ZipFile(xlsx({"People": [["phone"], ["1"]]}))
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name in whole.namelist():
            content = whole.read(name)
            archive.writestr(name, content[: len(content) // 2] if "sheet1" in name else content)
    with pytest.raises(InputError, match="cannot be read"):
        read(stream)


def test_an_archive_bomb_is_refused_before_it_is_unpacked() -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b" " * (32 << 20))
    with pytest.raises(InputError, match="as only an archive bomb is"):
        read(stream)
    with pytest.raises(InputError, match="unpacks to over 1000 bytes"):
        read(stream, limits=Limits(unpacked_bytes=1000))


def test_an_archive_of_very_many_parts_is_refused() -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for number in range(20_001):
            archive.writestr(str(number), b"")
    with pytest.raises(InputError, match="20001 parts"):
        read(stream)
