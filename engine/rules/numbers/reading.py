"""What a written number means in a region.

A reading is never a silent guess: the reading as a national number of the given region wins, whatever else
was needed stands in `Number.repaired`, and a number with two equally good repairs is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from phonenumbers import (
    NumberParseException,
    PhoneMetadata,
    PhoneNumber,
    PhoneNumberFormat,
    ValidationResult,
    format_number,
    is_possible_number_with_reason,
    number_type,
    parse,
    region_code_for_number,
)

from engine.rules.numbers.number import KINDS, Number, describe
from engine.rules.numbers.ranges import Ranges
from engine.rules.numbers.text import NumberError, Repair, clean, shown

_RANGES = Ranges()
_INTERNATIONAL_MIN = 9
"""Digits in an international number that lost its plus: shorter ones exist, but nearly always the digits are
something else."""


def parse_number(raw: str, region: str | None) -> Number:
    """`raw`, as somebody or some spreadsheet wrote it, as a number.

    `region` (ISO 3166-1, such as `FR`) is where a number without a country code belongs; without it only
    international numbers are read. Raises NumberError.
    """
    text, repaired = clean(raw)
    known = _RANGES.find(text, region)
    if known is None:
        number = _read(text, region)
        if number is None:
            return _repair(text, raw, region)
        known = describe(number, _undone(text, number, region))
        _RANGES.learn(text, region, number, known)
    return known if repaired is None else Number(known.e164, known.region, known.kind, known.zones, repaired)


def _read(text: str, region: str | None) -> PhoneNumber | None:
    """`text` as it stands, as phonenumbers reads it; None when it is no valid number."""
    try:
        number = parse(text, region)
    except NumberParseException:
        return None
    # is_valid_number asks for nothing but a known type.
    return number if number_type(number) in KINDS else None


@lru_cache(maxsize=512)
def _plan(region: str) -> tuple[str, str]:
    """Country calling code and trunk prefix of a region."""
    metadata = PhoneMetadata.metadata_for_region(region, None)
    if metadata is None:
        return "", ""
    return str(metadata.country_code), metadata.national_prefix or ""


def _undone(text: str, number: PhoneNumber, region: str | None) -> Repair | None:
    """What phonenumbers itself made good in a number written without a plus."""
    if region is None or text[0] == "+":
        return None
    country, trunk = _plan(region)
    e164 = format_number(number, PhoneNumberFormat.E164)
    if e164[1:] == text:
        return "plus"
    if trunk == "0" and e164 == f"+{country}{text}":
        return "leading_zero"
    return None


def _repair(text: str, raw: str, region: str | None) -> Number:
    """The one valid number that `text`, not valid as it stands, can have been. Raises NumberError when there
    is none, or several."""
    found: dict[str, Number] = {}
    for repair, candidate in _candidates(text, region):
        number = _read(candidate, region)
        if number is None:
            continue
        described = describe(number, repair)
        # A zero put in front may also make an international prefix or a carrier code, which was not written
        # there.
        if repair != "leading_zero" or described.e164.endswith(text):
            found.setdefault(described.e164, described)
    if len(found) == 1:
        return next(iter(found.values()))
    if found:
        raise NumberError(
            "ambiguous",
            f"{shown(raw)} may be {' or '.join(sorted(found))}; write it with + and the country code",
        )
    raise _reason(text, raw, region)


def _candidates(text: str, region: str | None) -> Iterator[tuple[Repair, str]]:
    """What `text` may have been before it was spoilt."""
    if text.startswith("00"):
        yield "international_prefix", "+" + text[2:]
    elif text[0] != "+" and region is not None:
        if len(text) >= _INTERNATIONAL_MIN:
            yield "plus", "+" + text
        for prefix in dict.fromkeys((_plan(region)[1] or "0", "0")):
            yield "leading_zero", prefix + text


def _reason(text: str, raw: str, region: str | None) -> NumberError:
    """Why `text` cannot be dialed, as phonenumbers sees it."""
    it = shown(raw)
    if region is None and text[0] != "+" and not text.startswith("00"):
        return NumberError(
            "needs_region", f"{it} has no country code; write it with +, or set the contacts' default region"
        )
    written = "+" + text[2:] if region is None and text[0] != "+" else text
    try:
        number = parse(written, region)
    except NumberParseException as error:
        kind = error.error_type
        if kind == NumberParseException.INVALID_COUNTRY_CODE:
            return NumberError(
                "invalid", f"{it} begins with a country code that does not exist; write the number again"
            )
        if kind == NumberParseException.TOO_LONG:
            return NumberError("too_long", f"{it} has too many digits; write the number again")
        if kind in {NumberParseException.TOO_SHORT_NSN, NumberParseException.TOO_SHORT_AFTER_IDD}:
            return NumberError("too_short", f"{it} has too few digits; write the number again")
        return NumberError(
            "not_a_number", f"{it} is not a phone number; write digits, with + and the country code"
        )
    possible = is_possible_number_with_reason(number)
    where = region_code_for_number(number) or (region or "its country")
    if possible in {ValidationResult.TOO_SHORT, ValidationResult.IS_POSSIBLE_LOCAL_ONLY}:
        return NumberError(
            "too_short", f"{it} has too few digits for {where}; write the number again, with its area code"
        )
    if possible == ValidationResult.TOO_LONG:
        return NumberError("too_long", f"{it} has too many digits for {where}; write the number again")
    if possible != ValidationResult.IS_POSSIBLE:
        return NumberError(
            "not_possible", f"{it} has a number of digits that {where} does not use; write the number again"
        )
    return NumberError("invalid", f"{it} is in no range that {where} has given out; write the number again")
