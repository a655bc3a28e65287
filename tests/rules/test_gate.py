"""The gate: every reason as a table, and what must hold of any verdict."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.rules.book import standard_book
from engine.rules.caller_ids import CallerId, CallerIds
from engine.rules.case import NOBODY_RETRY
from engine.rules.gate import (
    LINE_RETRY,
    NOTHING,
    CampaignRules,
    Candidate,
    Reason,
    Verdict,
)
from engine.rules.gate import decide as answer
from engine.rules.hours import Hours, Window, own_hours
from tests.rules.past import Blank
from tests.rules.test_gate_law import TABLE as LAW_TABLE

PARIS = ("Europe/Paris",)
NOON = datetime.fromisoformat("2026-06-03T12:00+02:00").timestamp()  # a Wednesday
HOUR, DAY = 3600.0, 86400.0

OURS = CallerIds([CallerId("+33162000001", date(2026, 1, 1))])
NONE_OF_OURS = CallerIds([])
ALLOW = Verdict(True, Reason.ALLOWED)

OFFICE = Hours([Window(days=("mon-fri",), start=time(9), end=time(17))])
RULES = CampaignRules(
    running=True,
    start=NOON - DAY,
    end=NOON + 5 * DAY,
    hours=OFFICE,
    max_attempts=3,
    min_gap=900.0,
    max_callbacks=2,
    caller_ids=OURS,
    proof_days=400,
    purpose="informational",
    topics=frozenset(),
    book=standard_book(),
    countries=frozenset(),
    ring=25.0,
    message=20.0,
)
CONTACT = Candidate(
    e164="+33199001042",  # reserved for fiction: what the law of a place adds is tested in test_gate_law.py
    region="FR",
    kind="fixed",
    zones=PARIS,
    suppressed=False,
    line_in_use=False,
    attempts=0,
    callback=False,
    callbacks=0,
    last_attempt_at=None,
)
NEVER_HOURS = Hours([Window(days=(), start=time(9), end=time(17))])
NIGHT = Hours([Window(start=time(20), end=time(22))])
AFTER_LUNCH = Hours([Window(start=time(14), end=time(11))])
"""What quiet hours from 11 to 14 leave."""


def decide(campaign: CampaignRules, contact: Candidate, now: float) -> Verdict:
    """The gate's answer without what it stands on."""
    return replace(answer(campaign, contact, Blank(), now), ground=NOTHING, caller_id="")


def refused(reason: Reason, at: float | None = None) -> Verdict:
    return Verdict(False, reason, at)


