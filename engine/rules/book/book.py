"""The rule book: for a place, a purpose and an instant, the rules that bind.

Knows all files together, their dates, and one version of it all, which goes into every decision. Looking a rule set up
costs a dictionary's lookup: sets are composed once for each combination and each edition, the time between two dates
on which some rule begins or ends. Pure: `at` is an argument, and nothing is read after the book was made.
"""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from pathlib import Path

from engine.errors import Problem, RulesError
from engine.rules import places
from engine.rules.book import calendar
from engine.rules.book.calendar import Calendar
from engine.rules.book.compose import compose
from engine.rules.book.entry import CapEntry, Entry, GapEntry, Line, NoCallsEntry, Purpose, Topic
from engine.rules.book.files import LawFile, TightFile, chain, check, read_folder
from engine.rules.book.ruleset import NoRules, RuleSet
from engine.rules.book.tighten import problems_of
from engine.rules.places import Place

LAW = Path(__file__).parent.parent / "law"
"""The data that comes with Volley."""

_EARLIEST, _LATEST = timedelta(hours=14), timedelta(hours=12)
"""A day begins 14 hours before UTC's in Kiritimati and ends 12 hours after it on Baker Island: a rule binds as long as its date is
the date anywhere, so that the old and the new both bind around a change."""

_CACHE_MAX = 20_000

_NOT_LAW = ("base", "")
"""Rules of the house and of the operator: they make the law stricter, and never stand in for it."""

NO_TOPICS: frozenset[Topic] = frozenset()

Key = tuple[str, tuple[str, ...], str, frozenset[Topic], Line, int]


class Book:
    """The rules of all files. Make one with `read_book`, which checks them."""

    __slots__ = ("_boundaries", "_by_region", "_cache", "laws", "tight", "version")

    def __init__(self, laws: Mapping[str, LawFile], tight: Mapping[str, TightFile]) -> None:
        self.laws = laws
        self.tight = tight
        self.version = _version(laws, tight)
        """The newest file's date and a hash of all content: `2026-11-24.1a2b3c4d`."""
        self._by_region = {region: name for name, law in laws.items() for region in law.regions}
        self._boundaries = sorted(
            {instant for _, entry in self.entries() for instant in _binding(entry) if instant is not None}
        )
        self._cache: dict[Key, RuleSet | NoRules] = {}

    def __repr__(self) -> str:
        return f"Book({self.version}: {len(self._by_region)} regions, {sum(1 for _ in self.entries())} rules)"

    @property
    def regions(self) -> frozenset[str]:
        """Regions of the numbering plan that have rules; calls to others are not made."""
        return frozenset(self._by_region)

    def file_of(self, region: str) -> str | None:
        """The name of the file that covers a region."""
        return self._by_region.get(region)

    def entries(self) -> Iterator[tuple[str, Entry]]:
        """Every entry with its file, the operator's last."""
        for files in (self.laws, self.tight):
            for name, file in files.items():
                for rule in file.rules:
                    yield name, rule

    @property
    def look_back(self) -> float:
        """The longest time, in seconds, over which a rule asks what was done at a number before."""
        spans = [rule.period for _, rule in self.entries() if isinstance(rule, CapEntry)]
        spans += [
            rule.gap for _, rule in self.entries() if isinstance(rule, GapEntry) and rule.gap is not None
        ]
        return max(spans, default=0.0)

    def rules_for(
        self,
        place: Place,
        purpose: Purpose,
        at: float,
        topics: frozenset[Topic] = NO_TOPICS,
        line: Line = "unknown",
    ) -> RuleSet | NoRules:
        """What binds a call of `purpose` to `place` at the instant `at` (POSIX seconds).

        Every candidate state of the place is obeyed. `topics` are the campaign's; `line` is the kind of line called,
        where it is known. NoRules blocks the call and says why.
        """
        if place.problem:
            return NoRules(place.problem, self.version)
        edition = bisect_right(self._boundaries, at)
        key = (place.region, place.subdivisions, purpose, topics, line, edition)
        found = self._cache.get(key)
        if found is None:
            if len(self._cache) >= _CACHE_MAX:
                self._cache.clear()
            found = self._cache[key] = self._find(place, purpose, at, topics, line)
        return found

    def _find(
        self, place: Place, purpose: Purpose, at: float, topics: frozenset[Topic], line: Line
    ) -> RuleSet | NoRules:
        name = self._by_region.get(place.region)
        if name is None:
            return self._none(
                f"there are no rules for {place.region or 'a number of no country'}, so it is not called;"
                " add a file with its law to the folder of rules"
            )
        law = self.laws[name]
        if purpose not in law.purposes:
            return self._none(f"{name}.toml has no rules for {purpose} calls, so they are not made")
        binding = [
            (file, rule)
            for file, rule in self._chained(name)
            if rule.enforced and _binds(rule, place, purpose, at, topics, line)
        ]
        forbidden = [rule for _, rule in binding if rule.kind == "forbidden"]
        if forbidden:
            return self._none(f"{forbidden[0].says} ({forbidden[0].id}; {forbidden[0].source})")
        own = {rule.kind for file, rule in binding if file not in _NOT_LAW and not rule.states}
        if purpose != "emergency":
            for kinds, what in (({"hours", "no_hours"}, "hours"), ({"consent"}, "consent")):
                if not own & kinds:
                    return self._none(
                        f"no rule of {name}.toml about {what} of {purpose} calls is in force at that time, so they are not made"
                    )
        entries = [rule for _, rule in binding]
        return compose(
            entries,
            {
                rule.id: self._calendars(law, rule, place)
                for rule in entries
                if isinstance(rule, NoCallsEntry) and rule.holidays
            },
            place.region,
            place.subdivisions,
            purpose,
            topics,
            line,
            self.version,
        )

    def _none(self, reason: str) -> NoRules:
        return NoRules(reason, self.version)

    def _chained(self, name: str) -> Iterator[tuple[str, Entry]]:
        """The rules of the files that hold where `name` holds, and the operator's beside them."""
        for link in chain(name, self.laws):
            for rule in self.laws[link].rules:
                yield link, rule
            for file in self.tight.values():
                if file.tightens == link:
                    for rule in file.rules:
                        yield "", rule

    def _calendars(self, law: LawFile, rule: Entry, place: Place) -> frozenset[Calendar]:
        """The public holidays of the country, or of the states that the rule names; and of every candidate state in which it holds."""
        found: set[Calendar] = set() if rule.states else {(law.calendar, "")}
        for state in place.subdivisions:
            if not rule.states or state in rule.states:
                part = (law.calendar, law.calendar_parts.get(state, state))
                found.add(part if calendar.is_known(part) else (law.calendar, ""))
        return frozenset(found or {(law.calendar, "")})


