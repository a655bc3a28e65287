"""The life of a call under every order and every repetition of what Asterisk may tell."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import permutations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.channel import (
    ChannelEvent,
    HungUp,
    KeyPressed,
    OriginateFailed,
    Queued,
    Refused,
    Report,
    Ringing,
    Up,
)
from engine.dialing.call import (
    TIMEOUT_SLACK,
    Call,
    ProtocolError,
    State,
    verdict,
)
from engine.dialing.disposition import ANSWERED, Disposition
from engine.dialing.effects import AwaitHangup, Effect, End, HeardKey, Keep, StartRingTimer, TakeKey
from engine.dialing.promise import UNREADABLE, Asked

A = 0x01A2_0B9A_82C1_0000
SENT = 1_000.0
TIMEOUT = 37.0

QUEUED = Queued(A)
REFUSED = Refused(A, "Invalid channel")
RINGING = Ringing(A)
UP = Up(A)
FAILED = OriginateFailed(A, 0)
BUSY = HungUp(A, 17, 486, 1_010.0)
CLEARED = HungUp(A, 16, 0, 1_020.0, answered=True)
AMD = Report(A, 1, "amd", "HUMAN/HUMAN-800-800", 1_003.0)
PLAY = Report(A, 2, "play", "message", 1_003.0)
KEY = Report(A, 3, "key", "9@message", 1_004.0)
OPT_OUT = Report(A, 4, "optout", "message", 1_004.0)
DIGIT = KeyPressed(A, "9", "PJSIP/carrier-00000001")


def sent_call() -> Call:
    call = Call(A)
    call.sent(SENT, TIMEOUT)
    return call


def played(call: Call, events: Iterable[ChannelEvent]) -> list[Effect]:
    """All effects of the events; what must hold after each single one is checked on the way."""
    done: list[Effect] = []
    for at, event in enumerate(events):
        before = (call.state, call.ended_at, call.opted_out, call.pressed, len(call.reports))
        effects = call.handle(event, SENT + 1.0 + at)
        check_step(call, event, before[0], effects)
        if before[0] is State.ENDED:
            assert call.ended_at == before[1]
        assert (call.opted_out, call.pressed, len(call.reports)) >= before[2:]
        done += effects
    return done


def check_step(call: Call, event: ChannelEvent, was: State, effects: list[Effect]) -> None:
    assert len(effects) <= 1
    if was is State.ENDED:
        assert call.state is State.ENDED
        assert all(isinstance(effect, Keep) for effect in effects)
    for effect in effects:
        match effect:
            case StartRingTimer():
                assert isinstance(event, Ringing)
                assert was in (State.CLAIMED, State.SENT)
                assert call.state is State.RINGING
            case AwaitHangup():
                assert isinstance(event, OriginateFailed)
                assert was not in (State.UP, State.ENDED)
            case TakeKey(digit, channel):
                assert event == KeyPressed(A, digit, channel)
                assert was is State.UP
                assert not call.reports
            case Keep(report):
                assert event is report
                assert call.state in (State.UP, State.ENDED)
            case End():
                assert isinstance(event, HungUp | Refused)
                assert call.state is State.ENDED
                assert call.ended_at is not None


def check_whole(call: Call, events: Sequence[ChannelEvent], effects: list[Effect]) -> None:
    ends = [effect for effect in effects if isinstance(effect, End)]
    over = [event for event in events if isinstance(event, HungUp | Refused)]
    assert len(ends) == min(len(over), 1)
    assert (call.state is State.ENDED) == bool(over)
    assert sum(isinstance(effect, StartRingTimer) for effect in effects) <= 1
    assert sum(isinstance(effect, TakeKey) for effect in effects) <= 1
    told = [event for event in events if isinstance(event, Report)]
    kept = [effect.report for effect in effects if isinstance(effect, Keep)]
    assert {report.seq for report in kept} == {report.seq for report in told}  # none is lost
    assert len(kept) == len({report.seq for report in kept})  # none is taken twice
    assert call.reports == kept
    assert call.opted_out == any(report.kind == "optout" for report in told)
    if not ends:
        assert (call.state is State.UP) == any(isinstance(event, Up | Report) for event in events)
    elif isinstance(over[0], HungUp):
        earlier = events[: events.index(over[0])]
        answered = over[0].answered or any(isinstance(event, Up | Report) for event in earlier)
        assert ends[0].ending.answered == answered
        assert (ends[0].disposition in ANSWERED) == answered
        assert (ends[0].ending.cause, ends[0].ending.sip) == (over[0].cause, over[0].sip)
        assert call.ended_at == over[0].at


def test_every_sequence_up_to_four_events() -> None:
    pool: list[ChannelEvent] = [QUEUED, REFUSED, RINGING, UP, FAILED, BUSY, CLEARED, AMD, OPT_OUT, DIGIT]
    for length in range(5):
        for events in product(pool, repeat=length):
            call = sent_call()
            check_whole(call, events, played(call, events))


def test_every_order_of_a_whole_answered_call() -> None:
    for events in permutations([QUEUED, RINGING, UP, DIGIT, AMD, OPT_OUT, CLEARED]):
        call = sent_call()
        effects = played(call, events)
        check_whole(call, events, effects)
        [end] = [effect for effect in effects if isinstance(effect, End)]
        assert end.disposition in ANSWERED
        assert call.opted_out


def test_every_order_of_a_failed_call_ends_alike() -> None:
    """OriginateResponse and Hangup cross: how the call ends must not hang on which comes first."""
    for ending, disposition in [
        (BUSY, Disposition.BUSY),
        (HungUp(A, 1, 404, 1_001.0), Disposition.INVALID_NUMBER),
        (HungUp(A, 34, 503, 1_001.0), Disposition.CONGESTION),
        (HungUp(A, 21, 603, 1_001.0), Disposition.REJECTED),
        (HungUp(A, 19, 480, 1_001.0), Disposition.NO_ANSWER),
    ]:
        for events in permutations([QUEUED, FAILED, FAILED, ending, ending]):
            [end] = [effect for effect in played(sent_call(), events) if isinstance(effect, End)]
            assert end.disposition is disposition


reports = st.builds(
    Report,
    st.just(A),
    st.integers(1, 6),
    st.sampled_from(["amd", "play", "key", "optout", "callback", "result", "end", "?"]),
    st.sampled_from(["HUMAN/HUMAN-1-1", "MACHINE/MAXWORDS-4-3", "60", "", "opted_out", "9@message"]),
    st.floats(1_000.0, 2_000.0),
)
events_of_a_call = st.one_of(
    st.sampled_from([QUEUED, REFUSED, RINGING, UP, FAILED, DIGIT]),
    reports,
    st.builds(
        HungUp,
        st.just(A),
        st.integers(0, 127),
        st.sampled_from([0, 480, 486, 503]),
        st.just(1_030.0),
        st.booleans(),
        st.booleans(),
    ),
)


@given(st.lists(events_of_a_call, max_size=40))
def test_any_long_sequence_with_duplicates(events: list[ChannelEvent]) -> None:
    call = sent_call()
    effects = played(call, events)
    ends = [effect for effect in effects if isinstance(effect, End)]
    assert len(ends) == (call.state is State.ENDED)
    seqs = [report.seq for report in call.reports]
    assert sorted(seqs) == sorted({event.seq for event in events if isinstance(event, Report)})
    assert [effect.report for effect in effects if isinstance(effect, Keep)] == call.reports
    assert sum(isinstance(effect, TakeKey) for effect in effects) <= 1


@given(
    st.lists(
        st.one_of(events_of_a_call, st.sampled_from(["ring_timeout", "withdraw", "give_up"])), max_size=30
    )
)
def test_what_we_do_ourselves_may_come_between_any_events(steps: list[ChannelEvent | str]) -> None:
    call = sent_call()
    ends: list[End] = []
    for step in steps:
        was = call.state
        if step == "ring_timeout":
            assert call.ring_timed_out() == (was is State.RINGING)
            assert call.state is was
        elif step == "withdraw":
            assert call.withdraw() == (was in (State.SENT, State.RINGING))
            assert call.state is was
        elif step == "give_up":
            given_up = call.give_up(Disposition.UNKNOWN, 1_050.0)
            assert (given_up == []) == (was is State.ENDED)
            ends += [effect for effect in given_up if isinstance(effect, End)]
        else:
            assert not isinstance(step, str)
            effects = call.handle(step, 1_001.0)
            check_step(call, step, was, effects)
            ends += [effect for effect in effects if isinstance(effect, End)]
    assert len(ends) == (call.state is State.ENDED)


def test_a_user_event_after_the_hangup_is_still_kept() -> None:
    call = sent_call()
    played(call, [UP, CLEARED])
    assert call.handle(OPT_OUT, 1_021.0) == [Keep(OPT_OUT)]
    assert call.handle(OPT_OUT, 1_022.0) == []
    assert call.opted_out
    assert call.reports == [OPT_OUT]


def test_a_report_of_a_call_that_is_not_known_to_be_up_means_that_it_was_answered() -> None:
    call = sent_call()
    played(call, [RINGING, PLAY])
    assert call.state is State.UP
    assert call.answered_at == PLAY.at
    assert not call.ring_timed_out()
    assert not call.withdraw()
    [end] = played(call, [HungUp(A, 16, 0, 1_020.0)])
    assert isinstance(end, End)
    assert end.disposition is Disposition.ANSWERED_UNSURE


def test_a_failed_originate_of_an_answered_call_waits_for_nothing() -> None:
    call = sent_call()
    assert played(call, [UP, FAILED]) == []
    [end] = played(call, [CLEARED])
    assert isinstance(end, End)
    assert end.disposition is Disposition.ANSWERED_UNSURE


def test_a_failure_without_any_hangup_ends_as_it_is_given_up() -> None:
    call = sent_call()
    assert played(call, [FAILED]) == [AwaitHangup()]
    [end] = call.give_up(Disposition.CONGESTION, 1_003.0)
    assert end == End(Disposition.CONGESTION, end.ending)
    assert call.ended_at == 1_003.0
    assert played(call, [BUSY]) == []


def test_when_it_rang_is_when_that_was_first_seen_and_moves_with_the_clock() -> None:
    call = sent_call()
    call.handle(RINGING, SENT + 2.5)
    call.handle(RINGING, SENT + 4.0)
    assert call.rang_at == SENT + 2.5
    call.clock_was_set(3600.0)
    assert call.rang_at == SENT + 3602.5
    late = sent_call()
    played(late, [HungUp(A, 19, 0, SENT + TIMEOUT, rang=True)])
    assert (late.rang, late.rang_at) == (True, None)


def test_giving_up_tells_what_was_known() -> None:
    call = sent_call()
    played(call, [RINGING, UP, AMD, KEY])
    [end] = call.give_up(Disposition.UNKNOWN, 1_100.0)
    assert isinstance(end, End)
    assert end.disposition is Disposition.UNKNOWN
    assert end.ending.answered
    assert end.ending.rang
    assert end.ending.pressed
    assert end.ending.amd == "HUMAN"


@pytest.mark.parametrize(
    ("events", "asked"),
    [
        ([UP, DIGIT], True),
        ([UP, DIGIT, DIGIT], True),
        ([UP, AMD, DIGIT], False),
        ([UP, PLAY, DIGIT], False),
        ([RINGING, DIGIT], False),
        ([DIGIT], False),
        ([UP, CLEARED, DIGIT], False),
    ],
)
def test_a_key_is_taken_while_the_dialplan_listens_for_none(events: list[ChannelEvent], asked: bool) -> None:
    call = sent_call()
    effects = [effect for effect in played(call, events) if isinstance(effect, TakeKey)]
    assert effects == ([TakeKey("9", DIGIT.channel)] if asked else [])
    assert call.pressed == asked


def test_an_early_key_is_a_person_whatever_the_detection_says() -> None:
    call = sent_call()
    effects = played(call, [UP, DIGIT, Report(A, 1, "amd", "MACHINE/MAXWORDS-4-3", 1_004.0), CLEARED])
    assert isinstance(effects[-1], End)
    assert effects[-1].disposition is Disposition.ANSWERED_HUMAN


def test_the_last_verdict_counts_in_whatever_order_they_come() -> None:
    verdicts = [
        Report(A, 1, "amd", "HUMAN/HUMAN-700-300", 1_002.0),
        Report(A, 3, "amd", "MACHINE/TALKED-4000", 1_008.0),
    ]
    for order in (verdicts, verdicts[::-1]):
        call = sent_call()
        effects = played(call, [UP, *order, CLEARED])
        assert isinstance(effects[-1], End)
        assert effects[-1].disposition is Disposition.ANSWERED_MACHINE
        assert verdict(call.reports) == "MACHINE/TALKED-4000"
    assert verdict([]) == ""


def test_a_machine_that_presses_a_key_was_a_person() -> None:
    call = sent_call()
    effects = played(
        call,
        [UP, Report(A, 1, "amd", "MACHINE/LONGGREETING-4180", 1_006.0), Report(A, 3, "amd", "KEY/LATE", 1_012.0), CLEARED],
    )  # fmt: skip
    assert isinstance(effects[-1], End)
    assert effects[-1].disposition is Disposition.ANSWERED_HUMAN
    assert verdict(call.reports) == "KEY/LATE"


@pytest.mark.parametrize(
    ("kind", "value", "attribute", "seen"),
    [
        ("amd", "HUMAN/HUMAN-815-800", "amd", "HUMAN"),
        ("amd", "/", "amd", ""),
        ("key", "5@message", "pressed", True),
        ("optout", "message", "opted_out", True),
        ("callback", "3600", "asked", Asked(1_003.0, 3600.0)),
        ("callback", "soon>", "asked", Asked(1_003.0, UNREADABLE)),
        ("callback", "at0905+1>agent", "asked", Asked(1_003.0, None, 9, 5, True, "agent")),
        ("answer", "q1=yes", "answered", True),
        ("answer", "account=40719", "pressed", True),
        ("answer", "story=refused", "pressed", False),
        ("answer", "story=refused", "answered", False),
        ("transfer", "desk/answered", "pressed", False),
        ("transfer", "desk/waiting", "result", ""),
        ("transfer", "desk/answered", "result", "transferred"),
        ("transfer", "desk/nobody", "result", ""),
        ("play", "q1", "nodes", ["q1"]),
        ("record", "story", "nodes", []),
        ("result", "confirmed", "result", "confirmed"),
        ("play", "message", "answered_at", 1_003.0),
    ],
)
def test_what_a_report_says(kind: str, value: str, attribute: str, seen: object) -> None:
    call = sent_call()
    played(call, [Report(A, 1, kind, value, 1_003.0)])
    assert getattr(call, attribute) == seen


def test_the_nodes_of_a_call_the_last_first() -> None:
    call = sent_call()
    told = [
        ("play", "message"),
        ("key", "1@message"),
        ("play", "rating"),
        ("answer", "rating=5"),
        ("play", "message"),
    ]
    played(call, [Report(A, seq, kind, value, 1_003.0) for seq, (kind, value) in enumerate(told, 1)])
    assert call.nodes == ["message", "rating", "message"]


def test_the_last_result_counts_and_a_transfer_that_was_answered_is_one() -> None:
    """The agent's side tells of the answer; when it is the agent who hangs up, the dialplan says so too."""
    call = sent_call()
    told = [
        ("result", "confirmed"),
        ("transfer", "desk/waiting"),
        ("transfer", "desk/answered"),
        ("result", "transferred"),
    ]
    for seq, (kind, value) in enumerate(told, 1):
        played(call, [Report(A, seq, kind, value, 1_003.0)])
    assert call.result == "transferred"