# what is otherwise than above -> the verdict at noon
TABLE: list[tuple[str, dict[str, Any], dict[str, Any], Verdict]] = [
    ("nothing speaks against it", {}, {}, ALLOW),
    ("suppressed", {}, {"suppressed": True}, refused(Reason.SUPPRESSED)),
    ("suppressed callback", {}, {"suppressed": True, "callback": True}, refused(Reason.SUPPRESSED)),
    ("suppressed, campaign over", {"end": NOON}, {"suppressed": True}, refused(Reason.SUPPRESSED)),
    ("over", {"end": NOON}, {}, refused(Reason.CAMPAIGN_OVER)),
    ("over, paused", {"end": NOON, "running": False}, {}, refused(Reason.CAMPAIGN_OVER)),
    ("over before it opens again", {"end": NOON + 2 * HOUR}, {"not_before": NOON + 6 * HOUR}, refused(Reason.CAMPAIGN_OVER)),
    ("no end", {"end": None}, {}, ALLOW),
    ("over, and a callback is promised", {"end": NOON, "callbacks_after_end": DAY}, {"callback": True}, ALLOW),
    ("over, and nothing is promised", {"end": NOON, "callbacks_after_end": DAY}, {}, refused(Reason.CAMPAIGN_OVER)),
    ("a promise that the campaign does not outlast", {"end": NOON}, {"callback": True}, refused(Reason.CAMPAIGN_OVER)),
    (
        "the last second of promises", {"end": NOON - DAY + 1, "callbacks_after_end": DAY}, {"callback": True}, ALLOW,
    ),
    (
        "promises end too", {"end": NOON - DAY, "callbacks_after_end": DAY}, {"callback": True}, refused(Reason.CAMPAIGN_OVER),
    ),
    (
        "promises end before the hours begin", {"end": NOON, "callbacks_after_end": 21 * HOUR},
        {"callback": True, "not_before": NOON + 6 * HOUR}, refused(Reason.CAMPAIGN_OVER),
    ),
    (
        "the hours begin before promises end", {"end": NOON, "callbacks_after_end": 21 * HOUR + 1},
        {"callback": True, "not_before": NOON + 6 * HOUR}, refused(Reason.OUTSIDE_HOURS, NOON + 21 * HOUR),
    ),
    (
        "a promise to a contact that expires", {"end": NOON, "callbacks_after_end": DAY}, {"callback": True, "expires": NOON},
        refused(Reason.EXPIRED),
    ),
    ("paused", {"running": False}, {}, refused(Reason.CAMPAIGN_NOT_RUNNING, NOON + LINE_RETRY)),
    ("not started", {"start": NOON + HOUR}, {}, refused(Reason.CAMPAIGN_NOT_STARTED, NOON + HOUR)),
    ("starts now", {"start": NOON}, {}, ALLOW),
    ("starts in the night", {"start": NOON + 10 * HOUR}, {}, refused(Reason.OUTSIDE_HOURS, NOON + 21 * HOUR)),
    ("no number of ours to show", {"caller_ids": NONE_OF_OURS}, {}, refused(Reason.NO_CALLER_ID, NOON + HOUR)),
    ("no zone", {}, {"zones": ()}, refused(Reason.ZONE_UNKNOWN)),
    ("no such zone", {}, {"zones": ("Mars/Phobos",)}, refused(Reason.ZONE_UNKNOWN)),
    ("one of the zones is none", {}, {"zones": (*PARIS, "Mars/Phobos")}, refused(Reason.ZONE_UNKNOWN)),
    ("expired", {}, {"expires": NOON}, refused(Reason.EXPIRED)),
    ("expires", {}, {"expires": NOON + 1}, ALLOW),
    ("expires before it may be called", {}, {"expires": NOON + HOUR, "not_before": NOON + HOUR}, refused(Reason.EXPIRED)),
    ("not before", {}, {"not_before": NOON + HOUR}, refused(Reason.NOT_BEFORE, NOON + HOUR)),
    ("not before now", {}, {"not_before": NOON}, ALLOW),
    ("the budget is spent", {}, {"attempts": 3}, refused(Reason.BUDGET_SPENT)),
    ("the last of the budget", {}, {"attempts": 2}, ALLOW),
    ("a callback has a budget of its own", {}, {"attempts": 3, "callback": True}, ALLOW),
    ("and that is spent", {}, {"callback": True, "callbacks": 2}, refused(Reason.BUDGET_SPENT)),
    ("no callbacks in this campaign", {"max_callbacks": 0}, {"callback": True}, refused(Reason.BUDGET_SPENT)),
    ("too soon", {}, {"attempts": 1, "last_attempt_at": NOON - 899}, refused(Reason.GAP, NOON + 1)),
    ("soon enough", {}, {"attempts": 1, "last_attempt_at": NOON - 900}, ALLOW),
    ("who asked is called back at once", {}, {"callback": True, "last_attempt_at": NOON - 10}, ALLOW),
    (
        "the gap ends in the night",
        {"min_gap": 6 * HOUR},
        {"attempts": 1, "last_attempt_at": NOON},
        refused(Reason.OUTSIDE_HOURS, NOON + 21 * HOUR),
    ),
    (
        "outside the campaign's hours",
        {"hours": Hours([Window(start=time(15), end=time(16))])},
        {},
        refused(Reason.OUTSIDE_HOURS, NOON + 3 * HOUR),
    ),
    ("a callback keeps the hours too", {}, {"callback": True, "zones": ("Asia/Tokyo",)}, refused(Reason.OUTSIDE_HOURS, NOON + 14 * HOUR)),
    ("outside the contact's hours", {}, {"call_from": time(15)}, refused(Reason.OUTSIDE_HOURS, NOON + 3 * HOUR)),
    ("the contact's hours are over", {}, {"call_to": time(12)}, refused(Reason.OUTSIDE_HOURS, NOON + 21 * HOUR)),
    ("one candidate zone sleeps", {}, {"zones": (*PARIS, "Asia/Tokyo")}, refused(Reason.OUTSIDE_HOURS, NOON + 21 * HOUR)),
    ("one candidate zone always sleeps", {}, {"zones": (*PARIS, "Pacific/Auckland")}, refused(Reason.NEVER_OPEN)),
    ("no opening at all", {"hours": NEVER_HOURS}, {}, refused(Reason.NEVER_OPEN)),
    (
        "the contact's hours meet the campaign's on Sunday only",
        {"hours": Hours([Window(days=("mon-sat",), start=time(9), end=time(10)), Window(days=("sun",), start=time(15), end=time(16))])},
        {"call_from": time(15), "call_to": time(17)},
        refused(Reason.OUTSIDE_HOURS, NOON + 4 * DAY + 3 * HOUR),
    ),
    ("the contact's hours lie in the night", {}, {"call_from": time(20), "call_to": time(22)}, refused(Reason.NEVER_OPEN)),
    ("quiet hours", {"quiet": AFTER_LUNCH}, {}, refused(Reason.QUIET_HOURS, NOON + 2 * HOUR)),
    ("quiet hours hold for a promise", {"quiet": AFTER_LUNCH}, {"callback": True}, refused(Reason.QUIET_HOURS, NOON + 2 * HOUR)),
    (
        "quiet hours, and the campaign's are closed as well",
        {"quiet": AFTER_LUNCH, "hours": Hours([Window(start=time(15), end=time(16))])}, {}, refused(Reason.OUTSIDE_HOURS, NOON + 3 * HOUR),
    ),
    ("an approved emergency in quiet hours", {"quiet": AFTER_LUNCH, "purpose": "emergency", "approved_until": NOON + DAY}, {}, ALLOW),
    ("quiet hours leave nothing of the campaign's", {"quiet": NIGHT}, {}, refused(Reason.QUIET_HOURS, NOON + HOUR)),
    ("hours that were changed", {"hours": NIGHT, "accepted": OFFICE}, {}, refused(Reason.OUTSIDE_HOURS, NOON + 8 * HOUR)),
    (
        "hours that were changed to what the contact's never meet", {"hours": NIGHT, "accepted": OFFICE}, {"call_to": time(16)},
        refused(Reason.OUTSIDE_HOURS, NOON + HOUR),
    ),
    (
        "the contact's never met them", {"hours": NIGHT, "accepted": OFFICE}, {"call_from": time(17), "call_to": time(18)},
        refused(Reason.NEVER_OPEN),
    ),
    ("the line is in use", {}, {"line_in_use": True}, refused(Reason.LINE_IN_USE, NOON + LINE_RETRY)),
    ("nobody is free for a callback", {}, {"callback": True, "nobody_free": True}, refused(Reason.NOBODY_FREE, NOON + NOBODY_RETRY)),
    ("the line is in use, and it is too soon", {}, {"line_in_use": True, "not_before": NOON + 9}, refused(Reason.NOT_BEFORE, NOON + 9)),
]  # fmt: skip


