"""A field that is spoken, as Asterisk's say applications take it.

What is stored beside the field is digits, letters and hyphens alone: `digits` and `letters` as they are, `number` an integer,
`date`, `time` and `datetime` POSIX seconds of that date and time in UTC (they are spoken in UTC again, so no zone is involved),
`amount` as units-cents-currency.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, time

from engine.flow.prompts import SayKind
from engine.intake.moments import MomentError, parse_clock, read_local

LONGEST = 40
"""Digits or letters that are spoken one by one."""
LARGEST = 999_999_999
CURRENCIES = {
    "€": "eur", "EUR": "eur", "$": "usd", "US$": "usd", "USD": "usd", "£": "gbp", "GBP": "gbp", "₹": "inr", "INR": "inr",
    "CAD": "cad", "C$": "cad", "CHF": "chf",
}  # fmt: skip
_AMOUNT = re.compile(
    r"(?P<before>[^\d\s.,'-]*)\s*(?P<digits>\d[\d\s.,'\u2019\u00a0\u202f]*)\s*(?P<after>[^\d\s.,'-]*)"
)
_FORMS = tuple(
    re.compile(
        rf"([0-9]+|[1-9][0-9]{{0,2}}(?:{thousands}[0-9]{{2,3}})*{thousands}[0-9]{{3}})(?:{point}([0-9]{{2}}))?"
    )
    for thousands, point in ((",", r"\."), (r"\.", ","))
)
"""Units and cents. Three digits after a sign are thousands, two are cents, and one sign cannot be both; in India thousands are
followed by groups of two. What begins with a nought has no thousands: 0.125 is an eighth and not 125."""
_GAPS = re.compile(r"[\s.'\u2019\u00a0\u202f/_-]")


class NotSayable(ValueError):
    """The value cannot be spoken in this way. The message says why, and how to write it."""


def sayable(kind: SayKind, text: str) -> str:
    """The value for the say application. Raises NotSayable."""
    match kind:
        case "digits":
            found = _GAPS.sub("", text)
            if not re.fullmatch(r"[0-9]{1,40}", found):
                raise NotSayable(f"{text!r} is no row of at most {LONGEST} digits")
            return found
        case "letters":
            found = _GAPS.sub("", text)
            if not re.fullmatch(r"[0-9A-Za-z]{1,40}", found):
                raise NotSayable(
                    f"{text!r} is no row of at most {LONGEST} letters and digits without accents"
                )
            return found
        case "number":
            found = re.sub(r"[\s'\u2019\u00a0\u202f]", "", text)
            if not re.fullmatch(r"-?[0-9]{1,9}", found):
                raise NotSayable(
                    f"{text!r} is no whole number below a thousand million; write it without a comma"
                )
            return str(int(found))
        case "amount":
            return _amount(text)
        case "time":
            return str(_seconds(1970, 1, 2, _clock(text)))
        case "date" | "datetime":
            return _moment(kind, text)


def _amount(text: str) -> str:
    found = _AMOUNT.fullmatch(text.strip())
    sign = (found["before"] or found["after"]).strip() if found else ""
    currency = CURRENCIES.get(sign.upper())
    if found is None or currency is None or (found["before"] and found["after"]):
        raise NotSayable(f"{text!r} is no amount with its currency; write it as 12.50 EUR")
    digits = re.sub(r"[\s'\u2019\u00a0\u202f]", "", found["digits"])
    parts = next(filter(None, (form.fullmatch(digits) for form in _FORMS)), None)
    whole = re.sub(r"[.,]", "", parts[1]) if parts else ""
    if parts is None or len(whole) > 9:
        raise NotSayable(
            f"{text!r} is no amount with two digits after the point, or too large; write it as 12.50 EUR"
        )
    return f"{int(whole)}-{int(parts[2] or 0)}-{currency}"


def _clock(text: str) -> time:
    try:
        return parse_clock(text)
    except MomentError as error:
        raise NotSayable(str(error)) from None


def _moment(kind: SayKind, text: str) -> str:
    try:
        found = read_local(text)
    except MomentError as error:
        raise NotSayable(str(error)) from None
    if kind == "datetime" and found.time() == time() and not re.search(r"\d[:hT]", text):
        raise NotSayable(f"{text!r} has no time of day; write it as 2026-12-01 09:30, or say it as a date")
    clock = found.time() if kind == "datetime" else time(12)
    return str(_seconds(found.year, found.month, found.day, clock))


def _seconds(year: int, month: int, day: int, clock: time) -> int:
    return int(datetime(year, month, day, clock.hour, clock.minute, tzinfo=UTC).timestamp())
