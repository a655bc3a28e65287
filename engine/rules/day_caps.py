"""What a campaign may call and spend on a day (UTC).

A call belongs to the day on which it was dialed. While it lives it counts with the most that it may come to, so that calls which
end late, or a day later, cannot pass the cap. Pure.
"""

from __future__ import annotations

from math import inf

from engine.rules.question import CampaignRules, Used

DAY = 86400.0
HELD_RETRY = 5.0
"""Seconds before a campaign whose live calls hold what is left of its day is looked at again: one of them may have ended."""


def day_cap(campaign: CampaignRules, used: Used, trunk: str, now: float) -> tuple[float, str] | None:
    """When the campaign may call again by `trunk`, and why not now; None when it may at `now`. POSIX seconds."""
    midnight = (now // DAY + 1) * DAY
    if campaign.calls_a_day is not None and used.calls >= campaign.calls_a_day:
        return midnight, f"all {campaign.calls_a_day} calls of the day are used"
    cap = campaign.cost_a_day
    if cap is None:
        return None
    if _exceeds(used.spent + most_of(campaign, ""), cap):
        return midnight, "what is left of cost_per_day is less than a call may cost"
    if _exceeds(used.spent + used.held + most_of(campaign, trunk), cap):
        return now + HELD_RETRY, "calls that live may still cost what is left of cost_per_day"
    return None


def most_of(campaign: CampaignRules, trunk: str) -> float:
    """What a call may cost on `trunk`; on the cheapest one where none is named. No end to it where that is not known."""
    costs = campaign.most_per_call
    return costs.get(trunk, inf) if trunk else min(costs.values(), default=inf)


def _exceeds(cost: float, cap: float) -> bool:
    """Sums are exact to a millionth here: what was added and taken off again must be nothing."""
    return round(cost - cap, 6) > 0
