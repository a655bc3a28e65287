"""Numbers read by a known range, against phonenumbers asked afresh. `engine.rules.numbers.ranges`, `.patterns`."""

from __future__ import annotations

import random
import re

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers import PhoneMetadata, PhoneNumberFormat
from phonenumbers.timezone import time_zones_for_number

from engine.rules.numbers.number import KINDS, Number, describe
from engine.rules.numbers.patterns import DigitPattern, UnknownPattern, digit_pattern
from engine.rules.numbers.ranges import Ranges


def _afresh(text: str, region: str | None) -> phonenumbers.PhoneNumber | None:
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    return number if phonenumbers.is_valid_number(number) else None


def _check(ranges: Ranges, text: str, region: str | None) -> bool:
    """Read `text` by a range, or teach it. True when a range answered, and rightly."""
    found = ranges.find(text, region)
    number = _afresh(text, region)
    if found is None:
        if number is not None:
            ranges.learn(text, region, number, describe(number, None))
        return False
    assert number is not None, f"{text} in {region} is not valid, but was read as {found}"
    zones = tuple(time_zones_for_number(number))
    assert found == Number(
        phonenumbers.format_number(number, PhoneNumberFormat.E164),
        phonenumbers.region_code_for_number(number) or "",
        KINDS[phonenumbers.number_type(number)],
        () if zones == ("Etc/Unknown",) else zones,
    )
    return True


def test_ranges_answer_what_phonenumbers_answers_everywhere() -> None:
    """Every region, every kind of number, written in six ways, read in its own and in a foreign region."""
    dice = random.Random(20240229)
    regions = sorted(phonenumbers.SUPPORTED_REGIONS)
    ranges = Ranges()
    answered = 0
    for region in regions:
        metadata = PhoneMetadata.metadata_for_region(region, None)
        assert metadata is not None
        for kind in range(11):
            example = phonenumbers.example_number_for_type(region, kind)
            if example is None:
                continue
            national, country = phonenumbers.national_significant_number(example), str(example.country_code)
            trunk = metadata.national_prefix or ""
            for written in (f"+{country}{national}", country + national, national, trunk + national,
                            f"00{country}{national}", f"011{country}{national}"):  # fmt: skip
                where = dice.choice(
                    (region, region, dice.choice(regions), None if written[0] == "+" else region)
                )
                for tail in (6, 6, 6, 4, 4, 2, 2, 1):
                    text = written[:-tail] + "".join(dice.choice("0123456789") for _ in range(tail))
                    if len(text) > 7:
                        answered += _check(ranges, text, where)
    assert answered > 5_000


@given(st.data())
def test_ranges_of_large_countries(data: st.DataObject) -> None:
    ranges = Ranges()
    region = data.draw(
        st.sampled_from(["US", "GB", "FR", "DE", "IN", "BR", "IT", "CA", "AU", "RU", "AR", "MX", "JP", "CN"])
    )
    heads = data.draw(st.lists(st.integers(0, 99_999), min_size=1, max_size=3))
    length = data.draw(st.integers(8, 13))
    for tail in data.draw(st.lists(st.integers(0, 10**8 - 1), min_size=5, max_size=20)):
        for head in heads:
            text = f"{head:05d}{tail:08d}"[:length]
            _check(ranges, text, region)
            _check(ranges, "+" + text, None)


def test_a_mobile_range_is_known_after_two_numbers() -> None:
    ranges = Ranges()
    assert not _check(ranges, "0612345678", "FR")
    assert not _check(ranges, "0612345679", "FR")
    assert _check(ranges, "0612000000", "FR")
    assert ranges.find("0612000000", "BE") is None, "a range belongs to a region"
    assert ranges.find("061200000", "FR") is None, "and to a length"


_EXPRESSIONS = st.recursive(
    st.one_of(
        st.sampled_from(["\\d", "0", "5", "9", "[1-3]", "[0-24-8]", "[79]"]),
        st.builds("{}{{{}}}".format, st.sampled_from(["\\d", "4", "[2-6]"]), st.integers(1, 3)),
        st.builds("{}{{{},3}}".format, st.sampled_from(["\\d", "[13]"]), st.integers(0, 2)),
    ),
    lambda inner: st.one_of(
        st.builds("{}{}".format, inner, inner),
        st.builds("(?:{}|{})".format, inner, inner),
        st.builds("(?:{})?".format, inner),
        st.builds("({})".format, inner),
    ),
    max_leaves=8,
)


@given(_EXPRESSIONS, st.text(alphabet="0123456789", max_size=4), st.integers(1, 3))
def test_a_pattern_agrees_with_re_over_every_tail(expression: str, head: str, tail: int) -> None:
    compiled = re.compile(expression)
    answers = {compiled.fullmatch(f"{head}{rest:0{tail}d}") is not None for rest in range(10**tail)}
    expected = answers.pop() if len(answers) == 1 else None
    assert DigitPattern(expression).matches(head, tail) is expected


@given(
    _EXPRESSIONS,
    st.text(alphabet="0123456789", max_size=5),
    st.text(alphabet="0123456789", min_size=1, max_size=3),
)
def test_what_is_settled_does_not_change_with_what_follows(expression: str, head: str, rest: str) -> None:
    if DigitPattern(expression).is_settled(head):
        compiled = re.compile(expression)
        alone, longer = compiled.match(head), compiled.match(head + rest)
        assert (alone and alone.span()) == (longer and longer.span())


def test_an_end_sign_settles_nothing_beyond_it() -> None:
    pattern = DigitPattern(r"([267]\d{6})$|1")
    assert pattern.matches("2", 6) is True
    assert pattern.matches("2", 7) is False
    assert pattern.matches("", 7) is None
    assert pattern.is_settled("15")
    assert not pattern.is_settled("25")
    assert pattern.is_settled("25555555")


@pytest.mark.parametrize(
    "expression", ["1*", "1+", "(?=1)2", ".", "[^1]", "1{2,}", "(1", "[a]", "\\w", "1{x}"]
)
def test_what_is_not_understood_is_refused(expression: str) -> None:
    with pytest.raises(UnknownPattern):
        DigitPattern(expression)
    assert digit_pattern(expression) is None


def test_every_expression_of_the_numbering_plans_is_understood() -> None:
    for region in phonenumbers.SUPPORTED_REGIONS:
        metadata = PhoneMetadata.metadata_for_region(region, None)
        assert metadata is not None
        assert metadata.general_desc is not None
        for expression in (
            metadata.general_desc.national_number_pattern,
            metadata.national_prefix_for_parsing,
            metadata.leading_digits,
        ):
            if expression:
                assert digit_pattern(expression) is not None, (region, expression)
