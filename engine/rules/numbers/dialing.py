"""A number as a trunk wants it dialed."""

from __future__ import annotations

import re
from functools import lru_cache

from phonenumbers import (
    NumberParseException,
    PhoneNumberFormat,
    country_code_for_region,
    format_number,
    parse,
)

_E164 = re.compile(r"\+[1-9][0-9]{4,14}")


def dial_format(e164: str, number_format: str) -> str:
    """`e164` (such as +33199001234) as a trunk wants it dialed: digits and `+`, nothing else.

    `number_format` is `+E.164`, `E.164` (digits alone), `national` (as dialed inside the number's own
    country, such as 0199001234) or `prefix:<digits>` (those digits, then the E.164 digits). Raises ValueError
    for anything else.
    """
    if not _E164.fullmatch(e164):
        raise ValueError(f"not an E.164 number: {e164!r}")
    if number_format == "+E.164":
        return e164
    if number_format == "E.164":
        return e164[1:]
    if number_format == "national":
        return _national(e164)
    word, _, prefix = number_format.partition(":")
    if word == "prefix" and prefix.isascii() and prefix.isdigit():
        return prefix + e164[1:]
    raise ValueError(
        f"unknown number format {number_format!r}; use +E.164, E.164, national or prefix:<digits>"
    )


def calling_code(region: str) -> str:
    """The country calling code of a region (ISO 3166-1), such as `44` of GB; empty where there is none."""
    code = country_code_for_region(region)
    return str(code) if code else ""


@lru_cache(maxsize=4096)
def _national(e164: str) -> str:
    try:
        written = format_number(parse(e164, None), PhoneNumberFormat.NATIONAL)
    except NumberParseException as error:
        raise ValueError(f"no numbering plan for {e164!r}") from error
    return "".join(sign for sign in written if sign in "0123456789")