def test_a_clock_that_is_set_moves_what_was_promised() -> None:
    call = sent_call()
    played(call, [Report(A, 1, "callback", "60>agent", 1_003.0)])
    call.granted = 2_000.0
    call.clock_was_set(500.0)
    assert (call.asked, call.granted) == (Asked(1_503.0, 60.0, start="agent"), 2_500.0)


def test_a_callback_was_asked_for_by_a_person() -> None:
    call = sent_call()
    played(call, [Report(A, 1, "callback", "60", 1_003.0)])
    assert call.pressed


@pytest.mark.parametrize(
    ("events", "at", "disposition"),
    [
        ([RINGING], SENT + TIMEOUT, Disposition.NO_ANSWER),
        ([RINGING], SENT + TIMEOUT - TIMEOUT_SLACK, Disposition.NO_ANSWER),
        ([], SENT + TIMEOUT, Disposition.FAILED),  # it never rang: nobody could have answered
        ([RINGING], SENT + 3.0, Disposition.FAILED),
        ([RINGING, UP], SENT + TIMEOUT, Disposition.ANSWERED_UNSURE),
    ],
)
def test_an_unanswered_call_as_old_as_the_originate_allows_was_given_up_by_us(
    events: list[ChannelEvent], at: float, disposition: Disposition
) -> None:
    [*_, end] = played(sent_call(), [*events, HungUp(A, 16, 0, at)])
    assert isinstance(end, End)
    assert end.disposition is disposition


