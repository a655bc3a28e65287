"""Numbers of a list: the short way gives what parse_number gives, for a block as for one."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import InputError
from engine.intake.lists.rows import _SHORT, Faults, ListLimits, NumberReader
from engine.rules.numbers import NumberError, parse_number
from lab.numbers import AREA_CODES

NATIONAL = {
    "US": st.tuples(st.sampled_from(AREA_CODES), st.integers(2_000_000, 9_999_999)).map(
        lambda parts: f"{parts[0]}{parts[1]}"
    ),
    "CA": st.integers(2_002_000_000, 9_999_999_999).map(str),
    "GB": st.from_regex(r"0[12378][0-9]{8,9}", fullmatch=True),
    "IN": st.from_regex(r"[6-9][0-9]{9}", fullmatch=True),
}


def as_it_stands(text: str, region: str | None) -> int | None:
    """What parse_number makes of it without mending anything."""
    try:
        found = parse_number(text, region)
    except NumberError:
        return None
    return int(found.e164[1:]) if found.repaired is None else None


@pytest.mark.parametrize("region", sorted(_SHORT))
@given(data=st.data())
def test_the_short_way_is_the_long_one(region: str, data: st.DataObject) -> None:
    text = data.draw(NATIONAL[region])
    wanted = as_it_stands(text, region)
    if wanted is None:
        return  # it is in no range that anybody has: the short way may take it, since it cannot be dialed
    reader = NumberReader(region)
    assert reader.number(text) == wanted
    block = reader.block(text.encode() + b"\r\n")
    assert block is None or block == [wanted]


@pytest.mark.parametrize("region", ["US", "GB", "IN", "FR", "DE", "BR", "AU", None])
@given(text=st.from_regex(r"[+]?[0-9 ,.()-]{5,16}", fullmatch=True))
def test_whatever_is_written_it_is_never_another_number(region: str | None, text: str) -> None:
    wanted = as_it_stands(text, region)
    if wanted is not None:
        assert NumberReader(region).number(text) == wanted


@pytest.mark.parametrize("region", sorted(_SHORT))
@given(data=st.data())
def test_a_block_is_its_lines(region: str, data: st.DataObject) -> None:
    lines = data.draw(st.lists(NATIONAL[region], min_size=1, max_size=20))
    reader = NumberReader(region)
    wanted = [reader.number(line) if _short(region, line) else None for line in lines]
    found = reader.block("".join(f"{line}\n" for line in lines).encode())
    assert found == (wanted if None not in wanted else None)


def _short(region: str, line: str) -> bool:
    return re.fullmatch(_SHORT[region].one, line) is not None


def test_comma_and_blanks() -> None:
    reader = NumberReader("US")
    assert reader.block(b"202,5550123\r\n2025550124\n202 555 0125\n") == [
        12025550123,
        12025550124,
        12025550125,
    ]
    assert (
        reader.number("202,5550123")
        == reader.number("+1 202 555 0123")
        == reader.number("12025550123")
        == 12025550123
    )
    assert reader.block(b"20,25550123\n") is None
    assert reader.block(b"2025550123,2025550124\n") is None
    assert NumberReader("GB").block(b"0207 3787244\r\n01635 506160\n07860338653 \r\n") == [
        442073787244,
        441635506160,
        447860338653,
    ]
    assert NumberReader("FR").block(b"0199001042\n") is None
    assert NumberReader("FR").number("01 99 00 10 42") == 33199001042


def test_a_number_that_nobody_has_yet_is_on_the_list_all_the_same() -> None:
    with pytest.raises(NumberError):
        parse_number("2992550123", "US")
    assert NumberReader("US").number("2992550123") == 12992550123


def test_too_many_faults_end_the_reading() -> None:
    faults = Faults(ListLimits(faults=3))
    for row in range(3):
        faults.add("a.txt", row, "x", "no number")
    with pytest.raises(InputError, match=r"over 3 rows cannot be read; the first is row 0 of a\.txt"):
        faults.add("a.txt", 3, "x", "no number")
