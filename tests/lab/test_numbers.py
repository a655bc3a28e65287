"""The number plan: every form of a number leads to its behaviour, and back."""

from __future__ import annotations

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.numbers import AREA_CODES, FRENCH_INSTANCES, behaviour_of, number

CODES = st.from_regex(r"\A[0-9]{2}\Z")


@given(code=CODES, instance=st.integers(0, FRENCH_INSTANCES - 1))
def test_a_french_number_is_known_in_every_form(code: str, instance: int) -> None:
    full = number(code, instance)
    for form in (full, full[1:], "00" + full[1:], "0" + full[3:]):
        assert behaviour_of(form) == (code, "fr")


@given(code=CODES, instance=st.integers(0, len(AREA_CODES) - 1))
def test_an_american_number_is_known_in_every_form(code: str, instance: int) -> None:
    full = number(code, instance, "en")
    for form in (full, full[1:], "00" + full[1:]):
        assert behaviour_of(form) == (code, "en")


@pytest.mark.parametrize(
    "other", ["", "+33199001", "+33199011000", "+12125560110", "+442079460000", "19900100", "+331990010000"]
)
def test_other_numbers_have_no_behaviour(other: str) -> None:
    assert behaviour_of(other) is None


def test_phonenumbers_takes_every_number_for_valid() -> None:
    numbers = [number("10", instance, "en") for instance in range(len(AREA_CODES))]
    numbers += [number(f"{code:02d}", 42) for code in range(100)]
    assert [text for text in numbers if not phonenumbers.is_valid_number(phonenumbers.parse(text))] == []


@pytest.mark.parametrize(("code", "instance"), [("1", 0), ("1x", 0), ("٣٣", 0), ("10", -1), ("10", 100)])
def test_what_the_plan_has_not_is_refused(code: str, instance: int) -> None:
    with pytest.raises(ValueError, match=r"behaviour"):
        number(code, instance)