def _binds(
    rule: Entry, place: Place, purpose: Purpose, at: float, topics: frozenset[Topic], line: Line
) -> bool:
    start, end = _binding(rule)
    return (
        purpose in rule.purposes
        and start <= at
        and (end is None or at < end)
        and (rule.only is None or rule.only in topics)
        and (rule.line is None or line in (rule.line, "unknown"))
        # A state that cannot be told may be any.
        and (not rule.states or not place.subdivisions or not set(rule.states).isdisjoint(place.subdivisions))
    )


def _binding(rule: Entry) -> tuple[float, float | None]:
    """The instants from which and up to which a rule binds."""
    start = _midnight(rule.since) - _EARLIEST
    if rule.until is None:
        return start.timestamp(), None
    return start.timestamp(), (_midnight(rule.until) + timedelta(days=1) + _LATEST).timestamp()


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _version(laws: Mapping[str, LawFile], tight: Mapping[str, TightFile]) -> str:
    content = {
        name: file.model_dump(mode="json") for files in (laws, tight) for name, file in sorted(files.items())
    }
    told = json.dumps([content, places.DIGEST, calendar.VERSION], sort_keys=True)
    newest = max(file.version for files in (laws, tight) for file in files.values())
    return f"{newest.isoformat()}.{hashlib.sha256(told.encode()).hexdigest()[:8]}"


def read_book(*operators: Path) -> Book:
    """The law that comes with Volley, and the operator's folders of rule files.

    Raises RulesError with everything that is wrong: unreadable files, unknown keys, states or holidays, purposes
    without rules, and whatever would loosen the law.
    """
    known = read_folder(LAW)
    laws, tight, problems = dict(known.laws), dict(known.tight), list(known.problems)
    for folder in operators:
        more = read_folder(folder)
        problems.extend(more.problems)
        for name, law in more.laws.items():
            if name in laws:
                problems.append(_taken(folder / f"{name}.toml", name))
            else:
                laws[name] = law
        for name, file in more.tight.items():
            if name in tight:
                problems.append(_taken(folder / f"{name}.toml", name))
            else:
                tight[name] = file
    problems.extend(check(laws))
    problems.extend(problems_of(laws, tight))
    if problems:
        raise RulesError(problems)
    return Book(laws, tight)


def _taken(path: Path, name: str) -> Problem:
    return Problem(
        str(path),
        f"the book has a file of this name, {name}.toml",
        f'a file cannot be replaced: take another name, and write tightens = "{name}" to make it stricter',
    )


@lru_cache(maxsize=1)
def standard_book() -> Book:
    """The law that comes with Volley and nothing else."""
    return read_book()
