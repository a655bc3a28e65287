"""Telephone numbers: what people and spreadsheets write, read as E.164.

The only importer of phonenumbers. Knows what kind a number is and which time zones it may be in. Refuses to know whether it may be
called; how numbers are written is in `engine.rules.number_text`.

A reading is never a silent guess: the reading as a national number of the given region wins, whatever else was needed stands in
`Number.repaired`, and a number with two equally good repairs is refused.

phonenumbers takes some 35 microseconds a number. Where the first digits decide everything, what it answered once holds for all numbers that
share them: see `_Ranges`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, get_args

from phonenumbers import (
    COUNTRY_CODE_TO_REGION_CODE,
    NumberParseException,
    PhoneMetadata,
    PhoneNumber,
    PhoneNumberFormat,
    PhoneNumberType,
    ValidationResult,
    format_number,
    is_possible_number_with_reason,
    national_significant_number,
    number_type,
    parse,
    region_code_for_number,
)
from phonenumbers.phonenumberutil import SUPPORTED_REGIONS
from phonenumbers.timezone import UNKNOWN_TIMEZONE, time_zones_for_number
from phonenumbers.tzdata import TIMEZONE_DATA

from engine.rules.digit_patterns import digit_pattern
from engine.rules.number_text import Code, NumberError, Repair, clean, shown

__all__ = ["REGIONS", "Code", "Kind", "Number", "NumberError", "Repair", "dial_format", "parse_number"]

Kind = Literal[
    "mobile", "fixed", "fixed_or_mobile", "toll_free", "premium", "shared_cost", "voip", "personal", "pager", "uan", "voicemail"
]
"""ITU and operators' words for what a number is; `fixed_or_mobile` where the numbering plan does not tell (as in North America)."""

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

_E164 = re.compile(r"\+[1-9][0-9]{4,14}")


@dataclass(frozen=True, slots=True)
class Number:
    """A valid number. `region` is ISO 3166-1 (`001`: no country, such as satellite); `zones` are IANA names, empty when not known."""

    e164: str
    region: str
    kind: Kind
    zones: tuple[str, ...]
    repaired: Repair | None = None


def parse_number(raw: str, region: str | None) -> Number:
    """`raw`, as somebody or some spreadsheet wrote it, as a number.

    `region` (ISO 3166-1, such as `FR`) is where a number without a country code belongs; without it only international numbers
    are read. Raises NumberError.
    """
    text, repaired = clean(raw)
    known = _RANGES.find(text, region)
    if known is None:
        number = _read(text, region)
        if number is None:
            return _repair(text, raw, region)
        known = _RANGES.learn(text, region, number)
    return known if repaired is None else Number(known.e164, known.region, known.kind, known.zones, repaired)


def _read(text: str, region: str | None) -> PhoneNumber | None:
    """`text` as it stands, as phonenumbers reads it; None when it is no valid number."""
    try:
        number = parse(text, region)
    except NumberParseException:
        return None
    # is_valid_number asks for nothing but a known type.
    return number if number_type(number) in _KINDS else None


