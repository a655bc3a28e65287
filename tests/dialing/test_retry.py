"""What follows an attempt: as a table, and as whole lives of contacts played to their end."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.dialing.disposition import ANSWERED, Disposition
from engine.dialing.retry import (
    DEFAULTS,
    FAILOVER,
    FINAL,
    CallbackAt,
    Decision,
    Final,
    History,
    Policy,
    RetryAt,
    Rule,
    counts,
    decide,
)

D = Disposition
ENDS_OF_ATTEMPTS = [word for word in Disposition if word not in (D.SUPPRESSED, D.EXPIRED)]
NOW, DIALED = 10_030.0, 10_000.0
PLAIN = Policy(max_attempts=3, min_gap=900.0, rules={})


def history(
    attempts: int = 1, position: int = 0, numbers: int = 1, invalid: tuple[int, ...] = (), **ended: int
) -> History:
    return History(attempts, ended, position, numbers, frozenset(invalid))


# policy, history, how it ended, opted out, callback at -> what follows
TABLE: list[tuple[str, Policy, History, Disposition, dict[str, Any], Decision]] = [
    ("busy waits its delay or the gap", PLAIN, history(BUSY=1), D.BUSY, {}, RetryAt(DIALED + 900, 0)),
    ("no answer waits an hour", PLAIN, history(NO_ANSWER=1), D.NO_ANSWER, {}, RetryAt(DIALED + 3600, 0)),
    ("failed", PLAIN, history(FAILED=1), D.FAILED, {}, RetryAt(DIALED + 900, 0)),
    ("failed too often", PLAIN, history(2, FAILED=3), D.FAILED, {}, Final()),
    ("the budget is spent", PLAIN, history(3, BUSY=3), D.BUSY, {}, Final()),
    ("the budget is overspent", PLAIN, history(4, BUSY=4), D.BUSY, {}, Final()),
    ("the last of the budget", PLAIN, history(2, BUSY=2), D.BUSY, {}, RetryAt(DIALED + 900, 0)),
    ("a person was reached", PLAIN, history(ANSWERED_HUMAN=1), D.ANSWERED_HUMAN, {}, Final()),
    ("a machine was reached", PLAIN, history(ANSWERED_MACHINE=1), D.ANSWERED_MACHINE, {}, Final()),
    ("someone was reached", PLAIN, history(ANSWERED_UNSURE=1), D.ANSWERED_UNSURE, {}, Final()),
    ("declined", PLAIN, history(REJECTED=1), D.REJECTED, {}, Final()),
    ("withdrawn", PLAIN, history(0, CANCELLED=1), D.CANCELLED, {}, Final()),
    ("nobody knows", PLAIN, history(UNKNOWN=1), D.UNKNOWN, {}, Final()),
    (
        "nobody knows, and the campaign wants another",
        Policy(3, 900.0, {D.UNKNOWN: Rule(900.0, 3)}),
        history(UNKNOWN=1),
        D.UNKNOWN,
        {},
        RetryAt(DIALED + 900, 0),
    ),
    (
        "congestion is nobody's attempt",
        PLAIN,
        history(0, CONGESTION=1),
        D.CONGESTION,
        {},
        RetryAt(DIALED + 120, 0),
    ),
    (
        "congestion with a spent budget",
        PLAIN,
        history(3, CONGESTION=1),
        D.CONGESTION,
        {},
        RetryAt(DIALED + 120, 0),
    ),
    ("the tenth", PLAIN, history(0, CONGESTION=10), D.CONGESTION, {}, RetryAt(DIALED + 120, 0)),
    ("congestion is capped", PLAIN, history(0, CONGESTION=11), D.CONGESTION, {}, Final()),
    ("never sent", PLAIN, history(0), D.NOT_SENT, {}, RetryAt(NOW, 0)),
    ("never sent, again and again", PLAIN, history(0, NOT_SENT=500), D.NOT_SENT, {}, RetryAt(NOW, 0)),
    (
        "an invalid number, the only one",
        PLAIN,
        history(INVALID_NUMBER=1, invalid=(0,)),
        D.INVALID_NUMBER,
        {},
        Final(),
    ),
    (
        "an invalid number, another follows at once",
        PLAIN,
        history(numbers=2, INVALID_NUMBER=1, invalid=(0,)),
        D.INVALID_NUMBER,
        {},
        RetryAt(NOW, 1),
    ),
    (
        "an invalid number, an earlier one is left",
        PLAIN,
        history(2, position=1, numbers=2, BUSY=1, INVALID_NUMBER=1, invalid=(1,)),
        D.INVALID_NUMBER,
        {},
        RetryAt(NOW, 0),
    ),
    (
        "an invalid number, the budget is spent",
        PLAIN,
        history(3, numbers=4, INVALID_NUMBER=1, invalid=(0,)),
        D.INVALID_NUMBER,
        {},
        Final(),
    ),
    ("the next number in order", PLAIN, history(numbers=3, BUSY=1), D.BUSY, {}, RetryAt(DIALED + 900, 1)),
    (
        "after the last number the first",
        PLAIN,
        history(2, position=2, numbers=3, BUSY=2),
        D.BUSY,
        {},
        RetryAt(DIALED + 900, 0),
    ),
    (
        "numbers found invalid are passed over",
        PLAIN,
        history(2, position=0, numbers=3, invalid=(1,), BUSY=1),
        D.BUSY,
        {},
        RetryAt(DIALED + 900, 2),
    ),
    (
        "congestion stays with its number",
        PLAIN,
        history(0, position=1, numbers=3, CONGESTION=1),
        D.CONGESTION,
        {},
        RetryAt(DIALED + 120, 1),
    ),
    ("opted out", PLAIN, history(BUSY=1), D.BUSY, {"opted_out": True}, Final()),
    (
        "opted out, and had asked for a callback",
        PLAIN,
        history(ANSWERED_HUMAN=1),
        D.ANSWERED_HUMAN,
        {"opted_out": True, "callback_at": NOW + 60},
        Final(),
    ),
    (
        "asked for a callback",
        PLAIN,
        history(3, position=1, numbers=2, ANSWERED_HUMAN=1),
        D.ANSWERED_HUMAN,
        {"callback_at": NOW + 60},
        CallbackAt(NOW + 60, 1),
    ),
    (
        "asked for one that is due already",
        PLAIN,
        history(ANSWERED_HUMAN=1),
        D.ANSWERED_HUMAN,
        {"callback_at": NOW - 60},
        CallbackAt(NOW, 0),
    ),
    (
        "the campaign's own rule",
        Policy(5, 60.0, {D.ANSWERED_MACHINE: Rule(7200.0, 2)}),
        history(2, ANSWERED_MACHINE=2),
        D.ANSWERED_MACHINE,
        {},
        RetryAt(DIALED + 7200, 0),
    ),
    (
        "the campaign's own rule says never",
        Policy(5, 60.0, {D.BUSY: FINAL}),
        history(BUSY=1),
        D.BUSY,
        {},
        Final(),
    ),
    (
        "a delay that is over already",
        Policy(5, 1.0, {D.BUSY: Rule(5.0, 5)}),
        history(BUSY=1),
        D.BUSY,
        {},
        RetryAt(NOW, 0),
    ),
]


@pytest.mark.parametrize(
    ("policy", "past", "ended", "more", "follows"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE]
)
def test_table(
    policy: Policy, past: History, ended: Disposition, more: dict[str, Any], follows: Decision
) -> None:
    assert decide(policy, past, ended, DIALED, NOW, **more) == follows


def test_every_end_of_an_attempt_has_a_rule() -> None:
    assert set(DEFAULTS) == set(ENDS_OF_ATTEMPTS)


policies = st.builds(
    Policy,
    st.integers(1, 6),
    st.floats(1.0, 5_000.0),
    st.dictionaries(
        st.sampled_from(ENDS_OF_ATTEMPTS),
        st.builds(Rule, st.floats(0.0, 10_000.0), st.integers(0, 6)),
        max_size=5,
    ),
)


@given(
    policies,
    st.integers(1, 4),
    st.lists(st.tuples(st.sampled_from(ENDS_OF_ATTEMPTS), st.floats(0.0, 600.0)), min_size=60, max_size=60),
)
def test_whole_lives_of_contacts(policy: Policy, numbers: int, ends: list[tuple[Disposition, float]]) -> None:
    """Dial exactly when and where it says, whatever comes of it, until it says no more."""
    at, position = 1_000.0, 0
    attempts, by, invalid = 0, dict.fromkeys(map(str, Disposition), 0), frozenset[int]()
    for ended, lasted in ends:
        dialed, now = at, at + lasted
        attempts += counts(ended)
        by[ended] += ended is not D.NOT_SENT
        if ended is D.INVALID_NUMBER:
            invalid |= {position}
        past = History(attempts, by, position, numbers, invalid)
        follows = decide(policy, past, ended, dialed, now)
        if isinstance(follows, Final):
            break
        assert isinstance(follows, RetryAt)
        assert follows.at >= now
        assert 0 <= follows.position < numbers
        if ended is D.NOT_SENT:
            assert (follows.at, follows.position) == (now, position)
        elif ended is not D.INVALID_NUMBER:
            rule = policy.rule(ended)
            assert by[ended] <= rule.attempts
            assert follows.at >= dialed + rule.delay
            if counts(ended):
                assert follows.at >= dialed + policy.min_gap
        if counts(ended):
            assert attempts < policy.max_attempts
            assert follows.position not in invalid
            open_ones = [one for one in range(numbers) if one not in invalid]
            later = [one for one in open_ones if one > position]
            assert follows.position == (later or open_ones)[0]
        else:
            assert follows.position == position
        at, position = follows.at, follows.position
    else:
        uncounted = sum(by[word] for word in ("CONGESTION", "CANCELLED")) + sum(
            end is D.NOT_SENT for end, _ in ends
        )
        assert uncounted + attempts == len(ends)
    assert attempts <= policy.max_attempts
    for word in ("CONGESTION", "CANCELLED"):
        assert by[word] <= policy.rule(Disposition(word)).attempts + 1


@given(policies, st.sampled_from(ENDS_OF_ATTEMPTS), st.integers(0, 9), st.floats(0.0, 10_000.0))
def test_an_opt_out_is_final_and_a_callback_comes_first(
    policy: Policy, ended: Disposition, attempts: int, after: float
) -> None:
    past = History(attempts, {ended: 1}, 1, 2)
    asked = NOW + after
    assert decide(policy, past, ended, DIALED, NOW, opted_out=True, callback_at=asked) == Final()
    assert decide(policy, past, ended, DIALED, NOW, opted_out=True) == Final()
    assert decide(policy, past, ended, DIALED, NOW, callback_at=asked) == CallbackAt(asked, 1)


@pytest.mark.parametrize("ended", ENDS_OF_ATTEMPTS)
def test_what_counts(ended: Disposition) -> None:
    assert counts(ended) == (ended not in (D.CONGESTION, D.NOT_SENT, D.CANCELLED))
    assert counts(ended) or ended not in ANSWERED


# -- congestion is a trunk's -------------------------------------------------------------------------------------------

TWICE = Policy(3, 900.0, {D.CONGESTION: Rule(120.0, 1)})


@pytest.mark.parametrize(
    ("trunks", "untried", "refused", "follows"),
    [
        (1, 0, 1, RetryAt(DIALED + 120, 0)),
        (1, 0, 2, Final()),
        (2, 1, 1, RetryAt(NOW + FAILOVER, 0)),  # the other trunk
        (2, 0, 2, RetryAt(DIALED + 120, 0)),  # both have refused: a round later
        (2, 1, 3, RetryAt(NOW + FAILOVER, 0)),
        (2, 0, 4, Final()),
        (2, 1, 4, Final()),  # a trunk came back meanwhile: no endless loop
        (3, 2, 1, RetryAt(NOW + FAILOVER, 0)),
        (0, 0, 1, RetryAt(DIALED + 120, 0)),  # the trunk has left the settings
        (0, 0, 2, Final()),
    ],
)
def test_a_call_goes_round_the_trunks_before_it_waits(
    trunks: int, untried: int, refused: int, follows: Decision
) -> None:
    past = History(0, {"CONGESTION": refused}, 0, 1, trunks=trunks, untried=untried)
    assert decide(TWICE, past, D.CONGESTION, DIALED, NOW) == follows


@given(st.integers(1, 6), st.integers(0, 10), st.lists(st.integers(0, 5), min_size=80, max_size=80))
def test_whatever_trunks_are_there_congestion_comes_to_an_end(
    trunks: int, rounds: int, others: list[int]
) -> None:
    policy = Policy(3, 900.0, {D.CONGESTION: Rule(60.0, rounds)})
    refused = 0
    for untried in others:
        refused += 1
        past = History(0, {"CONGESTION": refused}, 0, 1, trunks=trunks, untried=min(untried, trunks - 1))
        if decide(policy, past, D.CONGESTION, DIALED, NOW) == Final():
            break
    assert refused == trunks * (rounds + 1)
