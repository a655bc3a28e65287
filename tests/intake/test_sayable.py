"""Fields that are spoken: what can be, in which form the say applications get it, and that nothing else ever goes out."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.ami.encode import spoken_variable
from engine.flow.prompts import SayKind
from engine.intake.placing import SPOKEN
from engine.intake.sayable import CURRENCIES, LARGEST, NotSayable, sayable

KINDS = get_args(SayKind)
THIN, HARD = "\u202f", "\u00a0"
"""Spaces that spreadsheets put between thousands."""


def instant(year: int, month: int, day: int, hour: int = 12, minute: int = 0) -> str:
    return str(int(datetime(year, month, day, hour, minute, tzinfo=UTC).timestamp()))


def clock(hour: int, minute: int = 0) -> str:
    return instant(1970, 1, 2, hour, minute)


GOOD: list[tuple[SayKind, str, str]] = [
    ("digits", "4071", "4071"),
    ("digits", "40-71", "4071"),
    ("digits", "06 12/34.56_78", "0612345678"),
    ("digits", "0", "0"),
    ("digits", "9" * 40, "9" * 40),
    ("letters", "BZ4", "BZ4"),
    ("letters", "bz-4 a", "bz4a"),
    ("letters", "2026/AB.1", "2026AB1"),
    ("number", "308", "308"),
    ("number", "007", "7"),
    ("number", "-12", "-12"),
    ("number", "-0", "0"),
    ("number", "1 234", "1234"),
    ("number", f"1{THIN}234{HARD}567", "1234567"),
    ("number", "1'234", "1234"),
    ("number", "999999999", "999999999"),
    ("date", "2026-12-24", instant(2026, 12, 24)),
    ("date", "24.12.2026", instant(2026, 12, 24)),
    ("date", "24/12/2026", instant(2026, 12, 24)),
    ("date", "12/24/2026", instant(2026, 12, 24)),
    ("date", "46380", instant(2026, 12, 24)),
    ("date", " 2026-12-24 23:59 ", instant(2026, 12, 24)),
    ("date", "2026-12-24T01:00+09:00", instant(2026, 12, 24)),
    ("time", "14:30", clock(14, 30)),
    ("time", "9h30", clock(9, 30)),
    ("time", "2:30 pm", clock(14, 30)),
    ("time", "12 am", clock(0)),
    ("time", "0:00", clock(0)),
    ("time", "23:59:59", clock(23, 59)),
    ("datetime", "2026-12-24 14:30", instant(2026, 12, 24, 14, 30)),
    ("datetime", "24.12.2026 9:05", instant(2026, 12, 24, 9, 5)),
    ("datetime", "46380.5", instant(2026, 12, 24, 12)),
    ("datetime", "2026-12-24 00:00", instant(2026, 12, 24, 0)),
    ("datetime", "2026-12-24T00:00", instant(2026, 12, 24, 0)),
    ("datetime", "2026-12-24T14:30-05:00", instant(2026, 12, 24, 14, 30)),
    ("amount", "12.50 EUR", "12-50-eur"),
    ("amount", "12,50 €", "12-50-eur"),
    ("amount", "€12.50", "12-50-eur"),
    ("amount", "eur 12,50", "12-50-eur"),
    ("amount", "$12", "12-0-usd"),
    ("amount", "US$ 12.05", "12-5-usd"),
    ("amount", "C$0.99", "0-99-cad"),
    ("amount", "£1,234.56", "1234-56-gbp"),
    ("amount", "1.234,56 €", "1234-56-eur"),
    ("amount", "1,234,567 USD", "1234567-0-usd"),
    ("amount", "1.234.567 EUR", "1234567-0-eur"),
    ("amount", "12.345 EUR", "12345-0-eur"),
    ("amount", "12,345 GBP", "12345-0-gbp"),
    ("amount", f"1{THIN}234,56{HARD}€", "1234-56-eur"),
    ("amount", "1 234 567.00 CHF", "1234567-0-chf"),
    ("amount", "1'234.50 CHF", "1234-50-chf"),
    ("amount", "1\u2019234.50 CHF", "1234-50-chf"),
    ("amount", "₹1,00,000", "100000-0-inr"),
    ("amount", "12,34,567.89 INR", "1234567-89-inr"),
    ("amount", "0.05 EUR", "0-5-eur"),
    ("amount", "007.10 EUR", "7-10-eur"),
    ("amount", "999999999,99 EUR", "999999999-99-eur"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "text", "value"), GOOD)
def test_what_can_be_spoken(kind: SayKind, text: str, value: str) -> None:
    assert sayable(kind, text) == value


BAD: list[tuple[SayKind, str]] = [
    ("digits", ""),
    ("digits", "12a"),
    ("digits", "12+3"),
    ("digits", "9" * 41),
    ("digits", "١٢٣"),
    ("letters", ""),
    ("letters", "Zoë"),
    ("letters", "a&b"),
    ("letters", "a,b"),
    ("letters", "x" * 41),
    ("number", ""),
    ("number", "12.5"),
    ("number", "1,234"),
    ("number", "1.234"),
    ("number", "1234567890"),
    ("number", "--5"),
    ("number", "+5"),
    ("number", "5-"),
    ("number", "٣"),
    ("number", "1e3"),
    ("date", ""),
    ("date", "tomorrow"),
    ("date", "2026-02-30"),
    ("date", "03/04/2026"),
    ("date", "24.12."),
    ("date", "14:30"),
    ("date", "1999-12-31"),
    ("time", ""),
    ("time", "24:00"),
    ("time", "13 pm"),
    ("time", "9:60"),
    ("time", "2026-12-24"),
    ("datetime", "2026-12-24"),
    ("datetime", "24.12.2026"),
    ("datetime", "46380"),
    ("datetime", "14:30"),
    ("amount", ""),
    ("amount", "EUR"),
    ("amount", "12.50"),
    ("amount", "12.50 XXX"),
    ("amount", "€12 EUR"),
    ("amount", "-12.50 EUR"),
    ("amount", "12.50- EUR"),
    ("amount", "12.5 EUR"),
    ("amount", "12. EUR"),
    ("amount", ".50 EUR"),
    ("amount", "12.3456 EUR"),
    ("amount", "0.125 EUR"),
    ("amount", "0,125 EUR"),
    ("amount", "012,500 EUR"),
    ("amount", "1,234.567 EUR"),
    ("amount", "1.234,567 EUR"),
    ("amount", "1234,567 EUR"),
    ("amount", "1.234.56 EUR"),
    ("amount", "12,345,67 EUR"),
    ("amount", "1,23.45 EUR"),
    ("amount", "1,2,3 EUR"),
    ("amount", "12.50 EUR a month"),
    ("amount", "1000000000 EUR"),
    ("amount", "١٢ EUR"),
    ("amount", "1e5 EUR"),
]


@pytest.mark.parametrize(("kind", "text"), BAD)
def test_what_cannot(kind: SayKind, text: str) -> None:
    with pytest.raises(NotSayable, match=re.escape(repr(text)[:-1])):  # it says which value
        sayable(kind, text)


def test_both_tables_have_every_kind() -> None:
    assert {kind for kind, *_ in GOOD} == {kind for kind, _ in BAD} == set(KINDS)


def test_every_currency_has_its_sounds() -> None:
    for sign, currency in CURRENCIES.items():
        assert sayable("amount", f"{sign}2") == f"2-0-{currency}"
        assert sayable("amount", f"2 {sign.lower()}") == f"2-0-{currency}"
        assert {f"units_{currency}", f"cents_{currency}"} <= set(SPOKEN)


# -- whatever it is ----------------------------------------------------------------------------------------------------

signs = st.text("0123456789.,-+'/: €$£₹ EURapmTZ\u2019\u00a0\u202f&|%{}()\n\x00", max_size=60)


@given(st.sampled_from(KINDS), st.one_of(signs, st.text(max_size=60)))
def test_only_letters_digits_and_hyphens_go_out(kind: SayKind, text: str) -> None:
    try:
        value = sayable(kind, text)
    except NotSayable:
        return
    assert re.fullmatch(r"[0-9A-Za-z-]{1,40}", value, re.ASCII)
    assert spoken_variable("F", value) == ("Variable", f"VOLLEY_S_F={value}")


@given(st.integers(-LARGEST, LARGEST))
def test_every_whole_number(number: int) -> None:
    assert sayable("number", str(number)) == str(number)


@given(st.text("0123456789", min_size=1, max_size=40), st.randoms(use_true_random=False))
def test_digits_in_groups_are_those_digits(digits: str, dice: object) -> None:
    grouped = "".join(digit + dice.choice(["", "", " ", "-", ".", "/"]) for digit in digits)  # type: ignore[attr-defined]
    assert sayable("digits", grouped) == sayable("letters", grouped) == digits


STYLES = [
    (",", "."),
    (".", ","),
    (" ", ","),
    (" ", "."),
    ("'", "."),
    ("\u2019", "."),
    (THIN, ","),
    (HARD, ","),
    ("", "."),
    ("", ","),
]
"""Sign between thousands, and before the cents."""


@given(
    st.integers(0, LARGEST),
    st.one_of(st.none(), st.integers(0, 99)),
    st.sampled_from(STYLES),
    st.sampled_from(sorted(CURRENCIES)),
    st.sampled_from(
        [
            "{sign}{amount}",
            "{sign} {amount}",
            "{amount} {sign}",
            "{amount}{sign}",
            f"{{amount}}{HARD}{{sign}}",
        ]
    ),
)
def test_amounts_as_the_world_writes_them(
    units: int, cents: int | None, style: tuple[str, str], sign: str, form: str
) -> None:
    thousands, point = style
    amount = f"{units:,}".replace(",", thousands) + ("" if cents is None else f"{point}{cents:02d}")
    value = sayable("amount", form.format(sign=sign, amount=amount))
    assert value == f"{units}-{cents or 0}-{CURRENCIES[sign]}"


DAYS = st.dates(date(2000, 1, 1), date(2100, 12, 31))
FORMS = ["{0:%Y-%m-%d}", "{0.day}.{0.month}.{0.year}", "{0:%d.%m.%Y}"]


@given(DAYS, st.sampled_from(FORMS))
def test_a_date_comes_back_as_that_date(day: date, form: str) -> None:
    spoken = datetime.fromtimestamp(int(sayable("date", form.format(day))), UTC)
    assert (spoken.date(), spoken.time()) == (day, time(12)), "noon: the same day wherever it is spoken"


@given(DAYS, st.times(), st.sampled_from(FORMS), st.sampled_from(["%H:%M", "%H:%M:%S"]))
def test_a_date_and_time_comes_back_to_the_minute(day: date, at: time, form: str, how: str) -> None:
    spoken = datetime.fromtimestamp(int(sayable("datetime", f"{form.format(day)} {at:{how}}")), UTC)
    assert spoken == datetime(day.year, day.month, day.day, at.hour, at.minute, tzinfo=UTC)


@given(st.times(), st.sampled_from(["%H:%M", "%H:%M:%S", "%I:%M %p", "%Hh%M"]))
def test_a_time_comes_back_to_the_minute(at: time, how: str) -> None:
    spoken = datetime.fromtimestamp(int(sayable("time", f"{at:{how}}")), UTC)
    assert (spoken.hour, spoken.minute) == (at.hour, at.minute)
