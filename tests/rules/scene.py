"""One question to the gate, in words of its own: who is called, with what, and what was before. Values only."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, time

COUNTRIES = frozenset({"FR", "US", "GB", "CA", "IN", "DE", "ES", "IT", "IE", "BE"})


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who is called: what is known of them, and where they truly are."""

    number: str
    region: str
    line: str
    """mobile, landline, or either, where the number does not tell."""
    home: str
    """The zone in which they live."""
    zones: tuple[str, ...]
    """The zones that the number leaves open."""
    state: str = ""
    """The state that their row names."""
    lives_in: str = ""
    """The state in which they live."""
    postal_code: str = ""


@dataclass(frozen=True, slots=True)
class Shown:
    """A number of ours."""

    number: str
    proven: date
    areas: tuple[str, ...] = ()
    trunk: str = ""


@dataclass(frozen=True, slots=True)
class Agreed:
    """A consent: how it was given ("written", "express"), when, for what, where, and where its proof lies."""

    how: str
    at: float | None
    purposes: tuple[str, ...]
    source: str
    reference: str


@dataclass(frozen=True, slots=True)
class Opening:
    """A window of the campaign: on these days, from one time of the wall clock to another; in the callee's place, or where it
    says."""

    days: tuple[str, ...]
    start: time
    end: time
    place: str = "callee"


@dataclass(frozen=True, slots=True)
class Scene:
    """One question: may this be done now? Instants in POSIX seconds, lengths in seconds."""

    now: float
    person: Person
    purpose: str
    topic: str = ""
    consent: Agreed | None = None
    calls: tuple[float, ...] = ()
    """All earlier calls to the number, newest first."""
    same_matter: tuple[float, ...] = ()
    """Those of them by the same owner for the same purpose."""
    refused: float | None = None
    abandoned: float | None = None
    machine: float | None = None
    talked: float | None = None
    shown: tuple[Shown, ...] = ()
    trunk: str = "a"
    on_lists: frozenset[str] = frozenset()
    names_list: bool = False
    """The campaign names the list `own`."""
    lists_broken: bool = False
    copies: float = 86400.0
    """How old the copies of all lists are."""
    suppressed: bool = False
    premium: bool = False
    running: bool = True
    start: float = 0.0
    end: float | None = None
    not_before: float | None = None
    expires: float | None = None
    own_hours: tuple[time | None, time | None] | None = None
    openings: tuple[Opening, ...] = ()
    """The campaign's; at all times where it has none."""
    promised: bool = False
    """The person asked for this call."""
    promises_kept: int = 0
    """Calls that were made because they were asked for."""
    attempts: int = 0
    min_gap: float = 60.0
    last_attempt: float | None = None
    line_in_use: bool = False
    ring: float = 25.0
    message: float | None = 20.0
    approved_until: float | None = None
    answered: int = 0
    silent: int = 0
    """Of those answered: the calls on which nobody spoke within two seconds."""
    colleague: str = ""
    """Somebody of ours in France whom the callee may be connected with: "there", or "left" when that number is never to be called;
    empty for nobody."""
    calls_today: int = 0
    calls_a_day: int | None = None
    cents: tuple[int, int, int, int] | None = None
    """What may be spent on a day, what was, what calls that live may still come to, and what this one may; None: it has no cap."""
    allowed_countries: frozenset[str] = field(default=COUNTRIES)
