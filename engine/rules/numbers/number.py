"""A valid number, and how phonenumbers' own description of one becomes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from phonenumbers import (
    PhoneNumber,
    PhoneNumberFormat,
    PhoneNumberType,
    format_number,
    number_type,
    region_code_for_number,
)
from phonenumbers.phonenumberutil import SUPPORTED_REGIONS
from phonenumbers.timezone import UNKNOWN_TIMEZONE, time_zones_for_number

from engine.rules.numbers.text import Repair

Kind = Literal[
    "mobile",
    "fixed",
    "fixed_or_mobile",
    "toll_free",
    "premium",
    "shared_cost",
    "voip",
    "personal",
    "pager",
    "uan",
    "voicemail",
]
"""ITU and operators' words for what a number is; `fixed_or_mobile` where the numbering plan does not tell (as
in North America)."""

REGIONS: frozenset[str] = frozenset(SUPPORTED_REGIONS)
"""ISO 3166-1 codes of the regions whose numbering plan is known."""

KINDS: dict[int, Kind] = {
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
assert set(KINDS.values()) == set(get_args(Kind))


@dataclass(frozen=True, slots=True)
class Number:
    """A valid number. `region` is ISO 3166-1 (`001`: no country, such as satellite); `zones` are IANA names,
    empty when not known."""

    e164: str
    region: str
    kind: Kind
    zones: tuple[str, ...]
    repaired: Repair | None = None


def describe(number: PhoneNumber, repaired: Repair | None) -> Number:
    """A number that phonenumbers has read and found valid."""
    zones = tuple(time_zones_for_number(number))
    return Number(
        format_number(number, PhoneNumberFormat.E164),
        region_code_for_number(number) or "",
        KINDS[number_type(number)],
        () if zones == (UNKNOWN_TIMEZONE,) else zones,
        repaired,
    )
