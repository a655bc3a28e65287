"""Files as registries and people hand them in."""

from __future__ import annotations

import gzip
import io
import itertools
import zipfile
from collections.abc import Callable
from typing import Any

import openpyxl
import pytest

from engine.errors import InputError
from engine.intake.lists.rows import ListLimits
from tests.intake.lists.conftest import Lists

Plain = Callable[..., tuple[list[int], dict[str, Any]]]
A, B, C = 12025550123, 13035550124, 12125550125


@pytest.mark.parametrize(
    ("name", "content", "region"),
    [
        ("us.txt", "202,5550123\n303,5550124\n212,5550125\n", "US"),
        ("us.txt", "2025550123\r\n3035550124\r\n2125550125\r\n", "US"),
        ("us.txt", "\ufeff202,5550123\n\n# a remark\n3035550124\n+1 212 555 0125", "US"),
        ("ca.txt", "202,5550123\n303,5550124\n212,5550125", "CA"),
        ("us.csv", '"202","5550123"\n"303","5550124"\n"212","5550125"\n', "US"),
        ("list.txt", "phone\n2025550123\n3035550124\n2125550125\n", "US"),
        ("list.csv", "name;phone number\nAnn;(202) 555-0123\nBob;303-555-0124\nCy;+1 212 555 0125\n", "US"),
        ("list.tsv", "phone\tx\n2025550123\t1\n3035550124\t2\n2125550125\t3\n", "US"),
        ("list.jsonl", '{"phone": "2025550123"}\n{"phone": 3035550124}\n{"phone": "+12125550125"}\n', "US"),
        ("utf16.csv", "phone,x\n+12025550123,1\n+13035550124,2\n+12125550125,3\n".encode("utf-16"), None),
    ],
)
def test_numbers_are_found(plain: Plain, name: str, content: str | bytes, region: str | None) -> None:
    found, done = plain(name, content, region=region)
    assert sorted(found) == sorted([A, B, C])
    assert (done["rows"], done["unreadable"]) == (3, 0)


def test_a_table_without_headings_is_asked_for_its_column(plain: Plain) -> None:
    with pytest.raises(
        InputError,
        match=r"no column is recognised as the phone number \(name it; the headings are",
    ):
        plain("us.csv", '"202","5550123","x"\n"303","5550124","y"\n')
    found, _ = plain("us.csv", "x,2025550123,2026-11-01\ny,3035550124,2026-11-01\n", column="2")
    assert found == [A, B]


def test_tps_in_both_its_forms(plain: Plain) -> None:
    wanted = [442073787244, 441635506160, 447860338653]
    assert (
        plain("tps.txt", "0207 3787244\r\n01635 506160\r\n07860 338653\r\n", region="GB", format="uk-tps")[0]
        == wanted
    )
    assert (
        plain("tps.txt", "02073787244 \r\n01635506160 \r\n07860338653 \r\n", region="GB", format="uk-tps")[0]
        == wanted
    )


def test_tagged_files_of_north_america(plain: Plain) -> None:
    crtc = (
        "<list type='full' level='all' val='' />\n<ac val='202'>\n<ph val='5550123' />\n</ac>"
        "<ac val='303'><ph val='5550124'/></ac></list>"
    )
    assert plain("dncl.xml", crtc, region="CA", format="ca-dncl")[0] == [A, B]
    double = '<?xml version="1.0"?>\n<list type="full" level="ac" val="212"><ac val="212"><ph val="5550125"/></ac></list>\n'
    assert plain("ftc.xml", double)[0] == [C]
    with pytest.raises(InputError, match="ends inside a tag"):
        plain("cut.xml", "<list><ac val='202'><ph val='5550123'/><ph val='555")
    _, done = plain(
        "odd.xml",
        "<list><ac val='202'><ph val='5550123'/><fax val='5550124'/>words</ac><ph val='5550124'/></list>",
    )
    assert done["unreadable"] == 3
    assert "seven digits outside of any area code" in done["faults"][2]["why"]


