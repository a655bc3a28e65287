"""CSV and TSV as spreadsheets write them. `engine.intake.delimited`."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from engine.errors import InputError
from engine.intake.delimited import find_encoding, guess_delimiter, read_delimited
from engine.intake.rows import RawRow
from engine.intake.source import ContactSource, Limits

LIMITS = Limits()
SOURCE = ContactSource(file="people.csv")


def read(
    content: bytes, source: ContactSource = SOURCE, limits: Limits = LIMITS, name: str = "people.csv"
) -> list[RawRow]:
    return list(read_delimited(io.BytesIO(content), name, source, limits))


def cells(content: bytes, source: ContactSource = SOURCE, name: str = "people.csv") -> list[list[str]]:
    return [row.cells for row in read(content, source, name=name)]


@pytest.mark.parametrize(
    ("encoding", "found"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8-sig"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
        ("utf-32", "utf-32"),
        ("cp1252", "cp1252"),
    ],
)
def test_encodings(encoding: str, found: str) -> None:
    content = "téléphone;prénom\r\n0199001234;Zoë Œuvré\r\n".encode(encoding)
    assert find_encoding(io.BytesIO(content), "people.csv") == found
    assert cells(content) == [["téléphone", "prénom"], ["0199001234", "Zoë Œuvré"]]


def test_latin_1_where_windows_has_no_sign() -> None:
    content = b"phone;name\r\n0199001234;\x81\xe9\r\n"
    assert find_encoding(io.BytesIO(content), "people.csv") == "iso-8859-1"


def test_a_lone_accent_far_into_the_file_is_seen() -> None:
    content = b"phone;name\r\n" + b"0199001234;plain\r\n" * 200_000 + b"0199001234;Zo\xeb\r\n"
    assert find_encoding(io.BytesIO(content), "people.csv") == "cp1252"
    assert cells(content)[-1] == ["0199001234", "Zoë"]


def test_utf_8_that_is_cut_off_is_not_utf_8() -> None:
    assert find_encoding(io.BytesIO("name\nZoë".encode()[:-1]), "people.csv") == "cp1252"


def test_the_manifests_encoding_wins_and_is_checked() -> None:
    source = ContactSource(file="people.csv", encoding="iso-8859-15")
    assert cells("name;euro\nx;5€\n".encode("iso-8859-15"), source) == [["name", "euro"], ["x", "5€"]]
    with pytest.raises(InputError, match=r"not text in utf-8 at byte \d+.*contacts\.encoding"):
        read(b"phone;name\n1;\xe9\n", ContactSource(file="people.csv", encoding="utf-8"))


@pytest.mark.parametrize("content", [b"\x00\x01\x02\x03" * 100, b"phone;x\n1;2\n" + b"a" * 5000 + b"\x00"])
def test_zero_bytes_are_no_text(content: bytes) -> None:
    with pytest.raises(InputError, match="not a text file"):
        read(content)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters(delimiter: str) -> None:
    rows = [["phone", "name", "note"], ["0199001234", "Zoë", "a, b; c|d"], ["0199001235", "Bob", 'say "hi"']]
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter).writerows(rows)
    assert cells(text.getvalue().encode()) == rows


@pytest.mark.parametrize(
    ("sample", "delimiter"),
    [
        ("phone\n0199001234\n0199001235\n", ","),
        ("", ","),
        ("phone;amount\n0199001234;12,50\n0199001235;9,90\n", ";"),
        ("name;address\nBob;1, rue X, Paris\nEve;2, rue Y, Lyon\n", ";"),
        ("a,b\n1,x;y;z\n2,x;y;z\n3,w\n", ","),
        ("phone\tnote\n1\ta,b,c\n2\td,e\n", "\t"),
        ('phone;note\n1;"a;b;c"\n2;"d"\n', ";"),
        ("title of the list\n\nphone;name\n1;a\n2;b\n3;c\n", ";"),
    ],
)
def test_guess_delimiter(sample: str, delimiter: str) -> None:
    assert guess_delimiter(sample) == delimiter


_CELL = st.text(
    alphabet=st.characters(codec="utf-8", exclude_characters="\0\r", exclude_categories=("Cs",)), max_size=12
)


@given(
    st.sampled_from([",", ";", "\t", "|"]),
    st.integers(2, 5).flatmap(
        lambda width: st.lists(st.lists(_CELL, min_size=width, max_size=width), min_size=1, max_size=8)
    ),
    st.sampled_from(["utf-8-sig", "utf-16"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_what_a_csv_writer_writes_is_read_back(
    delimiter: str, rows: list[list[str]], encoding: str, quoting: int
) -> None:
    # A spreadsheet hides this line, and so do we.
    assume(not rows[0][0].lower().startswith("sep="))
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, quoting=quoting).writerows(rows)  # type: ignore[arg-type]
    source = ContactSource(file="people.csv", delimiter=delimiter)
    assert cells(text.getvalue().encode(encoding), source) == rows


def test_excels_own_delimiter_line_is_obeyed_and_not_counted() -> None:
    assert read(b"sep=;\r\nphone;a,b,c\r\n1;x,y,z\r\n") == [
        RawRow(1, ["phone", "a,b,c"]),
        RawRow(2, ["1", "x,y,z"]),
    ]


def test_tsv_by_name_even_where_commas_are_evener() -> None:
    assert cells(b"phone\tnote\n1\ta,b\n", name="people.tsv") == [["phone", "note"], ["1", "a,b"]]


def test_rows_are_counted_as_a_spreadsheet_shows_them() -> None:
    content = b'phone;address\r\n1;"rue X\r\n75001 Paris"\r\n\r\n2;y\r\n'
    assert read(content) == [
        RawRow(1, ["phone", "address"]),
        RawRow(2, ["1", "rue X\r\n75001 Paris"]),
        RawRow(3, []),
        RawRow(4, ["2", "y"]),
    ]


def test_old_macintosh_line_ends() -> None:
    assert cells(b"phone;name\r1;a\r2;b\r") == [["phone", "name"], ["1", "a"], ["2", "b"]]


def test_a_quote_that_is_never_closed_costs_one_row_and_not_the_rest() -> None:
    content = b'phone;name\n1;"Bob\n2;Eve\n3;"Zo"\n4;Al\n'
    rows = read(content)
    assert [row.number for row in rows] == [1, 2, 3, 4, 5]
    assert "quotes" in rows[1].fault
    assert rows[1].cells == ["1", '"Bob']
    assert [row.cells for row in rows[2:]] == [["2", "Eve"], ["3", "Zo"], ["4", "Al"]]
    assert not any(row.fault for row in rows[2:])


def test_a_quote_that_is_never_closed_up_to_the_end() -> None:
    rows = read(b'phone;name\n1;"Bob\n2;Eve\n3;Zo\n')
    assert [bool(row.fault) for row in rows] == [False, True, False, False]


def test_sloppy_quotes_inside_a_cell_are_told() -> None:
    rows = read(b'phone;name\n1;"Bob "The" Smith"\n2;Eve\n3;5" pipe\n')
    assert [bool(row.fault) for row in rows] == [False, True, False, False]
    assert rows[3].cells == ["3", '5" pipe']


def test_broken_quotes_everywhere_refuse_the_file() -> None:
    with pytest.raises(InputError, match="1000 rows have broken quotes"):
        read(b'1;"a"b\n' * 1100, ContactSource(file="people.csv", delimiter=";"))


def test_a_cell_over_the_limit_costs_its_row() -> None:
    content = b"phone;name\n1;" + b"x" * 200 + b"\n2;Eve\n"
    rows = read(content, limits=Limits(cell_chars=100))
    assert "over 100 characters" in rows[1].fault
    assert rows[2] == RawRow(3, ["2", "Eve"])


def test_a_line_without_end_is_refused() -> None:
    with pytest.raises(InputError, match="a line has over"):
        read(b"phone;name\n" + b"x" * (5 << 20))
