"""Telephone numbers: what people and spreadsheets write, read as E.164.

The only importer of phonenumbers. Knows how a number is spoilt on its way through a spreadsheet and how to read it all the same, what
kind it is and which time zones it may be in. Refuses to know whether it may be called.

A reading is never a silent guess: the reading as a national number of the given region wins, whatever else was needed stands in
`Number.repaired`, and a number with two equally good repairs is refused.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Literal, NoReturn, get_args

from phonenumbers import (
    NumberParseException,
    PhoneMetadata,
    PhoneNumber,
    PhoneNumberFormat,
    PhoneNumberType,
    ValidationResult,
    format_number,
    is_possible_number_with_reason,
    number_type,
    parse,
    region_code_for_number,
)
from phonenumbers.phonenumberutil import SUPPORTED_REGIONS
from phonenumbers.timezone import UNKNOWN_TIMEZONE, time_zones_for_number

Kind = Literal[
    "mobile", "fixed", "fixed_or_mobile", "toll_free", "premium", "shared_cost", "voip", "personal", "pager", "uan", "voicemail"
]
"""ITU and operators' words for what a number is; `fixed_or_mobile` where the numbering plan does not tell (as in North America)."""

Repair = Literal["float", "exponent", "thousands", "plus", "international_prefix", "leading_zero"]
"""What a reading had to undo: a decimal `.0`, an exponent, thousands separators, a lost `+`, a `00` that is not the region's own
international prefix, a lost leading zero."""

Code = Literal[
    "empty", "not_a_number", "extension", "lost_digits", "needs_region", "too_short", "too_long", "not_possible", "invalid", "ambiguous"
]

REGIONS: frozenset[str] = frozenset(SUPPORTED_REGIONS)
"""ISO 3166-1 codes of the regions whose numbering plan is known."""

_KINDS: dict[int, Kind] = {
    PhoneNumberType.MOBILE: "mobile",
    PhoneNumberType.FIXED_LINE: "fixed",
    PhoneNumberType.FIXED_LINE_OR_MOBILE: "fixed_or_mobile",
    PhoneNumberType.TOLL_FREE: "toll_free",
    PhoneNumberType.PREMIUM_RATE: "premium",
    PhoneNumberType.SHARED_COST: "shared_cost",
    PhoneNumberType.VOIP: "voip",
    PhoneNumberType.PERSONAL_NUMBER: "personal",
    PhoneNumberType.PAGER: "pager",
    PhoneNumberType.UAN: "uan",
    PhoneNumberType.VOICEMAIL: "voicemail",
}
assert set(_KINDS.values()) == set(get_args(Kind))

_DIGITS_MAX = 17
"""E.164 has 15 digits at most; `00` or a trunk prefix may stand before them."""
_CELL_MAX = 250

_PLAIN = re.compile(r"\+?[0-9]{5,17}")
_DROPPED = dict.fromkeys(map(ord, " \t.-()/_'"))
_FLOAT = re.compile(r"\+?([1-9][0-9]*)\.0{1,2}")
_EXPONENT = re.compile(r"\+?([0-9])[.,]?([0-9]*)[eE]\+?([0-9]{1,2})")
_THOUSANDS = re.compile(r"\+?([1-9][0-9]{0,2}(?:,[0-9]{3})+)")
_EXTENSION = re.compile(r"(?i)(?:;ext=|ext\.?|extension|x|#|poste|durchwahl|anexo|int\.)\s*[:.]?\s*[0-9]{1,7}\s*$")
_FORMULA_TEXT = re.compile(r'="(.*)"')


@dataclass(frozen=True, slots=True)
class Number:
    """A valid number. `region` is ISO 3166-1 (`001`: no country, such as satellite); `zones` are IANA names, empty when not known."""

    e164: str
    region: str
    kind: Kind
    zones: tuple[str, ...]
    repaired: Repair | None = None


class NumberError(ValueError):
    """This is not a number that can be dialed. `code` is a constant for programs; the message says what is wrong and what to do."""

    def __init__(self, code: Code, message: str) -> None:
        self.code: Code = code
        super().__init__(message)


def parse_number(raw: str, region: str | None) -> Number:
    """`raw`, as somebody or some spreadsheet wrote it, as a number.

    `region` (ISO 3166-1, such as `FR`) is where a number without a country code belongs; without it only international numbers
    are read. Raises NumberError.
    """
    repaired: Repair | None = None
    text = raw
    if not _PLAIN.fullmatch(raw):
        text, repaired = _clean(raw)
    found = _read(text, region)
    if found is not None:
        e164, where, kind, zones = found
        if repaired is None and text[0] != "+":
            repaired = _undone(text, e164, region)
        return Number(e164, where, kind, zones, repaired)
    return _repair(text, raw, region)


