"""Telephone numbers as people and spreadsheets write them. `engine.rules.numbers`."""

from __future__ import annotations

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.rules.numbers import REGIONS, NumberError, dial_format, parse_number

# Number as written, region, E.164, what had to be undone.
READ = [
    ("0199001234", "FR", "+33199001234", None),
    ("+33199001234", None, "+33199001234", None),
    ("+33 1 99 00 12 34", "US", "+33199001234", None),
    ("+33 (0)1 99 00 12 34", None, "+33199001234", None),
    ("(+33) 1-99.00 12 34", "FR", "+33199001234", None),
    ("01.99.00.12.34", "FR", "+33199001234", None),
    ("01/99-00-12-34", "FR", "+33199001234", None),
    ("01\u00a099\u202f00\u200912 34", "FR", "+33199001234", None),
    ("\u202a+33 1 99 00 12 34\u202c", None, "+33199001234", None),
    ("\ufeff0199001234", "FR", "+33199001234", None),
    ("01\u201199\u201300\u221212\u201534", "FR", "+33199001234", None),
    ("\uff10\uff11\uff19\uff19\uff10\uff10\uff11\uff12\uff13\uff14", "FR", "+33199001234", None),
    ("\u0660\u0661\u0669\u0669\u0660\u0660\u0661\u0662\u0663\u0664", "FR", "+33199001234", None),
    ("\uff0b33199001234", None, "+33199001234", None),
    ("tel:+33-1-99-00-12-34", None, "+33199001234", None),
    ("TEL: 0199001234", "FR", "+33199001234", None),
    ("'0199001234", "FR", "+33199001234", None),
    ("'+33199001234", None, "+33199001234", None),
    ("\u20190199001234", "FR", "+33199001234", None),
    ('="0199001234"', "FR", "+33199001234", None),
    ("0033199001234", "FR", "+33199001234", None),
    ("0033199001234", None, "+33199001234", "international_prefix"),
    ("0033199001234", "US", "+33199001234", "international_prefix"),
    ("01133199001234", "US", "+33199001234", None),
    ("33199001234", "FR", "+33199001234", "plus"),
    ("33199001234", "US", "+33199001234", "plus"),
    ("33199001234.0", "FR", "+33199001234", "float"),
    ("33199001234.00", "FR", "+33199001234", "float"),
    ("199001234.0", "FR", "+33199001234", "float"),
    ("3.3199001234E+10", "FR", "+33199001234", "exponent"),
    ("3,3199001234E+10", "FR", "+33199001234", "exponent"),
    ("1.99001234e8", "FR", "+33199001234", "exponent"),
    ("33,199,001,234", "FR", "+33199001234", "thousands"),
    ("199001234", "FR", "+33199001234", "leading_zero"),
    ("2079460123", "GB", "+442079460123", "leading_zero"),
    ("612345678", "IT", "+390612345678", "leading_zero"),
    ("0612345678", "IT", "+390612345678", None),
    ("390612345678", "IT", "+390612345678", "plus"),
    ("2025550123", "US", "+12025550123", None),
    ("(202) 555-0123", "US", "+12025550123", None),
    ("1-202-555-0123", "US", "+12025550123", "plus"),
    ("011 15-2345-6789", "AR", "+5491123456789", None),
]  # fmt: skip

# Number as written, region, code.
REFUSED = [
    ("", "FR", "empty"),
    ("   ", "FR", "empty"),
    ("'", "FR", "empty"),
    ("\u200b\u00a0", "FR", "empty"),
    ("hello", "FR", "not_a_number"),
    ("n/a", "FR", "not_a_number"),
    ("+", "FR", "not_a_number"),
    ("()", "FR", "not_a_number"),
    ("-33199001234", "FR", "not_a_number"),
    ("+33+199001234", "FR", "not_a_number"),
    ("1-800-FLOWERS", "US", "not_a_number"),
    ("0199001234, 0199001235", "FR", "not_a_number"),
    ("0199001234 ou 0199001235", "FR", "not_a_number"),
    ("0199001234\n0199001235", "FR", "not_a_number"),
    ("tel:0199001234;phone-context=+33", "FR", "not_a_number"),
    ("=1+1", "FR", "not_a_number"),
    ("9" * 300, "FR", "not_a_number"),
    ("#REF!", "FR", "not_a_number"),
    ("0199001234 x12", "FR", "extension"),
    ("0199001234 poste 12", "FR", "extension"),
    ("0199001234 ext. 12", "FR", "extension"),
    ("tel:+33199001234;ext=12", "FR", "extension"),
    ("3.32E+10", "FR", "lost_digits"),
    ("3.3199E+10", "FR", "lost_digits"),
    ("3E+10", "FR", "lost_digits"),
    ("1E+99", "FR", "lost_digits"),
    ("0199001234", None, "needs_region"),
    ("2025550123", None, "needs_region"),
    ("112", "FR", "too_short"),
    ("01990012", "FR", "too_short"),
    ("5181990079", "CH", "not_possible"),
    ("496149639", "IT", "ambiguous"),
    ("437711850", "RU", "ambiguous"),
    ("019900123456", "FR", "too_long"),
    ("0199001234/0199001235", "FR", "too_long"),
    ("+999123456", "FR", "invalid"),
    ("0712345678", "FR", "invalid"),
    ("+10000000000", None, "invalid"),
]


@pytest.mark.parametrize(("raw", "region", "e164", "repaired"), READ)
def test_reads(raw: str, region: str | None, e164: str, repaired: str | None) -> None:
    number = parse_number(raw, region)
    assert (number.e164, number.repaired) == (e164, repaired)


