"""What holds a campaign back: what its day may cost, and too many abandoned calls."""

from __future__ import annotations

import random

import pytest

from engine.rules.abandonment import Measured
from engine.rules.book import read_book
from engine.store import abandonment
from engine.store.claimed import Throttle
from tests.rules.book.places import OURS

HOUR = 3600.0

# --- what a day may cost ------------------------------------------------------------------------------------------------


def used(books, campaign: int) -> list[tuple[int, float, float]]:
    return [
        (calls, round(cost, 6), round(held, 6))
        for calls, cost, held in books.connection.execute(
            "SELECT calls, cost, held FROM usage WHERE campaign_id = ? ORDER BY day", (campaign,)
        )
    ]


def test_a_live_call_holds_what_it_may_cost(books, person) -> None:
    campaign = books.campaign(
        "spring", *(person(row) for row in range(5)), cost_a_day=1.0, most_per_call={"a": 0.4, "b": 0.4}
    )
    found = books.claim(campaign)
    first, second = found.claims
    assert used(books, campaign) == [(2, 0.0, 0.8)]
    [refusal] = found.refusals
    assert (refusal.verdict.reason, refusal.verdict.at) == ("day_cap", books.now + 5)
    assert found.exhausted == {campaign: books.now + 5}
    books.finish(first, "ANSWERED_HUMAN", cost=0.05)
    books.finish(second, "NOT_SENT")
    assert used(books, campaign) == [(1, 0.05, 0.0)]
    books.now += 5
    assert len(books.claim(campaign).claims) == 2


def test_until_midnight_where_no_call_fits_any_more(books, person) -> None:
    campaign = books.campaign("spring", person(1), person(2), cost_a_day=1.0, most_per_call={"a": 0.4})
    books.finish(books.claim_one(campaign), "ANSWERED_HUMAN", cost=0.7)
    [refusal] = books.claim(campaign).refusals
    assert refusal.verdict.at == (books.now // 86400 + 1) * 86400
    books.now = refusal.verdict.at
    assert len(books.claim(campaign).claims) == 1


def test_a_call_that_outlasts_its_day_counts_for_it(books, person) -> None:
    """Also where it ends on a day whose own calls have used up their cap."""
    campaign = books.campaign("spring", person(1), person(2), cost_a_day=1.0, most_per_call={"a": 0.9})
    books.now = (books.now // 86400 + 1) * 86400 - 10
    late = books.claim_one(campaign)
    books.now += 20
    early = books.claim_one(campaign)
    books.finish(early, "ANSWERED_HUMAN", cost=0.9)
    books.finish(late, "ANSWERED_HUMAN", cost=0.8)
    assert used(books, campaign) == [(1, 0.8, 0.0), (1, 0.9, 0.0)]


@pytest.mark.parametrize("seed", range(20))
def test_a_day_s_cost_is_never_passed(books, person, seed: int) -> None:
    """Whatever calls come to, up to what they may: ended and live ones together stay within the cap at any time."""
    dice = random.Random(seed)
    most = {"a": 0.3, "b": 0.7}
    campaign = books.campaign(
        "spring", *(person(row) for row in range(60)), cost_a_day=5.0, most_per_call=most, max_attempts=9
    )
    live = []
    for _ in range(120):
        live += books.claim(campaign, slots="".join(dice.choices("ab", k=3))).claims
        dice.shuffle(live)
        for claim in live[: dice.randrange(3)]:
            live.remove(claim)
            word = dice.choice(("ANSWERED_HUMAN", "ANSWERED_HUMAN", "BUSY", "NOT_SENT"))
            cost = dice.random() * most[claim.trunk] if word == "ANSWERED_HUMAN" else 0.0
            books.finish(claim, word, cost=cost, next_at=books.now if word == "NOT_SENT" else None)
        books.now += 20
        for _, cost, held in used(books, campaign):
            assert cost + held <= 5.0 + 1e-6
    [(_, cost, _)] = used(books, campaign)
    assert cost > 3.0, "the cap was really reached"


# --- abandoned calls ----------------------------------------------------------------------------------------------------


@pytest.fixture
def ours(tmp_path):
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "ours.toml").write_text(OURS, encoding="utf-8")
    return read_book(folder)


def test_abandoned_calls_slow_a_campaign_down_and_stop_it(books, person, ours) -> None:
    campaign = books.campaign("spring", *(person(row) for row in range(9)), book=ours)

    def abandon() -> None:
        measured = Measured(True, 3.0, True)
        books.unit(abandonment.count, campaign_id=campaign, measured=measured, ended_at=books.now)

    abandon()
    found = books.claim(campaign, slots="aa")
    assert (len(found.claims), found.throttles) == (2, {campaign: Throttle("free")})
    abandon()
    found = books.claim(campaign, slots="aa")
    assert len(found.claims) == 1, "one call, and then a second of rest"
    throttle = found.throttles[campaign]
    assert (throttle.word, throttle.rule) == ("slowed", "ours-abandoned")
    assert throttle.detail.startswith(
        "of the 2 calls of 30 days that a person answered, which count as 100, 2 were abandoned, 2 %:"
    )
    abandon()
    found = books.claim(campaign, slots="aa")
    assert (found.claims, found.throttles[campaign].word) == ((), "stopped")
    assert found.exhausted == {campaign: books.now + HOUR}
    assert books.rows("SELECT reason, rule FROM decisions ORDER BY id") == [
        ("allowed", ""), ("allowed", ""), ("allowed", "ours-abandoned"), ("abandonment", "ours-abandoned"),
    ]  # fmt: skip
    books.now += 31 * 24 * HOUR
    assert books.claim(campaign, slots="aa").throttles == {campaign: Throttle("free")}
