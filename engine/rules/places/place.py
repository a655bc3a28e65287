"""Where a callee may be: every state and every time zone that the evidence leaves open.

The evidence is the number (region, area code, the zones that the numbering plan gives) and what the contact's row
says (zone, state, postal code). What the contact says narrows what its number leaves open; where the two have nothing
in common (a number of New York, an address in California), both hold, and every candidate must allow the call. What
cannot be read is a problem, and a problem blocks. Pure: `now` is an argument, and only its year counts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from engine.rules.hours import zone as iana_zone
from engine.rules.places.clocks import alike
from engine.rules.places.tables import TABLES, Table, fold

_YEAR_SECONDS = 365.2425 * 86400.0


@dataclass(frozen=True, slots=True)
class Place:
    """Candidates: the callee is at one of them, and each must allow the call."""

    region: str
    """The number's region of the numbering plan (ISO 3166-1; PR is one of its own)."""
    subdivisions: tuple[str, ...]
    """Codes of states, sorted; empty where no table of states is known for the region."""
    zones: tuple[str, ...]
    """IANA names; empty when not known, which blocks."""
    notes: tuple[str, ...] = ()
    """Where the evidence contradicts itself, in words."""
    problem: str = ""
    """What cannot be read and what to do about it; the call is blocked unless this is empty."""


def place_of(
    e164: str,
    region: str,
    zones: tuple[str, ...],
    now: float,
    timezone: str | None = None,
    state: str | None = None,
    postal_code: str | None = None,
) -> Place:
    """The place of a contact at the number `e164`, which intake found to be of `region` and in `zones`.

    `timezone`, `state` and `postal_code` are what its row says; None or empty says nothing. `now` in POSIX seconds.
    """
    area = e164[2:5] if e164.startswith("+1") else ""
    year = 1970 + int(now // _YEAR_SECONDS)
    return _place(region, area, zones, timezone or "", state or "", postal_code or "", year)


def state_of(region: str, text: str) -> str | None:
    """The code of a state as people write it (`TX`, `US-TX`, `Texas`), in the country of `region`; None when it is none."""
    table = TABLES.get(region)
    return None if table is None else table.by_name.get(fold(text))


@lru_cache(maxsize=65536)
def _place(
    region: str, area: str, zones: tuple[str, ...], timezone: str, state: str, postal_code: str, year: int
) -> Place:
    if timezone and iana_zone(timezone) is None:
        return _unreadable(region, f"{timezone!r} is no IANA time zone; write one such as Europe/Paris")
    own = (timezone,) if timezone else ()
    table = TABLES.get(region)
    notes: list[str] = []
    if table is None:
        return Place(region, (), _zones(zones, own, year, notes), tuple(notes))

    told, problem = _told_states(table, state, postal_code, notes)
    if problem:
        return _unreadable(region, problem)
    by_area = table.by_area_code.get(area, ())
    numbered = by_area or table.of_region(region)
    if by_area:
        # The numbering plan's zones are not always those of its state: libphonenumber 9.0.43 has 474, of Saskatchewan, in Winnipeg.
        home = tuple(dict.fromkeys(name for code in by_area for name in table.states[code].zones))
        if not _shared(zones, home, year):
            zones += home
    subdivisions = _meet(numbered, told)
    if told and not set(numbered) & set(told):
        notes.append(f"the number is of {_list(numbered)}, the contact of {_list(told)}: both count")
    stated = tuple(dict.fromkeys(name for code in told for name in table.states[code].zones))
    contact_zones = _zones(stated, own, year, notes)
    if own and not _shared(stated or zones, own, year):
        # The contact lives by another clock than its state or its number. In which state is not known, so in any with this clock.
        subdivisions += tuple(code for code, known in table.states.items() if _shared(known.zones, own, year))
    found = _zones(zones, contact_zones, year, notes)
    return Place(region, tuple(sorted(set(subdivisions))), found, tuple(notes))


def _unreadable(region: str, problem: str) -> Place:
    return Place(region, (), (), (), problem)


def _told_states(table: Table, state: str, postal_code: str, notes: list[str]) -> tuple[tuple[str, ...], str]:
    """The states that the contact's row leaves open (none: it says nothing), and what of the row cannot be read."""
    by_state: tuple[str, ...] = ()
    if state:
        code = table.by_name.get(fold(state))
        if code is None:
            return (), f"{state!r} is no {table.level} of {table.title}; correct it, or leave it empty"
        by_state = (code,)
    if not postal_code:
        return by_state, ""
    written = table.postal_code.fullmatch(postal_code.strip().upper())
    by_postal = table.by_postal.get(written[1]) if written else None
    if by_postal is None:
        return (), (
            f"{postal_code!r} tells no {table.level} of {table.title};"
            f" write {table.postal_example}, or leave it empty"
        )
    if by_state and not set(by_state) & set(by_postal):
        notes.append(
            f"the contact's {table.level} is {_list(by_state)}, its postal code of {_list(by_postal)}: both count"
        )
    return _meet(by_state, by_postal), ""


def _meet(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    """What both leave open; both together where they have nothing in common; the other where one says nothing."""
    if not one or not other:
        return one or other
    return tuple(code for code in one if code in other) or one + other


def _zones(number: tuple[str, ...], contact: tuple[str, ...], year: int, notes: list[str]) -> tuple[str, ...]:
    """The zones of the contact where its clock may be the number's; otherwise both."""
    if not number or not contact:
        return contact or number
    if _shared(number, contact, year):
        return contact
    notes.append(f"{_list(number)} and {_list(contact)} show different times: both count")
    return tuple(dict.fromkeys(number + contact))


def _shared(one: Iterable[str], other: tuple[str, ...], year: int) -> bool:
    """Is there a clock in both?"""
    return any(alike(left, right, year) for left in one for right in other)


def _list(names: Iterable[str]) -> str:
    found = list(names)
    return ", ".join(found[:4]) + (f" and {len(found) - 4} more" if len(found) > 4 else "")
