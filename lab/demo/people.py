"""Who is called: two lists as offices keep them, with a person of every behaviour in each, and rows that
cannot be called.

The English list is CSV in UTF-8, the French one what a French spreadsheet saves: semicolons and
Windows-1252. Numbers are written in the ways in which people write them.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

from lab.behaviours import behaviour_table
from lab.numbers import AREA_CODES, Language, number

_AREAS = ("212", "312", "415", "617", "713")
_NAMES: dict[Language, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "en": (
        ("Alice", "Ben", "Carol", "David", "Emma", "Frank", "Grace"),
        ("Adams", "Baker", "Clark", "Davis", "Evans", "O'Neill"),
    ),
    "fr": (
        ("Chloé", "Benoît", "Zoé", "Jérôme", "Maëlle", "Noël", "Inès"),
        ("Lefèvre", "Moreau", "Garçon", "Petit", "Blanc", "Noëls"),
    ),
}


@dataclass(frozen=True, slots=True)
class Person:
    """One callee of the demonstration."""

    code: str
    """The behaviour's."""
    e164: str
    written: str
    first: str
    last: str


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that intake must reject, and the reason that it must give."""

    cells: tuple[str, ...]
    code: str


FLOWS = frozenset({"50", "51", "52", "53", "54", "70"})
"""Behaviours that follow a flow of several nodes, which these campaigns have not (tests/asterisk/test_flows.py)."""


CALLED = tuple(code for code in behaviour_table() if code not in FLOWS)


def people(language: Language) -> list[Person]:
    """One person of every behaviour but those, in the order of the table."""
    firsts, lasts = _NAMES[language]
    found = []
    for at, code in enumerate(CALLED):
        instance = 1 if language == "fr" else AREA_CODES.index(_AREAS[at % len(_AREAS)])
        e164 = number(code, instance, language)
        found.append(Person(code, e164, _written(e164, at), firsts[at % len(firsts)], lasts[at % len(lasts)]))
    return found


def _written(e164: str, at: int) -> str:
    if e164.startswith("+33"):
        pairs = " ".join(e164[at : at + 2] for at in range(4, 12, 2))
        return (f"0{e164[3]} {pairs}", f"+33 {e164[3]} {pairs}", f"0{e164[3:]}", f"0033{e164[3:]}")[at % 4]
    area, office, line = e164[2:5], e164[5:8], e164[8:]
    return (f"({area}) {office}-{line}", f"+1 {area} {office} {line}", f"{area}-{office}-{line}", e164)[
        at % 4
    ]


def bad_rows(language: Language) -> list[BadRow]:
    """A number that is none, a number that is there already, a date that can be read in two ways."""
    again = people(language)[0].written
    if language == "en":
        return [
            BadRow(("E-901", "Short", "Number", "(212) 555", "", ""), "too_short"),
            BadRow(("E-902", "Same", "Number", again, "", ""), "duplicate_number"),
            BadRow(("E-903", "Odd", "Date", "(646) 555-0110", "03/04/2026", ""), "bad_time"),
        ]
    return [
        BadRow(("F-901", "Trop", "Court", "01 99 00", "", ""), "too_short"),
        BadRow(("F-902", "Encore", "Lui", again, "", ""), "duplicate_number"),
        BadRow(("F-903", "Date", "Floue", "01 99 00 10 99", "03/04/2026", ""), "bad_time"),
    ]


_HEADINGS: dict[Language, Sequence[str]] = {
    "en": ("Patient no", "First name", "Last name", "Mobile", "Not before", "Appointment"),
    "fr": ("N° patient", "Prénom", "Nom", "Téléphone", "Pas avant", "Rendez-vous"),
}


def contacts_csv(language: Language) -> bytes:
    """The contact list as a file."""
    out = io.StringIO()
    lines = csv.writer(out, delimiter="," if language == "en" else ";")
    lines.writerow(_HEADINGS[language])
    for at, person in enumerate(people(language), 1):
        lines.writerow(
            (
                f"{language[0].upper()}-{at:03d}",
                person.first,
                person.last,
                person.written,
                "",
                "2026-12-03 10:00",
            )
        )
    lines.writerows(row.cells for row in bad_rows(language))
    return out.getvalue().encode("utf-8" if language == "en" else "cp1252")
