"""One question to the gate, step by step, once it is known where the callee is and what binds there. Pure.

What a step needs of the past it asks of `Past`, and only as far as the rules of the place need it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from functools import lru_cache

from engine.rules.binding import LIST_RETRY, agreement_problem
from engine.rules.book import (
    RuleSet,
    Wait,
    abandonment,
    abandonment_text,
    caller_id_problem,
    caps_problem,
    gaps_problem,
    lists,
    registry_problem,
    stored,
)
from engine.rules.caller_ids import Callee, Choice, Unfit, nearest
from engine.rules.day_caps import DAY, day_cap, most_of
from engine.rules.openings import may_open_again, opening, shut
from engine.rules.places import Place
from engine.rules.question import CampaignRules, Candidate, Past
from engine.rules.transfers import transfer_problem
from engine.rules.verdict import Ground, Reason, Verdict

LINE_RETRY = 20.0
"""Seconds before a number with a live call is looked at again."""
NOBODY_RETRY = 5.0
"""Seconds before a callback is looked at again that leads to somebody who has no place left."""


def end_of(campaign: CampaignRules, contact: Candidate, end: float) -> float:
    """When the campaign is over for this contact: a promise outlasts it for a while."""
    return end + campaign.callbacks_after_end if contact.callback else end


@lru_cache(maxsize=65536)
def _allows(rules: RuleSet, number: str) -> bool:
    return caller_id_problem(rules, number) is None


_NO_TIME = "the campaign's changed hours, or the quiet hours in the settings, leave no time: change them"

_UNSHOWN = {
    Unfit.NONE_GIVEN: "none of the campaign's numbers is listed in [[caller_id]] as proven ours",
    Unfit.PROOF_EXPIRED: "the proof that the number is ours is too old: renew it",
    Unfit.PROOF_IN_FUTURE: "the proof that the number is ours is dated in the future",
    Unfit.OTHER_TRUNK: "the number may not be shown on this trunk",
    Unfit.RANGE_REFUSED: "the rules of the callee's place do not allow a number of that range to be shown",
    Unfit.OTHER_AREA: "the campaign's numbers are for other areas",
}


class Case:
    """One question to the gate, once it is known where the callee is and what binds there. Each step answers with a refusal,
    or with nothing, and notes what a verdict will stand on."""

    __slots__ = (
        "_campaign",
        "_consent",
        "_contact",
        "_copies",
        "_held",
        "_now",
        "_past",
        "_place",
        "_rules",
        "caller_id",
        "slowed",
        "trunk",
    )

    def __init__(
        self,
        campaign: CampaignRules,
        contact: Candidate,
        past: Past,
        now: float,
        place: Place,
        rules: RuleSet,
    ) -> None:
        self._campaign = campaign
        self._contact = contact
        self._past = past
        self._now = now
        self._place = place
        self._rules = rules
        self._held = stored(contact.consent)
        self._consent = self._held.reference if rules.consent is not None else ""
        self._copies: tuple[tuple[str, float], ...] = ()
        self.caller_id = ""
        self.slowed = ("", "")
        """The rule by which the campaign must slow down, and why."""
        self.trunk = ""

    @property
    def slow(self) -> bool:
        return bool(self.slowed[0])

    def ground(self, rule: str = "", detail: str = "") -> Ground:
        return Ground(self._place, self._rules.version, rule, self._consent, self._copies, detail)

    def _no(self, reason: Reason, at: float | None = None, rule: str = "", detail: str = "") -> Verdict:
        return Verdict(False, reason, at, self.ground(rule, detail))

    def agreed(self) -> Verdict | None:
        problem = agreement_problem(self._campaign, self._rules, self._held, self._now)
        return None if problem is None else self._no(problem[0], None, "", problem[1])

    def listed(self) -> Verdict | None:
        listing = self._past.lists((*lists(self._rules, self._held, self._now), *self._campaign.lists))
        missing = listing.unusable or registry_problem(self._rules, listing.copies, self._held, self._now)
        if missing:
            return self._no(Reason.REGISTRY_MISSING, self._now + LIST_RETRY, "", missing)
        self._copies = tuple(listing.copies.items())
        if listing.on:
            return self._no(Reason.LISTED, None, listing.on, f"the number is on the list {listing.on}")
        return None

    def shown(self, trunks: Sequence[str]) -> Verdict | None:
        reasons: list[Unfit] = []
        shown: list[tuple[str, str]] = []
        for trunk in trunks or (None,):
            choice = self._choose(trunk)
            if choice.number is None:
                reasons.append(choice.reason or Unfit.NONE_GIVEN)
            else:
                shown.append((trunk or "", choice.number))
                if self._campaign.cost_a_day is None:
                    break
        if shown:
            if len(shown) > 1:  # a day's cost is capped: the cheapest
                shown.sort(key=lambda one: most_of(self._campaign, one[0]))
            self.trunk, self.caller_id = shown[0]
            return None
        reason = nearest(reasons)
        # What the settings lack can be put right there: nobody is given up for it.
        again = self._now + (LINE_RETRY if reason is Unfit.OTHER_TRUNK else LIST_RETRY)
        return self._no(Reason.NO_CALLER_ID, again, "", _UNSHOWN[reason])

    def _choose(self, trunk: str | None) -> Choice:
        place, rules = self._place, self._rules
        subdivision = f"{place.region}-{place.subdivisions[0]}" if len(place.subdivisions) == 1 else ""
        return self._campaign.caller_ids.choose(
            Callee(self._contact.e164, self._contact.region, subdivision),
            _date(int(self._now // DAY)),
            trunk=trunk,
            proof_days=self._campaign.proof_days,
            allows=lambda number: _allows(rules, number),
            promised=self._contact.promised_from,
        )

    def transferred(self) -> Verdict | None:
        """A call that may end in another one is made only if that one may be."""
        campaign = self._campaign
        for transfer in campaign.transfers:
            problem = transfer_problem(
                transfer,
                suppressed=self._past.suppressed(transfer.e164),
                countries=campaign.countries,
                today=_date(int(self._now // DAY)),
                proof_days=campaign.proof_days,
                now=self._now,
            )
            if problem is not None:
                return self._no(Reason.TRANSFER_REFUSED, self._now + LIST_RETRY, "", problem)
        return None

    def budget(self) -> Verdict | None:
        contact, campaign = self._contact, self._campaign
        called, most = contact.attempts, campaign.max_attempts
        if contact.callback:
            called, most = contact.callbacks, campaign.max_callbacks
        return self._no(Reason.BUDGET_SPENT) if called >= most else None

    def throttled(self) -> Verdict | None:
        if self._rules.abandonment:
            live, abandoned = self._past.abandoned()
            for limit in self._rules.abandonment:
                word = abandonment(limit, live, abandoned)
                if word == "go":
                    continue
                why = limit.rule, abandonment_text(limit, live, abandoned)
                if word == "stop":
                    return self._no(Reason.ABANDONMENT, self._now + LIST_RETRY, *why)
                self.slowed = why
        return None

    def day(self) -> Verdict | None:
        campaign = self._campaign
        if campaign.calls_a_day is None and campaign.cost_a_day is None:
            return None
        cap = day_cap(campaign, self._past.today(), self.trunk, self._now)
        return None if cap is None else self._no(Reason.DAY_CAP, cap[0], "", cap[1])

    def when(self) -> Verdict | None:
        """The earliest instant at which everything that has to do with time agrees, if it is not now."""
        campaign, contact, now = self._campaign, self._contact, self._now
        at, reason, rule, detail = self._ours()
        # What was asked for is no call out of the blue, but it is a call: caps and gaps of the law hold for it too.
        for kind, wait in ((Reason.TOO_OFTEN, self._cap()), (Reason.TOO_SOON, self._gap())):
            if wait is not None and wait.at is None:
                return self._no(kind, None, wait.rule, wait.reason)
            if wait is not None and wait.at is not None and wait.at > at:
                at, reason, rule, detail = wait.at, kind, wait.rule, wait.reason
        found = opening(campaign, contact, self._rules, self._place.zones, at)
        if found is None:
            mended = may_open_again(campaign, contact, self._rules, self._place.zones, at)
            if mended is None:
                return self._no(Reason.NEVER_OPEN)
            return self._no(mended, now + LIST_RETRY, "", _NO_TIME)
        if found > at:
            closed = shut(campaign, contact, self._rules, self._place.zones, at)
            at, reason, rule, detail = found, closed, "", ""
        if contact.expires is not None and at >= contact.expires:
            return self._no(Reason.EXPIRED)
        if campaign.end is not None and at >= end_of(campaign, contact, campaign.end):
            return self._no(Reason.CAMPAIGN_OVER)
        if at > now:
            return self._no(reason, at, rule, detail)
        if contact.line_in_use:
            return self._no(Reason.LINE_IN_USE, now + LINE_RETRY)
        return self._no(Reason.NOBODY_FREE, now + NOBODY_RETRY) if contact.nobody_free else None

    def _ours(self) -> tuple[float, Reason, str, str]:
        """The campaign's start, the contact's own first instant, and the campaign's gap."""
        campaign, contact = self._campaign, self._contact
        at, reason = self._now, Reason.ALLOWED
        if campaign.start > at:
            at, reason = campaign.start, Reason.CAMPAIGN_NOT_STARTED
        if contact.not_before is not None and contact.not_before > at:
            at, reason = contact.not_before, Reason.NOT_BEFORE
        last = contact.last_attempt_at
        if last is not None and not contact.callback and last + campaign.min_gap > at:
            at, reason = last + campaign.min_gap, Reason.GAP
        return at, reason, "", ""

    def _cap(self) -> Wait | None:
        if not self._rules.caps:
            return None
        history = {
            scope: self._past.attempts(scope, most, self._now - period)
            for scope, most, period in self._rules.history()
        }
        return caps_problem(self._rules, history, self._held, self._now)

    def _gap(self) -> Wait | None:
        if not self._rules.gaps:
            return None
        last = {after: self._past.last(after) for after in self._rules.afters()}
        return gaps_problem(self._rules, last, self._place.zones, self._now)


@lru_cache(maxsize=64)
def _date(day: int) -> date:
    return datetime.fromtimestamp(day * DAY, UTC).date()
