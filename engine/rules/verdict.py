"""What the gate answers, and what an answer stands on. Values only."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum

from engine.rules.places import Place
from engine.values import hot_value


class Reason(StrEnum):
    """Why the gate said what it said. Stable: stored, logged, and explained by `volley explain`."""

    ALLOWED = "allowed"
    CAMPAIGN_NOT_RUNNING = "campaign_not_running"
    CAMPAIGN_NOT_STARTED = "campaign_not_started"
    CAMPAIGN_OVER = "campaign_over"
    SUPPRESSED = "suppressed"
    TOLL = "toll"
    COUNTRY_NOT_ALLOWED = "country_not_allowed"
    PLACE_UNCLEAR = "place_unclear"
    ZONE_UNKNOWN = "zone_unknown"
    NO_RULES = "no_rules"
    NOT_APPROVED = "not_approved"
    NO_CONSENT = "no_consent"
    CALL_UNLAWFUL = "call_unlawful"
    REGISTRY_MISSING = "registry_missing"
    LISTED = "listed"
    NO_CALLER_ID = "no_caller_id"
    NO_TRUNK = "no_trunk"
    TRANSFER_REFUSED = "transfer_refused"
    ABANDONMENT = "abandonment"
    DAY_CAP = "day_cap"
    EXPIRED = "expired"
    NOT_BEFORE = "not_before"
    BUDGET_SPENT = "budget_spent"
    GAP = "gap"
    TOO_OFTEN = "too_often"
    TOO_SOON = "too_soon"
    OUTSIDE_HOURS = "outside_hours"
    QUIET_HOURS = "quiet_hours"
    OUTSIDE_LAWFUL_HOURS = "outside_lawful_hours"
    NEVER_OPEN = "never_open"
    LINE_IN_USE = "line_in_use"
    NOBODY_FREE = "nobody_free"


NO_TRUNK_RETRY = 3600.0
"""Seconds before somebody is looked at again whom no trunk serves: settings change with a restart."""


@hot_value(frozen=True, slots=True)
class Ground:
    """What a verdict stands on, for the decision's row. Empty: not looked at."""

    place: Place | None = None
    rules: str = ""
    """Version of the rule book."""
    rule: str = ""
    """Id of the rule that decided."""
    consent: str = ""
    """Reference of the consent that was relied on."""
    copies: tuple[tuple[str, float], ...] = ()
    """Registries that were asked, and when their copies were taken (POSIX seconds)."""
    detail: str = ""
    """In words, with what to do."""


NOTHING = Ground()


@hot_value(frozen=True, slots=True)
class Verdict:
    """The gate's answer. `allowed`; or not before the instant `at` (POSIX seconds); or never, when `at` is None."""

    allowed: bool
    reason: Reason
    at: float | None = None
    ground: Ground = NOTHING
    caller_id: str = ""
    """The number to show; given when allowed."""
    slow: bool = False
    """Allowed, but the campaign must slow down: too many of its calls were abandoned. The ground names the rule."""
    trunk: str = ""
    """The trunk on which that number may be shown; empty when no trunk was asked for."""

    @property
    def never(self) -> bool:
        return not self.allowed and self.at is None


def no_trunk(verdict: Verdict, now: float) -> Verdict:
    """In place of a verdict that allows a call which no trunk can carry."""
    ground = replace(verdict.ground, detail="none of the campaign's trunks serves this number")
    return Verdict(False, Reason.NO_TRUNK, now + NO_TRUNK_RETRY, ground)
