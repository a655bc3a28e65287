"""Contacts between the processes, and the rejects file. `engine.intake.wire`, `.rejects`."""

from __future__ import annotations

import csv
from datetime import UTC, time
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.contacts import Consent, Contact, Reject
from engine.intake.rejects import HEADINGS, RejectsFile, inert
from engine.intake.wire import Batch, pack, unpack
from engine.rules.numbers import Number, parse_number

_TEXT = st.text(alphabet=st.characters(codec="utf-8"), max_size=10)
_MAYBE = st.one_of(st.none(), _TEXT)
_INSTANT = st.one_of(
    st.none(), st.datetimes(timezones=st.just(UTC)).filter(lambda found: 2000 <= found.year < 2100)
)
_CLOCK = st.one_of(st.none(), st.times())
_NUMBER = st.builds(
    Number,
    st.integers(10**9, 10**12).map("+{}".format),
    st.sampled_from(["FR", "001", ""]),
    st.sampled_from(["mobile", "fixed"]),
    st.lists(st.sampled_from(["Europe/Paris", "Asia/Tokyo"]), max_size=2).map(tuple),
    st.sampled_from([None, "plus", "float"]),
)
_CONTACT = st.builds(
    Contact, st.integers(1, 10**7), _MAYBE, st.lists(_NUMBER, min_size=1, max_size=3).map(tuple), _MAYBE, _MAYBE,
    st.one_of(st.none(), st.builds(Consent, _MAYBE, _INSTANT, _MAYBE, _MAYBE, _MAYBE)),
    _CLOCK, _CLOCK, _INSTANT, _INSTANT, st.dictionaries(st.from_regex(r"[A-Z0-9_]{1,32}", fullmatch=True), _TEXT, max_size=3),
)  # fmt: skip


@given(st.lists(_CONTACT, max_size=5), st.integers(0, 10**7), st.integers(0, 100))
def test_what_is_packed_is_unpacked(contacts: list[Contact], through_row: int, rejected: int) -> None:
    line = pack(contacts, through_row, rejected)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert unpack(orjson.loads(line)) == Batch(tuple(contacts), through_row, rejected)


def test_numbers_share_what_they_have_in_common() -> None:
    contacts = [
        Contact(row, None, (parse_number(f"+33 6 12 34 56 {row}", None),), *[None] * 7, {})
        for row in range(10, 60)
    ]  # type: ignore[arg-type]
    batch = unpack(orjson.loads(pack(contacts, 60, 0)))
    assert len({id(contact.numbers[0].zones) for contact in batch.contacts}) == 1


def test_times_keep_their_seconds() -> None:
    contact = Contact(1, None, (), None, None, None, time(9, 30, 15), None, None, None, {})
    assert unpack(orjson.loads(pack([contact], 1, 0))).contacts[0].call_from == time(9, 30, 15)


# --- the rejects file --------------------------------------------------------------------------------------------------


def test_the_rejects_file_opens_in_a_spreadsheet(tmp_path: Path) -> None:
    path = tmp_path / "rejects.csv"
    with RejectsFile(path, ["phone", "=name"]) as rejects:
        assert not path.exists(), "no rejects, no file"
        rejects.write(
            Reject(3, "not_a_number", "'x' is not a phone number; write digits", ("+33x", "=1+1", "\t=2"))
        )
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(path.read_text(encoding="utf-8-sig").splitlines()))
    assert rows[0] == [*HEADINGS, "phone", "'=name"]
    assert rows[1] == [
        "3",
        "not_a_number",
        "'x' is not a phone number; write digits",
        "'+33x",
        "'=1+1",
        "'\t=2",
    ]
    assert path.stat().st_mode & 0o007 == 0, "people's data: not for everybody"


def test_an_interrupted_rejects_file_is_replaced_and_a_link_is_not_followed(tmp_path: Path) -> None:
    path, other = tmp_path / "rejects.csv", tmp_path / "other"
    other.write_text("precious")
    path.symlink_to(other)
    with RejectsFile(path, ["phone"]) as rejects:
        rejects.write(Reject(3, "empty", "x", ("",)))
    assert other.read_text() == "precious"
    assert not path.is_symlink()


def test_odd_characters_do_not_stop_it(tmp_path: Path) -> None:
    with RejectsFile(tmp_path / "rejects.csv", ["phone"]) as rejects:
        rejects.write(Reject(3, "empty", "x", ("\ud800", "a\r\nb", '"')))
    with (tmp_path / "rejects.csv").open(encoding="utf-8-sig", newline="") as stream:
        assert list(csv.reader(stream))[1][3:] == ["?", "a\r\nb", '"']


@pytest.mark.parametrize("cell", ["=1", "+33", "-1", "@x", "\t=1", "\r=1", "\n=1", "  =1", "\u00a0=1"])
def test_what_a_spreadsheet_would_run_is_inert(cell: str) -> None:
    assert inert(cell) == "'" + cell


@pytest.mark.parametrize("cell", ["", "0199001234", "Zoë", "a=b", "'=1"])
def test_the_rest_stays_as_it_is(cell: str) -> None:
    assert inert(cell) == cell


def test_a_number_from_the_rejects_file_can_be_handed_in_again() -> None:
    assert parse_number(inert("+33199001234"), None).e164 == "+33199001234"
