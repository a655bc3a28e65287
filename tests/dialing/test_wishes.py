"""What people ask for in a call: they are told when the callback will be, agents' places move, never again is heard where it counts."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from engine.channel import KeyPressed, Report, Up, channel_id
from engine.dialing.surroundings import REAP_GRACE
from engine.store import suppression

DESK = {"desk": {"dial": "PJSIP/101", "places": 1, "calls_per_place": 2, "max_talk": "20m", "ring": "20s"}}
TO_DESK = {"menu": {"keys": {"1": "transfer:desk"}}}


async def called(desk, *contacts, calls: int | None = None, **manifest) -> list[int]:
    """The attempts to these contacts, answered by people."""
    await desk.campaign("spring", *contacts, **manifest)
    desk.start()
    calls = len(contacts) if calls is None else calls
    await desk.until(lambda: len(desk.exchange.written) == calls)
    for attempt in desk.written():
        answer(desk, attempt)
    return desk.written()


def answer(desk, attempt: int) -> None:
    desk.follower.take(Up(attempt))
    tell(desk, attempt, "amd", "HUMAN/HUMAN-1-1")


def tell(desk, attempt: int, kind: str, value: str = "") -> None:
    """The dialplan's next report of this call."""
    live = desk.ledger.get(attempt)
    seq = 1 + len(live.call.reports) if live is not None else 900
    desk.follower.take(Report(attempt, seq, kind, value, desk.clock.now()))


def press(desk, attempt: int, digit: str) -> None:
    desk.follower.take(KeyPressed(attempt, digit, "PJSIP/a-1"))


async def hang_up(desk, attempt: int) -> dict:
    desk.hang_up(attempt, 16, 0, answered=True)
    await desk.until(
        lambda: any(line["attempt"] == channel_id(attempt) for line in desk.events("call.ended"))
    )
    [line] = [line for line in desk.events("call.ended") if line["attempt"] == channel_id(attempt)]
    return line


# -- a callback --------------------------------------------------------------------------------------------------------


def hours_around(now: float) -> tuple[dict[str, str], float]:
    """A window that is open now and closed in two hours; and when it opens tomorrow."""
    begin = datetime.fromtimestamp(now, UTC).replace(second=0, microsecond=0) - timedelta(minutes=30)
    end = begin + timedelta(hours=1)
    window = {"from": f"{begin:%H:%M}", "to": f"{end:%H:%M}", "timezone": "UTC"}
    return window, (begin + timedelta(days=1)).timestamp()


@pytest.mark.parametrize(
    ("language", "formats"), [("en", "ABdYIMp"), ("fr", "AdBYHM"), ("en-GB", "ABdYIMp"), ("sv", "AdBYHM")]
)
async def test_the_person_is_told_when_it_will_really_be(desk, person, language: str, formats: str) -> None:
    window, tomorrow = hours_around(desk.clock.now())
    [attempt] = await called(desk, person(1), window=[window], language=language)
    tell(desk, attempt, "callback", "7200>agent")
    await desk.follower.backlog.settled()
    assert desk.exchange.variables == [
        (
            channel_id(attempt),
            {"VOLLEY_ZONE": "Europe/Paris", "VOLLEY_WHEN": formats, "VOLLEY_GRANTED": str(int(tomorrow))},
        )
    ]
    assert list(desk.exchange.variables[0][1])[-1] == "VOLLEY_GRANTED", "the dialplan waits for this one"
    tell(desk, attempt, "result", "call_back")
    line = await hang_up(desk, attempt)
    assert (line["next"], line["next_at"], line["result"]) == ("CallbackAt", tomorrow, "call_back")
    assert desk.rows("SELECT due_at, start, caller_id, state FROM callbacks") == [
        (tomorrow, "agent", "+33162000001", "due")
    ]
    assert desk.rows("SELECT due_at FROM contacts") == [tomorrow]
    desk.check_idle()


async def test_within_the_hours_it_is_when_it_was_asked_for(desk, person) -> None:
    [attempt] = await called(desk, person(1))
    before = desk.clock.now()
    tell(desk, attempt, "callback", "7200>")
    await desk.follower.backlog.settled()
    [(_, told)] = desk.exchange.variables
    assert int(before) + 7200 <= int(told["VOLLEY_GRANTED"]) <= desk.clock.now() + 7200
    await hang_up(desk, attempt)
    [due] = desk.rows("SELECT due_at FROM callbacks")
    assert int(due) == int(told["VOLLEY_GRANTED"])