def _clean(raw: str) -> tuple[str, Repair | None]:
    """`raw` as digits with at most a leading plus, and what had to be undone for it."""
    text = raw if raw.isascii() else _ascii(raw)
    text = text.strip()
    formula = _FORMULA_TEXT.fullmatch(text)
    if formula:
        text = formula[1].strip()
    text = text.lstrip("'").strip()
    if text[:4].lower() == "tel:":
        text = text[4:].strip()
        if ";" in text and not _EXTENSION.search(text):
            raise NumberError("not_a_number", f"{_shown(raw)} is a tel: address with parameters; write the number alone")
    if not text:
        raise NumberError("empty", "there is no phone number; fill it in or leave the row out")
    if len(text) > _CELL_MAX:
        raise NumberError("not_a_number", "this is far too long for a phone number; write one number in a cell")
    repaired: Repair | None = None
    if match := _FLOAT.fullmatch(text):
        text, repaired = match[1], "float"
    elif match := _EXPONENT.fullmatch(text):
        text, repaired = _from_exponent(match, raw), "exponent"
    elif match := _THOUSANDS.fullmatch(text):
        text, repaired = match[1].replace(",", ""), "thousands"
    plus = text[0] == "+" or text[:2] == "(+"
    digits = text.translate(_DROPPED)
    if plus:
        digits = digits[1:]
    if not digits.isdigit() or text[0] == "-":
        _refuse_text(text, digits, raw)
    if len(digits) > _DIGITS_MAX:
        raise NumberError("too_long", f"{_shown(raw)} has {len(digits)} digits, and no phone number has more than 15;"
                                      " if the cell holds several numbers, give each a column of its own")
    return ("+" + digits if plus else digits), repaired


def _ascii(raw: str) -> str:
    """Digits of every script as 0-9, every dash and space as its plain sign; invisible signs are dropped."""
    signs = []
    for sign in raw:
        if sign.isascii():
            signs.append(sign)
            continue
        digit = unicodedata.decimal(sign, None)
        if digit is not None:
            signs.append(str(digit))
            continue
        category = unicodedata.category(sign)
        if category == "Zs":
            signs.append(" ")
        elif category == "Pd" or sign == "\u2212":
            signs.append("-")
        elif category == "Cf" or sign == "\u200b":
            continue
        elif sign in "\u2018\u2019\u02bc":
            signs.append("'")
        else:
            signs.append(unicodedata.normalize("NFKC", sign))
    return "".join(signs)


def _from_exponent(match: re.Match[str], raw: str) -> str:
    """The digits of 3.3639980001E+10, if all of them are written down."""
    first, rest, power = match[1], match[2], int(match[3])
    if power > _DIGITS_MAX or len(rest) != power:
        raise NumberError("lost_digits", f"{_shown(raw)} is a number that the spreadsheet shortened: its last digits are lost;"
                                         " format the column as text, fill it in again, and export again")
    return str(int(Decimal(f"{first}.{rest or '0'}").scaleb(power)))


def _refuse_text(text: str, digits: str, raw: str) -> NoReturn:
    if _EXTENSION.search(text):
        raise NumberError("extension", f"{_shown(raw)} has an extension, which cannot be dialed; give the direct number")
    if sum(sign.isdigit() for sign in digits) > _DIGITS_MAX or re.search(r"[,;|&\n\x1f]|\+.*\+| or | ou ", text):
        raise NumberError("not_a_number", f"{_shown(raw)} looks like several numbers; give each a column of its own")
    raise NumberError("not_a_number", f"{_shown(raw)} is not a phone number; write digits, with + and the country code")


_Found = tuple[str, str, Kind, tuple[str, ...]]


def _read(text: str, region: str | None) -> _Found | None:
    """E.164, region, kind and zones of `text` when it is a valid number as it stands, or None."""
    try:
        number = parse(text, region)
    except NumberParseException:
        return None
    return _describe(number)


def _describe(number: PhoneNumber) -> _Found | None:
    # is_valid_number asks for nothing but a known number type, and would find it out a second time.
    kind = _KINDS.get(number_type(number))
    if kind is None:
        return None
    zones = tuple(time_zones_for_number(number))
    return (
        format_number(number, PhoneNumberFormat.E164),
        region_code_for_number(number) or "",
        kind,
        () if zones == (UNKNOWN_TIMEZONE,) else zones,
    )


