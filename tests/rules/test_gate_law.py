"""What the law of the callee's place adds to the gate: a table of real places, and what a verdict stands on."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, datetime, time
from typing import Any

import pytest

from engine.rules.book import standard_book
from engine.rules.caller_ids import CallerId, CallerIds
from engine.rules.day_caps import DAY
from engine.rules.gate import CampaignRules, Candidate, Listing, Reason, Used, decide
from engine.rules.hours import Hours, Window
from engine.rules.transfers import Transfer
from tests.rules.past import Blank

TUESDAY = datetime.fromisoformat("2026-11-24T11:00+01:00").timestamp()
ALL_HOURS = Hours([Window(start=time(0), end=time(0))])
CONSENT = json.dumps(
    {
        "text": "written",
        "at": "2026-10-01T10:00:00+00:00",
        "purpose": "marketing, survey, political",
        "source": "web form",
        "reference": "crm/4711",
    }
)
FRENCH = Candidate(
    e164="+33612345678", region="FR", kind="mobile", zones=("Europe/Paris",), suppressed=False, line_in_use=False,
    attempts=0, callback=False, callbacks=0, last_attempt_at=None, consent=CONSENT,
)  # fmt: skip
AMERICAN = replace(
    FRENCH, e164="+12125551234", region="US", kind="fixed_or_mobile", zones=("America/New_York",)
)
FLORIDIAN = replace(AMERICAN, e164="+13055551234", subdivision="FL")
BRITISH = replace(FRENCH, e164="+442071234567", region="GB", kind="fixed", zones=("Europe/London",))
RULES = CampaignRules(
    running=True, start=0.0, end=None, hours=ALL_HOURS, max_attempts=9, min_gap=60.0, max_callbacks=2,
    caller_ids=CallerIds([CallerId("+33162000001", date(2026, 6, 1)), CallerId("+12125550100", date(2026, 6, 1))]),
    proof_days=400, purpose="informational", topics=frozenset(), book=standard_book(),
    countries=frozenset({"FR", "US", "GB"}), ring=25.0, message=20.0,
)  # fmt: skip
DESK = Transfer(
    "desk",
    "+33145678901",
    "FR",
    "fixed",
    ("Europe/Paris",),
    "a",
    CallerIds([CallerId("+33162000001", date(2026, 6, 1))]),
)
MARKETING: dict[str, Any] = {"purpose": "marketing"}
FRESH = Listing(copies={"us-dnc": TUESDAY - 3 * DAY, "fr-bloctel": TUESDAY - DAY, "gb-tps": TUESDAY - DAY})


def at(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


# (what, of the campaign, the contact, the reason, the past, when it is asked, not before)
TABLE: list[tuple[str, dict[str, Any], Candidate, Reason, Blank, float, float | None]] = [
    ("a reminder in France", {}, FRENCH, Reason.ALLOWED, Blank(), TUESDAY, None),
    ("before eight", {}, FRENCH, Reason.OUTSIDE_LAWFUL_HOURS, Blank(), at("2026-11-24T06:30+01:00"), at("2026-11-24T08:00+01:00")),
    ("premium", {}, replace(FRENCH, kind="premium"), Reason.TOLL, Blank(), TUESDAY, None),
    ("satellite", {}, replace(FRENCH, e164="+870773111632", region="001"), Reason.TOLL, Blank(), TUESDAY, None),
    ("a country that is not allowed", {"countries": frozenset({"US"})}, FRENCH, Reason.COUNTRY_NOT_ALLOWED, Blank(), TUESDAY, None),
    (
        "a country without rules", {"countries": frozenset({"BR"})},
        replace(FRENCH, e164="+5511987654321", region="BR", zones=("America/Sao_Paulo",)), Reason.NO_RULES, Blank(), TUESDAY, None,
    ),
    ("a state that is none", {}, replace(AMERICAN, subdivision="Ruritania"), Reason.PLACE_UNCLEAR, Blank(), TUESDAY, None),
    ("an emergency that nobody approved", {"purpose": "emergency"}, FRENCH, Reason.NOT_APPROVED, Blank(), TUESDAY, None),
    (
        "an emergency whose approval is over", {"purpose": "emergency", "approved_until": TUESDAY}, FRENCH, Reason.NOT_APPROVED,
        Blank(), TUESDAY, None,
    ),
    (
        "an emergency at night", {"purpose": "emergency", "approved_until": TUESDAY + DAY}, replace(FRENCH, consent=None),
        Reason.ALLOWED, Blank(), at("2026-11-24T03:00+01:00"), None,
    ),
    ("advertising without consent", MARKETING, replace(FRENCH, consent=None), Reason.NO_CONSENT, Blank(listing=FRESH), TUESDAY, None),
    (
        "advertising with a consent to something else", MARKETING,
        replace(FRENCH, consent=CONSENT.replace("marketing, survey, political", "survey")), Reason.NO_CONSENT, Blank(listing=FRESH),
        TUESDAY, None,
    ),
    ("a ring that is too short", {"ring": 10.0}, FRENCH, Reason.CALL_UNLAWFUL, Blank(), TUESDAY, None),
    (
        "advertising on a French holiday", MARKETING, FRENCH, Reason.OUTSIDE_LAWFUL_HOURS, Blank(listing=FRESH),
        at("2026-12-25T11:00+01:00"), at("2026-12-28T10:00+01:00"),
    ),
    (
        "advertising at lunch in France", MARKETING, FRENCH, Reason.OUTSIDE_LAWFUL_HOURS, Blank(listing=FRESH),
        at("2026-11-24T13:10+01:00"), at("2026-11-24T14:00+01:00"),
    ),
    (
        "the fifth advertisement in thirty days", MARKETING, FRENCH, Reason.TOO_OFTEN,
        Blank({"all": [TUESDAY - days * DAY for days in (2, 5, 9, 20)]}, listing=FRESH), TUESDAY, None,
    ),
    (
        "advertising after a refusal", MARKETING, FRENCH, Reason.TOO_SOON,
        Blank(events={"refusal": TUESDAY - 10 * DAY}, listing=FRESH), TUESDAY, None,
    ),
    ("on a list that always counts", {}, FRENCH, Reason.LISTED, Blank(listing=Listing(on="litigators")), TUESDAY, None),
    (
        "a list that cannot be asked", {"lists": ("own",)}, FRENCH, Reason.REGISTRY_MISSING,
        Blank(listing=Listing(unusable="there is no list 'own'")), TUESDAY, TUESDAY + 3600.0,
    ),
    (
        "a number that may not be shown in France", {"caller_ids": CallerIds([CallerId("+33612000000", date(2026, 6, 1))])}, FRENCH,
        Reason.NO_CALLER_ID, Blank(), TUESDAY, None,
    ),
    (
        "a proof that is too old", {"caller_ids": CallerIds([CallerId("+33162000001", date(2025, 1, 1))])}, FRENCH,
        Reason.NO_CALLER_ID, Blank(), TUESDAY, None,
    ),
    ("the day's calls are used", {"calls_a_day": 5}, FRENCH, Reason.DAY_CAP, Blank(used=Used(5)), TUESDAY, at("2026-11-25T00:00+00:00")),
    (
        "the day's money is spent", {"cost_a_day": 9.0, "most_per_call": {"a": 2.0, "b": 1.0}}, FRENCH, Reason.DAY_CAP,
        Blank(used=Used(1, 8.5)), TUESDAY, at("2026-11-25T00:00+00:00"),
    ),
    (
        "calls that live may cost the rest of it", {"cost_a_day": 9.0, "most_per_call": {"a": 1.0}}, FRENCH, Reason.DAY_CAP,
        Blank(used=Used(9, 1.0, 7.5)), TUESDAY, TUESDAY + 5,
    ),
    (
        "a price that is not known", {"cost_a_day": 9.0}, FRENCH, Reason.DAY_CAP, Blank(), TUESDAY, at("2026-11-25T00:00+00:00"),
    ),
    (
        "too many were abandoned", MARKETING, FLORIDIAN, Reason.ABANDONMENT, Blank(listing=FRESH, share=(1000, 26)),
        at("2026-11-24T12:00-05:00"), at("2026-11-24T13:00-05:00"),
    ),
    (
        "Florida closes at eight, New York at nine", MARKETING, FLORIDIAN, Reason.OUTSIDE_LAWFUL_HOURS, Blank(listing=FRESH),
        at("2026-11-24T20:10-05:00"), at("2026-11-25T09:00-05:00"),
    ),
    ("a colleague", {"transfers": (DESK,)}, FRENCH, Reason.ALLOWED, Blank(), TUESDAY, None),
    (
        "a colleague who is never to be called", {"transfers": (DESK,)}, FRENCH, Reason.TRANSFER_REFUSED,
        Blank(never=frozenset({DESK.e164})), TUESDAY, TUESDAY + 3600.0,
    ),
    (
        "a colleague in a country that is not called", {"transfers": (DESK,), "countries": frozenset({"GB"})}, BRITISH,
        Reason.TRANSFER_REFUSED, Blank(), TUESDAY, TUESDAY + 3600.0,
    ),
    ("a reminder in Britain", {}, BRITISH, Reason.ALLOWED, Blank(), TUESDAY, None),
]  # fmt: skip


@pytest.mark.parametrize(
    ("campaign", "contact", "reason", "past", "now", "then"),
    [row[1:] for row in TABLE],
    ids=[row[0] for row in TABLE],
)
def test_table(
    campaign: dict[str, Any], contact: Candidate, reason: Reason, past: Blank, now: float, then: float | None
) -> None:
    verdict = decide(replace(RULES, **campaign), contact, past, now)
    assert verdict.reason is reason, verdict
    assert verdict.allowed == (reason is Reason.ALLOWED)
    if then is not None:
        assert verdict.at == then
    if not verdict.allowed:
        assert verdict.caller_id in ("", "+33162000001", "+12125550100")
    if reason in (
        Reason.NO_CONSENT,
        Reason.TOLL,
        Reason.NO_RULES,
        Reason.CALL_UNLAWFUL,
        Reason.NOT_APPROVED,
        Reason.TOO_OFTEN,
    ):
        assert len(verdict.ground.detail) > 20  # it says what, and what to do


def test_a_verdict_shows_what_it_stands_on() -> None:
    past = Blank(listing=FRESH)
    verdict = decide(replace(RULES, **MARKETING), FRENCH, past, TUESDAY)
    assert verdict.allowed
    ground = verdict.ground
    assert (ground.place.region, ground.place.zones) == ("FR", ("Europe/Paris",))
    assert ground.rules == standard_book().version
    assert ground.consent == "crm/4711"
    assert verdict.caller_id == "+33162000001"  # the other one is of no range that France allows


def test_the_registry_of_the_place_is_asked_for_and_its_age_counts() -> None:
    """Without a consent that outranks it, an American advertisement needs the national list, at most 31 days old."""
    rules = replace(RULES, purpose="political", caller_ids=RULES.caller_ids)
    book = standard_book()
    needs = {
        need.registry
        for purpose in ("marketing", "political", "survey", "informational")
        for region, zones in (
            ("US", ("America/New_York",)),
            ("GB", ("Europe/London",)),
            ("FR", ("Europe/Paris",)),
        )
        for found in [book.rules_for(_place(region, zones), purpose, TUESDAY)]
        if hasattr(found, "registries")
        for need in found.registries
    }
    assert needs  # the book knows registries at all
    past = Blank()
    decide(rules, BRITISH, past, TUESDAY)
    assert past.asked, "lists that always count are asked about every number"


def _place(region: str, zones: tuple[str, ...]):
    from engine.rules.places import Place

    return Place(region, (), zones)


def test_a_campaign_with_too_many_abandoned_calls_slows_down_before_it_stops() -> None:
    now = at("2026-11-24T12:00-05:00")
    words = {}
    for abandoned in (0, 19, 20, 24, 25):
        verdict = decide(
            replace(RULES, **MARKETING), FLORIDIAN, Blank(listing=FRESH, share=(1000, abandoned)), now
        )
        words[abandoned] = (verdict.allowed, verdict.slow)
        assert (verdict.ground.rule == "us-abandon") == (abandoned >= 20)
        assert ("slows down from 2 % on and stops from 2.5 % on" in verdict.ground.detail) == (
            abandoned >= 20
        )
    assert words == {
        0: (True, False),
        19: (True, False),
        20: (True, True),
        24: (True, True),
        25: (False, False),
    }


@pytest.mark.parametrize("missing", ["e164", "region", "kind", "zones"])
def test_what_is_missing_blocks(missing: str) -> None:
    contact = replace(FRENCH, **{missing: () if missing == "zones" else ""})
    assert decide(RULES, contact, Blank(), TUESDAY).never