def test_spreadsheets_and_preferences_that_do_not_matter(made: Lists) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    for row in (
        ["Phone Number", "Service Area Code", "Preferences", "Opstype"],
        [9876543210, 11, "1#2#3", "A"],
        ["8765432109", 11, "0", "A"],
        ["+91 76543 21098", 12, None, "A"],
    ):
        sheet.append(row)
    path = made.folder / "ncpr.xlsx"
    book.save(path)
    book.close()
    found, done = made.plain(str(path), region="IN", format="in-ncpr")
    assert found == [919876543210, 918765432109, 917654321098]
    assert done["unreadable"] == 0


def test_a_format_of_another_country_is_refused(plain: Plain) -> None:
    with pytest.raises(InputError, match="uk-tps is a format of GB, and this is a list of US"):
        plain("x.txt", "0207 3787244\n", format="uk-tps")


def test_every_row_that_cannot_be_read_is_told(plain: Plain) -> None:
    found, done = plain("x.txt", "2025550123\n12\n3035550124\nnobody\n2025550123,3035550124\n")
    assert found == [A, B]
    assert [one["row"] for one in done["faults"]] == [2, 4, 5]
    assert done["faults"][0]["text"] == "12"


# --- archives -----------------------------------------------------------------------------------------------------------


def zipped(**members: str | bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def test_gzip_and_zip(plain: Plain) -> None:
    text = "202,5550123\n303,5550124\n"
    assert plain("a.txt.gz", gzip.compress(text.encode()))[0] == [A, B]
    several = zipped(
        **{"a.txt": "202,5550123\n", "sub/b.csv": "phone;x\n3035550124;1\n", "__MACOSX/c": "junk", ".x": "y"}
    )
    assert plain("all.zip", several)[0] == [A, B]
    assert plain("all.csv", several)[0] == [A, B], "what it is tells its content, not its name"
    sheet = openpyxl.Workbook()
    sheet.active.append(["phone"])
    sheet.active.append(["2125550125"])
    out = io.BytesIO()
    sheet.save(out)
    sheet.close()
    assert plain("book.zip", zipped(**{"book.xlsx": out.getvalue()}))[0] == [C]


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("a.zip", zipped(inner=gzip.compress(b"x")), "an archive in an archive"),
        ("a.zip", zipped(inner=zipped(a="x")), "an archive in an archive"),
        ("a.zip", zipped(**{"folder/": ""}), "no file in this archive"),
        ("a.zip", zipped(a="202,5550123\n")[:-30], "damaged or incomplete"),
        ("a.gz", gzip.compress(b"202,5550123\n" * 9)[:-9], "damaged or cannot be unpacked"),
        ("a.txt", b"", "is empty"),
        ("a.txt", b"202,5550123\n\0\0", "holds zero bytes"),
        ("a.pdf", b"%PDF-1.4 202,5550123", "PDF or an archive"),
    ],
    ids=itertools.count(),  # an archive holds the time at which it was made, and every process names the tests by itself
)
def test_what_is_no_list_is_refused(plain: Plain, name: str, content: bytes, what: str) -> None:
    with pytest.raises(InputError, match=what):
        plain(name, content)


def test_bombs(made: Lists) -> None:
    bomb = made.file("a.gz", gzip.compress(b"2025550123\n" * 8_000_000))
    with pytest.raises(InputError, match="packed over 200 times"):
        made.build(bomb)
    with pytest.raises(InputError, match="unpacks to over 1000 bytes"):
        made.build(
            made.file("b.zip", zipped(a="2025550123\n" * 60, b="2025550124\n" * 60)),
            limits=ListLimits(unpacked_bytes=1000),
        )
    with pytest.raises(InputError, match="over 2 files in it"):
        made.build(made.file("c.zip", zipped(a="x", b="y", c="z")), limits=ListLimits(members=2))
    with pytest.raises(InputError, match="has over 10 bytes"):
        made.build(made.file("d.txt", "2025550123\n"), limits=ListLimits(file_bytes=10))
    with pytest.raises(InputError, match="a line has over 100 bytes"):
        made.build(made.file("e.txt", "2" * 200), limits=ListLimits(line_bytes=100), format="lines")
    assert made.left() == []


def test_a_link_is_not_followed(made: Lists) -> None:
    made.file("real.txt", "2025550123\n")
    link = made.folder / "link.txt"
    link.symlink_to("real.txt")
    with pytest.raises(InputError, match=r"link\.txt: cannot be opened"):
        made.plain(str(link))
