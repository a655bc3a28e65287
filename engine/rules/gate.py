"""The gate: may this contact be dialed at this number, now?

Every originate of whatever kind (first call, retry, callback) passes `decide` inside the claim's own transaction. It is
a function of what is known at that moment and remembers nothing: the campaign, the contact, the rules of the callee's
place, and what happened at this number before, which it asks of `Past` only as far as the rules need it. What is
missing or unknown blocks. New rules go in here, never beside it.

`question` is what it is asked, `verdict` what it answers; `binding` tells what holds at the callee's place, `case` takes
the steps. The order: what is for ever (suppressed, over, expired), what may be dialed at all (kind of number, country,
rules of the place), what the callee agreed to and is listed on, what may be shown, how often, and at last when. The
first that says no decides.
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.rules.binding import agreement_problem, place_and_rules
from engine.rules.book import RuleSet
from engine.rules.case import LINE_RETRY, Case, end_of
from engine.rules.openings import opening
from engine.rules.places import Place
from engine.rules.question import UNLISTED, CampaignRules, Candidate, Listing, Past, Used
from engine.rules.verdict import NOTHING, Ground, Reason, Verdict

__all__ = [
    "NOTHING",
    "UNLISTED",
    "CampaignRules",
    "Candidate",
    "Ground",
    "Listing",
    "Past",
    "Reason",
    "Used",
    "Verdict",
    "agreement_problem",
    "decide",
    "place_and_rules",
    "promise",
]


def decide(
    campaign: CampaignRules, contact: Candidate, past: Past, now: float, trunks: Sequence[str] = ()
) -> Verdict:
    """May `contact` be dialed for `campaign` at `now` (POSIX seconds), by one of `trunks`? The verdict names the first of them
    on which a number of ours may be shown, or the cheapest where a day's cost is capped. None given: is there such a number, on
    whatever trunk?"""
    verdict = _for_ever(campaign, contact, now)
    if verdict is not None:
        return verdict
    found = place_and_rules(campaign, contact, now)
    if isinstance(found, Verdict):
        return found
    case = Case(campaign, contact, past, now, *found)
    return (
        case.agreed()
        or case.listed()
        or case.shown(trunks)
        or case.transferred()
        or case.budget()
        or case.throttled()
        or case.day()
        or case.when()
        or Verdict(
            True, Reason.ALLOWED, None, case.ground(*case.slowed), case.caller_id, case.slow, case.trunk
        )
    )


def _for_ever(campaign: CampaignRules, contact: Candidate, now: float) -> Verdict | None:
    if contact.suppressed:
        return Verdict(False, Reason.SUPPRESSED)
    if campaign.end is not None and now >= end_of(campaign, contact, campaign.end):
        return Verdict(False, Reason.CAMPAIGN_OVER)
    if contact.expires is not None and now >= contact.expires:
        return Verdict(False, Reason.EXPIRED)
    if not campaign.running:
        return Verdict(False, Reason.CAMPAIGN_NOT_RUNNING, now + LINE_RETRY)
    return None


def promise(
    campaign: CampaignRules, contact: Candidate, place: Place, rules: RuleSet, at: float
) -> float | None:
    """When a callback that is asked for `at` can be made, by the hours of the campaign, the contact and the law; None when there
    is no such time before everything ends."""
    found = opening(campaign, contact, rules, place.zones, at)
    last = min(
        float("inf") if campaign.end is None else campaign.end + campaign.callbacks_after_end,
        float("inf") if contact.expires is None else contact.expires,
    )
    return found if found is not None and found < last else None
