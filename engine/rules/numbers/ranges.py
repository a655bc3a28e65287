"""Why most numbers are read without asking phonenumbers, which takes some 35 microseconds for each.

A range is a region, a length and the first digits. What phonenumbers answered for one number of it is kept
when every expression of the numbering plans that it may consult on the way was proven to answer the same
whatever the last digits are: then its control flow is the same for all of them, and only those digits differ
in the result. The proof (`engine.rules.numbers.patterns`) is tried when a range is met again.
"""

from __future__ import annotations

import re

from phonenumbers import (
    COUNTRY_CODE_TO_REGION_CODE,
    PhoneMetadata,
    PhoneNumber,
    PhoneNumberDesc,
    national_significant_number,
    region_code_for_number,
)
from phonenumbers.tzdata import TIMEZONE_DATA

from engine.rules.numbers.number import Number
from engine.rules.numbers.patterns import digit_pattern

_TAILS = (6, 4, 2)
"""Digits at the end that may turn out not to matter, tried in this order."""
_RANGES_MAX = 100_000

_ZONE_BRANCHES = frozenset(prefix[:length] for prefix in TIMEZONE_DATA for length in range(1, len(prefix)))
"""Beginnings after which further digits may change the time zones."""

_TYPES = (
    "premium_rate",
    "toll_free",
    "shared_cost",
    "voip",
    "personal_number",
    "pager",
    "uan",
    "voicemail",
    "fixed_line",
    "mobile",
)


class Ranges:
    """What is known of ranges so far."""

    def __init__(self) -> None:
        self._known: dict[tuple[str | None, int, str], tuple[str, Number] | bool] = {}
        """True: met once. False: its last digits do matter."""

    def __repr__(self) -> str:
        return f"Ranges({sum(not isinstance(found, bool) for found in self._known.values())} known)"

    def find(self, text: str, region: str | None) -> Number | None:
        """`text` read by a range, or None when none is known for it."""
        known, length = self._known, len(text)
        for tail in _TAILS:
            found = known.get((region, length, text[:-tail]))
            if found is not None and found is not True and found is not False:
                e164, like = found
                return Number(e164 + text[-tail:], like.region, like.kind, like.zones, like.repaired)
        return None

    def learn(self, text: str, region: str | None, number: PhoneNumber, described: Number) -> None:
        """`text` was read as `number`, which is `described`: keep what of it holds for its range."""
        if len(self._known) > _RANGES_MAX:
            self._known.clear()
        for tail in _TAILS:
            if len(text) < tail + 4:
                continue
            key = (region, len(text), text[:-tail])
            met = self._known.get(key)
            if met is None:
                self._known[key] = True
                return
            if met is True:
                proven = described.e164.endswith(text[-tail:]) and _only_beginning_matters(
                    text, tail, region, number, described
                )
                self._known[key] = (described.e164[:-tail], described) if proven else False
                if proven:
                    return


def _only_beginning_matters(
    text: str, tail: int, region: str | None, number: PhoneNumber, described: Number
) -> bool:
    """Would phonenumbers do the same for every `text` with other `tail` digits at its end?

    Follows phonenumbers' parse() and number_type(): at each place in the text at which a national number may
    begin for them, each expression that may be applied there must be settled by what stands before the tail.
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
            if _matches(plan.general_desc, head[start:], tail) is None:
                return False
    national = national_significant_number(number)
    start = len(digits) - len(national)
    if start not in starts or digits[start:] != national or not head[start:].strip("0"):
        return False
    return _type_is_settled(number, head[start:], tail) and not (
        described.kind in ("fixed", "fixed_or_mobile", "mobile") and described.e164[1:-tail] in _ZONE_BRANCHES
    )


def _first_starts(
    text: str, head: str, number: PhoneNumber, default: PhoneMetadata | None
) -> set[int] | None:
    """Where in the digits the national number may begin before any trunk prefix is taken off; None when that
    is not settled."""
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
    """Add where the national number may begin when trunk prefixes are taken off; False when that is not
    settled by the head."""
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
        general = _matches(plan.general_desc, head, tail)
        if general is None:
            return False
        if general:
            for name in _TYPES:
                if _matches(getattr(plan, name), head, tail) is None:
                    return False
        if region == region_code_for_number(number):
            return True
    return False


def _matches(described: PhoneNumberDesc | None, head: str, tail: int) -> bool | None:
    if described is None or not described.national_number_pattern:
        return False
    known = digit_pattern(described.national_number_pattern)
    return None if known is None else known.matches(head, tail)


def _is_settled(pattern: str, head: str) -> bool:
    known = digit_pattern(pattern)
    return known is not None and known.is_settled(head)