@lru_cache(maxsize=512)
def _plan(region: str) -> tuple[str, str]:
    """Country calling code and trunk prefix of a region."""
    metadata = PhoneMetadata.metadata_for_region(region, None)
    if metadata is None:
        return "", ""
    return str(metadata.country_code), metadata.national_prefix or ""


def _undone(text: str, e164: str, region: str | None) -> Repair | None:
    """What phonenumbers itself made good in a number written without a plus."""
    if region is None:
        return None
    country, trunk = _plan(region)
    if e164[1:] == text:
        return "plus"
    if trunk == "0" and e164 == f"+{country}{text}":
        return "leading_zero"
    return None


def _repair(text: str, raw: str, region: str | None) -> Number:
    """The one valid number that `text`, not valid as it stands, can have been. Raises NumberError when there is none, or several."""
    candidates: list[tuple[Repair, str]] = []
    if text.startswith("00"):
        candidates.append(("international_prefix", "+" + text[2:]))
    elif text[0] != "+" and region is not None:
        candidates.append(("plus", "+" + text))
        candidates.extend(("leading_zero", prefix + text) for prefix in dict.fromkeys((_plan(region)[1] or "0", "0")))
    found: dict[str, Number] = {}
    for repair, candidate in candidates:
        read = _read(candidate, region)
        if read is not None:
            found.setdefault(read[0], Number(*read, repair))
    if len(found) == 1:
        return next(iter(found.values()))
    if found:
        raise NumberError("ambiguous", f"{_shown(raw)} may be {' or '.join(sorted(found))}; write it with + and the country code")
    raise _reason(text, raw, region)


def _reason(text: str, raw: str, region: str | None) -> NumberError:
    """Why `text` cannot be dialed, as phonenumbers sees it."""
    shown = _shown(raw)
    if region is None and text[0] != "+" and not text.startswith("00"):
        return NumberError("needs_region", f"{shown} has no country code; write it with +, or set the contacts' default region")
    written = "+" + text[2:] if region is None and text[0] != "+" else text
    try:
        number = parse(written, region)
    except NumberParseException as error:
        kind = error.error_type
        if kind == NumberParseException.INVALID_COUNTRY_CODE:
            return NumberError("invalid", f"{shown} begins with a country code that does not exist; write the number again")
        if kind == NumberParseException.TOO_LONG:
            return NumberError("too_long", f"{shown} has too many digits; write the number again")
        if kind in {NumberParseException.TOO_SHORT_NSN, NumberParseException.TOO_SHORT_AFTER_IDD}:
            return NumberError("too_short", f"{shown} has too few digits; write the number again")
        return NumberError("not_a_number", f"{shown} is not a phone number; write digits, with + and the country code")
    possible = is_possible_number_with_reason(number)
    where = region_code_for_number(number) or (region or "its country")
    if possible in {ValidationResult.TOO_SHORT, ValidationResult.IS_POSSIBLE_LOCAL_ONLY}:
        return NumberError("too_short", f"{shown} has too few digits for {where}; write the number again, with its area code")
    if possible == ValidationResult.TOO_LONG:
        return NumberError("too_long", f"{shown} has too many digits for {where}; write the number again")
    if possible != ValidationResult.IS_POSSIBLE:
        return NumberError("not_possible", f"{shown} has a number of digits that {where} does not use; write the number again")
    return NumberError("invalid", f"{shown} is in no range that {where} has given out; write the number again")


def _shown(raw: str) -> str:
    """`raw` for a message: short and without anything that could break a line."""
    text = raw if len(raw) <= 40 else raw[:37] + "..."
    return repr(text)


def dial_format(e164: str, number_format: str) -> str:
    """`e164` (such as +33639980001) as a trunk wants it dialed: digits and `+`, nothing else.

    `number_format` is `+E.164`, `E.164` (digits alone), `national` (as dialed inside the number's own country, such as 0639980001)
    or `prefix:<digits>` (those digits, then the E.164 digits). Raises ValueError for anything else.
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
    raise ValueError(f"unknown number format {number_format!r}; use +E.164, E.164, national or prefix:<digits>")


_E164 = re.compile(r"\+[1-9][0-9]{4,14}")


@lru_cache(maxsize=4096)
def _national(e164: str) -> str:
    try:
        written = format_number(parse(e164, None), PhoneNumberFormat.NATIONAL)
    except NumberParseException as error:
        raise ValueError(f"no numbering plan for {e164!r}") from error
    return "".join(sign for sign in written if sign in "0123456789")
