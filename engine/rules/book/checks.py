"""What a rule set means for a call: each check answers with a reason, or with nothing.

A reason says what is wrong, by which rule, and what to do. What has to do with time answers with the first instant at
which it no longer stands in the way. What is missing stands in the way. Pure: `now` is an argument.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Literal

from engine.durations import text
from engine.rules.book.consent import Held, outranks
from engine.rules.book.entry import After, Scope
from engine.rules.book.ruleset import Abandonment, RuleSet
from engine.rules.hours import zone

SAMPLE = 100
"""Answered calls below which a share says nothing: they are taken for so many, so that one call is one in a hundred."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Not before the instant `at` (POSIX seconds); None: not as long as things are as they are."""

    at: float | None
    rule: str
    reason: str


def next_open(rules: RuleSet, now: float, zones: tuple[str, ...]) -> float | None:
    """The first instant from `now` on at which the law lets a telephone ring in every one of `zones`; None when there is none."""
    return rules.hours.next_open(now, zones)


def registry_problem(rules: RuleSet, taken_at: Mapping[str, float], held: Held, now: float) -> str | None:
    """Why a list that must be checked cannot be, and what to do.

    `taken_at`: name of a registry -> when its copy was taken from the official source, POSIX seconds. Whether the number
    is *on* a list is asked where the lists are; `lists` says which count.
    """
    for need in rules.registries:
        if outranks(held, need.exempt, rules.purpose, now):
            continue
        at = taken_at.get(need.registry)
        if at is None:
            return f"the list {need.registry} must be checked ({need.rule}) and there is no copy: import it"
        if at > now:
            return f"the copy of {need.registry} is dated in the future: import it with its true date"
        if now - at > need.max_age:
            return f"the copy of {need.registry} is older than {text(need.max_age)} ({need.rule}): import a newer one"
    return None


def lists(rules: RuleSet, held: Held, now: float) -> tuple[str, ...]:
    """The registries on which the number must not be, given this consent."""
    return tuple(
        need.registry for need in rules.registries if not outranks(held, need.exempt, rules.purpose, now)
    )


def caps_problem(
    rules: RuleSet, history: Mapping[Scope, Sequence[float]], held: Held, now: float
) -> Wait | None:
    """The cap that is reached, and when it no longer is: the latest of them where several are.

    `history`: for each scope that `RuleSet.history` names, the instants of attempts to this number, newest first, as many
    as it asks for. A scope that is missing blocks.
    """
    latest: Wait | None = None
    for cap in rules.caps:
        if outranks(held, cap.unless, rules.purpose, now):
            continue
        attempts = history.get(cap.scope)
        if attempts is None:
            return Wait(None, cap.rule, f"how often this number was called is not known ({cap.rule})")
        if len(attempts) < cap.most:
            continue
        free = attempts[cap.most - 1] + cap.period
        if free > now and (latest is None or latest.at is None or free > latest.at):
            latest = Wait(
                free,
                cap.rule,
                f"called {cap.most} times in {text(cap.period)}, the most there may be ({cap.rule})",
            )
    return latest


def gaps_problem(
    rules: RuleSet, last: Mapping[After, float | None], zones: tuple[str, ...], now: float
) -> Wait | None:
    """The gap that is not over, and when it is: the latest of them where several are.

    `last`: for each event that `RuleSet.afters` names, when it happened last at this number, in any campaign; None for
    never. An event that is missing blocks.
    """
    latest: Wait | None = None
    for gap in rules.gaps:
        if gap.after not in last:
            return Wait(None, gap.rule, f"when the last {gap.after} was is not known ({gap.rule})")
        at = last[gap.after]
        if at is None:
            continue
        over = _next_day(at, zones) if gap.gap is None else at + gap.gap
        if over is None:
            return Wait(None, gap.rule, f"the calendar day at the callee's place is not known ({gap.rule})")
        if over > now and (latest is None or latest.at is None or over > latest.at):
            much = "not on the same day" if gap.gap is None else f"not for {text(gap.gap)}"
            latest = Wait(over, gap.rule, f"{much} after {_EVENTS[gap.after]} ({gap.rule})")
    return latest


_EVENTS: dict[After, str] = {
    "refusal": "a refusal",
    "abandoned": "an abandoned call",
    "machine": "an answering machine",
    "conversation": "a conversation",
}


def _next_day(at: float, zones: tuple[str, ...]) -> float | None:
    """When the calendar day of `at` is over in every one of `zones`."""
    over: list[float] = []
    for name in zones:
        where = zone(name)
        if where is None:
            return None
        day = datetime.fromtimestamp(at, where).date() + timedelta(days=1)
        midnight = datetime.combine(day, time(0), tzinfo=where)
        # Where midnight happens twice, or is left out, the later reading counts.
        over.append(max(midnight.replace(fold=fold).timestamp() for fold in (0, 1)))
    return max(over, default=None)


def caller_id_problem(rules: RuleSet, e164: str) -> str | None:
    """Why this number must not be shown to the callee, and what to do."""
    if not e164:
        return "there is no caller ID: no call is made without one"
    for caller_ids in rules.caller_ids:
        if e164.startswith(caller_ids.denied):
            return f"{e164} must not be shown there ({caller_ids.rule}): show a number of another range"
        if caller_ids.allowed and not e164.startswith(caller_ids.allowed):
            ranges = ", ".join(caller_ids.allowed)
            return f"{e164} must not be shown there ({caller_ids.rule}): show a number that begins with one of {ranges}"
    return None


def ring_problem(rules: RuleSet, seconds: float) -> str | None:
    """Why the ring timeout is too short."""
    if rules.ring is None or seconds >= rules.ring.seconds:
        return None
    return f"it must ring for {text(rules.ring.seconds)} at least ({rules.ring.rule}), and the campaign's is {text(seconds)}"


def message_problem(rules: RuleSet, seconds: float | None) -> str | None:
    """Why the recorded message is too long; `seconds` None: its length is not known, which blocks where there is a limit."""
    if rules.message is None or (seconds is not None and seconds <= rules.message.seconds):
        return None
    limit = f"the message may last {text(rules.message.seconds)} at most ({rules.message.rule})"
    return limit + (", and its length is not known" if seconds is None else f", and lasts {text(seconds)}")


def abandonment_text(limit: Abandonment, answered: int, abandoned: int) -> str:
    """The share in words, with what it leads to."""
    counted = max(answered, abandoned, SAMPLE)
    few = f", which count as {counted}," if counted > answered else ""
    return (
        f"of the {answered} calls of 30 days that a person answered{few} {abandoned} were abandoned, {100.0 * abandoned / counted:.3g} %:"
        f" {limit.rule} slows down from {limit.throttle:g} % on and stops from {limit.stop:g} % on"
    )


def abandonment(limit: Abandonment, answered: int, abandoned: int) -> Literal["go", "throttle", "stop"]:
    """What a campaign's abandoned calls, of those that persons answered in the period, lead to."""
    if abandoned <= 0:
        return "go"
    share = 100.0 * abandoned / max(answered, abandoned, SAMPLE)
    if share >= limit.stop:
        return "stop"
    return "throttle" if share >= limit.throttle else "go"
