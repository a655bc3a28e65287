"""The gate: may this contact be dialed at this number, now?

Every originate of whatever kind (first call, retry, callback) passes `decide` inside the claim's own transaction.
It is a pure function of what is known at that moment; it asks nobody and remembers nothing. What is missing or
unknown blocks. New rules go in here, never beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time
from enum import StrEnum

from engine.rules.hours import Hours, Window, zone

RULES_VERSION = "2026-11"
"""Written into each decision and attempt: which edition of the rules allowed it."""


class Reason(StrEnum):
    """Why the gate said what it said. Stable: stored, logged, and explained by `volley explain`."""

    ALLOWED = "allowed"
    CAMPAIGN_NOT_RUNNING = "campaign_not_running"
    CAMPAIGN_NOT_STARTED = "campaign_not_started"
    CAMPAIGN_OVER = "campaign_over"
    SUPPRESSED = "suppressed"
    NO_CALLER_ID = "no_caller_id"
    ZONE_UNKNOWN = "zone_unknown"
    EXPIRED = "expired"
    NOT_BEFORE = "not_before"
    BUDGET_SPENT = "budget_spent"
    GAP = "gap"
    OUTSIDE_HOURS = "outside_hours"
    NEVER_OPEN = "never_open"
    LINE_IN_USE = "line_in_use"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The gate's answer. `allowed`; or not before the instant `at` (POSIX seconds); or never, when `at` is None."""

    allowed: bool
    reason: Reason
    at: float | None = None

    @property
    def never(self) -> bool:
        return not self.allowed and self.at is None


ALLOW = Verdict(True, Reason.ALLOWED)


@dataclass(frozen=True, slots=True)
class CampaignRules:
    """What the gate knows of a campaign. Instants in POSIX seconds, gaps in seconds."""

    running: bool
    start: float
    end: float | None
    hours: Hours
    max_attempts: int
    min_gap: float
    max_callbacks: int
    caller_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Candidate:
    """What the gate knows of a contact that is due and of the number that would be dialed."""

    zones: tuple[str, ...]
    """Every zone where the callee may be: the contact's own, else those of the number."""
    suppressed: bool
    line_in_use: bool
    attempts: int
    """Attempts that counted against the budget."""
    callback: bool
    """True when this dial keeps a callback that the person asked for."""
    callbacks: int
    """Callbacks already dialed for this contact."""
    last_attempt_at: float | None
    """When this contact was dialed last, on a number that somebody may have stood behind."""
    call_from: time | None = None
    call_to: time | None = None
    not_before: float | None = None
    expires: float | None = None


LINE_RETRY = 20.0
"""Seconds before a number with a live call is looked at again."""


def decide(campaign: CampaignRules, contact: Candidate, now: float) -> Verdict:
    """May `contact` be dialed for `campaign` at `now` (POSIX seconds)?"""
    if contact.suppressed:
        return Verdict(False, Reason.SUPPRESSED)
    if campaign.end is not None and now >= campaign.end:
        return Verdict(False, Reason.CAMPAIGN_OVER)
    if contact.expires is not None and now >= contact.expires:
        return Verdict(False, Reason.EXPIRED)
    if not campaign.running:
        return Verdict(False, Reason.CAMPAIGN_NOT_RUNNING, now + LINE_RETRY)
    if not campaign.caller_ids:
        return Verdict(False, Reason.NO_CALLER_ID)
    if not contact.zones or any(zone(name) is None for name in contact.zones):
        return Verdict(False, Reason.ZONE_UNKNOWN)
    if contact.callback:
        if contact.callbacks >= campaign.max_callbacks:
            return Verdict(False, Reason.BUDGET_SPENT)
    elif contact.attempts >= campaign.max_attempts:
        return Verdict(False, Reason.BUDGET_SPENT)
    return _when(campaign, contact, now)


def _when(campaign: CampaignRules, contact: Candidate, now: float) -> Verdict:
    """The earliest instant at which everything that has to do with time agrees."""
    at, reason = now, Reason.ALLOWED
    if campaign.start > at:
        at, reason = campaign.start, Reason.CAMPAIGN_NOT_STARTED
    if contact.not_before is not None and contact.not_before > at:
        at, reason = contact.not_before, Reason.NOT_BEFORE
    if (
        contact.last_attempt_at is not None
        and not contact.callback
        and contact.last_attempt_at + campaign.min_gap > at
    ):
        at, reason = contact.last_attempt_at + campaign.min_gap, Reason.GAP
    opening = _opening(campaign.hours, own_hours(contact.call_from, contact.call_to), contact.zones, at)
    if opening is None:
        return Verdict(False, Reason.NEVER_OPEN)
    if opening > at:
        at, reason = opening, Reason.OUTSIDE_HOURS
    if contact.expires is not None and at >= contact.expires:
        return Verdict(False, Reason.EXPIRED)
    if campaign.end is not None and at >= campaign.end:
        return Verdict(False, Reason.CAMPAIGN_OVER)
    if at > now:
        return Verdict(False, reason, at)
    if contact.line_in_use:
        return Verdict(False, Reason.LINE_IN_USE, now + LINE_RETRY)
    return ALLOW


def _opening(campaign: Hours, own: Hours | None, zones: tuple[str, ...], at: float) -> float | None:
    """The first instant from `at` on that is open in both; None when a fortnight of steps finds none."""
    for _ in range(30):
        opening = campaign.next_open(at, zones)
        if opening is None or own is None:
            return opening
        both = own.next_open(opening, zones)
        if both is None or both == opening:
            return both
        at = both
    return None


_OWN: dict[tuple[time, time], Hours] = {}


def own_hours(call_from: time | None, call_to: time | None) -> Hours | None:
    """A contact's own daily hours, at the callee's place; None when it named none."""
    if call_from is None and call_to is None:
        return None
    key = (call_from or time(0), call_to or time(23, 59, 59))
    found = _OWN.get(key)
    if found is None:
        if len(_OWN) > 4096:
            _OWN.clear()
        found = _OWN[key] = Hours([Window(start=key[0], end=key[1])])
    return found
