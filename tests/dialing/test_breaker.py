"""The breaker: what opens it, what does not, and how a trunk comes back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.dialing.breaker import Breaker, Phase
from engine.trunk_settings import BreakerSettings

LIMITS = BreakerSettings(failures=3, share=0.5, window=10.0, pause=4.0, max_pause=16.0, probes=2)


def told(story: str, limits: BreakerSettings = LIMITS) -> tuple[Breaker, list[str]]:
    """A letter each fifth of a second: `+` a call got through, a lower-case letter the number that failed, `.` nothing, `_` a whole
    second. The changes, in order."""
    breaker, now, changes = Breaker(limits), 100.0, []
    for sign in story:
        now += 1.0 if sign == "_" else 0.2
        change = None
        if sign == "+":
            change = breaker.worked(now, False)
        elif sign.isalpha():
            change = breaker.failed(now, ord(sign), "SIP 503", False)
        if change is not None:
            changes.append(change.phase.value)
    return breaker, changes


@pytest.mark.parametrize(
    ("story", "opens"),
    [
        ("abc", True),
        ("+++++++++++++++++++++++++++abc", True),  # whatever went well before
        ("ab", False),
        ("ab+ab+ab", False),
        ("aaaaaaaaaaaa", False),  # one number may itself be what is congested
        ("aabbaabb", False),
        ("ab+bc", False),
        ("ab+cd+e+f+", True),  # 6 of 10, in the window
        ("ab+++cd+++e+++f", False),
        ("ab+cd+__________e+f+", False),  # the first ones are forgotten
        ("a___b___c", True),  # in a row, however slowly
        ("+.+.+", False),
    ],
)
def test_what_opens_it(story: str, opens: bool) -> None:
    breaker, changes = told(story)
    assert (changes == ["open"]) is opens
    assert breaker.phase is (Phase.OPEN if opens else Phase.CLOSED)
    assert breaker.room == (0 if opens else None)


def opened(limits: BreakerSettings = LIMITS) -> Breaker:
    breaker = Breaker(limits)
    for number in range(limits.failures):
        change = breaker.failed(49.0 + number / 2, number, "SIP 503", False)
    assert change is not None
    assert (change.phase, change.pause) == (Phase.OPEN, limits.pause)
    assert change.reason == "3 numbers failed in a row, the last one: SIP 503"
    return breaker


def test_five_in_a_row_may_be_chance_where_there_are_a_hundred_a_second() -> None:
    breaker = Breaker(LIMITS)
    assert [breaker.failed(50.0 + at / 100, at % 5, "SIP 503", False) for at in range(25)] == [None] * 25
    assert breaker.failed(50.25, 1, "SIP 503", False) is not None


def test_probes_close_it() -> None:
    breaker = opened()
    assert breaker.turn(53.9) is None
    assert not breaker.probe()
    change = breaker.turn(54.0)
    assert change is not None
    assert (change.phase, change.reason) == (Phase.HALF_OPEN, breaker.reason)
    assert breaker.room == 1
    assert breaker.probe()
    assert breaker.room == 0, "one at a time"
    assert breaker.worked(55.0, probe=True) is None
    assert breaker.probe()
    change = breaker.worked(56.0, probe=True)
    assert change is not None
    assert (change.phase, change.reason) == (Phase.CLOSED, "2 probes got through")
    assert (breaker.room, breaker.reason) == (None, "")
    assert breaker.failed(57.0, 1, "SIP 503", False) is None, "what was before is forgotten"


def test_the_pause_doubles_with_each_probe_that_fails_and_begins_anew_once_it_was_closed() -> None:
    breaker, now, pauses = opened(), 50.0, [4.0]
    for _ in range(4):
        now += pauses[-1]
        assert breaker.turn(now) is not None
        assert breaker.probe()
        change = breaker.failed(now, 9, "SIP 500", probe=True)
        assert change is not None
        assert change.reason == "a probe failed: SIP 500"
        pauses.append(change.pause)
    assert pauses == [4.0, 8.0, 16.0, 16.0, 16.0]
    assert breaker.turn(now + 16.0) is not None
    for _ in range(2):
        assert breaker.probe()
        breaker.worked(now + 17.0, probe=True)
    assert breaker.phase is Phase.CLOSED
    for number in range(3):
        change = breaker.failed(now + 18.0 + number, number, "SIP 503", False)
    assert change is not None
    assert change.pause == 4.0


def test_calls_of_before_tell_nothing_once_it_is_open() -> None:
    breaker = opened()
    assert breaker.failed(51.0, 7, "SIP 503", False) is None
    assert breaker.worked(51.0, False) is None
    assert breaker.turn(54.0) is not None
    assert breaker.failed(55.0, 8, "SIP 503", False) is None
    assert breaker.worked(55.0, False) is None
    assert (breaker.phase, breaker.room) == (Phase.HALF_OPEN, 1)


def test_a_probe_that_tells_nothing_makes_room_for_another() -> None:
    breaker = opened()
    breaker.turn(54.0)
    assert breaker.probe()
    breaker.dropped(probe=False)
    assert breaker.room == 0
    breaker.dropped(probe=True)
    assert breaker.room == 1


@given(
    st.lists(
        st.tuples(st.sampled_from(["call", "worked", "failed", "dropped", "turn"]), st.floats(0.0, 30.0))
    )
)
def test_whatever_happens_there_is_one_probe_at_most_and_it_is_never_open_for_good(
    story: list[tuple[str, float]],
) -> None:
    breaker, now, out = Breaker(LIMITS), 0.0, []
    for number, (what, wait) in enumerate(story):
        now += wait
        if what == "turn":
            breaker.turn(now)
        elif what == "call" and breaker.room != 0:
            out.append(breaker.probe())
        elif out and what != "call":
            probe = out.pop(0)
            if what == "worked":
                breaker.worked(now, probe)
            elif what == "failed":
                breaker.failed(now, number, "cause 34", probe)
            else:
                breaker.dropped(probe)
        assert breaker.out in (0, 1)
        assert breaker.phase is not Phase.OPEN or breaker.until <= now + LIMITS.max_pause
