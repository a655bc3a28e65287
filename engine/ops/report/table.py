"""Tables with bars, as values: what a part of the page is made of. How they look is in page.html and page.css."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from markupsafe import Markup

from engine.ops.report.drawing import bar
from engine.ops.report.words import percent

MOST_ROWS = 24
"""Rows of a group; what is rarer is in one row at its end, and in the export."""


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a table: what it is of, its bar, and its numbers as text."""

    label: str
    cells: tuple[str, ...]
    bar: Markup = Markup("")  # noqa: RUF009 -- immutable
    swatch: Markup = Markup("")  # noqa: RUF009 -- immutable
    code: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Lines that belong together, under a heading where there are several groups."""

    rows: tuple[Row, ...]
    title: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """A table with bars."""

    id: str
    title: str
    told: str
    headings: tuple[str, ...]
    """Of the column of labels, then of the numbers."""
    groups: tuple[Group, ...]
    notes: tuple[str, ...] = ()


def counted(counts: Mapping[str, int], total: int | None = None) -> Group:
    """A row for each, with its share of `total`; without that, of all of them."""
    whole = total or sum(counts.values())
    return rare(
        [
            Row(label, (f"{amount:,}", percent(amount, whole)), bar([("plain", amount / whole)]))
            for label, amount in counts.items()
        ]
    )


def rare(rows: Iterable[Row]) -> Group:
    """The first rows; that there are more is told in the last."""
    found = tuple(rows)
    if len(found) <= MOST_ROWS:
        return Group(found)
    more = len(found) - MOST_ROWS
    cells = ("",) * len(found[0].cells)
    return Group((*found[:MOST_ROWS], Row(f"and {more} more, in the export", cells)))
