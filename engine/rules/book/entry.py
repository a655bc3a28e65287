"""An entry of the rule book: one rule, its dates, whom it binds, and where it stands written.

One model a kind of rule. Knows the form of the data; refuses to know what follows from several rules together
(`compose`) and whether an operator's rule is stricter than the law (`tighten`). An unknown key is an error.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal, get_args

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
    model_validator,
)

from engine.durations import Duration, LongDuration
from engine.rules.hours import Window, parse_days

Purpose = Literal["marketing", "informational", "transactional", "emergency", "political", "survey"]
PURPOSES: tuple[Purpose, ...] = get_args(Purpose)

Topic = Literal["debt", "health", "finance"]
"""What a campaign says it is about beside its purpose: collecting a debt; health care under HIPAA; a bank, an insurer or
another financial firm calls."""
TOPICS: tuple[Topic, ...] = get_args(Topic)

Line = Literal["landline", "wireless", "unknown"]
"""What kind of line is called. A rule for one kind binds unknown lines too."""

_LINES: dict[str, Line] = {"fixed": "landline", "mobile": "wireless", "pager": "wireless"}


def line_of(kind: str) -> Line:
    """The kind of line behind a number of this kind (`engine.rules.numbers`); North American numbers do not tell."""
    return _LINES.get(kind, "unknown")


Level = Literal["none", "express", "written"]
LEVELS: tuple[Level, ...] = get_args(Level)
"""Consent, from the weakest to the strongest. `written` is the American prior express written consent (47 CFR 64.1200(f)(9)):
signed, on paper or electronically, naming the number."""

Proof = Literal["at", "source", "purpose", "reference"]
PROOFS: tuple[Proof, ...] = get_args(Proof)
"""What a consent may have to tell of itself: when, how it was given, for what, and where the proof lies."""

Scope = Literal["campaign", "owner", "all"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
"""Which calls to a number a cap counts: of this campaign; of all campaigns with the same owner and purpose; of all."""

After = Literal["refusal", "abandoned", "machine", "conversation"]
AFTERS: tuple[After, ...] = get_args(After)

Basis = Literal["text", "summary", "memory", "house"]
"""How the rule is known: its own text was read; a summary of it; not rechecked; or it is Volley's own."""

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=3)]
Days = Annotated[tuple[int, ...], BeforeValidator(parse_days)]
Prefix = Annotated[str, StringConstraints(pattern=r"^\+[1-9][0-9]{0,14}$")]