@pytest.mark.parametrize(
    ("campaign", "contact", "verdict"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE]
)
def test_table(campaign: dict[str, Any], contact: dict[str, Any], verdict: Verdict) -> None:
    assert decide(replace(RULES, **campaign), replace(CONTACT, **contact), NOON) == verdict


def test_the_table_and_the_one_of_the_law_have_every_reason() -> None:
    """But that of the trunks, which is not the gate's word (`engine.rules.verdict.no_trunk`)."""
    assert {row[3].reason for row in TABLE} | {row[3] for row in LAW_TABLE} == set(Reason) - {Reason.NO_TRUNK}


def test_never_means_that_no_instant_is_given() -> None:
    assert refused(Reason.SUPPRESSED).never
    assert not refused(Reason.GAP, NOON).never
    assert not ALLOW.never


# -- properties --------------------------------------------------------------------------------------------------------

quarters = st.builds(time, st.integers(0, 23), st.sampled_from([0, 15, 30, 45]))
window_lists = st.lists(
    st.builds(
        lambda days, start, end: Window(days=tuple(days), start=start, end=end),
        st.sets(st.integers(0, 6), min_size=1),
        quarters,
        quarters,
    ),
    min_size=1,
    max_size=6,
)
zones = st.lists(
    st.sampled_from(["Europe/Paris", "America/New_York", "Asia/Kathmandu", "Africa/Cairo", "Mars/Phobos"]),
    max_size=2,
    unique=True,
).map(tuple)
later = st.one_of(st.none(), st.floats(-2 * DAY, 8 * DAY).map(lambda offset: NOON + offset))
campaigns = st.builds(
    CampaignRules,
    running=st.integers(0, 4).map(bool),
    start=st.floats(NOON - DAY, NOON + 3 * DAY),
    end=later,
    hours=window_lists.map(Hours),
    max_attempts=st.integers(1, 4),
    min_gap=st.floats(1.0, DAY),
    max_callbacks=st.integers(0, 3),
    caller_ids=st.sampled_from([OURS, OURS, NONE_OF_OURS]),
    proof_days=st.just(400),
    purpose=st.just("informational"),
    topics=st.just(frozenset()),
    book=st.just(standard_book()),
    countries=st.just(frozenset()),
    ring=st.just(25.0),
    message=st.just(20.0),
    callbacks_after_end=st.sampled_from([0.0, DAY, 3 * DAY]),
)
candidates = st.builds(
    Candidate,
    e164=st.just("+33199001042"),
    region=st.just("FR"),
    kind=st.just("fixed"),
    zones=zones,
    suppressed=st.integers(0, 4).map(lambda sides: sides == 0),
    line_in_use=st.integers(0, 4).map(lambda sides: sides == 0),
    attempts=st.integers(0, 4),
    callback=st.booleans(),
    callbacks=st.integers(0, 3),
    last_attempt_at=st.one_of(st.none(), st.floats(NOON - 2 * DAY, NOON)),
    call_from=st.one_of(st.none(), quarters),
    call_to=st.one_of(st.none(), quarters),
    not_before=later,
    expires=later,
)
instants = st.floats(NOON - DAY, NOON + 6 * DAY)