async def test_the_zone_is_the_contact_s_own_word(desk, person) -> None:
    [attempt] = await called(desk, replace(person(1), timezone="Europe/London", language="fr"))
    tell(desk, attempt, "callback", "at0000>")
    await desk.follower.backlog.settled()
    [(_, told)] = desk.exchange.variables
    assert (told["VOLLEY_ZONE"], told["VOLLEY_WHEN"]) == ("Europe/London", "AdBYHM")


async def test_what_cannot_be_is_not_told(desk, person) -> None:
    """The call says that a callback is promised, and no time; the gate has the last word when it is due."""
    expires = datetime.now(UTC) + timedelta(hours=1)
    [attempt] = await called(desk, replace(person(1), expires=expires))
    asked = desk.clock.now()
    tell(desk, attempt, "callback", "7200>")
    await desk.follower.backlog.settled()
    assert desk.exchange.variables == []
    await hang_up(desk, attempt)
    [due] = desk.rows("SELECT due_at FROM callbacks")
    assert due == pytest.approx(asked + 7200, abs=2.0)


async def test_who_is_asked_again_is_told_again(desk, person) -> None:
    [attempt] = await called(desk, person(1))
    for after in ("7200>", "3600>agent"):
        tell(desk, attempt, "callback", after)
        await desk.follower.backlog.settled()
    first, second = (int(told["VOLLEY_GRANTED"]) for _, told in desk.exchange.variables)
    assert first - second == pytest.approx(3600, abs=2)
    await hang_up(desk, attempt)
    assert [(int(due), start) for due, start in desk.rows("SELECT due_at, start FROM callbacks")] == [
        (second, "agent")
    ]


async def test_a_link_that_breaks_meanwhile_breaks_no_promise(desk, person) -> None:
    window, tomorrow = hours_around(desk.clock.now())
    [attempt] = await called(desk, person(1), window=[window])
    desk.exchange.unreachable = True
    tell(desk, attempt, "callback", "7200>")
    await desk.follower.backlog.settled()
    [fault] = desk.events("engine.fault")
    assert (fault["log_level"], fault["what"]) == ("warning", "could not tell when the callback will be")
    assert fault["attempt"] == channel_id(attempt)
    await hang_up(desk, attempt)
    assert desk.rows("SELECT due_at FROM callbacks") == [tomorrow]


async def test_what_is_asked_after_the_end_takes_nothing(desk, person) -> None:
    [attempt] = await called(desk, person(1))
    await hang_up(desk, attempt)
    for kind, value in (("callback", "60>"), ("transfer", "desk/waiting")):
        tell(desk, attempt, kind, value)
    await desk.follower.backlog.settled()
    assert desk.exchange.variables == []
    assert desk.rows("SELECT count(*) FROM callbacks") == [0]
    assert desk.ledger.agents.talking("desk") == 0
    desk.check_idle()


async def test_the_callback_begins_where_it_was_promised(desk, person) -> None:
    [attempt] = await called(desk, person(1))
    assert "VOLLEY_START" not in desk.exchange.given[0]
    tell(desk, attempt, "callback", "0>agent")
    desk.hang_up(attempt, 16, 0, answered=True)
    await desk.until(lambda: len(desk.exchange.written) == 2)
    assert desk.exchange.given[1]["VOLLEY_START"] == "agent"


async def test_when_there_were_enough_callbacks_the_call_offers_none(desk, person) -> None:
    [first] = await called(desk, person(1), max_callbacks=2)
    for at in range(2):
        tell(desk, desk.written()[at], "callback", "0>")
        desk.hang_up(desk.written()[at], 16, 0, answered=True)
        await desk.until(lambda at=at: len(desk.exchange.written) == at + 2)
        answer(desk, desk.written()[at + 1])
    assert [given.get("VOLLEY_NO_CALLBACK") for given in desk.exchange.given] == [None, None, "1"]
    assert desk.written()[0] == first


async def test_a_campaign_without_callbacks_offers_none(desk, person) -> None:
    await called(desk, person(1), max_callbacks=0)
    assert desk.exchange.given[0]["VOLLEY_NO_CALLBACK"] == "1"


