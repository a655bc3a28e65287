"""Which column of a contact source is what.

Knows how to tell a row of headings from a row of data. Refuses to guess between two columns that may both be
the phone number: it asks.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from engine.errors import InputError, Problem
from engine.intake.headings import REJECT_HEADINGS, field_name, fold, is_phone_heading, usual_role
from engine.intake.source import Column, Columns, ContactSource
from engine.rules.numbers import NumberError, parse_number

ROLES = tuple(name for name in Columns.model_fields if name not in ("phone_number", "name"))
"""Roles of one column each; the phone number may have several, and a name is a field like others."""

IN_MANIFEST = " under [contacts.columns] as phone_number"
"""Where a job names it; lists, which have no manifest, leave this out."""

_NAME = re.compile(r"[A-Z0-9_]{1,32}")
_SAMPLE_ROWS = 50


@dataclass(frozen=True, slots=True)
class Mapping:
    """Positions (from 0) of what is in a row. `fields` are (name, position); `width` is the number of
    columns."""

    phones: tuple[int, ...]
    roles: dict[str, int]
    fields: tuple[tuple[str, int], ...]
    headings: tuple[str, ...]

    @property
    def width(self) -> int:
        """How many columns the source has."""
        return len(self.headings)


def named(source: ContactSource) -> frozenset[str]:
    """Folded headings that the manifest names."""
    wanted: list[Column] = list(source.columns.phone_number or ())
    wanted += [column for role in (*ROLES, "name") if (column := getattr(source.columns, role)) is not None]
    wanted += source.fields or ()
    return frozenset(fold(column) for column in wanted if isinstance(column, str))


def looks_like_headings(cells: Sequence[str], source: ContactSource) -> bool:
    """Does this row hold headings: the usual one of a phone number, or one that the manifest names?"""
    known = named(source)
    return any(cell and (is_phone_heading(cell) or fold(cell) in known) for cell in cells)


def looks_like_data(cells: Sequence[str], region: str | None) -> bool:
    """Does this row hold a phone number?"""
    return any(_is_number(cell, region) for cell in cells if cell)


def _is_number(cell: str, region: str | None) -> bool:
    if sum(sign.isdigit() for sign in cell) < 7:
        return False
    try:
        parse_number(cell, region)
    except NumberError as error:
        return error.code == "needs_region"
    return True


def resolve(
    headings: Sequence[str],
    headed: bool,
    source: ContactSource,
    sample: Sequence[Sequence[str]],
    region: str | None,
) -> Mapping:
    """Who is who among `headings`.

    `sample` holds the first rows of data: without headings the phone number is recognised by them. Raises
    InputError with all problems.
    """
    return _Resolver(headings, headed, source).resolve(sample, region)


class _Resolver:
    def __init__(self, headings: Sequence[str], headed: bool, source: ContactSource) -> None:
        self.headings = tuple(heading.strip() for heading in headings)
        self.headed = headed
        self.source = source
        self.problems: list[Problem] = []
        self.by_fold: dict[str, list[int]] = {}
        for position, heading in enumerate(self.headings):
            if heading:
                self.by_fold.setdefault(fold(heading), []).append(position)

    def resolve(self, sample: Sequence[Sequence[str]], region: str | None) -> Mapping:
        columns = self.source.columns
        roles: dict[str, int] = {}
        for role in ROLES:
            if (column := getattr(columns, role)) is not None:
                position = self._find(column, f"contacts.columns.{role}")
                if position is not None:
                    roles[role] = position
        name = None if columns.name is None else self._find(columns.name, "contacts.columns.name")
        phones = self._phones(sample, region)
        taken = {*phones, *roles.values()}
        for word, positions in self.by_fold.items():
            role_name = usual_role(word)
            if (
                role_name
                and role_name not in roles
                and len(positions) == 1
                and positions[0] not in taken
                and positions[0] != name
            ):
                roles[role_name] = positions[0]
                taken.add(positions[0])
        fields = self._fields(taken, name)
        if self.problems:
            raise InputError(self.problems)
        return Mapping(phones, roles, fields, self.headings)

    def _problem(self, where: str, what: str, todo: str = "") -> None:
        self.problems.append(Problem(where, what, todo))

    def _shown(self) -> str:
        if not self.headed:
            return f"the contacts have no headings, and {len(self.headings)} columns"
        shown = [repr(heading) for heading in self.headings[:30] if heading]
        return "the headings are " + ", ".join(shown) + (", ..." if len(self.headings) > 30 else "")

    def _find(self, column: Column, where: str) -> int | None:
        if isinstance(column, int):
            if column > len(self.headings):
                self._problem(where, f"there is no column {column}", self._shown())
                return None
            return column - 1
        exact = [position for position, heading in enumerate(self.headings) if heading == column.strip()]
        positions = exact or self.by_fold.get(fold(column), [])
        if len(positions) == 1:
            return positions[0]
        if positions:
            at = ", ".join(str(position + 1) for position in positions)
            self._problem(
                where,
                f"several columns are called {column!r}: {at}",
                "give the column's position instead of its name",
            )
        else:
            self._problem(where, f"there is no column {column!r}", self._shown())
        return None

    def _phones(self, sample: Sequence[Sequence[str]], region: str | None) -> tuple[int, ...]:
        where = "contacts.columns.phone_number"
        if self.source.columns.phone_number is not None:
            found = [self._find(column, where) for column in self.source.columns.phone_number]
            return tuple(dict.fromkeys(position for position in found if position is not None))
        if not self.headed:
            return self._phones_by_looks(sample, region)
        positions = [position for position, heading in enumerate(self.headings) if is_phone_heading(heading)]
        for best in ("phonenumber", "e164"):
            if len(self.by_fold.get(best, ())) == 1:
                return tuple(self.by_fold[best])
        if len(positions) == 1:
            return tuple(positions)
        if not positions:
            self._problem(
                where, "no column is recognised as the phone number", f"name it{IN_MANIFEST}; {self._shown()}"
            )
            return ()
        shown = ", ".join(repr(self.headings[position]) for position in positions)
        self._problem(
            where,
            f"several columns may be the phone number: {shown}",
            f"name the one{IN_MANIFEST}, or name them all as a list in the order in which they are to be tried",
        )
        return ()

    def _phones_by_looks(self, sample: Sequence[Sequence[str]], region: str | None) -> tuple[int, ...]:
        rows = sample[:_SAMPLE_ROWS]
        hits = [
            position
            for position in range(len(self.headings))
            if sum(position < len(row) and _is_number(row[position], region) for row in rows) * 2 > len(rows)
        ]
        if len(hits) == 1:
            return tuple(hits)
        where = "contacts.columns.phone_number"
        if hits:
            at = ", ".join(str(position + 1) for position in hits)
            self._problem(
                where,
                f"the contacts have no headings, and the columns {at} all hold phone numbers",
                "give the position of the right one, or a list of them in the order in which they are to be tried",
            )
        else:
            self._problem(
                where,
                "the contacts have no headings, and no column holds phone numbers",
                "give the column's position, or set header = true",
            )
        return ()

    def _fields(self, taken: set[int], name: int | None) -> tuple[tuple[str, int], ...]:
        if self.source.fields is None:
            # A column without a heading is kept under its position; one that is wholly empty leaves nothing
            # behind.
            chosen = [
                position
                for position, heading in enumerate(self.headings)
                if position not in taken and position != name and heading not in REJECT_HEADINGS
            ]
        else:
            found = [
                self._find(column, f"contacts.fields.{index}")
                for index, column in enumerate(self.source.fields)
            ]
            chosen = list(
                dict.fromkeys(position for position in found if position is not None and position != name)
            )
        names: dict[str, int] = {} if name is None else {"NAME": name}
        for position in chosen:
            key = field_name(self.headings[position], position + 1)
            assert _NAME.fullmatch(key)
            if key in names:
                first, second = self.headings[names[key]], self.headings[position]
                self._problem(
                    "contacts.fields",
                    f"the columns {first!r} ({names[key] + 1}) and {second!r} ({position + 1}) are one field, {key}",
                    "rename one of them, or name the columns to keep in fields",
                )
            else:
                names[key] = position
        return tuple(names.items())
