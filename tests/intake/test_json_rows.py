"""JSON Lines, JSON arrays and inline rows. `engine.intake.json_rows`."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime, time
from decimal import Decimal

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import InputError
from engine.intake.cells import as_text
from engine.intake.json_rows import read_inline, read_json
from engine.intake.rows import LIST_SIGN, RawRow
from engine.intake.source import ContactSource, Limits

LIMITS = Limits()
SOURCE = ContactSource(file="people.jsonl")


def read(
    content: bytes, limits: Limits = LIMITS, source: ContactSource = SOURCE
) -> tuple[list[str], list[RawRow]]:
    headings: list[str] = []
    rows = list(read_json(io.BytesIO(content), "people.jsonl", headings, source, limits))
    return headings, rows


def test_lines() -> None:
    headings, rows = read(
        b'{"phone": "+33199001234", "n": 3}\n\n{"n": 4.0, "phone": 33199001235, "ok": true, "x": null}\n'
    )
    assert headings == ["phone", "n", "ok", "x"]
    assert rows == [
        RawRow(1, ["+33199001234", "3"]),
        RawRow(2, []),
        RawRow(3, ["33199001235", "4", "true", ""]),
    ]


def test_an_array_is_read_too() -> None:
    assert read(b'\xef\xbb\xbf\n [{"phone": "1"},\n {"phone": "2"}]')[1] == [
        RawRow(1, ["1"]),
        RawRow(2, ["2"]),
    ]


def test_a_large_array_is_refused() -> None:
    with pytest.raises(InputError, match="write JSON Lines"):
        read(b'[{"phone": "1"}]', Limits(array_bytes=10))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
def test_encodings(encoding: str) -> None:
    assert read('{"téléphone": "Zoë"}\n{"téléphone": "Bob"}\n'.encode(encoding)) == (
        ["téléphone"],
        [RawRow(1, ["Zoë"]), RawRow(2, ["Bob"])],
    )


def test_lists_hold_several_values() -> None:
    assert read(b'{"phone": ["1", 2]}')[1] == [RawRow(1, [f"1{LIST_SIGN}2"])]


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (b'{"phone": {"home": "1"}}', "no plain value"),
        (b'{"phone": [["1"]]}', "no plain value"),
        (b'["1"]', "no object"),
        (b'"1"', "no object"),
        (b"{", "not valid JSON"),
        (b"phone,name", "not valid JSON"),
    ],
)
def test_a_line_that_is_no_row_costs_only_itself(line: bytes, fault: str) -> None:
    _, rows = read(b'{"phone": "1"}\n' + line + b'\n{"phone": "3"}\n')
    assert fault in rows[1].fault
    assert (rows[0].cells[0], rows[2].cells[0], rows[2].number) == ("1", "3", 3)


def test_a_file_that_is_no_json_at_all() -> None:
    with pytest.raises(InputError, match=r"line 1: not valid JSON.*contacts\.format"):
        read(b"phone;name\n1;2\n")
    with pytest.raises(InputError, match="not valid JSON"):
        read(b'[{"phone": 1}')
    with pytest.raises(InputError, match="not valid JSON"):
        read(b'{"phone": "1"}\n' + b"{\n" * 1100)


def test_more_names_than_allowed() -> None:
    with pytest.raises(InputError, match="over 2 different names"):
        read(b'{"a": 1, "b": 2}\n{"c": 3}\n', Limits(columns=2))


def test_a_value_over_the_limit_costs_its_row() -> None:
    _, rows = read(b'{"phone": "1234567"}\n{"phone": "1"}\n', Limits(cell_chars=5))
    assert "more than the 5 allowed" in rows[0].fault
    assert rows[1].fault == ""


def test_inline_rows() -> None:
    headings: list[str] = []
    rows = [{"phone": "1", "on": date(2026, 3, 1)}, {"phone": ("2", "3"), "at": time(9, 30)}]
    assert list(read_inline(rows, headings, Limits())) == [
        RawRow(1, ["1", "2026-03-01"]),
        RawRow(2, [f"2{LIST_SIGN}3", "", "09:30:00"]),
    ]
    assert headings == ["phone", "on", "at"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3.0, "3"),
        (33199001234.0, "33199001234"),
        (-0.5, "-0.5"),
        (1e16, "1e+16"),
        (float("nan"), "nan"),
        (True, "true"),
        (None, ""),
        (Decimal("12.50"), "12.5"),
        (Decimal("1E+3"), "1000"),
        (datetime(2026, 3, 1, 9, 30, tzinfo=UTC), "2026-03-01 09:30:00+00:00"),
        (datetime(2026, 3, 1), "2026-03-01"),  # noqa: DTZ001 - spreadsheets hold local time
        (b"\xff", None),
        (object(), None),
    ],
)
def test_as_text(value: object, text: str | None) -> None:
    assert as_text(value) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_no_float_changes_its_value(value: float) -> None:
    text = as_text(value)
    assert text is not None
    assert float(text) == value


_PLAIN = st.one_of(st.text(max_size=20), st.integers(-(2**53), 2**53), st.booleans(), st.none())


@given(st.lists(st.dictionaries(st.text(min_size=1, max_size=8), _PLAIN, max_size=5), max_size=8))
def test_every_value_lands_under_its_own_name(rows: list[dict[str, str | int | bool | None]]) -> None:
    headings, found = read(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    assert len(set(headings)) == len(headings)
    for row, raw in zip(rows, found, strict=True):
        assert {headings[at]: cell for at, cell in enumerate(raw.cells) if cell} == {
            key: text for key, value in row.items() if (text := as_text(value))
        }
