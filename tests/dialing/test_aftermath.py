"""What an ended call leaves behind: its result, the share of the message that was heard, and the promise that follows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.channel import Report, Up
from engine.dialing.aftermath import aftermath, heard
from engine.dialing.call import Call
from engine.dialing.disposition import Disposition, Ending
from engine.dialing.retry import CallbackAt, Final
from engine.dialing.running import Running
from engine.store.campaigns import CampaignRow
from engine.store.claimed import Claim
from engine.store.outcomes import Outcome
from tests.dialing.conftest import MANIFEST, settings

A = 0x01A2_0B9A_82C1_0000
SENT, BEGAN, ENDED = 1_000.0, 1_010.0, 1_060.0
ANSWERED = Ending(answered=True, cause=16)
CLAIM = Claim(
    attempt=A, contact_id=1, campaign_id=1, number_id=1, e164="+33199001001", dialed="+33199001001", caller_id="+33162000001",
    trunk="a", kind="first", position=0, numbers=1, attempts=0, tries={}, invalid=frozenset(), callback_id=None, callbacks=0,
    flow_version="f", language="", fields="{}", created_at=SENT, zones=("Europe/Paris",),
)  # fmt: skip


def running(message: float | None = 20.0, **manifest: Any) -> Running:
    table = {**MANIFEST, "id": "spring", **manifest}
    return Running(CampaignRow(1, "spring", 50, "running", table, "f", 1.0, None, 1, message), settings())


def call(*told: tuple[str, str] | tuple[str, str, float]) -> Call:
    """An answered call in which this was reported: kind, value, and when (at first BEGAN, then as the one before)."""
    found = Call(A)
    found.sent(SENT, 37.0)
    found.handle(Up(A), BEGAN)
    at = BEGAN
    for seq, (kind, value, *when) in enumerate(told, 1):
        at = when[0] if when else at
        found.handle(Report(A, seq, kind, value, at), at)
    found.ended_at = ENDED
    return found


def left(
    found: Call, claim: Claim = CLAIM, disposition: Disposition = Disposition.ANSWERED_HUMAN, **manifest: Any
) -> Outcome:
    return aftermath(found, claim, running(**manifest), disposition, ANSWERED, ENDED)[0]


# -- how much was heard ------------------------------------------------------------------------------------------------

PLAYED = ("play", "message", BEGAN)


@pytest.mark.parametrize(
    ("told", "length", "share"),
    [
        ([PLAYED, ("key", "1@message", BEGAN + 5)], 20.0, 0.25),
        ([PLAYED, ("key", "1@message", BEGAN)], 20.0, 0.0),
        ([PLAYED, ("result", "heard", BEGAN + 30)], 20.0, 1.0),
        ([PLAYED], 100.0, 0.5),  # who hangs up in it has heard so much
        ([PLAYED], 20.0, 1.0),
        ([PLAYED, ("key", "1@message", BEGAN + 5), ("play", "rating", BEGAN + 6)], 20.0, 0.25),
        ([("amd", "HUMAN/HUMAN-1-1", BEGAN - 3), PLAYED, ("optout", "message", BEGAN + 10)], 20.0, 0.5),
        ([PLAYED, ("play", "message", BEGAN + 4)], 20.0, 0.2),  # the first time counts
        ([("amd", "MACHINE/MAXWORDS-3-2"), PLAYED], 20.0, None),
        (
            [("amd", "MACHINE/MAXWORDS-3-2"), PLAYED, ("key", "1@message", BEGAN + 5)],
            20.0,
            0.25,
        ),  # a person after all
        ([("amd", "NOTSURE/TOOLONG-1"), PLAYED], 100.0, 0.5),
        ([("play", "agent", BEGAN)], 20.0, None),  # a callback that begins elsewhere
        ([("play", "voicemail", BEGAN)], 20.0, None),
        ([], 20.0, None),
        ([PLAYED], None, None),
        ([PLAYED], 0.0, None),
        ([PLAYED, ("key", "1@message", BEGAN - 2)], 20.0, 0.0),  # the PBX's clock was set
    ],
)
def test_the_share_of_the_message(told: list[Any], length: float | None, share: float | None) -> None:
    assert heard(call(*told), length, ENDED) == share
    assert (
        aftermath(call(*told), CLAIM, running(length), Disposition.ANSWERED_HUMAN, ANSWERED, ENDED)[0].heard
        == share
    )


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["play", "key", "answer", "result", "amd"]),
            st.sampled_from(["message", "1@message", "MACHINE/X", "q=yes"]),
            st.floats(900.0, 1_100.0),
        ),
        max_size=6,
    ),
    st.one_of(st.none(), st.floats(0.0, 300.0)),
)
def test_a_share_is_a_share(told: list[tuple[str, str, float]], length: float | None) -> None:
    found = heard(call(*told), length, ENDED)
    assert found is None or 0.0 <= found <= 1.0


# -- the result --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "result"),
    [
        ([], "hung_up"),
        ([PLAYED, ("key", "1@message")], "hung_up"),
        ([("answer", "rating=good")], "partial"),
        ([("answer", "rating=good"), ("play", "account")], "partial"),
        ([("answer", "rating=good"), ("result", "answered")], "answered"),
        ([("answer", "message=agreed"), ("result", "agreed")], "agreed"),
        ([("answer", "rating=good"), ("optout", "account")], "opted_out"),
        ([("answer", "rating=good"), ("transfer", "desk/waiting")], "partial"),
        ([("answer", "rating=good"), ("transfer", "desk/answered")], "transferred"),
        (
            [("transfer", "desk/waiting"), ("transfer", "desk/nobody"), ("result", "nobody_free")],
            "nobody_free",
        ),
    ],
)
def test_how_the_call_went(told: list[Any], result: str) -> None:
    """The flow says it at its end; of who hangs up before, what was answered counts."""
    assert left(call(*told)).result == result


def test_a_call_that_nobody_answered_has_no_result() -> None:
    outcome, _ = aftermath(Call(A), CLAIM, running(), Disposition.BUSY, Ending(cause=17, sip=486), ENDED)
    assert (outcome.result, outcome.heard) == ("", None)


# -- a callback --------------------------------------------------------------------------------------------------------


def test_it_is_due_when_the_person_was_told() -> None:
    found = call(("callback", "600>agent", 1_020.0), ("result", "call_back"))
    assert (left(found).next_at, left(found).callback_start, left(found).next_callback) == (
        1_620.0,
        "agent",
        True,
    )
    found.granted = 90_000.0
    assert left(found).next_at == 90_000.0


def test_a_time_of_day_is_the_callee_s() -> None:
    paris = left(call(("callback", "at1430>", 1_020.0)))
    assert paris.next_at == 13.5 * 3600
    assert (
        left(call(("callback", "at1430>", 1_020.0)), replace(CLAIM, zones=("Asia/Tokyo",))).next_at
        == 5.5 * 3600
    )
    assert paris.callback_start == ""


@pytest.mark.parametrize(
    ("most", "callbacks", "promised", "follows"),
    [
        (3, 0, False, True),
        (3, 2, False, True),
        (3, 2, True, False),
        (1, 0, False, True),
        (1, 0, True, False),
        (0, 0, False, False),
    ],
)
def test_nobody_is_promised_more_than_max_callbacks(
    most: int, callbacks: int, promised: bool, follows: bool
) -> None:
    claim = replace(
        CLAIM,
        callbacks=callbacks,
        callback_id=7 if promised else None,
        kind="callback" if promised else "first",
    )
    found = call(("callback", "600>", 1_020.0))
    outcome, decision = aftermath(
        found, claim, running(max_callbacks=most), Disposition.ANSWERED_HUMAN, ANSWERED, ENDED
    )
    assert isinstance(decision, CallbackAt) == follows
    assert ("max_callbacks" in outcome.note) != follows


def test_never_again_comes_before_a_callback() -> None:
    found = call(("callback", "600>", 1_020.0), ("optout", "message"))
    assert isinstance(
        aftermath(found, CLAIM, running(), Disposition.ANSWERED_HUMAN, ANSWERED, ENDED)[1], Final
    )


def test_what_a_call_costs() -> None:
    """By its length and the price of its trunk; when nobody knows how long it was, as much as it may have been."""
    cheap = settings()
    priced = {name: trunk.model_copy(update={"price": 0.6}) for name, trunk in cheap.trunk.items()}
    one = Running(
        CampaignRow(1, "spring", 50, "running", {**MANIFEST, "id": "spring"}, "f", 1.0, None, 1, None),
        cheap.model_copy(update={"trunk": priced}),
    )

    def cost(found: Call, disposition: Disposition, ending: Ending) -> float:
        return aftermath(found, CLAIM, one, disposition, ending, ENDED)[0].cost

    assert cost(call(), Disposition.ANSWERED_HUMAN, ANSWERED) == pytest.approx(0.5)
    assert cost(Call(A), Disposition.BUSY, Ending(cause=17)) == 0.0
    assert cost(Call(A), Disposition.UNKNOWN, Ending()) == one.tariff.most("a") > 5.0