def test_the_480_that_asterisk_makes_of_its_own_time_out_is_not_the_far_ends() -> None:
    """A carrier that never rings: seen with cause 19 and 480 in Asterisk 22, see docs/dispositions.md."""
    [end] = played(sent_call(), [HungUp(A, 19, 480, SENT + TIMEOUT)])
    assert isinstance(end, End)
    assert end.disposition is Disposition.FAILED
    [end] = played(sent_call(), [HungUp(A, 19, 480, SENT + 3.0)])
    assert isinstance(end, End)
    assert end.disposition is Disposition.NO_ANSWER


def test_a_call_taken_up_after_a_restart_rang_if_its_hangup_says_so() -> None:
    [end] = played(sent_call(), [HungUp(A, 19, 0, SENT + TIMEOUT, rang=True)])
    assert isinstance(end, End)
    assert end.ending.rang
    assert end.disposition is Disposition.NO_ANSWER


def test_the_ring_timeout_is_ours_and_so_is_a_withdrawal() -> None:
    call = sent_call()
    played(call, [RINGING])
    assert call.ring_timed_out()
    [end] = played(call, [HungUp(A, 16, 0, 1_026.0)])
    assert isinstance(end, End)
    assert end.disposition is Disposition.NO_ANSWER

    call = sent_call()
    assert call.withdraw()
    [end] = played(call, [HungUp(A, 16, 0, 1_002.0)])
    assert isinstance(end, End)
    assert end.disposition is Disposition.CANCELLED


