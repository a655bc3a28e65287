"""Entries become a rule set: all that bind, the strictest of each.

Every entry is a restriction, so several of them hold together: hours intersect, the shortest period of a registry
wins, caps and gaps add up. Where the callee's state is not certain, the entries of every candidate state are given,
and the result is the strictest of all. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from engine.rules.book import weeks
from engine.rules.book.calendar import Calendar, closed_on
from engine.rules.book.entry import (
    LEVELS,
    PROOFS,
    AbandonmentEntry,
    CallerIdEntry,
    CapEntry,
    ConsentEntry,
    Entry,
    GapEntry,
    HoursEntry,
    Level,
    Line,
    MessageEntry,
    NoCallsEntry,
    Purpose,
    RegistryEntry,
    RingEntry,
    SilenceEntry,
    Topic,
)
from engine.rules.book.ruleset import (
    Abandonment,
    CallerIds,
    Cap,
    ConsentNeed,
    Gap,
    Limit,
    RegistryNeed,
    RuleSet,
)
from engine.rules.hours import Hours


def compose(
    entries: Sequence[Entry],
    calendars: Mapping[str, frozenset[Calendar]],
    region: str,
    subdivisions: tuple[str, ...],
    purpose: Purpose,
    topics: frozenset[Topic],
    line: Line,
    version: str,
) -> RuleSet:
    """The rule set of `entries`, which all bind. `calendars`: id of an entry with public holidays -> whose they are."""
    week = weeks.ALL
    closed: set[Calendar] = set()
    for entry in entries:
        if isinstance(entry, HoursEntry):
            week = weeks.intersect(week, weeks.spans_of(entry.window))
        elif isinstance(entry, NoCallsEntry):
            week = weeks.without_days(week, entry.days)
            if entry.holidays:
                closed |= calendars[entry.id]
    calendar = frozenset(closed)
    return RuleSet(
        region=region,
        subdivisions=subdivisions,
        purpose=purpose,
        topics=topics,
        line=line,
        version=version,
        rules=tuple(sorted(entry.id for entry in entries)),
        week=week,
        calendars=calendar,
        hours=_hours(week, calendar),
        consent=_consent([entry for entry in entries if isinstance(entry, ConsentEntry)]),
        registries=_registries(entry for entry in entries if isinstance(entry, RegistryEntry)),
        caps=tuple(
            Cap(entry.most, entry.period, entry.scope, entry.unless, entry.id)
            for entry in entries
            if isinstance(entry, CapEntry)
        ),
        gaps=tuple(Gap(entry.after, entry.gap, entry.id) for entry in entries if isinstance(entry, GapEntry)),
        ring=_longest(Limit(entry.least, entry.id) for entry in entries if isinstance(entry, RingEntry)),
        message=_shortest(
            Limit(entry.most, entry.id) for entry in entries if isinstance(entry, MessageEntry)
        ),
        silence=_shortest(
            Limit(entry.most, entry.id) for entry in entries if isinstance(entry, SilenceEntry)
        ),
        caller_ids=tuple(
            CallerIds(entry.allowed, entry.denied, entry.id)
            for entry in entries
            if isinstance(entry, CallerIdEntry)
        ),
        abandonment=tuple(
            Abandonment(entry.percent, entry.throttle, entry.stop, entry.period, entry.id)
            for entry in entries
            if isinstance(entry, AbandonmentEntry)
        ),
    )


def stronger(one: Level | None, other: Level | None) -> Level | None:
    """Of two exemptions the one that is harder to have; None, no exemption at all, is the hardest."""
    if one is None or other is None:
        return None
    return max(one, other, key=LEVELS.index)


@lru_cache(maxsize=1024)
def _hours(week: weeks.Spans, calendars: frozenset[Calendar]) -> Hours:
    """Shared by all rule sets with the same week, and with it the spans that it has worked out."""
    windows = () if week == weeks.ALL else weeks.windows_of(week)
    return Hours(windows, closed_on(calendars) if calendars else None)


def _consent(entries: Sequence[ConsentEntry]) -> ConsentNeed | None:
    needed = [entry for entry in entries if entry.need != "none"]
    if not needed:
        return None
    level = max((entry.need for entry in needed), key=LEVELS.index)
    asked = {part for entry in needed for part in entry.proof}
    ages = [entry.max_age for entry in needed if entry.max_age is not None]
    return ConsentNeed(
        level,
        tuple(part for part in PROOFS if part in asked),
        min(ages) if ages else None,
        tuple(entry.id for entry in needed if entry.need == level),
    )


def _registries(entries: Iterable[RegistryEntry]) -> tuple[RegistryNeed, ...]:
    found: dict[str, RegistryNeed] = {}
    for entry in entries:
        need = RegistryNeed(entry.registry, entry.max_age, entry.exempt, entry.id)
        known = found.get(entry.registry)
        if known is not None:
            need = RegistryNeed(
                entry.registry,
                min(known.max_age, need.max_age),
                stronger(known.exempt, need.exempt),
                need.rule if need.max_age < known.max_age else known.rule,
            )
        found[entry.registry] = need
    return tuple(found.values())


def _longest(limits: Iterable[Limit]) -> Limit | None:
    return max(limits, key=lambda limit: limit.seconds, default=None)


def _shortest(limits: Iterable[Limit]) -> Limit | None:
    return min(limits, key=lambda limit: limit.seconds, default=None)
