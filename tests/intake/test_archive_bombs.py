"""Spreadsheets that are meant to take the machine with them, in the process that parses: it alone ends, and says why."""

from __future__ import annotations

import asyncio
import io
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.errors import InputError
from engine.intake.source import Limits
from tests.intake.test_parse_client import parse, request_for
from tests.intake.test_spreadsheets import ods, xlsx

LIMITS = Limits(memory_bytes=1 << 30, cpu_seconds=20)
SHEET = "xl/worksheets/sheet1.xml"


def remade(stream: io.BytesIO, change: dict[str, bytes]) -> bytes:
    """The same archive with other members, or more of them."""
    out = io.BytesIO()
    with zipfile.ZipFile(stream) as whole, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        members = {name: whole.read(name) for name in whole.namelist()} | change
        for name, content in members.items():
            archive.writestr(
                name, content, zipfile.ZIP_STORED if name == "mimetype" else zipfile.ZIP_DEFLATED
            )
    return out.getvalue()


def lying(archive: bytes, name: bytes) -> bytes:
    """With a directory that says of this member that it unpacks to 1,000 bytes (APPNOTE 4.3.12: the size is 24 bytes into its
    entry)."""
    at = archive.rindex(name) - 46
    assert archive[at : at + 4] == b"PK\x01\x02"
    return archive[: at + 24] + struct.pack("<I", 1000) + archive[at + 28 :]


def lies() -> bytes:
    """A sheet that is 40 MB of blanks, and said to be 1,000 bytes."""
    sheet = xlsx({"People": [["phone"], ["+33199001001"]]})
    blanks = member(sheet, SHEET).replace(b"</sheetData>", b" " * (40 << 20) + b"</sheetData>")
    return lying(remade(sheet, {SHEET: blanks}), SHEET.encode())


def laughs() -> bytes:
    """An entity that stands for a billion others."""
    sheet = xlsx({"People": [["phone"], ["+33199001001"]]})
    ten = b"".join(b'<!ENTITY %c "%s">' % (98 + step, b"&%c;" % (97 + step) * 10) for step in range(9))
    document = b'<!DOCTYPE worksheet [<!ENTITY a "ha">' + ten + b"]><worksheet"
    text = member(sheet, SHEET).replace(b"<worksheet", document, 1).replace(b"phone", b"&j;")
    assert b"&j;" in text
    return remade(sheet, {SHEET: text})


def repeats() -> bytes:
    """A cell that is there 16,384 times in a row that is there a million times: the reader has a bound of its own for that."""
    people = ods([[("string", "", "phone")], [("string", "", "+33199001001")]])
    content = member(people, "content.xml")
    repeated = content.replace(
        b"<table:table-cell office", b'<table:table-cell table:number-columns-repeated="16384" office'
    ).replace(b"<table:table-row>", b'<table:table-row table:number-rows-repeated="1048576">')
    assert repeated != content
    return remade(people, {"content.xml": repeated})


def boasts() -> bytes:
    """A table of shared strings that says that it has more of them than there are bytes in any machine."""
    sheet = xlsx({"People": [["phone"], ["+33199001001"]]})
    table = b'<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" uniqueCount="18446744073709551615"/>'
    return remade(sheet, {"xl/sharedStrings.xml": table})


def member(stream: io.BytesIO, name: str) -> bytes:
    with zipfile.ZipFile(stream) as whole:
        return whole.read(name)


@pytest.mark.parametrize(
    ("bomb", "name"),
    [(lies, "people.xlsx"), (laughs, "people.xlsx"), (boasts, "people.xlsx"), (repeats, "people.ods")],
)
async def test_it_is_refused_within_its_bounds(tmp_path: Path, bomb: Callable[[], bytes], name: str) -> None:
    content = await asyncio.to_thread(bomb)
    assert len(content) < 1 << 20
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match="the spreadsheet cannot be read"):
        await parse(request_for(tmp_path, file=name, limits=LIMITS))
