"""What binds a call: where the callee is, the rules of that place, and what they ask of the agreement whenever it is made.

The gate asks before each call; intake asks the same of each row. Pure.
"""

from __future__ import annotations

from engine.rules.book import (
    Held,
    NoRules,
    RuleSet,
    consent_problem,
    line_of,
    message_problem,
    ring_problem,
)
from engine.rules.hours import zone
from engine.rules.places import PRACTICE, Place, place_of
from engine.rules.question import CampaignRules, Candidate
from engine.rules.tolls import toll_problem
from engine.rules.verdict import Ground, Reason, Verdict

LIST_RETRY = 3600.0
"""Seconds before something that the operator can put right (a list, a country, a proof) is looked at again."""


def place_and_rules(
    campaign: CampaignRules, contact: Candidate, now: float
) -> tuple[Place, RuleSet] | Verdict:
    """Where the callee is and what binds a call there; or why there is none to be made. Intake asks the same."""
    place = place_of(
        contact.e164,
        contact.region,
        contact.zones,
        now,
        contact.timezone,
        contact.subdivision,
        contact.postal_code,
    )
    if problem := toll_problem(contact.e164, contact.region, contact.kind):
        return Verdict(False, Reason.TOLL, ground=Ground(place, detail=problem))
    if place.region != PRACTICE and contact.region not in campaign.countries:
        detail = (
            f"{contact.region or 'its country'} is not among the countries that may be dialed:"
            " add it to law.countries in the settings, if that is meant"
        )
        return Verdict(False, Reason.COUNTRY_NOT_ALLOWED, now + LIST_RETRY, Ground(place, detail=detail))
    if place.problem:
        return Verdict(False, Reason.PLACE_UNCLEAR, ground=Ground(place, detail=place.problem))
    if not place.zones or any(zone(name) is None for name in place.zones):
        return Verdict(False, Reason.ZONE_UNKNOWN, ground=Ground(place))
    rules = campaign.book.rules_for(place, campaign.purpose, now, campaign.topics, line_of(contact.kind))
    if isinstance(rules, NoRules):
        return Verdict(
            False, Reason.NO_RULES, now + LIST_RETRY, Ground(place, rules.version, detail=rules.reason)
        )
    return place, rules


def agreement_problem(
    campaign: CampaignRules, rules: RuleSet, held: Held, now: float
) -> tuple[Reason, str] | None:
    """What forbids the call whoever is called and whenever: no approval, no consent, a campaign that is not made as the
    rules of the place ask. Intake asks the same."""
    if rules.emergency and (campaign.approved_until is None or now >= campaign.approved_until):
        return (
            Reason.NOT_APPROVED,
            "an emergency needs the approval of two people that has not expired: see [emergency] in the manifest",
        )
    if problem := consent_problem(rules, held, now):
        return Reason.NO_CONSENT, problem
    problem = ring_problem(rules, campaign.ring) or message_problem(rules, campaign.message)
    return None if problem is None else (Reason.CALL_UNLAWFUL, problem)
