"""When everybody's hours are open for a call: the campaign's, the law's, the contact's own, and those that the operator leaves.
And whose are closed. Pure."""

from __future__ import annotations

from dataclasses import replace

from engine.rules.book import RuleSet
from engine.rules.hours import Hours, first_open, own_hours
from engine.rules.question import CampaignRules, Candidate
from engine.rules.verdict import Reason


def opening(
    campaign: CampaignRules, contact: Candidate, rules: RuleSet, zones: tuple[str, ...], at: float
) -> float | None:
    """The first instant from `at` on at which all of them are open in every one of `zones`; None when there is none. An approved
    emergency is not held up by the operator's quiet hours."""
    calendars: list[Hours] = [campaign.hours, rules.hours]
    if (own := own_hours(contact.call_from, contact.call_to)) is not None:
        calendars.append(own)
    if campaign.quiet is not None and not rules.emergency:
        calendars.append(campaign.quiet)
    return first_open(calendars, zones, at)


def shut(
    campaign: CampaignRules, contact: Candidate, rules: RuleSet, zones: tuple[str, ...], at: float
) -> Reason:
    """Whose hours are closed at `at`: the law's before the campaign's and the contact's, those before the operator's."""
    if rules.hours.next_open(at, zones) != at:
        return Reason.OUTSIDE_LAWFUL_HOURS
    if campaign.quiet is None:
        return Reason.OUTSIDE_HOURS
    ours = opening(replace(campaign, quiet=None), contact, rules, zones, at)
    return Reason.QUIET_HOURS if ours == at else Reason.OUTSIDE_HOURS


def may_open_again(
    campaign: CampaignRules, contact: Candidate, rules: RuleSet, zones: tuple[str, ...], at: float
) -> Reason | None:
    """Whose hours leave no opening at all, where the operator can put that right: hours that were changed since the campaign was
    accepted with others, or quiet hours. None: there never was an opening."""
    as_accepted = replace(campaign, hours=campaign.accepted or campaign.hours, quiet=None)
    if opening(as_accepted, contact, rules, zones, at) is None:
        return None
    return Reason.OUTSIDE_HOURS if campaign.accepted is not None else Reason.QUIET_HOURS