@settings(max_examples=200)
@given(campaigns, candidates, instants, st.sampled_from([None, AFTER_LUNCH]))
def test_what_is_allowed_is_lawful(
    campaign: CampaignRules, contact: Candidate, now: float, quiet: Hours | None
) -> None:
    campaign = replace(campaign, quiet=quiet)
    verdict = decide(campaign, contact, now)
    assert verdict.allowed == (verdict.reason is Reason.ALLOWED)
    if not verdict.allowed:
        assert verdict.at is None or verdict.at > now
        return
    assert verdict == ALLOW
    assert not contact.suppressed
    assert not contact.line_in_use
    assert contact.zones
    assert "Mars/Phobos" not in contact.zones
    assert campaign.running
    assert campaign.caller_ids is OURS
    assert campaign.start <= now
    after_end = campaign.callbacks_after_end if contact.callback else 0.0
    assert campaign.end is None or now < campaign.end + after_end
    assert contact.expires is None or now < contact.expires
    assert contact.not_before is None or contact.not_before <= now
    assert campaign.hours.next_open(now, contact.zones) == now
    assert quiet is None or quiet.next_open(now, contact.zones) == now
    own = own_hours(contact.call_from, contact.call_to)
    assert own is None or own.next_open(now, contact.zones) == now
    if contact.callback:
        assert contact.callbacks < campaign.max_callbacks
    else:
        assert contact.attempts < campaign.max_attempts
        assert contact.last_attempt_at is None or contact.last_attempt_at + campaign.min_gap <= now


