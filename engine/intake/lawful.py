"""Is a row's contact one that the gate could ever let through? What it never would is rejected with its row's number.

Asks the gate's own functions, in the parsing process. Refuses to judge what changes with time (hours, lists, caps): the
gate does that at the moment of each call.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.campaign import Campaign
from engine.config import LawSettings, Settings
from engine.contacts import Contact, consent_text
from engine.rules.book import Purpose, stored
from engine.rules.caller_ids import CallerIds
from engine.rules.gate import CampaignRules, Candidate, Reason, Verdict, agreement_problem, place_and_rules
from engine.rules.hours import Hours, first_open, own_hours
from engine.rules.numbers import Number


@dataclass(frozen=True, slots=True)
class Law:
    """What the rows of a job are held against; goes to the parsing process as JSON."""

    purpose: Purpose
    topics: tuple[str, ...]
    countries: tuple[str, ...]
    rules: str | None
    """The operator's folder of rules."""
    ring: float
    message: float | None
    approved_until: float | None
    now: float
    """POSIX seconds."""

    @classmethod
    def of(cls, campaign: Campaign, settings: Settings, message: float | None, now: float) -> Law:
        """What binds this campaign on this engine."""
        folder = settings.law.rules
        return cls(
            campaign.purpose,
            tuple(sorted(campaign.topics)),
            settings.law.countries,
            None if folder is None else str(folder.absolute()),
            campaign.ring_timeout or settings.limits.ring_timeout,
            message,
            None if campaign.emergency is None else campaign.emergency.expires.timestamp(),
            now,
        )

    @classmethod
    def from_json(cls, table: dict[str, Any]) -> Law:
        """As `dataclasses.asdict` and JSON left it."""
        return cls(**{**table, "topics": tuple(table["topics"]), "countries": tuple(table["countries"])})


def never_dialed(
    contact: Contact, number: Number, *, suppressed: bool = False, line_in_use: bool = False
) -> Candidate:
    """A contact as the gate sees it, with one of its numbers, before its first call."""
    return Candidate(
        e164=number.e164,
        region=number.region,
        kind=number.kind,
        zones=number.zones,
        suppressed=suppressed,
        line_in_use=line_in_use,
        attempts=0,
        callback=False,
        callbacks=0,
        last_attempt_at=None,
        timezone=contact.timezone or "",
        subdivision=contact.subdivision or "",
        postal_code=contact.postal_code or "",
        consent=consent_text(contact.consent),
        call_from=contact.call_from,
        call_to=contact.call_to,
        not_before=None if contact.not_before is None else contact.not_before.timestamp(),
        expires=None if contact.expires is None else contact.expires.timestamp(),
    )


class LawReader:
    """Holds contacts against a law. Raises RulesError when the operator's rules cannot be read."""

    def __init__(self, law: Law) -> None:
        self._now = law.now
        self._rules = CampaignRules(
            running=True,
            start=0.0,
            end=None,
            hours=Hours([]),
            max_attempts=1,
            min_gap=0.0,
            max_callbacks=0,
            caller_ids=CallerIds([]),
            proof_days=0,
            purpose=law.purpose,
            topics=frozenset(law.topics),  # type: ignore[arg-type]  # words of a Campaign
            book=LawSettings(rules=None if law.rules is None else Path(law.rules)).book,
            countries=frozenset(law.countries),
            ring=law.ring,
            message=law.message,
            approved_until=law.approved_until,
        )

    def opens(self, candidate: Candidate, hours: Hours) -> bool | None:
        """Is there a time at which this contact may be called within `hours`, by the law and its own hours? None: no call to it is
        lawful anyway."""
        found = place_and_rules(self._rules, candidate, self._now)
        if isinstance(found, Verdict):
            return None
        place, rules = found
        calendars = [hours, rules.hours]
        if (own := own_hours(candidate.call_from, candidate.call_to)) is not None:
            calendars.append(own)
        return first_open(calendars, place.zones, self._now) is not None

    def problem(self, contact: Contact) -> tuple[str, str] | None:
        """The gate's reason and why in words, for the first number that it would never let through."""
        for number in contact.numbers:
            candidate = never_dialed(contact, number)
            found = place_and_rules(self._rules, candidate, self._now)
            if isinstance(found, Verdict):
                if found.reason is Reason.ZONE_UNKNOWN:  # told by `check`, and refused by the gate
                    continue
                return found.reason, found.ground.detail
            problem = agreement_problem(self._rules, found[1], stored(candidate.consent), self._now)
            if problem is not None:
                return problem
        return None
