"""What follows an attempt: another one at an instant, a callback, or nothing.

A call that its trunk could not carry goes to another trunk within FAILOVER; when each of the campaign's has refused it, the
rule's delay passes before the next round.

A value: a policy, the counters of one contact and how the attempt ended go in, a decision comes out. Pure; instants
are POSIX seconds. Whether the next attempt is allowed at that instant is the gate's to say, at that instant.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from engine.dialing.disposition import UNCOUNTED, Disposition
from engine.values import hot_value


@dataclass(frozen=True, slots=True)
class Rule:
    """After one disposition: wait `delay` seconds, and try at most `attempts` more times because of it."""

    delay: float
    attempts: int


FINAL = Rule(0.0, 0)
FAILOVER = 1.0
"""Seconds until a call that one trunk could not carry is tried by another."""

DEFAULTS: Mapping[Disposition, Rule] = {
    Disposition.BUSY: Rule(600.0, 5),
    Disposition.NO_ANSWER: Rule(3600.0, 5),
    Disposition.REJECTED: FINAL,
    Disposition.INVALID_NUMBER: FINAL,
    Disposition.CONGESTION: Rule(120.0, 10),
    Disposition.FAILED: Rule(900.0, 2),
    Disposition.UNKNOWN: FINAL,
    Disposition.NOT_SENT: Rule(0.0, 100),
    Disposition.CANCELLED: FINAL,
    Disposition.ANSWERED_MACHINE: FINAL,
    Disposition.ANSWERED_UNSURE: FINAL,
    Disposition.ANSWERED_HUMAN: FINAL,
}
"""What a campaign that says nothing gets. Congestion burns no attempt of the contact, so its own number caps an
endless retry."""


@dataclass(frozen=True, slots=True)
class Policy:
    """A campaign's retry policy. `min_gap` in seconds holds between any two attempts that reached a contact."""

    max_attempts: int
    min_gap: float
    rules: Mapping[Disposition, Rule]

    def rule(self, disposition: Disposition) -> Rule:
        return self.rules.get(disposition) or DEFAULTS.get(disposition, FINAL)

    def most(self, disposition: Disposition, trunks: int) -> int:
        """Attempts that may end so until nothing follows them. Congestion is a trunk's: each round may try all of `trunks`."""
        attempts = self.rule(disposition).attempts
        return (attempts + 1) * max(1, trunks) if disposition is Disposition.CONGESTION else attempts + 1


@hot_value(frozen=True, slots=True)
class History:
    """A contact's counters, the attempt that just ended included."""

    attempts: int
    """Attempts that counted against the budget."""
    by_disposition: Mapping[str, int]
    """Attempts by how they ended, counted or not."""
    position: int
    """Which of its numbers was dialed, from 0."""
    numbers: int
    """How many numbers it has."""
    invalid: frozenset[int] = frozenset()
    """Positions of numbers found invalid."""
    trunks: int = 1
    """Trunks that the campaign may use for this number."""
    untried: int = 0
    """Those of them that have not refused this call yet, if it rang nowhere."""


@hot_value(frozen=True, slots=True)
class RetryAt:
    """Try again at `at`, dialing the number at `position`."""

    at: float
    position: int


@hot_value(frozen=True, slots=True)
class CallbackAt:
    """The person asked to be called back: keep it at `at`, on the same number."""

    at: float
    position: int


@hot_value(frozen=True, slots=True)
class Final:
    """No further attempt."""


Decision = RetryAt | CallbackAt | Final


def counts(disposition: Disposition) -> bool:
    """Does an attempt that ended so count against the contact's budget?"""
    return disposition not in UNCOUNTED


def decide(
    policy: Policy,
    history: History,
    disposition: Disposition,
    dialed_at: float,
    now: float,
    opted_out: bool = False,
    callback_at: float | None = None,
) -> Decision:
    """What follows an attempt that was really dialed at `dialed_at` and ended as `disposition` at `now`.

    A person who opted out is never tried again; a callback that a person asked for comes before any retry.
    """
    if opted_out:
        return Final()
    if callback_at is not None:
        return CallbackAt(max(callback_at, now), history.position)
    if disposition is Disposition.NOT_SENT:
        return RetryAt(now, history.position)
    others = [at for at in range(history.numbers) if at not in history.invalid]
    if disposition is Disposition.INVALID_NUMBER:
        # Nobody was rung, so the next number need not wait; the budget still holds.
        following = [at for at in others if at > history.position] or others
        if following and history.attempts < policy.max_attempts:
            return RetryAt(now, following[0])
        return Final()
    rule = policy.rule(disposition)
    if history.by_disposition.get(disposition, 0) >= policy.most(disposition, history.trunks):
        return Final()
    if disposition is Disposition.CONGESTION and history.untried:
        return RetryAt(now + FAILOVER, history.position)
    if counts(disposition):
        if history.attempts >= policy.max_attempts:
            return Final()
        following = [at for at in others if at > history.position] or others or [history.position]
        return RetryAt(max(now, dialed_at + max(rule.delay, policy.min_gap)), following[0])
    return RetryAt(max(now, dialed_at + rule.delay), history.position)
