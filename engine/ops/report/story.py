"""A campaign told in plain sentences: what happened, and what somebody should look at."""

from __future__ import annotations

from engine import durations
from engine.ops.report.figures import Figures, Hour, Trunk
from engine.ops.report.words import WEEKDAYS, clock, count, day, hour, moment, percent

ENOUGH = 30
"""Calls from which on an hour is compared with others; and at least a hundredth of all."""
MANY = 100
"""Attempts from which on a trunk is compared with others."""

_NOT_CALLED = (
    ("SUPPRESSED", "person was not called, for the rules forbid it", "people were not called, for the rules forbid it"),
    ("EXPIRED", "person's time had passed before a call was due", "people's time had passed before a call was due"),
    ("CANCELLED", "person was taken out, or the campaign was cancelled", "people were taken out, or the campaign was cancelled"),
)  # fmt: skip


def told(found: Figures) -> list[str]:
    """What happened, a paragraph a sentence or two."""
    summary = found.summary
    if not found.columns or summary.began_at is None or summary.ended_at is None:
        return [
            f"The list has {count(found.contacts, 'person', 'people')}. Nothing was dialed.",
            *_undone(found),
        ]
    called = sum(one.contacts for one in found.rounds)
    people = count(found.contacts, "person was", "people were")
    attempts = count(summary.sent, "attempt", "attempts")
    reached = f"{count(found.reached, 'person', 'people')} ({percent(found.reached, found.contacts)}) answered in person."
    paragraphs = [
        f"{_span(summary.began_at, summary.ended_at)} {called:,} of {people} called, in {attempts}. {reached}"
    ]
    paragraphs += [*_undone(found), *_asked(found)]
    if found.heard is not None:
        paragraphs.append(f"Of the message, people heard {percent(found.heard, 1)} on average.")
    paragraphs += _hours(found)
    return paragraphs


def _span(first: float, last: float) -> str:
    length = last - first
    unit = 3600 if length >= 2 * 86400 else 60 if length >= 2 * 3600 else 1
    lasted = durations.text(round(length / unit) * unit)
    if day(first) == day(last):
        return f"On {day(first)} from {clock(first)} to {clock(last)} UTC ({lasted})"
    return f"From {moment(first)} to {moment(last)} UTC ({lasted})"


def hints(found: Figures) -> list[str]:
    """What somebody should look at; none: nothing stands out."""
    summary = found.summary
    sent = summary.sent
    noted = []

    def share(word: str, least: float) -> str | None:
        attempts = summary.attempts.get(word, 0)
        many = f"{count(attempts, 'attempt', 'attempts')} ({percent(attempts, sent)})"
        return many if sent and attempts / sent >= least else None

    if many := share("CONGESTION", 0.05):
        noted.append(
            f"The trunks, or the network behind them, had no room for {many}: lower cps or max_channels, or ask the carrier."
        )
    if many := share("INVALID_NUMBER", 0.03):
        noted.append(f"{many} went to numbers that do not exist: the list should be cleaned.")
    if many := share("FAILED", 0.05):
        noted.append(
            f"{many} could not be set up: the causes are below, and docs/operations.md says what they mean."
        )
    if many := share("UNKNOWN", 0.0001):
        noted.append(
            f"What became of {many} cannot be proven: the engine or the PBX was interrupted. They were not repeated in haste."
        )
    unsure = summary.attempts.get("ANSWERED_UNSURE", 0)
    if summary.answered >= ENOUGH and unsure / summary.answered >= 0.1:
        noted.append(
            f"Of {percent(unsure, summary.answered)} of the answered calls it is not sure whether a person answered."
        )
    if missed := summary.callbacks.get("missed", 0):
        noted.append(f"{count(missed, 'promised callback was', 'promised callbacks were')} missed.")
    for limit in found.abandonment.limits:
        rate = found.abandonment.share
        if rate is not None and rate > 0 and 100 * rate >= limit.throttle:
            noted.append(
                f"{percent(rate, 1)} of the calls that live people answered were abandoned; in {limit.region} the campaign slows"
                f" down at {limit.throttle:g} % and stops at {limit.stop:g} % ({limit.rule})."
            )
    return noted + _trunks(found)


def _undone(found: Figures) -> list[str]:
    counts = found.summary.contacts
    parts = []
    if found.summary.open_contacts:
        parts.append(f"{count(found.summary.open_contacts, 'person is', 'people are')} not done yet.")
    for word, one, many in _NOT_CALLED:
        if counts.get(word):
            parts.append(f"{count(counts[word], one, many)}.")
    return [" ".join(parts)] if parts else []


def _asked(found: Figures) -> list[str]:
    goals, callbacks = found.summary.goals, found.summary.callbacks
    parts = []
    if goals.get("opted_out"):
        parts.append(
            f"{count(goals['opted_out'], 'person', 'people')} asked never to be called again, and will not be."
        )
    if callbacks:
        asked = sum(callbacks.values())
        parts.append(
            f"{count(asked, 'callback was', 'callbacks were')} promised, {callbacks.get('kept', 0):,} of them kept."
        )
    return [" ".join(parts)] if parts else []


def _hours(found: Figures) -> list[str]:
    least = max(ENOUGH, found.summary.sent / 100)
    hours = [one for one in found.hours if one.sent >= least]
    if len(hours) < 2:
        return []
    best = max(hours, key=lambda one: one.answered / one.sent)
    worst = min(hours, key=lambda one: one.answered / one.sent)
    most = f"{_when(best)} ({percent(best.answered, best.sent)} of {best.sent:,} calls)"
    least_of_all = f"{_when(worst)} ({percent(worst.answered, worst.sent)} of {worst.sent:,})"
    return [f"People answered most on {most}, and least on {least_of_all}, by the clock at their place."]


def _when(one: Hour) -> str:
    return f"{WEEKDAYS[one.weekday]}s between {hour(one.hour)} and {hour((one.hour + 1) % 24)}"


def _trunks(found: Figures) -> list[str]:
    """A trunk that lags behind the best by ten points or more."""
    trunks = [one for one in found.trunks if one.sent >= MANY]
    if len(trunks) < 2:
        return []

    def ratio(one: Trunk) -> float:
        return one.answered / one.sent

    best = max(trunks, key=ratio)
    return [
        f"Trunk {one.name} had {percent(one.answered, one.sent)} of its calls answered, trunk {best.name}"
        f" {percent(best.answered, best.sent)}."
        for one in trunks
        if ratio(best) - ratio(one) >= 0.1
    ]
