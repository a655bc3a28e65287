"""An operator's rule beside a rule of the book: it may be stricter, never looser.

All rules hold together, so an added rule could not loosen anything; but who writes 07:00 where the law says 08:00
believes that calls go out at 07:00. Such a rule is an error that names the one it would loosen. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from engine.durations import text
from engine.errors import Problem
from engine.rules.book import weeks
from engine.rules.book.entry import (
    LEVELS,
    AbandonmentEntry,
    CallerIdEntry,
    CapEntry,
    ConsentEntry,
    Entry,
    GapEntry,
    HoursEntry,
    Level,
    MessageEntry,
    NoHoursEntry,
    RegistryEntry,
    RingEntry,
    SilenceEntry,
)
from engine.rules.book.files import LawFile, TightFile, chain, check_places


def problems_of(laws: Mapping[str, LawFile], tight: Mapping[str, TightFile]) -> Iterator[Problem]:
    """What of the operator's files would loosen the law, or cannot stand beside it."""
    known = {rule.id for law in laws.values() for rule in law.rules}
    for name, file in tight.items():
        law = laws.get(file.tightens)
        if law is None:
            yield Problem(
                f"{name}.toml: tightens", f"there is no {file.tightens}.toml", "known: " + ", ".join(laws)
            )
            continue
        bound = [rule for link in chain(file.tightens, laws) for rule in laws[link].rules]
        for rule in file.rules:
            where = f"{name}.toml: rule {rule.id}"
            if rule.id in known:
                yield Problem(
                    where, "a rule of this id is in the book; it cannot be replaced", "take another id"
                )
            known.add(rule.id)
            if not rule.enforced:
                yield Problem(where, "a rule that is not enforced makes nothing stricter", "leave it out")
            if isinstance(rule, NoHoursEntry):
                yield Problem(where, "no_hours makes nothing stricter", "leave it out")
            yield from check_places(name, law, rule)
            for other in bound:
                if other.enforced and _same_calls(rule, other):
                    looser = loosens(rule, other)
                    if looser:
                        yield Problem(
                            where,
                            f"it would loosen {other.id} ({other.source}): {looser}",
                            "make it at least as strict, or leave it out",
                        )


def _same_calls(rule: Entry, other: Entry) -> bool:
    """Does `other` bind wherever `rule` does, for a purpose that both have, at a time that both have?"""
    return (
        bool(set(rule.purposes) & set(other.purposes))
        and (not other.states or (bool(rule.states) and set(rule.states) <= set(other.states)))
        and other.only in (None, rule.only)
        and other.line in (None, rule.line)
        and (rule.until is None or rule.until >= other.since)
        and (other.until is None or other.until >= rule.since)
    )


def loosens(rule: Entry, other: Entry) -> str | None:
    """What `rule` allows that `other` does not, in words; None when it is at least as strict, or of another kind."""
    match rule, other:
        case HoursEntry(), HoursEntry():
            return _hours(rule, other)
        case ConsentEntry(), ConsentEntry():
            return _consent(rule, other)
        case RegistryEntry(), RegistryEntry() if rule.registry == other.registry:
            return _registry(rule, other)
        case CapEntry(), CapEntry() if rule.scope == other.scope:
            if rule.most > other.most and rule.period <= other.period:
                most = f"{other.most} in {text(other.period)} are the most"
                return f"{rule.most} calls in {text(rule.period)}, where {most}"
        case GapEntry(), GapEntry() if rule.after == other.after:
            return _gap(rule, other)
        case _:
            return _limits(rule, other)
    return None


def _limits(rule: Entry, other: Entry) -> str | None:
    """The same for the limits of a call."""
    match rule, other:
        case RingEntry(), RingEntry():
            if rule.least < other.least:
                return f"it rings {text(rule.least)}, where {text(other.least)} are asked for"
        case MessageEntry(), MessageEntry():
            if rule.most > other.most:
                return _longer(rule.most, other.most, "a message of")
        case SilenceEntry(), SilenceEntry():
            if rule.most > other.most:
                return _longer(rule.most, other.most, "a silence of")
        case CallerIdEntry(), CallerIdEntry():
            return _caller_ids(rule, other)
        case AbandonmentEntry(), AbandonmentEntry():
            mine, theirs = _shares(rule), _shares(other)
            if any(own > law for own, law in zip(mine, theirs, strict=True)):
                return f"percent, throttle and stop of {mine}, where {theirs} hold"
        case _:
            pass
    return None


def _shares(entry: AbandonmentEntry) -> tuple[float, float, float]:
    return entry.percent, entry.throttle, entry.stop


def _hours(rule: HoursEntry, other: HoursEntry) -> str | None:
    mine, theirs = weeks.spans_of(rule.window), weeks.spans_of(other.window)
    if weeks.is_within(mine, theirs):
        return None
    return f"open {weeks.text_of(mine)}, where calls are allowed {weeks.text_of(theirs)}"


def _registry(rule: RegistryEntry, other: RegistryEntry) -> str | None:
    if rule.max_age > other.max_age:
        return _longer(rule.max_age, other.max_age, "a copy may be")
    if _weaker_exemption(rule.exempt, other.exempt):
        theirs = f"{other.exempt} consent" if other.exempt else "none"
        return f"{rule.exempt} consent would outrank the list, where {theirs} does"
    return None


def _consent(rule: ConsentEntry, other: ConsentEntry) -> str | None:
    if LEVELS.index(rule.need) < LEVELS.index(other.need):
        return f"{rule.need} consent, where {other.need} is needed"
    if rule.max_age is not None and other.max_age is not None and rule.max_age > other.max_age:
        return _longer(rule.max_age, other.max_age, "consent may be")
    return None


def _gap(rule: GapEntry, other: GapEntry) -> str | None:
    if rule.gap is not None and other.gap is not None and rule.gap < other.gap:
        return f"{text(rule.gap)} after {rule.after}, where {text(other.gap)} are asked for"
    if rule.same_day and other.gap is not None:
        return f"the next day after {rule.after}, where {text(other.gap)} are asked for"
    if other.same_day and rule.gap is not None and rule.gap < 86400.0:
        return f"{text(rule.gap)} after {rule.after}, where the next calendar day is asked for"
    return None


def _caller_ids(rule: CallerIdEntry, other: CallerIdEntry) -> str | None:
    wider = _outside(rule.allowed, other.allowed) if other.allowed else ()
    denied = tuple(prefix for prefix in rule.allowed if prefix.startswith(other.denied))
    found = ", ".join((*wider, *denied))
    return f"it allows {found}, which may not be shown" if found else None


def _outside(prefixes: Iterable[str], allowed: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(prefix for prefix in prefixes if not prefix.startswith(allowed))


def _weaker_exemption(mine: Level | None, theirs: Level | None) -> bool:
    if mine is None:
        return False
    return theirs is None or LEVELS.index(mine) < LEVELS.index(theirs)


def _longer(mine: float, theirs: float, what: str) -> str:
    return f"{what} {text(mine)}, where {text(theirs)} are the most"