def _describe(number: PhoneNumber, repaired: Repair | None) -> Number:
    zones = tuple(time_zones_for_number(number))
    return Number(
        format_number(number, PhoneNumberFormat.E164),
        region_code_for_number(number) or "",
        _KINDS[number_type(number)],
        () if zones == (UNKNOWN_TIMEZONE,) else zones,
        repaired,
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
    if region is None or text[0] == "+":
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
        number = _read(candidate, region)
        if number is not None:
            described = _describe(number, repair)
            found.setdefault(described.e164, described)
    if len(found) == 1:
        return next(iter(found.values()))
    if found:
        raise NumberError("ambiguous", f"{shown(raw)} may be {' or '.join(sorted(found))}; write it with + and the country code")
    raise _reason(text, raw, region)


def _reason(text: str, raw: str, region: str | None) -> NumberError:
    """Why `text` cannot be dialed, as phonenumbers sees it."""
    it = shown(raw)
    if region is None and text[0] != "+" and not text.startswith("00"):
        return NumberError("needs_region", f"{it} has no country code; write it with +, or set the contacts' default region")
    written = "+" + text[2:] if region is None and text[0] != "+" else text
    try:
        number = parse(written, region)
    except NumberParseException as error:
        kind = error.error_type
        if kind == NumberParseException.INVALID_COUNTRY_CODE:
            return NumberError("invalid", f"{it} begins with a country code that does not exist; write the number again")
        if kind == NumberParseException.TOO_LONG:
            return NumberError("too_long", f"{it} has too many digits; write the number again")
        if kind in {NumberParseException.TOO_SHORT_NSN, NumberParseException.TOO_SHORT_AFTER_IDD}:
            return NumberError("too_short", f"{it} has too few digits; write the number again")
        return NumberError("not_a_number", f"{it} is not a phone number; write digits, with + and the country code")
    possible = is_possible_number_with_reason(number)
    where = region_code_for_number(number) or (region or "its country")
    if possible in {ValidationResult.TOO_SHORT, ValidationResult.IS_POSSIBLE_LOCAL_ONLY}:
        return NumberError("too_short", f"{it} has too few digits for {where}; write the number again, with its area code")
    if possible == ValidationResult.TOO_LONG:
        return NumberError("too_long", f"{it} has too many digits for {where}; write the number again")
    if possible != ValidationResult.IS_POSSIBLE:
        return NumberError("not_possible", f"{it} has a number of digits that {where} does not use; write the number again")
    return NumberError("invalid", f"{it} is in no range that {where} has given out; write the number again")


# --- ranges ------------------------------------------------------------------------------------------------------------

_TAILS = (6, 4, 2)
"""Digits at the end that may turn out not to matter, tried in this order."""
_RANGES_MAX = 100_000

_ZONE_BRANCHES = frozenset(prefix[:length] for prefix in TIMEZONE_DATA for length in range(1, len(prefix)))
"""Beginnings after which further digits may change the time zones."""

_TYPES = (
    "premium_rate", "toll_free", "shared_cost", "voip", "personal_number", "pager", "uan", "voicemail", "fixed_line", "mobile"
)  # fmt: skip


class _Ranges:
    """What phonenumbers answered for numbers whose last digits were proven not to matter.

    A range is a region, a length and the first digits. It is kept only when every expression of the numbering plans that phonenumbers may
    consult on the way answers the same whatever the last digits are: then its control flow is the same for all of them, and only those digits
    differ in the result. The proof is tried when a range is met for the second time.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[str | None, int, str], tuple[str, Number, int] | None] = {}
        """None: met, and not (or not yet) proven."""

    def find(self, text: str, region: str | None) -> Number | None:
        """`text` read by a range, or None when none is known for it."""
        known, length = self._known, len(text)
        for tail in _TAILS:
            found = known.get((region, length, text[:-tail]))
            if found is not None:
                e164, like, _ = found
                return Number(e164 + text[-tail:], like.region, like.kind, like.zones, like.repaired)
        return None

    def learn(self, text: str, region: str | None, number: PhoneNumber) -> Number:
        """`number`, which `text` was read as, described; what of it holds for its range is kept."""
        e164 = format_number(number, PhoneNumberFormat.E164)
        described = _describe(number, _undone(text, e164, region))
        if len(self._known) > _RANGES_MAX:
            self._known.clear()
        for tail in _TAILS:
            key = (region, len(text), text[:-tail])
            if len(text) < tail + 4:
                continue
            if key not in self._known:
                self._known[key] = None
                break
            if e164.endswith(text[-tail:]) and _only_beginning_matters(text, tail, region, number, described):
                self._known[key] = (e164[:-tail], described, tail)
                break
        return described


_RANGES = _Ranges()


def _only_beginning_matters(text: str, tail: int, region: str | None, number: PhoneNumber, described: Number) -> bool:
    """Would phonenumbers do the same for every `text` with another `tail` digits at its end?

    Follows phonenumbers' parse() and number_type(): at each place in the text at which a national number may begin for them, each expression that
    may be applied there must be settled by what stands before the tail.
    """
    digits = text.lstrip("+")
    head = digits[:-tail]
    main = PhoneMetadata.metadata_for_region_or_calling_code(
        number.country_code or 0, COUNTRY_CODE_TO_REGION_CODE[number.country_code or 0][0]
    )
    default = PhoneMetadata.metadata_for_region(region, None) if region is not None else None
    plans = [plan for plan in (main, default) if plan is not None]
    starts = _first_starts(text, head, number, default)
    if starts is None or not _close_over_prefixes(starts, digits, head, plans):
        return False
    if max(starts) >= len(head):
        return False
    for start in starts:
        for plan in plans:
            if _matches(plan.general_desc.national_number_pattern, head[start:], tail) is None:
                return False
    national = national_significant_number(number)
    start = len(digits) - len(national)
    if start not in starts or digits[start:] != national or not head[start:].strip("0"):
        return False
    return _type_is_settled(number, head[start:], tail) and not (
        described.kind in ("fixed", "fixed_or_mobile", "mobile") and described.e164[1:-tail] in _ZONE_BRANCHES
    )


def _first_starts(text: str, head: str, number: PhoneNumber, default: PhoneMetadata | None) -> set[int] | None:
    """Where in the digits the national number may begin before any trunk prefix is taken off; None when that is not settled."""
    country = len(str(number.country_code))
    if text[0] == "+":
        return {country} if len(head) >= 3 else None
    if default is None:
        return None
    starts = {0}
    if head.startswith(str(default.country_code)):
        starts.add(len(str(default.country_code)))
    if default.international_prefix:
        if not _is_settled(default.international_prefix, head):
            return None
        match = re.match(default.international_prefix, head)
        if match is not None:
            if len(head) < match.end() + 3:
                return None
            starts.add(match.end() + country)
    return starts


def _close_over_prefixes(starts: set[int], digits: str, head: str, plans: list[PhoneMetadata]) -> bool:
    """Add where the national number may begin when trunk prefixes are taken off; False when that is not settled by the head."""
    todo = list(starts)
    while todo:
        start = todo.pop()
        for plan in plans:
            prefix = plan.national_prefix_for_parsing
            if not prefix:
                continue
            if not _is_settled(prefix, head[start:]):
                return False
            match = re.match(prefix, digits[start:])
            if match is None:
                continue
            if any(group is not None for group in match.groups()):
                return False  # the plan may rewrite such a number
            if start + match.end() not in starts:
                starts.add(start + match.end())
                todo.append(start + match.end())
    return True


def _type_is_settled(number: PhoneNumber, head: str, tail: int) -> bool:
    """Do region and type of a national number hang on its beginning alone?"""
    regions = COUNTRY_CODE_TO_REGION_CODE[number.country_code or 0]
    for region in regions:
        plan = PhoneMetadata.metadata_for_region_or_calling_code(number.country_code or 0, region)
        if plan is None:
            continue
        leading = plan.leading_digits
        if leading is not None and len(regions) > 1:
            if not _is_settled(leading, head):
                return False
            if re.match(leading, head) is None:
                continue
        general = _matches(plan.general_desc.national_number_pattern, head, tail)
        if general is None:
            return False
        if general:
            for name in _TYPES:
                kind = getattr(plan, name)
                if kind is not None and _matches(kind.national_number_pattern, head, tail) is None:
                    return False
        if region == region_code_for_number(number):
            return True
    return False


def _matches(pattern: str | None, head: str, tail: int) -> bool | None:
    if not pattern:
        return False
    known = digit_pattern(pattern)
    return None if known is None else known.matches(head, tail)


def _is_settled(pattern: str, head: str) -> bool:
    known = digit_pattern(pattern)
    return known is not None and known.is_settled(head)


# --- dialing -----------------------------------------------------------------------------------------------------------


def dial_format(e164: str, number_format: str) -> str:
    """`e164` (such as +33199001234) as a trunk wants it dialed: digits and `+`, nothing else.

    `number_format` is `+E.164`, `E.164` (digits alone), `national` (as dialed inside the number's own country, such as 0199001234)
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


@lru_cache(maxsize=4096)
def _national(e164: str) -> str:
    try:
        written = format_number(parse(e164, None), PhoneNumberFormat.NATIONAL)
    except NumberParseException as error:
        raise ValueError(f"no numbering plan for {e164!r}") from error
    return "".join(sign for sign in written if sign in "0123456789")
