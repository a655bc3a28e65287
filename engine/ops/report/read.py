"""Counts what a campaign's report shows. Read-only; everything is added up in SQL (queries/*.sql), so that a million contacts come to a few
thousand rows here.

Numbers of people are not read. What callees typed is not told: neither where the flow asks for digits, nor where an answer looks like a
number.
"""

from __future__ import annotations

import itertools
import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from importlib import resources
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from engine.ops import summary
from engine.ops.report.figures import (
    Abandonment,
    Column,
    Day,
    Ending,
    Figures,
    Hour,
    Limit,
    Pressed,
    Round,
    Spread,
    Trunk,
    Verdict,
)
from engine.rules.book import Book, RuleSet
from engine.rules.hours import zone
from engine.rules.places import Place
from engine.store import abandonment

WIDTHS = (1, 5, 15, 60, 300, 900, 3600, 3 * 3600, 6 * 3600, 86400, 7 * 86400)
"""Seconds that a column may stand for."""
COLUMNS = 96
"""As many columns at most, unless weeks are too short."""
LEAST_COLUMNS = 24
"""A call alone is a column among empty ones, not a wall."""
QUARTER = 900
STEP = 0.05
"""Seconds between two steps of a spread (delays.sql, waits.sql)."""
UNTOLD = "a number"
"""In place of results that look like one: a dialplan of one's own reports what it likes."""

Row = sqlite3.Row
K = TypeVar("K")


def read(connection: sqlite3.Connection, campaign_id: int, book: Book, now: float) -> Figures:
    """The figures of one campaign as of `now` (POSIX seconds). `book`: for the shares of abandoned calls that the law allows."""
    found = Figures(now, summary.read(connection, campaign_id))
    ask = _Asker(connection, campaign_id)
    _over_time(ask, found)
    _by_hour(ask, found)
    found.rounds = [Round(*row) for row in ask("rounds")]
    _by_ending(ask, found)
    manifest = json.loads(
        connection.execute("SELECT manifest FROM campaigns WHERE id = ?", (campaign_id,)).fetchone()[0]
    )
    _by_key(ask, found, manifest)
    found.abandonment = _abandoned(ask, manifest, book, found.summary.ended_at or now)
    return found


class _Asker:
    """Runs the named queries for one campaign."""

    def __init__(self, connection: sqlite3.Connection, campaign_id: int) -> None:
        self.connection = connection
        self.campaign_id = campaign_id

    def __call__(self, name: str, **values: float) -> list[Row]:
        query = (resources.files("engine.ops.report") / "queries" / f"{name}.sql").read_text(encoding="utf-8")
        return self.connection.execute(query, {"campaign": self.campaign_id, **values}).fetchall()


# --- when ---------------------------------------------------------------------------------------------------------------


def width_for(span: float) -> int:
    """How many seconds a column stands for, so that `span` seconds fit the page."""
    return next((width for width in WIDTHS if span / width < COLUMNS - 1), WIDTHS[-1])


def _over_time(ask: _Asker, found: Figures) -> None:
    [(first, last)] = ask("span")
    if first is None:
        return
    width = width_for(last - first)
    first = first // width * width
    columns: dict[int, dict[str, int]] = defaultdict(dict)
    for place, word, attempts in ask("columns", first=first, width=float(width)):
        columns[place][word] = attempts
    found.width = float(width)
    found.columns = [
        Column(first + place * width, columns.get(place, {}))
        for place in range(max(LEAST_COLUMNS, max(columns) + 1))
    ]


def _by_hour(ask: _Asker, found: Figures) -> None:
    hours: dict[tuple[int, int], Hour] = {}
    for names, quarter, sent, answered in ask("hours"):
        places = {_clock(name, quarter) for name in names.split(",")}
        place = places.pop()
        if places or place is None:
            found.placeless += sent
            continue
        hour = hours.setdefault(place, Hour(*place))
        hour.sent += sent
        hour.answered += answered
    found.hours = [hours[place] for place in sorted(hours)]


def _clock(name: str, quarter: int) -> tuple[int, int] | None:
    """Weekday and hour that the clocks of a zone show in a quarter of an hour; None for a zone that is not known."""
    where = _zone(name)
    if where is None:
        return None
    local = datetime.fromtimestamp(quarter * QUARTER, UTC).astimezone(where)
    return local.weekday(), local.hour


@lru_cache(maxsize=1024)
def _zone(name: str) -> ZoneInfo | None:
    return zone(name)