@pytest.mark.parametrize("events", [[], [QUEUED], [RINGING], [UP], [BUSY]])
def test_sending_twice_is_our_own_error(events: list[ChannelEvent]) -> None:
    call = sent_call()
    played(call, events)
    with pytest.raises(ProtocolError, match="already sent"):
        call.sent(SENT + 1, TIMEOUT)


@pytest.mark.parametrize("event", [RINGING, UP, BUSY, REFUSED, AMD])
def test_sending_a_call_of_which_asterisk_has_told_is_our_own_error(event: ChannelEvent) -> None:
    call = Call(A)
    call.handle(event, SENT)
    with pytest.raises(ProtocolError):
        call.sent(SENT + 1, TIMEOUT)


def test_a_claimed_call_can_be_void_but_not_withdrawn_nor_timed_out() -> None:
    call = Call(A)
    assert not call.withdraw()
    assert not call.ring_timed_out()
    [end] = call.give_up(Disposition.NOT_SENT, SENT)
    assert isinstance(end, End)
    assert end.disposition is Disposition.NOT_SENT
    assert call.sent_at is None
    assert call.give_up(Disposition.NOT_SENT, SENT) == []


def test_a_refusal_keeps_asterisks_own_words() -> None:
    call = sent_call()
    [end] = played(call, [REFUSED])
    assert isinstance(end, End)
    assert end.disposition is Disposition.FAILED
    assert call.refusal == "Invalid channel"