@pytest.mark.parametrize(("raw", "region", "code"), REFUSED)
def test_refuses_and_says_what_to_do(raw: str, region: str | None, code: str) -> None:
    with pytest.raises(NumberError) as caught:
        parse_number(raw, region)
    assert caught.value.code == code
    message = str(caught.value)
    assert "\n" not in message
    assert ";" in message, "a message says what is wrong; then what to do"


@pytest.mark.parametrize(
    ("e164", "region", "kind", "zones"),
    [
        ("+33612345678", "FR", "mobile", ("Europe/Paris",)),
        ("+33199001234", "FR", "fixed", ("Europe/Paris",)),
        ("+33800123456", "FR", "toll_free", ("Europe/Paris",)),
        ("+33899123456", "FR", "premium", ("Europe/Paris",)),
        ("+33826123456", "FR", "shared_cost", ("Europe/Paris",)),
        ("+33912345678", "FR", "voip", ("Europe/Paris",)),
        ("+12025550123", "US", "fixed_or_mobile", ("America/New_York",)),
        ("+15065550123", "CA", "fixed_or_mobile", ("America/Halifax",)),
        ("+870773111632", "001", "mobile", ()),
        ("+80012345678", "001", "toll_free", ()),
        ("+262262161234", "RE", "fixed", ("Indian/Reunion",)),
    ],
)  # fmt: skip
def test_kind_region_and_zones(e164: str, region: str, kind: str, zones: tuple[str, ...]) -> None:
    number = parse_number(e164, None)
    assert (number.region, number.kind, number.zones) == (region, kind, zones)


def test_a_mobile_without_a_place_has_every_zone_of_its_country() -> None:
    assert set(parse_number("+61412345678", None).zones) >= {"Australia/Perth", "Australia/Sydney"}


def test_the_national_reading_wins_over_an_international_one() -> None:
    assert parse_number("+3615551234", None).region == "HU"
    assert parse_number("3615551234", "US").e164 == "+13615551234"
    assert parse_number("3615551234", "US").repaired is None


def test_two_equally_good_repairs_are_refused_and_both_are_told() -> None:
    with pytest.raises(NumberError, match=r"may be \+390496149639 or \+496149639; write it with"):
        parse_number("496149639", "IT")


def test_a_zero_put_in_front_makes_no_international_prefix() -> None:
    # With a zero, 012 would be an Israeli operator's international prefix, and +49 4883789 a German number.
    assert parse_number("12494883789", "IL").e164 == "+12494883789"


@given(st.text(max_size=60), st.sampled_from(["FR", "US", None]))
def test_any_text_gives_a_valid_number_or_a_reason(raw: str, region: str | None) -> None:
    reason = ""
    number = None
    try:
        number = parse_number(raw, region)
    except NumberError as error:
        reason = str(error)
    if number is None:
        assert reason.isprintable()
    else:
        assert phonenumbers.is_valid_number(phonenumbers.parse(number.e164, None))


_SEPARATORS = st.text(alphabet=" .-\u00a0\u202f\u2009/", max_size=2)


@given(st.data(), st.sampled_from(sorted(REGIONS)))
def test_every_regions_own_writing_is_read_back(data: st.DataObject, region: str) -> None:
    kind = data.draw(
        st.sampled_from([phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE])
    )
    example = phonenumbers.example_number_for_type(region, kind)
    if example is None:
        return
    e164 = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
    spaced = "".join(digit + data.draw(_SEPARATORS) for digit in e164[1:])
    assert parse_number("+" + spaced, None).e164 == e164
    assert (
        parse_number(
            phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.INTERNATIONAL), None
        ).e164
        == e164
    )
    assert (
        parse_number(phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.RFC3966), None).e164
        == e164
    )
    national = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.NATIONAL)
    assert parse_number(national, region).e164 == e164
    assert parse_number(e164[1:] + ".0", region).e164 == parse_number(e164[1:], region).e164, (
        "a float in a spreadsheet"
    )


@pytest.mark.parametrize(
    ("number_format", "dialed"),
    [
        ("+E.164", "+33199001234"),
        ("E.164", "33199001234"),
        ("national", "0199001234"),
        ("prefix:00", "0033199001234"),
        ("prefix:1234", "123433199001234"),
    ],
)
def test_dial_format(number_format: str, dialed: str) -> None:
    assert dial_format("+33199001234", number_format) == dialed


def test_dial_format_in_north_america_and_italy() -> None:
    assert dial_format("+12025550123", "national") == "2025550123"
    assert dial_format("+390612345678", "national") == "0612345678"


@pytest.mark.parametrize(
    "e164",
    ["33199001234", "+0199001234", "+33 199001234", "+33199001234&PJSIP/x", "+", "", "+3319900123412345"],
)
def test_dial_format_takes_nothing_but_e164(e164: str) -> None:
    for number_format in ("+E.164", "E.164", "national", "prefix:00"):
        with pytest.raises(ValueError, match=r"E\.164"):
            dial_format(e164, number_format)


@pytest.mark.parametrize(
    "number_format", ["", "e.164", "prefix:", "prefix:0x", "prefix:00,1", "prefix:\u0660"]
)
def test_dial_format_refuses_unknown_formats(number_format: str) -> None:
    with pytest.raises(ValueError, match="unknown number format"):
        dial_format("+33199001234", number_format)


@given(st.sampled_from(sorted(REGIONS)), st.sampled_from(["+E.164", "E.164", "national", "prefix:00"]))
def test_dialed_is_digits_and_plus(region: str, number_format: str) -> None:
    example = phonenumbers.example_number(region)
    if example is None:
        return
    dialed = dial_format(
        phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164), number_format
    )
    assert dialed.removeprefix("+").isdigit()
    assert dialed.isascii()
