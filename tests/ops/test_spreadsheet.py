"""CSV that runs nothing when a spreadsheet opens it, and still says what it said."""

from __future__ import annotations

import csv
import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.ops.spreadsheet import inert, write

NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")
BEGINS = tuple("=+-@\uff1d\uff0b\uff0d\uff20")
SIGNS = st.text(alphabet=st.sampled_from("=+-@\t\r\n;,\"' \u00a0\uff1d0129.aé|!"), max_size=30)
CELLS = SIGNS | st.text(max_size=30)


def runs(cell: str) -> bool:
    """Would a spreadsheet take the cell for a formula?"""
    begins = cell.lstrip(' \u00a0"\ufeff')
    return cell.startswith(("\t", "\r", "\n")) or (begins.startswith(BEGINS) and not NUMBER.fullmatch(cell))


@given(CELLS)
def test_no_cell_runs(cell: str) -> None:
    assert not runs(inert(cell))


@given(CELLS)
def test_no_part_of_a_cell_runs_where_the_separator_is_another(cell: str) -> None:
    safe = inert(cell)
    for separator in (";", "\t", "\n", "\r"):
        assert not any(runs(part) for part in re.split("[;\t\r\n]", safe) if part), separator


@given(CELLS)
def test_only_apostrophes_are_added(cell: str) -> None:
    safe = inert(cell)
    kept = iter(safe)
    assert all(any(sign == other for other in kept) for sign in cell)
    assert safe.replace("'", "") == cell.replace("'", "")


@given(st.integers() | st.decimals(allow_nan=False, allow_infinity=False, places=3))
def test_plain_numbers_stay_usable(number: object) -> None:
    assert inert(str(number)) == str(number) or "E" in str(number)


@given(st.from_regex(r"\+[1-9][0-9]{4,14}", fullmatch=True))
def test_phone_numbers_stay_as_they_are(number: str) -> None:
    assert inert(number) == number


@given(st.text(alphabet=st.characters(exclude_characters="=+-@\t\r\n;\uff1d\uff0b\uff0d\uff20")))
def test_harmless_text_is_untouched(text: str) -> None:
    assert inert(text) == text


@pytest.mark.parametrize(
    ("cell", "safe"),
    [
        ("=1+1", "'=1+1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("-2+3+cmd|' /C calc'!A0", "'-2+3+cmd|' /C calc'!A0"),
        ("+33 1 99 00", "'+33 1 99 00"),
        ("\t=1", "'\t'=1"),
        ("\r", "'\r"),
        ('x;"=cmd|x!A0;y', "x;'\"=cmd|x!A0;y"),
        (' "=1', "' \"=1"),
        ("a=b", "a=b"),
        ("-", "'-"),
        ("1;-2", "1;-2"),
        ("-1\n*cmd|x!A0", "'-1\n*cmd|x!A0"),
    ],
)
def test_examples(cell: str, safe: str) -> None:
    assert inert(cell) == safe


@given(st.lists(st.tuples(CELLS, CELLS, CELLS), max_size=5))
def test_what_is_written_reads_back(rows: list[tuple[str, str, str]]) -> None:
    out = io.StringIO(newline="")
    assert write(("a", "b", "=c"), rows, out) == len(rows)
    out.seek(0)
    assert list(csv.reader(out)) == [["a", "b", "'=c"], *([inert(cell) for cell in row] for row in rows)]


def test_values_that_are_no_text() -> None:
    out = io.StringIO(newline="")
    write(("a", "b", "c", "d"), [(None, True, 3, 0.5)], out)
    assert out.getvalue().splitlines()[1] == ",1,3,0.5"
