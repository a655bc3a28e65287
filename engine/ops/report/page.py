"""The page itself: figures in, one HTML document out that loads nothing and runs nothing.

What comes from manifests and calls is escaped by the template, without exception, and control characters are gone before. The document is
also well-formed XML.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup

from engine import __version__, durations
from engine.ops import palette
from engine.ops.printable import line
from engine.ops.report import drawing, story, words
from engine.ops.report.cards import cards
from engine.ops.report.figures import Figures, Hour
from engine.ops.report.table import Row
from engine.ops.report.words import SPACE, percent

FEW = 10
"""Calls below which an hour's share says little."""
TICK_STEPS = (5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 2 * 86400, 7 * 86400, 28 * 86400,
              84 * 86400)  # fmt: skip
"""Seconds between two labels of a time axis."""
TICKS = 4
"""So many of them find room on a telephone."""
HEAT_STEP = 12.5
"""Percent between two shades."""


@dataclass(frozen=True, slots=True)
class Tile:
    """A key figure."""

    name: str
    value: str
    more: str


def render(found: Figures) -> str:
    """The document."""
    summary = found.summary
    return _template().render(
        name=summary.name,
        title=summary.title or summary.name,
        state=summary.state,
        days=_days(summary.began_at, summary.ended_at),
        told=story.told(found),
        hints=story.hints(found),
        tiles=_tiles(found),
        over_time=_over_time(found),
        hours=_hours(found),
        cards=cards(found),
        counted=words.moment(found.at),
        version=__version__,
        void=words.DISPOSITIONS["NOT_SENT"],
        style=Markup(_file("page.css")),
        textures=drawing.textures(),
    )


@lru_cache(maxsize=1)
def _template() -> Template:
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, finalize=_plain
    )
    return environment.from_string(_file("page.html"))


def _plain(value: object) -> object:
    """Every text that the template puts out passes here; markup was made of plain text."""
    return line(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _file(name: str) -> str:
    return (resources.files("engine.ops.report") / name).read_text(encoding="utf-8")


def _days(first: float | None, last: float | None) -> str:
    if first is None or last is None:
        return ""
    return " to ".join(dict.fromkeys((words.day(first), words.day(last))))


def _tiles(found: Figures) -> list[Tile]:
    summary, abandoned = found.summary, found.abandonment
    done = sum(summary.contacts.values())
    goals, callbacks = summary.goals, summary.callbacks
    called = sum(one.contacts for one in found.rounds)
    return [
        Tile("People", f"{found.contacts:,}", f"{done:,} done, {summary.open_contacts:,} open"),
        Tile("Reached in person", percent(found.reached, found.contacts) or "-", f"{found.reached:,} people"),
        Tile(
            "Attempts", f"{summary.sent:,}", f"{summary.sent / called:.2f} a person called" if called else ""
        ),
        Tile(
            "Answer-seizure ratio",
            percent(summary.answered, summary.sent) or "-",
            f"{summary.answered:,} answered",
        ),
        Tile(
            "Mean talk time",
            words.seconds(summary.talk / summary.answered) if summary.answered else "-",
            f"{durations.text(summary.talk)} in all",
        ),
        Tile(
            "Never again",
            f"{goals.get('opted_out', 0):,}",
            f"{percent(goals.get('opted_out', 0), found.reached)} of those reached" if found.reached else "",
        ),
        Tile("Callbacks kept", f"{callbacks.get('kept', 0):,}", f"of {sum(callbacks.values()):,} promised"),
        Tile(
            "Abandoned calls",
            "-" if abandoned.share is None else f"{100 * abandoned.share:.2f}{SPACE}%",
            _strictest(found),
        ),
    ]


def _strictest(found: Figures) -> str:
    limits = found.abandonment.limits
    if not found.abandonment.live:
        return "nobody live yet"
    if not limits:
        return "no limit by law"
    limit = min(limits, key=lambda one: one.percent)
    return f"limit {limit.percent:g}{SPACE}% ({limit.region})"


# --- over time ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Legend:
    swatch: Markup
    label: str
    amount: str


@dataclass(frozen=True, slots=True)
class OverTime:
    """The columns, what their fills mean, and the table behind them."""

    width: str
    plot: Markup
    legend: list[Legend]
    headings: list[str]
    rows: list[Row]


def _over_time(found: Figures) -> OverTime | None:
    if not found.columns:
        return None
    totals: dict[str, int] = {}
    for column in found.columns:
        for word, amount in column.attempts.items():
            totals[word] = totals.get(word, 0) + amount
    order = palette.listed(totals)
    first, span = found.columns[0].at, found.width * len(found.columns)
    step = next((one for one in TICK_STEPS if span / one <= TICKS), TICK_STEPS[-1])
    marks = range(int(-(-first // step)), int((first + span) // step) + 1)
    ticks = [
        drawing.Tick((mark * step - first) / span, words.tick(mark * step, step, span)) for mark in marks
    ]
    stacks = [
        [
            (drawing.known(word), attempts, f"{_label(found, column.at)}: {attempts:,} {word}")
            for word in order
            if (attempts := column.attempts.get(word))
        ]
        for column in found.columns
    ]
    busiest = max(found.columns, key=lambda one: sum(one.attempts.values()))
    told = (
        f"{len(found.columns)} columns; the highest is {_label(found, busiest.at)} with {sum(busiest.attempts.values()):,} attempts."
        " The numbers are in the table below."
    )
    rows = [
        Row(
            _label(found, column.at),
            (
                *(f"{column.attempts.get(word, 0):,}" for word in order),
                f"{sum(column.attempts.values()):,}",
            ),
        )
        for column in found.columns
        if column.attempts
    ]
    return OverTime(
        durations.text(found.width),
        drawing.columns(stacks, ticks, "Attempts over time by disposition", told),
        [
            Legend(
                drawing.swatch(drawing.known(word)),
                words.DISPOSITIONS.get(word, word),
                f"{totals[word]:,}",
            )
            for word in order
        ],
        ["From", *order, "All"],
        rows,
    )


def _label(found: Figures, at: float) -> str:
    text = words.moment(at) if found.width < 86400 else words.day(at)
    return text if found.width >= 60 else f"{text}:{int(at % 60):02d}"


# --- by hour ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Cell:
    percent: str
    step: int
    few: bool
    told: str
    short: str


@dataclass(frozen=True, slots=True)
class HourRow:
    label: str
    cells: list[Cell | None]


@dataclass(frozen=True, slots=True)
class Heat:
    days: tuple[str, ...]
    rows: list[HourRow]
    few: int
    note: str


def _hours(found: Figures) -> Heat | None:
    if not found.hours:
        return None
    hours = {(one.weekday, one.hour): one for one in found.hours}
    first, last = min(one.hour for one in found.hours), max(one.hour for one in found.hours)
    rows = [
        HourRow(words.hour(hour), [_cell(hours.get((day, hour))) for day in range(7)])
        for hour in range(first, last + 1)
    ]
    placeless = words.count(found.placeless, "attempt is", "attempts are")
    note = f"{placeless} in no hour: the number may lie in several time zones, or in none that is known."
    return Heat(words.WEEKDAYS, rows, FEW, note if found.placeless else "")


def _cell(one: Hour | None) -> Cell | None:
    if one is None:
        return None
    share = 100 * one.answered / one.sent
    return Cell(
        f"{share:.0f}",
        min(6, int(share / HEAT_STEP)),
        one.sent < FEW,
        f"{one.answered:,} of {one.sent:,} calls answered",
        f"{one.answered:,} of {one.sent:,}",
    )