# --- how ----------------------------------------------------------------------------------------------------------------


def _by_ending(ask: _Asker, found: Figures) -> None:
    trunks: dict[str, Trunk] = {}
    verdicts: dict[tuple[str, str], int] = defaultdict(int)
    endings: dict[tuple[str, str, int, int], int] = defaultdict(int)
    listeners, heard = 0, 0.0
    for row in ask("endings"):
        name, attempts = row["trunk"] or "?", row["attempts"]
        trunk = trunks.setdefault(name, Trunk(name))
        trunk.sent += attempts
        trunk.talk += row["talk"]
        listeners += row["listeners"]
        heard += row["heard"]
        if row["answered"]:
            trunk.answered += attempts
            verdict, _, reason = row["amd"].partition("/")
            verdicts[verdict, reason] += attempts
        else:
            endings[name, row["disposition"], row["sip"], row["cause"]] += attempts
            trunk.congested += attempts if row["disposition"] == "CONGESTION" else 0
    for name, steps in _by_trunk(ask("delays")).items():
        trunks[name].delay = spread(steps)
    found.trunks = sorted(trunks.values(), key=lambda one: (-one.sent, one.name))
    found.verdicts = [Verdict(*key, calls) for key, calls in _most_first(verdicts.items())]
    found.endings = [Ending(*key, attempts) for key, attempts in _most_first(endings.items())]
    found.heard = heard / listeners if listeners else None


def _most_first(counts: Iterable[tuple[K, int]]) -> list[tuple[K, int]]:
    return sorted(counts, key=lambda one: (-one[1], str(one[0])))


def _by_trunk(rows: Iterable[Row]) -> dict[str, list[tuple[int, int]]]:
    found: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for name, step, attempts in rows:
        found[name or "?"].append((step, attempts))
    return found


def spread(steps: Sequence[tuple[int, int]]) -> Spread | None:
    """Of counted steps, in their order: (step, count). None when nothing was measured."""
    total = sum(count for _, count in steps)
    if not total:
        return None
    return Spread(total, _at(steps, 0.5 * total), _at(steps, 0.95 * total))


def _at(steps: Sequence[tuple[int, int]], rank: float) -> float:
    """The middle of the step within which the count reaches `rank`."""
    passed = itertools.accumulate(count for _, count in steps)
    return next((step + 0.5) * STEP for (step, _), count in zip(steps, passed, strict=True) if count >= rank)


# --- what was said ------------------------------------------------------------------------------------------------------


def _by_key(ask: _Asker, found: Figures, manifest: dict[str, Any]) -> None:
    digits = {name for name, node in (manifest.get("nodes") or {}).items() if node.get("kind") == "digits"}
    for value, presses, calls in ask("keys"):
        key, _, node = value.partition("@")
        if node not in digits:
            found.keys.append(Pressed(node, key, presses, calls))
    found.keys.sort(key=lambda one: (one.node, one.key))
    answers: dict[str, dict[str, int]] = {}
    for question, answer, times in ask("answers", most=summary.MOST_ANSWERS):
        if answer is None or question in digits or summary.NUMBER.search(answer):
            found.typed[question] = found.typed.get(question, 0) + times
        else:
            answers.setdefault(question, {})[answer] = times
    found.summary.answers = answers
    goals = found.summary.goals
    for word in [word for word in goals if summary.NUMBER.search(word)]:
        goals[UNTOLD] = goals.get(UNTOLD, 0) + goals.pop(word)


# --- abandoned calls ----------------------------------------------------------------------------------------------------


def _abandoned(ask: _Asker, manifest: dict[str, Any], book: Book, until: float) -> Abandonment:
    found = Abandonment(wait=spread([tuple(row) for row in ask("waits")]))
    rows = ask.connection.execute(
        "SELECT day, live, abandoned FROM abandonment WHERE campaign_id = ? ORDER BY day", (ask.campaign_id,)
    )
    found.days = [Day(day * abandonment.DAY, live, abandoned) for day, live, abandoned in rows]
    share = abandonment.share(ask.connection, ask.campaign_id, until)
    found.live, found.abandoned = share.live, share.abandoned
    for (region,) in ask("regions"):
        rules = book.rules_for(
            Place(region, (), ()), manifest["purpose"], until, frozenset(manifest.get("topics") or ())
        )
        if isinstance(rules, RuleSet):
            found.limits += [
                Limit(region, one.rule, one.percent, one.throttle, one.stop) for one in rules.abandonment
            ]
    return found