class Entry(BaseModel):
    """What all kinds have in common."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: str
    id: Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)+$", max_length=60)]
    says: Text
    """The rule in a sentence."""
    purposes: Annotated[tuple[Purpose, ...], Field(min_length=1)]
    states: tuple[str, ...] = ()
    """Codes of the states in which it holds; empty: in the whole country."""
    only: Topic | None = None
    """Binds only campaigns about this."""
    line: Literal["landline", "wireless"] | None = None
    """Binds only calls to such lines, and to lines of which nothing is known."""
    since: Annotated[date, Field(alias="from")]
    """The first day on which it binds."""
    until: date | None = None
    """The last day on which it binds."""
    source: Text
    basis: Basis
    enforced: bool = True
    why: str = ""
    """Why it is not enforced; or by what, where no number says it."""

    @model_validator(mode="after")
    def _sound(self) -> Entry:
        if self.until is not None and self.until < self.since:
            raise ValueError("until lies before from")
        if not self.enforced and not self.why.strip():
            raise ValueError("a rule that is not enforced says why")
        return self


class HoursEntry(Entry):
    """Calls only inside these windows, at the callee's place."""

    kind: Literal["hours"]
    window: Annotated[tuple[Window, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _at_the_callee(self) -> HoursEntry:
        if any(window.timezone != "callee" for window in self.window):
            raise ValueError("the law's hours are the callee's: leave timezone out")
        return self


class NoHoursEntry(Entry):
    """The law sets no hours for these purposes: said on purpose, since silence would block."""

    kind: Literal["no_hours"]


class NoCallsEntry(Entry):
    """No calls on these weekdays, or on public holidays."""

    kind: Literal["no_calls"]
    days: Days = ()
    holidays: bool = False

    @model_validator(mode="after")
    def _something(self) -> NoCallsEntry:
        if not self.days and not self.holidays:
            raise ValueError("name days, or holidays = true")
        return self


class ConsentEntry(Entry):
    """The consent that a call needs, and what of it must be told."""

    kind: Literal["consent"]
    need: Level
    proof: tuple[Proof, ...] = ()
    max_age: LongDuration | None = None


class RegistryEntry(Entry):
    """An official list of those who do not want calls: a copy must be at hand, and not be older than this."""

    kind: Literal["registry"]
    registry: Annotated[str, StringConstraints(pattern=r"^[a-z]{2}-[a-z0-9-]+$")]
    max_age: Duration
    exempt: Literal["express", "written"] | None = None
    """The consent with which a number on the list may still be called."""


class CapEntry(Entry):
    """At most so many calls to a number in any period of this length."""

    kind: Literal["cap"]
    most: Annotated[int, Field(ge=1, le=1000)]
    period: Duration
    scope: Scope
    unless: Literal["express", "written"] | None = None
    """The consent with which the cap does not hold."""


class GapEntry(Entry):
    """After this happened no call to the number, of any campaign, for so long; or not on the same calendar day there."""

    kind: Literal["gap"]
    after: After
    gap: Duration | None = None
    same_day: bool = False

    @model_validator(mode="after")
    def _one(self) -> GapEntry:
        if (self.gap is None) != self.same_day:
            raise ValueError("give either gap or same_day = true")
        return self


class RingEntry(Entry):
    """Let it ring for so long at least."""

    kind: Literal["ring"]
    least: Duration


class MessageEntry(Entry):
    """The recorded message lasts no longer."""

    kind: Literal["message"]
    most: Duration


class SilenceEntry(Entry):
    """From the end of the callee's greeting to the first audio no longer than this; later is an abandoned call."""

    kind: Literal["silence"]
    most: Duration


class CallerIdEntry(Entry):
    """Which numbers may be shown, by the digits that they begin with."""

    kind: Literal["caller_id"]
    allowed: tuple[Prefix, ...] = ()
    """Empty: all that are not denied."""
    denied: tuple[Prefix, ...] = ()

    @model_validator(mode="after")
    def _something(self) -> CallerIdEntry:
        if not self.allowed and not self.denied:
            raise ValueError("name allowed or denied prefixes")
        return self


class AbandonmentEntry(Entry):
    """Abandoned calls as a share of the calls that persons answered, over a period, for each campaign."""

    kind: Literal["abandonment"]
    percent: Annotated[float, Field(ge=0, le=100)]
    """What the rule itself says."""
    throttle: Annotated[float, Field(ge=0, le=100)]
    """At this share the campaign is slowed down: before the rule's own."""
    stop: Annotated[float, Field(ge=0, le=100)]
    """At this share it is stopped."""
    period: Duration

    @field_validator("period")
    @classmethod
    def _thirty_days(cls, value: float) -> float:
        if value != 30 * 86400.0:
            raise ValueError("abandoned calls are counted over 30 days: another period would have no effect")
        return value

    @model_validator(mode="after")
    def _before_the_rule(self) -> AbandonmentEntry:
        if not self.throttle <= self.stop or (self.percent and self.stop >= self.percent):
            raise ValueError("throttle comes before stop, and stop before the rule's own percent")
        return self


class ForbiddenEntry(Entry):
    """Calls of these purposes are not made at all."""

    kind: Literal["forbidden"]


class DutyEntry(Entry):
    """A duty that no number says. `why` tells by what it is kept, or why it is not."""

    kind: Literal["duty"]

    @model_validator(mode="after")
    def _told(self) -> DutyEntry:
        if not self.why.strip():
            raise ValueError("a duty says in `why` by what it is kept, or why it is not")
        return self


AnyEntry = Annotated[
    HoursEntry
    | NoHoursEntry
    | NoCallsEntry
    | ConsentEntry
    | RegistryEntry
    | CapEntry
    | GapEntry
    | RingEntry
    | MessageEntry
    | SilenceEntry
    | CallerIdEntry
    | AbandonmentEntry
    | ForbiddenEntry
    | DutyEntry,
    Field(discriminator="kind"),
]
