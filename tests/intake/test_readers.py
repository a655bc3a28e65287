"""Any source as a table: what it is, and where its headings are. `engine.intake.readers`, `.job_files`."""

from __future__ import annotations

import contextlib
import os
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import InputError
from engine.intake.job_files import open_inside
from engine.intake.readers import open_rows
from engine.intake.rows import RawRow
from engine.intake.source import ContactSource, Limits

LIMITS = Limits()


def table(
    folder: Path, content: bytes | str, name: str = "people.csv", limits: Limits = LIMITS, **settings: Any
) -> tuple[list[str], bool, list[RawRow]]:
    (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    source = ContactSource.model_validate({"file": name, **settings})
    with open_rows(source, folder, "FR", limits) as opened:
        return opened.headings, opened.headed, list(opened)


def test_headings_and_rows(tmp_path: Path) -> None:
    assert table(tmp_path, "phone;name\n0199001234;Zoë\n") == (
        ["phone", "name"],
        True,
        [RawRow(2, ["0199001234", "Zoë"])],
    )


def test_titles_and_blank_rows_above_the_headings(tmp_path: Path) -> None:
    content = (
        "Customers of March\n\n;exported on;2026-03-01\nname;phone\nZoë;0199001234\n\n;\nBob;0199001235\n"
    )
    assert table(tmp_path, content) == (
        ["name", "phone"],
        True,
        [RawRow(5, ["Zoë", "0199001234"]), RawRow(8, ["Bob", "0199001235"])],
    )


def test_headings_that_the_manifest_names_are_headings(tmp_path: Path) -> None:
    headings, headed, rows = table(
        tmp_path, "Kontakt;Wer\n0199001234;Zoë\n", columns={"phone_number": "kontakt"}
    )
    assert (headings, headed, len(rows)) == (["Kontakt", "Wer"], True, 1)


def test_data_from_the_first_row_on(tmp_path: Path) -> None:
    assert table(tmp_path, "Zoë;0199001234\nBob;0199001235;x\n") == (
        ["", "", ""],
        False,
        [RawRow(1, ["Zoë", "0199001234"]), RawRow(2, ["Bob", "0199001235", "x"])],
    )


def test_a_bare_list_of_numbers(tmp_path: Path) -> None:
    assert table(tmp_path, "0199001234\n0199001235\n") == (
        [""],
        False,
        [RawRow(1, ["0199001234"]), RawRow(2, ["0199001235"])],
    )


def test_the_manifest_decides_about_headings(tmp_path: Path) -> None:
    assert table(tmp_path, "0199001234;x\n0199001235;y\n", header=True)[:2] == (["0199001234", "x"], True)
    assert table(tmp_path, "phone;x\n0199001235;y\n", header=False)[1] is False


def test_unknown_headings_are_headings(tmp_path: Path) -> None:
    assert table(tmp_path, "wer;wo\nZoë;Paris\n")[:2] == (["wer", "wo"], True)


def test_a_column_whose_heading_was_forgotten_is_kept(tmp_path: Path) -> None:
    headings, _, rows = table(tmp_path, "phone;name\n0199001234;Zoë;Paris\n0199001235;Bob;Lyon\n")
    assert headings == ["phone", "name", ""]
    assert rows[0].cells == ["0199001234", "Zoë", "Paris"]
    assert table(tmp_path, "phone;name\n0199001234;Zoë;Paris\n0199001235;Bob\n")[0] == ["phone", "name"], (
        "once is an accident"
    )


def _spreadsheet(path: Path) -> bytes:
    book = openpyxl.Workbook()
    book.active.append(["phone", "name"])
    book.active.append([33199001234, "Zoë"])
    book.save(path)
    return path.read_bytes()


def test_content_wins_over_the_name(tmp_path: Path) -> None:
    content = _spreadsheet(tmp_path / "x.xlsx")
    expected = (["phone", "name"], True, [RawRow(2, ["33199001234", "Zoë"])])
    assert table(tmp_path, content, "people.csv") == expected
    assert table(tmp_path, content, "people.txt", format="csv") == expected
    assert table(tmp_path, "phone;name\n33199001234;Zoë\n", "people.xlsx") == expected


def test_json_by_its_name_or_by_format(tmp_path: Path) -> None:
    expected = (["phone"], True, [RawRow(1, ["1"])])
    assert table(tmp_path, '{"phone": 1}\n', "people.jsonl") == expected
    assert table(tmp_path, '[{"phone": 1}]', "people.json") == expected
    assert table(tmp_path, '{"phone": 1}\n', "people.txt", format="jsonl") == expected


@pytest.mark.parametrize(
    ("content", "name", "message"),
    [
        (b"", "people.csv", "the file is empty"),
        (b"\n\n ; \n", "people.csv", "no row with anything in it"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 100, "people.xls", r"save it as \.xlsx"),
        (b"%PDF-1.7\n", "people.csv", "PDF or an archive"),
        (b"\x1f\x8b\x08", "people.csv", "PDF or an archive"),
        (b"PK\x03\x04 torn", "people.xlsx", "damaged or incomplete"),
        (b"\x00\x01\x02", "people.xlsx", "this is no XLSX file"),
        (b"\x00\x01\x02", "people.csv", "not a text file"),
    ],
)
def test_what_is_no_list(tmp_path: Path, content: bytes, name: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        table(tmp_path, content, name)


def test_limits(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="more than the 10 allowed"):
        table(tmp_path, "phone;name\n0199001234;x\n", limits=Limits(file_bytes=10))
    with pytest.raises(InputError, match="3 columns, more than the 2 allowed"):
        table(tmp_path, "phone;a;b\n1;2;3\n", limits=Limits(columns=2))
    with pytest.raises(InputError, match="over 2 rows"):
        table(tmp_path, "phone\n1\n2\n3\n", limits=Limits(rows=2))


def test_new_names_in_later_rows_of_json_are_columns_too(tmp_path: Path) -> None:
    lines = ['{"phone": "0199001234"}'] * 60 + ['{"phone": "0199001235", "city": "Paris"}']
    (tmp_path / "people.jsonl").write_text("\n".join(lines))
    with open_rows(ContactSource(file="people.jsonl"), tmp_path, "FR", Limits()) as opened:
        assert opened.mapping(ContactSource(file="people.jsonl"), "FR").width == 1
        assert [len(row.cells) for row in opened][-1] == 2
        assert opened.headings == ["phone", "city"]


@given(
    st.binary(max_size=300),
    st.sampled_from(["people.csv", "people.xlsx", "people.ods", "people.jsonl", "people.json", "x.tsv"]),
)
def test_any_bytes_give_rows_or_a_reason(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, name: str
) -> None:
    folder = tmp_path_factory.getbasetemp()
    rows: list[RawRow] = []
    with contextlib.suppress(InputError):
        _, _, rows = table(folder, content, name)
    assert all(row.number > 0 for row in rows)


# --- files of a job ----------------------------------------------------------------------------------------------------


def test_open_inside(tmp_path: Path) -> None:
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "people.csv").write_text("phone\n")
    with open_inside(tmp_path, "lists/people.csv") as stream:
        assert stream.read() == b"phone\n"


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "/etc/passwd", "../x", "lists/../../x", "a\0b", "none.csv", "lists", "lists/none.csv"],
)
def test_open_inside_refuses_other_paths(tmp_path: Path, name: str) -> None:
    (tmp_path / "lists").mkdir()
    with pytest.raises(InputError, match=r"contacts\.file"):
        open_inside(tmp_path, name)


def test_open_inside_follows_no_link(tmp_path: Path) -> None:
    (tmp_path / "job").mkdir()
    (tmp_path / "secret").write_text("x")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "secret").write_text("x")
    (tmp_path / "job" / "link").symlink_to(tmp_path / "secret")
    (tmp_path / "job" / "linked").symlink_to(tmp_path / "folder")
    for name in ("link", "linked/secret"):
        with pytest.raises(InputError, match="symbolic link"):
            open_inside(tmp_path / "job", name)


def test_open_inside_does_not_hang_on_a_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "people.csv")
    with pytest.raises(InputError, match="not a regular file"):
        open_inside(tmp_path, "people.csv")


def test_an_archive_in_place_of_a_sheet_leaves_no_open_file(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "people.xlsx", "w") as archive:
        archive.writestr("x", "y")
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(InputError):
        open_rows(ContactSource(file="people.xlsx"), tmp_path, "FR", Limits())
    assert len(os.listdir("/proc/self/fd")) == before
