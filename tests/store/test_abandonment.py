"""The share of abandoned calls, by campaign over thirty days."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from engine.channel import Report
from engine.rules.abandonment import NOT_LIVE, Measured
from engine.store import abandonment
from engine.store.abandonment import DAY, Share
from engine.store.database import migrate

HUMAN = "HUMAN/HUMAN-800-800"


def answered(books, campaign: int, wait: float) -> int:
    """A call that a person answered, and who waited so long for the message."""
    claim = books.claim_one(campaign)
    verdict = books.now + 2.25
    reports = (
        Report(claim.attempt, 1, "amd", HUMAN, verdict),
        Report(claim.attempt, 2, "play", "message", verdict + wait - 0.8),
    )
    books.finish(
        claim, "ANSWERED_HUMAN", answered_at=books.now + 0.25, ended_at=books.now + 20, reports=reports
    )
    attempt: int = claim.attempt
    return attempt


def test_the_end_of_a_call_measures_it(books, person) -> None:
    campaign = books.campaign("spring", *(person(row) for row in range(1, 5)))
    ids = [answered(books, campaign, wait) for wait in (0.8, 1.9, 2.3)]
    books.finish(books.claim_one(campaign), "BUSY")
    rows = books.rows("SELECT id, round(wait, 3), abandoned FROM attempts ORDER BY id")
    assert rows[:3] == [(ids[0], 0.8, 0), (ids[1], 1.9, 0), (ids[2], 2.3, 1)]
    assert rows[3][1:] == (None, 0)
    found = books.unit(abandonment.share, campaign_id=campaign, now=books.now)
    assert found == Share(3, 1)
    assert found.rate == 1 / 3


def test_an_end_that_comes_again_counts_once(books, person) -> None:
    campaign = books.campaign("spring", person(1))
    claim = books.claim_one(campaign)
    reports = (Report(claim.attempt, 1, "amd", HUMAN, books.now + 2.25),)
    more = {"answered_at": books.now + 0.25, "ended_at": books.now + 9.0, "reports": reports}
    assert books.finish(claim, "ANSWERED_HUMAN", **more).fresh
    assert not books.finish(claim, "ANSWERED_HUMAN", **more).fresh
    assert books.unit(abandonment.share, campaign_id=campaign, now=books.now) == Share(1, 1)


def test_a_campaign_without_calls(books, person) -> None:
    found = books.unit(abandonment.share, campaign_id=books.campaign("spring", person(1)), now=books.now)
    assert (found, found.rate) == (Share(0, 0), 0.0)


def test_what_is_not_live_is_in_no_count(books, person) -> None:
    campaign = books.campaign("spring", person(1))
    books.unit(abandonment.count, campaign_id=campaign, measured=NOT_LIVE, ended_at=books.now)
    assert books.rows("SELECT * FROM abandonment") == []


MEASURED = st.sampled_from([Measured(True, 1.0), Measured(True, 3.0, True)])


@given(
    st.lists(st.tuples(st.integers(0, 1), st.integers(0, 80), MEASURED), max_size=30),
    st.integers(0, 90),
    st.sampled_from([1, 7, 30]),
)
def test_a_period_is_so_many_days(calls: list[tuple[int, int, Measured]], today: int, days: int) -> None:
    with TemporaryDirectory() as folder, closing(sqlite3.connect(Path(folder) / "volley.db")) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        migrate(connection)
        for campaign, day, measured in calls:
            abandonment.count(connection, campaign, measured, (1000 + day) * DAY + 5.0)
        for campaign in (0, 1):
            inside = [one for which, day, one in calls if which == campaign and today - days < day <= today]
            found = abandonment.share(connection, campaign, (1000 + today) * DAY + DAY - 1, days)
            assert found == Share(len(inside), sum(one.abandoned for one in inside))