def test_repr_shows_the_attempt_as_asterisk_does() -> None:
    call = sent_call()
    played(call, [RINGING, AMD])
    assert repr(call) == "<Call v01a20b9a82c10000 up reports=1>"


def test_a_key_is_heard_also_where_the_dialplan_does_not_listen() -> None:
    call = Call(A)
    call.sent(0.0, 30.0)
    played(call, [Up(A), Report(A, 1, "amd", "MACHINE/LONGGREETING", 3.0)])
    assert call.handle(KeyPressed(A, "9", "PJSIP/carrier-1"), 5.0) == [HeardKey("9")]


def test_keys_that_are_pressed_while_an_agent_talks_are_the_agents() -> None:
    call = Call(A)
    call.sent(0.0, 30.0)
    played(
        call, [Up(A), Report(A, 1, "amd", "HUMAN/HUMAN", 3.0), Report(A, 2, "transfer", "desk/waiting", 6.0)]
    )
    key = KeyPressed(A, "9", "PJSIP/carrier-1")
    assert call.handle(key, 7.0) == [HeardKey("9")], "nobody has answered yet: the menu's key still counts"
    played(call, [Report(A, 3, "transfer", "desk/answered", 8.0)])
    assert call.handle(key, 9.0) == []
    assert not call.opted_out