async def test_what_is_spoken_goes_with_the_call(desk, person) -> None:
    await called(
        desk, replace(person(1), spoken={"DUE": "1798113600", "SUM": "12-50-eur"}, language="fr"), person(2)
    )
    by = {
        headers["Channel"]: given
        for headers, given in zip(desk.exchange.written, desk.exchange.given, strict=True)
    }
    [speaking] = [given for channel, given in by.items() if "001001" in channel]
    [plain] = [given for channel, given in by.items() if "001002" in channel]
    assert {name: value for name, value in speaking.items() if name.startswith(("VOLLEY_S_", "VOLLEY_DATE", "VOLLEY_TIME"))} == {
        "VOLLEY_S_DUE": "1798113600", "VOLLEY_S_SUM": "12-50-eur", "VOLLEY_DATE": "AdBY", "VOLLEY_TIME": "HM",
    }  # fmt: skip
    assert not [name for name in plain if name.startswith(("VOLLEY_S_", "VOLLEY_DATE", "VOLLEY_TIME"))]


# -- agents ------------------------------------------------------------------------------------------------------------


async def test_who_talks_slows_the_dialer_down(new_desk, person) -> None:
    """One agent, two calls for a free one. While the agent talks nobody else is dialed; then two at a time again."""
    async with new_desk(transfer=DESK) as desk:
        first, second = await called(desk, *(person(row) for row in range(1, 6)), calls=2, **TO_DESK)
        await asyncio.sleep(0.05)
        assert len(desk.exchange.written) == 2
        tell(desk, first, "transfer", "desk/waiting")
        tell(desk, first, "transfer", "desk/answered")
        assert desk.ledger.agents.talking("desk") == 1
        await hang_up(desk, second)
        await asyncio.sleep(0.05)
        assert len(desk.exchange.written) == 2, "the only agent talks"
        line = await hang_up(desk, first)
        assert line["result"] == "transferred"
        await desk.until(lambda: len(desk.exchange.written) == 4)
        await asyncio.sleep(0.05)
        assert len(desk.exchange.written) == 4
        for attempt in desk.written()[2:]:
            desk.hang_up(attempt, 16, 0, answered=True)
        await desk.until(lambda: len(desk.exchange.written) == 5)
        await hang_up(desk, desk.written()[4])
        assert desk.ledger.agents.room(["desk"]) == 2
        desk.check_idle()


async def test_where_nobody_was_free_the_place_is_free_again(new_desk, person) -> None:
    async with new_desk(transfer=DESK) as desk:
        first, second = await called(desk, *(person(row) for row in range(1, 4)), calls=2, **TO_DESK)
        tell(desk, first, "transfer", "desk/waiting")
        await hang_up(desk, second)
        await asyncio.sleep(0.05)
        assert len(desk.exchange.written) == 2
        tell(desk, first, "transfer", "desk/nobody")
        assert desk.ledger.agents.talking("desk") == 0
        await desk.until(lambda: len(desk.exchange.written) == 3)
        tell(desk, first, "result", "nobody_free")
        assert (await hang_up(desk, first))["result"] == "nobody_free"


async def test_a_campaign_that_leads_to_no_agent_does_not_wait_for_one(new_desk, person) -> None:
    async with new_desk(transfer=DESK) as desk:
        await desk.campaign("other", *(person(row) for row in range(11, 21)))
        await called(desk, *(person(row) for row in range(1, 6)), calls=12, **TO_DESK)
        assert sum(headers["Account"] == "spring" for headers in desk.exchange.written) == 2


async def test_a_call_that_is_connected_may_last_longer(new_desk, person) -> None:
    async with new_desk(transfer=DESK) as desk:
        [attempt] = await called(desk, person(1), **TO_DESK, max_call="60s")
        live = desk.ledger.get(attempt)
        assert live.deadline == pytest.approx(desk.clock.mono() + 60 + REAP_GRACE, abs=2.0)
        tell(desk, attempt, "transfer", "desk/waiting")
        assert live.deadline == pytest.approx(desk.clock.mono() + 1200 + 20 + REAP_GRACE, abs=2.0)
        longest = live.deadline
        tell(desk, attempt, "transfer", "desk/nobody")
        assert live.deadline == longest


async def test_a_short_talk_does_not_shorten_the_call(new_desk, person) -> None:
    brief = {"desk": {**DESK["desk"], "max_talk": "30s"}}
    async with new_desk(transfer=brief) as desk:
        [attempt] = await called(desk, person(1), **TO_DESK, max_call="1h")
        before = desk.ledger.get(attempt).deadline
        tell(desk, attempt, "transfer", "desk/waiting")
        assert desk.ledger.get(attempt).deadline == before


async def test_a_target_that_left_the_settings_breaks_nothing(desk, person) -> None:
    [attempt] = await called(desk, person(1), **TO_DESK)
    for value in ("desk/waiting", "desk/answered", "desk/nobody", "desk", ""):
        tell(desk, attempt, "transfer", value)
    await hang_up(desk, attempt)
    assert desk.events("engine.fault") == []
    desk.check_idle()


