"""What the gate is asked: a campaign, a contact that is due, and what happened at its number before. Values only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import time
from typing import Protocol

from engine.rules.book import After, Book, Purpose, Scope, Topic
from engine.rules.caller_ids import CallerIds
from engine.rules.hours import Hours
from engine.rules.transfers import Transfer
from engine.values import hot_value


@dataclass(frozen=True, slots=True)
class CampaignRules:
    """What the gate knows of a campaign. Instants in POSIX seconds, lengths in seconds."""

    running: bool
    start: float
    end: float | None
    hours: Hours
    """Its own, as they are now."""
    max_attempts: int
    min_gap: float
    max_callbacks: int
    caller_ids: CallerIds
    """Those of the campaign's numbers that the settings list as ours."""
    proof_days: int
    purpose: Purpose
    topics: frozenset[Topic]
    book: Book
    countries: frozenset[str]
    """Regions that may be dialed at all, by the settings."""
    ring: float
    message: float | None
    """How long the message lasts; None: not known."""
    lists: tuple[str, ...] = ()
    """Lists that the campaign names: whoever is on one of them is not called."""
    approved_until: float | None = None
    """Of an emergency: until when two people have approved it; None: they have not."""
    transfers: tuple[Transfer, ...] = ()
    """Numbers that a callee may be connected with."""
    callbacks_after_end: float = 0.0
    """Seconds after `end` in which a callback that was promised is still made."""
    calls_a_day: int | None = None
    cost_a_day: float | None = None
    most_per_call: Mapping[str, float] = field(default_factory=dict)
    """What a call may come to at most, by trunk; for `cost_a_day`."""
    accepted: Hours | None = None
    """Its own hours as it was accepted with them, where they were changed since."""
    quiet: Hours | None = None
    """When the operator lets anything be dialed at all; None: always."""

    @property
    def day_capped(self) -> bool:
        """Does it hang on the campaign's other calls of the day whether one more may be made?"""
        return self.calls_a_day is not None or self.cost_a_day is not None


@hot_value(frozen=True, slots=True)
class Candidate:
    """What the gate knows of a contact that is due and of the number that would be dialed."""

    e164: str
    region: str
    kind: str
    zones: tuple[str, ...]
    """Every zone that the number may be in."""
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
    timezone: str = ""
    subdivision: str = ""
    postal_code: str = ""
    consent: str | None = None
    """As the database keeps it: JSON."""
    call_from: time | None = None
    call_to: time | None = None
    not_before: float | None = None
    expires: float | None = None
    promised_from: str = ""
    """For a callback: the caller ID that the person saw when asking for it."""
    nobody_free: bool = False
    """For a callback that begins with somebody of ours: all of them are busy."""


@dataclass(frozen=True, slots=True)
class Listing:
    """What suppression lists say of a number."""

    on: str = ""
    """A list that it is on; empty for none."""
    copies: Mapping[str, float] = field(default_factory=dict)
    """Registries that cover it: name -> when the copy was taken, POSIX seconds."""
    unusable: str = ""
    """Why a list that has a say cannot be asked; empty when all can."""


UNLISTED = Listing()


@dataclass(frozen=True, slots=True)
class Used:
    """What a campaign has used up on a day."""

    calls: int = 0
    spent: float = 0.0
    """What those of them that have ended cost."""
    held: float = 0.0
    """What those that live may come to at most."""


class Past(Protocol):
    """What happened at a number before, and what is known of it: asked only as far as the rules of its place need it."""

    def attempts(self, scope: Scope, most: int, since: float) -> Sequence[float]:
        """The instants of the newest attempts to the number since `since`, newest first, `most` at most."""

    def last(self, after: After) -> float | None:
        """When this happened last at the number, in any campaign; None for never."""

    def lists(self, names: Sequence[str]) -> Listing:
        """What the lists of these names, and those that always count, say of the number."""

    def abandoned(self) -> tuple[int, int]:
        """Of the campaign's calls of the last 30 days: those that a live person answered, and those that were abandoned."""

    def suppressed(self, e164: str) -> bool:
        """Is this number (another one than the callee's) on the list of those never to be called?"""

    def today(self) -> Used:
        """What the campaign's calls that were dialed on this day (UTC) have used up."""
