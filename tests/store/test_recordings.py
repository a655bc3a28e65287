"""Recorded answers: how long each is kept, and that it is gone then, or at once when its person is forgotten."""

from __future__ import annotations

import json

import pytest

from engine.channel import Report
from engine.store import erasure, forgotten, outcomes, recordings
from engine.store.recordings import UNKNOWN_KEEP, Recording

DAY = 86_400.0


@pytest.fixture
def called(books, person):
    """A call of a campaign that keeps stories for thirty days, and names for one."""
    campaign = books.campaign("spring", person(1))
    manifest = {
        "id": "spring",
        "nodes": {"story": {"keep": 30 * DAY}, "name": {"keep": DAY}, "rating": {"kind": "question"}},
    }
    books.connection.execute("UPDATE campaigns SET manifest = ?", (json.dumps(manifest),))
    return books.claim_one(campaign)


def began(claim, node: str, at: float, seq: int = 1) -> Report:
    return Report(claim.attempt, seq, "record", node, at)


def kept(books) -> list:
    return books.rows("SELECT node, keep_until, deleted_at FROM recordings ORDER BY keep_until")


def due(books, now: float, limit: int = 10) -> list[str]:
    return [one.node for one in books.unit(recordings.due, now=now, limit=limit)]


def test_as_long_as_the_manifest_says(books, called) -> None:
    reports = [began(called, "story", books.now), began(called, "name", books.now + 5, 2)]
    books.finish(called, "ANSWERED_HUMAN", reports=reports)
    assert kept(books) == [("name", books.now + 5 + DAY, None), ("story", books.now + 30 * DAY, None)]


@pytest.mark.parametrize("node", ["gone", "rating", ""])
def test_a_node_that_does_not_record_any_more_is_kept_for_a_day(books, called, node: str) -> None:
    books.finish(called, "ANSWERED_HUMAN", reports=[began(called, node, books.now)])
    assert kept(books) == [(node, books.now + UNKNOWN_KEEP, None)]


def test_told_again_it_is_not_kept_longer(books, called) -> None:
    report = began(called, "story", books.now)
    assert [books.unit(outcomes.keep_reports, [report]) for _ in range(2)] == [1, 0]
    books.unit(
        outcomes.keep_reports, [began(called, "story", books.now + 500, 9)]
    )  # recorded over, in a second round
    assert kept(books) == [("story", books.now + 30 * DAY, None)]
    books.finish(called, "ANSWERED_HUMAN", reports=[report])
    assert kept(books) == [("story", books.now + 30 * DAY, None)]


def test_what_is_told_late_counts(books, called) -> None:
    books.finish(called, "ANSWERED_HUMAN")
    books.unit(outcomes.late_report, report=began(called, "story", books.now), now=books.now + 9)
    assert kept(books) == [("story", books.now + 30 * DAY, None)]
    books.unit(outcomes.keep_known_reports, [began(called, "name", books.now, 2)])
    assert len(kept(books)) == 2


def test_recordings_of_a_call_that_nobody_knows_are_not_ours(books, called) -> None:
    stranger = Report(12345, 1, "record", "story", books.now)
    books.unit(outcomes.late_report, report=stranger, now=books.now)
    books.unit(outcomes.keep_known_reports, [stranger])
    assert kept(books) == []
    books.finish(called)


def test_due_when_their_time_is_over_the_oldest_first(books, called) -> None:
    reports = [
        began(called, "story", books.now),
        began(called, "name", books.now, 2),
        began(called, "gone", books.now - 9, 3),
    ]
    books.finish(called, "ANSWERED_HUMAN", reports=reports)
    assert due(books, books.now + DAY - 10) == []
    assert due(books, books.now + DAY) == ["gone", "name"]
    assert due(books, books.now + DAY, limit=1) == ["gone"]
    assert books.unit(recordings.due, now=books.now + DAY, limit=9, skip=1)[0].node == "name"
    found = books.unit(recordings.due, now=books.now + 40 * DAY, limit=10)
    assert found == [Recording(called.attempt, node, "lab") for node in ("gone", "name", "story")]
    books.unit(recordings.gone, recordings=found[:2], now=books.now + 41 * DAY)
    assert due(books, books.now + 50 * DAY) == ["story"]
    assert [gone for _, _, gone in kept(books)] == [books.now + 41 * DAY, books.now + 41 * DAY, None]


def test_whoever_is_forgotten_has_none_left(books, called, phone, tmp_path) -> None:
    forgotten.make_key(tmp_path)
    books.finish(called, "ANSWERED_HUMAN", reports=[began(called, "story", books.now)])
    assert due(books, books.now) == []
    books.unit(erasure.forget, e164=phone(1).e164, actor="anna", reason="asked", now=books.now)
    assert due(books, books.now) == ["story"]
    books.unit(outcomes.late_report, report=began(called, "name", books.now, 2), now=books.now)
    assert due(books, books.now) == ["name", "story"], "what is told of only then is gone at once too"


def test_who_has_a_number_in_common_keeps_theirs(books, person, phone, tmp_path) -> None:
    forgotten.make_key(tmp_path)
    campaign = books.campaign("spring", person(1, phone(1)), person(2, phone(2)))
    first, second = books.claim(campaign).claims
    for claim in (first, second):
        books.finish(claim, "ANSWERED_HUMAN", reports=[began(claim, "story", books.now)])
    books.unit(erasure.forget, e164=phone(1).e164, actor="anna", reason="asked", now=books.now)
    [found] = books.unit(recordings.due, now=books.now, limit=10)
    assert found.attempt == first.attempt