OUTSIDE = {"desk": {"number": "+33199001050", "trunk": "b", "caller_id": "+33162000001", "places": 5}}


@pytest.mark.parametrize("how", ["nobody", "hang up"])
async def test_the_second_call_is_a_channel_of_its_trunk(new_desk, person, how: str) -> None:
    async with new_desk(transfer=OUTSIDE) as desk:
        [attempt] = await called(desk, person(1), **TO_DESK, trunks=["a"])
        channels = [desk.trunks.by_name[name].live for name in "ab"]
        assert channels == [1, 0]
        for what in ("waiting", "waiting", "answered"):
            tell(desk, attempt, "transfer", f"desk/{what}")
        assert [desk.trunks.by_name[name].live for name in "ab"] == [1, 1]
        if how == "nobody":
            tell(desk, attempt, "transfer", "desk/nobody")
            assert [desk.trunks.by_name[name].live for name in "ab"] == [1, 0]
        await hang_up(desk, attempt)
        desk.check_idle()


# -- never again, node by node -----------------------------------------------------------------------------------------

FLOW = {
    "menu": {"keys": {"1": "go:account", "2": "go:rating"}},
    "nodes": {
        "account": {"kind": "digits", "prompts": ["a.wav"], "then": "more"},
        "more": {"kind": "menu", "prompts": ["a.wav"], "keys": {"1": "go:story", "2": "go:when"}},
        "rating": {"kind": "question", "prompts": ["a.wav"], "answers": {"9": "great"}, "never_again": "0", "then": "told"},
        "told": {"kind": "message", "prompts": ["a.wav"], "then": "more"},
        "story": {"kind": "record", "consent": ["a.wav"], "prompts": ["a.wav"], "keep": 3600, "then": "end"},
        "when": {"kind": "callback", "prompts": ["a.wav"], "start": "rating"},
    },
}  # fmt: skip


@pytest.mark.parametrize(
    ("played", "digit", "counts"),
    [
        (["message"], "9", True),
        (["message"], "0", False),
        (["message", "account"], "9", False),  # where digits are typed, 9 is a digit
        (["message", "account", "more"], "9", True),
        (["message", "account", "more", "when"], "9", False),
        (["message", "rating"], "9", False),
        (["message", "rating"], "0", True),
        (["message", "rating", "told"], "0", True),  # the key of the menu before still counts
        (["message", "rating", "told"], "9", False),
        (["message", "rating", "told", "more"], "0", False),
        (["message", "rating", "told", "more"], "9", True),
        (["message", "account", "more", "story"], "9", True),
        (["message", "account", "more", "story"], "1", False),
        (["voicemail"], "9", True),
    ],
)
async def test_never_again_is_heard_where_it_is_said(
    desk, person, played: list[str], digit: str, counts: bool
) -> None:
    [attempt] = await called(desk, person(1), **FLOW)
    for node in played:
        tell(desk, attempt, "play", node)
    press(desk, attempt, digit)
    press(desk, attempt, digit)
    await desk.follower.backlog.settled()
    assert len(desk.events("optout.recorded")) == counts
    assert desk.rows("SELECT count(*) FROM suppression") == [counts]
    assert (await hang_up(desk, attempt))["result"] == ("opted_out" if counts else "hung_up")


async def test_the_1_of_a_recording_is_a_yes_whatever_1_was_before(desk, person) -> None:
    menu = {"keys": {"1": "never_again", "2": "go:story"}}
    [attempt] = await called(desk, person(1), menu=menu, nodes={"story": FLOW["nodes"]["story"]})
    for node in ("message", "story"):
        tell(desk, attempt, "play", node)
    press(desk, attempt, "1")
    await desk.follower.backlog.settled()
    assert desk.events("optout.recorded") == []


@pytest.mark.parametrize(
    ("start", "digit", "counts"),
    [("rating", "9", False), ("rating", "0", True), ("when", "9", False), ("", "9", True)],
)
async def test_before_the_verdict_the_first_node_of_the_call_counts(
    desk, person, start: str, digit: str, counts: bool
) -> None:
    """Of a callback that is the one with which it begins."""
    [attempt] = await called(desk, person(1), **FLOW)
    tell(desk, attempt, "callback", f"0>{start}")
    desk.hang_up(attempt, 16, 0, answered=True)
    await desk.until(lambda: len(desk.exchange.written) == 2)
    kept = desk.written()[1]
    desk.follower.take(Up(kept))
    press(desk, kept, digit)
    await desk.follower.backlog.settled()
    assert desk.exchange.redirected == [("PJSIP/a-1", "volley-early", digit)]
    assert len(desk.events("optout.recorded")) == counts


