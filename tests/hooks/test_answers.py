"""What an answer means, and what follows."""

from __future__ import annotations

import pytest

from engine.hooks.answers import (
    FAILURES,
    LONGEST_HEEDED,
    LONGEST_WAIT,
    REFUSALS,
    Answer,
    Health,
    Meaning,
    gives_up,
    of_status,
    wait,
)

TAKEN, LATER = Answer(Meaning.TAKEN, 200), Answer(Meaning.LATER, 503, "busy")


@pytest.mark.parametrize(
    ("statuses", "meaning"),
    [
        ((200, 201, 202, 204, 299), Meaning.TAKEN),
        ((408, 429, 500, 502, 503, 504, 599), Meaning.LATER),
        ((100, 199, 300, 301, 302, 307, 308, 400, 401, 403, 404, 405, 409, 411, 413, 422, 499, 600), Meaning.REFUSED),
        ((410,), Meaning.GONE),
    ],
)  # fmt: skip
def test_every_status_means_something(statuses: tuple[int, ...], meaning: Meaning) -> None:
    for status in statuses:
        found = of_status(status, "So")
        assert found.meaning is meaning, status
        assert (found.error == "") == (meaning is Meaning.TAKEN)
        assert found.error == "" or found.error.startswith(f"answered {status} So")


def test_tries_come_more_and_more_rarely_and_never_together() -> None:
    assert [wait(tries, 1.0) for tries in (1, 2, 3, 4, 9, 10, 5000)] == [
        1.0,
        2.0,
        4.0,
        8.0,
        256.0,
        300.0,
        300.0,
    ]
    assert wait(4, 0.0) == 4.0
    assert wait(4, 0.5) == 6.0


def test_only_what_is_refused_is_given_up() -> None:
    refused = of_status(400, "Bad Request")
    assert not gives_up(refused, REFUSALS - 1)
    assert gives_up(refused, REFUSALS)
    assert not gives_up(LATER, 10_000), "what may pass is tried until it is too old"


def test_a_receiver_that_fails_is_left_alone_and_then_asked_with_one_event() -> None:
    health = Health()
    for _ in range(FAILURES - 1):
        health.note(LATER, 100.0, 1.0)
    assert health.room(8, 100.0) == 8
    health.note(LATER, 100.0, 1.0)
    assert health.ill
    assert (health.room(8, 100.9), health.room(8, 101.0)) == (0, 1)
    health.note(LATER, 101.0, 1.0)
    assert (health.room(8, 102.9), health.room(8, 103.0)) == (0, 1)
    for _ in range(50):
        health.note(LATER, 103.0, 1.0)
    assert health.rests_until == 103.0 + LONGEST_WAIT
    health.note(TAKEN, 500.0, 1.0)
    assert (health.failures, health.room(8, 500.0)) == (0, 8)


@pytest.mark.parametrize(("asked", "rest"), [(7.0, 7.0), (1e9, LONGEST_HEEDED), (-5.0, 0.0)])
def test_a_receiver_that_asks_for_time_gets_it_within_reason(asked: float, rest: float) -> None:
    health = Health()
    health.note(Answer(Meaning.LATER, 429, "slowly", asked), 100.0, 1.0)
    assert health.rests_until == 100.0 + rest
    assert not health.ill