@settings(max_examples=200)
@given(campaigns, candidates, instants)
def test_asked_again_when_it_says_the_answer_is_yes(
    campaign: CampaignRules, contact: Candidate, now: float
) -> None:
    """No livelock: what waits for an instant is let through at that instant, once the line is free and the campaign runs."""
    verdict = decide(campaign, contact, now)
    asked = 0
    while verdict.at is not None:
        asked += 1
        assert asked <= 3
        if verdict.reason is Reason.LINE_IN_USE:
            contact = replace(contact, line_in_use=False)
        elif verdict.reason is Reason.CAMPAIGN_NOT_RUNNING:
            campaign = replace(campaign, running=True)
        elif verdict.reason is Reason.NO_CALLER_ID:
            return  # the settings must be put right first
        before, verdict = verdict, decide(campaign, contact, verdict.at)
        assert verdict.reason is not before.reason
        if before.reason not in (Reason.LINE_IN_USE, Reason.CAMPAIGN_NOT_RUNNING):
            assert verdict.allowed or verdict.reason is Reason.LINE_IN_USE


@settings(max_examples=60)
@given(campaigns, candidates, instants)
def test_never_and_not_yet_are_said_in_earnest(
    campaign: CampaignRules, contact: Candidate, now: float
) -> None:
    """Nothing is let through before the instant that was given, and never means never."""
    verdict = decide(campaign, contact, now)
    if verdict.allowed or verdict.reason in (Reason.LINE_IN_USE, Reason.CAMPAIGN_NOT_RUNNING):
        return
    until = now + 9 * DAY if verdict.at is None else verdict.at
    at = now
    while at < until:
        assert not decide(campaign, contact, at).allowed
        at = (at // 900 + 1) * 900


@given(campaigns, candidates, instants)
def test_a_suppressed_number_and_an_unknown_zone_are_never_dialed(
    campaign: CampaignRules, contact: Candidate, now: float
) -> None:
    verdict = decide(campaign, replace(contact, suppressed=True), now)
    assert verdict == refused(Reason.SUPPRESSED)
    for names in ((), ("Mars/Phobos",), ("Europe/Paris", "Mars/Phobos")):
        verdict = decide(campaign, replace(contact, zones=names), now)
        assert not verdict.allowed
        assert verdict.never or verdict.reason is Reason.CAMPAIGN_NOT_RUNNING


@pytest.mark.parametrize(
    ("call_from", "call_to", "inside", "outside"),
    [
        (time(9), None, ["09:00", "23:59"], ["08:59", "00:00"]),
        (None, time(9), ["00:00", "08:59"], ["09:00", "23:59"]),
        (time(9), time(17), ["09:00", "16:59"], ["08:59", "17:00"]),
        (time(22), time(2), ["22:00", "01:59"], ["21:59", "02:00"]),
        (None, time(0), ["00:00", "23:59"], []),
    ],
)
def test_a_contact_s_own_hours(
    call_from: time | None, call_to: time | None, inside: list[str], outside: list[str]
) -> None:
    own = own_hours(call_from, call_to)
    assert own is not None
    for clock, expected in [(clock, True) for clock in inside] + [(clock, False) for clock in outside]:
        at = datetime.fromisoformat(f"2026-06-03T{clock}+02:00").timestamp()
        assert (own.next_open(at, PARIS) == at) == expected


def test_own_hours_are_compiled_once_and_not_for_ever() -> None:
    assert own_hours(None, None) is None
    assert own_hours(time(9), time(17)) is own_hours(time(9), time(17))
    for minute in range(5_000):
        assert own_hours(time(minute // 60 % 24, minute % 60, minute // 1440), time(23, 30)) is not None