@pytest.mark.parametrize("played", [[], ["own"], ["own", "question"], ["own", "message"]])
async def test_in_a_context_of_one_s_own_no_key_means_it_by_itself(desk, person, played: list[str]) -> None:
    [attempt] = await called(desk, person(1), context="my-survey", message=None)
    for node in played:
        tell(desk, attempt, "play", node)
    press(desk, attempt, "9")
    await desk.follower.backlog.settled()
    assert desk.events("optout.recorded") == []
    tell(desk, attempt, "optout", "own")
    await desk.follower.backlog.settled()
    assert len(desk.events("optout.recorded")) == 1


# -- what was heard and answered ---------------------------------------------------------------------------------------


async def test_answers_are_in_the_log_and_typed_ones_are_not(desk, person) -> None:
    [attempt] = await called(desk, person(1), **FLOW)
    tell(desk, attempt, "play", "message")
    for value in ("rating=great", "account=40719", "pin=7", "story=recorded"):
        tell(desk, attempt, "answer", value)
    line = await hang_up(desk, attempt)
    assert line["answers"] == ["rating=great", "account=*****", "pin=7", "story=recorded"]
    assert (line["result"], line["heard"]) == ("partial", None)
    assert desk.rows("SELECT value FROM call_events WHERE kind = 'answer' ORDER BY seq")[1] == "account=40719"
    assert desk.rows("SELECT goal FROM contacts") == ["partial"]


async def test_the_share_that_was_heard_is_stored_and_told(desk, person) -> None:
    [attempt] = await called(desk, person(1))
    running = desk.ledger.get(attempt).running
    running.rules = replace(running.rules, message=20.0)
    now = desk.clock.now()
    desk.follower.take(Report(attempt, 2, "play", "message", now))
    desk.follower.take(Report(attempt, 3, "key", "1@message", now + 5.0))
    line = await hang_up(desk, attempt)
    assert line["heard"] == 0.25
    assert desk.rows("SELECT heard FROM attempts") == [pytest.approx(0.25)]


# -- a promise that is not kept ----------------------------------------------------------------------------------------


async def promised(desk, person, **manifest) -> int:
    """A callback that is due at once: the attempt in which it was asked for."""
    [attempt] = await called(desk, person(1), **manifest)
    tell(desk, attempt, "callback", "0>agent")
    desk.hang_up(attempt, 16, 0, answered=True)
    return attempt


async def test_missed_when_all_calls_for_it_failed(desk, person) -> None:
    await promised(
        desk, person, retry={"max_attempts": 1, "min_gap": 1, "NO_ANSWER": {"delay": 0.1, "attempts": 0}}
    )
    await desk.until(lambda: len(desk.exchange.written) == 2)
    kept = desk.written()[1]
    desk.hang_up(kept, 16, 487, rang=True)
    await desk.until(lambda: desk.events("callback.missed"))
    [line] = desk.events("callback.missed")
    assert (line["log_level"], line["campaign"], line["callbacks"]) == ("error", "spring", 1)
    assert line["attempt"] == channel_id(kept)
    assert line["why"] == desk.events("call.ended")[1]["disposition"]
    assert desk.rows("SELECT state FROM callbacks") == ["missed"]


async def test_missed_when_the_gate_says_never(desk, person) -> None:
    [attempt] = await called(desk, person(1))
    tell(desk, attempt, "callback", "1>")
    await hang_up(desk, attempt)
    await desk.writer.submit(lambda one: one.execute("UPDATE contacts SET expires = 1.0"))
    await desk.until(lambda: desk.events("callback.missed"))
    [line] = desk.events("callback.missed")
    assert (line["why"], line["callbacks"], line["campaign"]) == ("expired", 1, "spring")
    assert desk.rows("SELECT state FROM callbacks") == ["missed"]


async def test_who_said_never_again_misses_nothing(desk, person, phone) -> None:
    [attempt] = await called(desk, person(1))
    tell(desk, attempt, "callback", "1>")
    await hang_up(desk, attempt)
    await desk.writer.submit(
        partial(suppression.suppress, numbers=[phone(1)], reason="asked", source="command", actor="anna", now=desk.clock.now())
    )  # fmt: skip
    await desk.until(lambda: desk.events("contact.suppressed"))
    assert desk.events("callback.missed") == []
    assert desk.rows("SELECT state FROM callbacks") == ["withdrawn"]
