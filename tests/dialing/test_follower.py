"""From sent to a stored end: what the follower does with what Asterisk tells, and that every end is stored once."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from engine.ami.outbox import Evidence
from engine.channel import HungUp, KeyPressed, OriginateFailed, Refused, Report, Ringing, Up, channel_id
from engine.dialing.disposition import Disposition
from engine.dialing.follower import HANGUP_GRACE
from engine.errors import StoreFault
from engine.store import campaigns
from engine.tariff import SLACK


async def called(desk, *contacts, **manifest) -> list[int]:
    """The attempts to these contacts, written and acknowledged."""
    await desk.campaign("spring", *contacts, **manifest)
    desk.start()
    await desk.until(lambda: len(desk.exchange.written) == len(contacts))
    await asyncio.sleep(0.01)
    return desk.written()


def report(desk, attempt: int, seq: int, kind: str, value: str = "") -> None:
    desk.follower.take(Report(attempt, seq, kind, value, desk.clock.now()))


async def ended(desk, calls: int = 1) -> list[dict]:
    await desk.until(lambda: len(desk.events("call.ended")) == calls)
    return desk.events("call.ended")


async def test_a_busy_callee_is_tried_again_later(desk, person) -> None:
    [attempt] = await called(desk, person(1))
    desk.follower.take(Ringing(attempt))
    desk.hang_up(attempt)
    [line] = await ended(desk)
    assert (line["disposition"], line["cause"], line["sip"], line["rang"]) == ("BUSY", 17, 486, True)
    assert (line["attempt"], line["kind"], line["next"]) == (channel_id(attempt), "first", "RetryAt")
    [(state, disposition, attempts, due, last)] = desk.rows(
        "SELECT state, disposition, attempts, due_at, last_attempt_at FROM contacts"
    )
    assert (state, disposition, attempts) == ("pending", "BUSY", 1)
    assert due == pytest.approx(last + 120, abs=0.1)
    [(sent, rang, over)] = desk.rows("SELECT sent_at, rang_at, ended_at FROM attempts")
    assert sent <= rang <= over
    assert next(iter(desk.agenda.campaigns.values())).next_due == pytest.approx(due)
    desk.check_idle()


async def test_a_call_that_is_told_of_twice_ends_once(desk, person) -> None:
    [attempt] = await called(desk, person(1))
    for _ in range(3):
        desk.follower.take(Up(attempt))
        report(desk, attempt, 1, "amd", "HUMAN/HUMAN-1-1")
        report(desk, attempt, 2, "result", "heard")
        desk.hang_up(attempt, 16, 0, answered=True)
        desk.follower.take(OriginateFailed(attempt, 0))
    await desk.follower.backlog.settled()
    [line] = desk.events("call.ended")
    assert (line["disposition"], line["amd"], line["result"]) == (
        "ANSWERED_HUMAN",
        "HUMAN/HUMAN-1-1",
        "heard",
    )
    assert desk.rows("SELECT count(*) FROM call_events") == [2]
    assert len(desk.emptied) == 1
    desk.check_idle()


async def test_an_opt_out_takes_effect_at_once_and_everywhere(desk, person, phone) -> None:
    """The person's other number rings for another campaign: that call is taken back."""
    [attempt] = await called(desk, person(1, phone(1), phone(2)))
    await desk.campaign("other", person(1, phone(2)))
    await desk.until(lambda: len(desk.exchange.written) == 2)
    other = desk.written()[1]
    desk.follower.take(Ringing(other))
    desk.follower.take(Up(attempt))
    report(desk, attempt, 1, "key", "9@message")
    report(desk, attempt, 2, "optout", "message")
    await desk.until(lambda: desk.exchange.hung_up)
    assert desk.exchange.hung_up == [channel_id(other)]
    assert desk.rows("SELECT count(*) FROM suppression") == [2]
    desk.hang_up(other, 16, 0, rang=True)
    desk.hang_up(attempt, 16, 0, answered=True)
    lines = {line["campaign"]: line for line in await ended(desk, 2)}
    assert lines["other"]["disposition"] == "CANCELLED"
    assert (lines["spring"]["disposition"], lines["spring"]["keys"], lines["spring"]["next"]) == (
        "ANSWERED_HUMAN",
        "9",
        "Final",
    )
    assert len(desk.events("optout.recorded")) == 1
    desk.check_idle()


async def test_an_opt_out_that_comes_after_the_end_still_counts(desk, person) -> None:
    [attempt] = await called(desk, person(1))
    desk.follower.take(Up(attempt))
    desk.hang_up(attempt, 16, 0, answered=True)
    await ended(desk)
    for _ in range(2):
        report(desk, attempt, 2, "optout", "message")
    report(desk, attempt, 3, "result", "opted_out")
    await desk.follower.backlog.settled()
    assert desk.rows("SELECT attempt_id FROM suppression") == [attempt]
    assert desk.rows("SELECT kind FROM call_events ORDER BY seq") == ["optout", "result"]
    assert len(desk.events("optout.recorded")) == 1


async def test_the_ring_timeout_hangs_up(desk, person) -> None:
    [attempt] = await called(desk, person(1))
    desk.ledger.get(attempt).running.ring_timeout = 0.05
    desk.follower.take(Ringing(attempt))
    await desk.until(lambda: desk.exchange.hung_up == [channel_id(attempt)])
    desk.hang_up(attempt, 16, 0, rang=True)
    [line] = await ended(desk)
    assert line["disposition"] == "NO_ANSWER"


async def test_an_answer_stops_the_ring_timer(desk, person) -> None:
    [attempt] = await called(desk, person(1))
    desk.ledger.get(attempt).running.ring_timeout = 0.05
    desk.follower.take(Ringing(attempt))
    desk.follower.take(Up(attempt))
    await asyncio.sleep(0.1)
    assert desk.exchange.hung_up == []


async def test_a_key_during_the_detection_is_taken(desk, person) -> None:
    [attempt] = await called(desk, person(1))
    desk.follower.take(Up(attempt))
    for digit in "92":
        desk.follower.take(KeyPressed(attempt, digit, "PJSIP/a-1"))
    await desk.follower.backlog.settled()
    assert desk.exchange.redirected == [("PJSIP/a-1", "volley-early", "9")]


async def test_a_machine_that_is_found_while_the_message_plays(desk, person) -> None:
    talking, pressing, ringing = await called(desk, person(1), person(2), person(3))
    for attempt in (talking, pressing):
        desk.follower.take(Up(attempt))
        desk.follower.take(Report(attempt, 1, "amd", "HUMAN/HUMAN-700-400", desk.clock.now()))
    desk.follower.take(Report(pressing, 2, "key", "1@menu", desk.clock.now()))
    gone = max(talking, pressing, ringing) + 1
    for attempt in (talking, pressing, ringing, gone):
        desk.follower.machine(channel_id(attempt), "BEEP-1000")
    desk.follower.machine("1764262800.17", "BEEP-1000")
    await desk.follower.backlog.settled()
    assert desk.exchange.redirected == [(channel_id(talking), "volley-late", "BEEP-1000")]


async def test_a_failed_originate_waits_for_its_hangup_a_little(desk, person) -> None:
    """Two calls whose Originate failed: of one AstDB knows how it ended, of the other nothing, so there never was a channel."""
    known, unknown = await called(desk, person(1), person(2))
    end = HungUp(known, 1, 404, desk.clock.now())
    desk.exchange.evidence[known] = Evidence(known, 1, desk.clock.now(), end)
    desk.follower.take(OriginateFailed(known, 0))
    desk.follower.take(OriginateFailed(unknown, 0))
    await asyncio.sleep(HANGUP_GRACE / 2)
    assert desk.events("call.ended") == []
    lines = {line["attempt"]: line for line in await ended(desk, 2)}
    assert lines[channel_id(known)]["disposition"] == "INVALID_NUMBER"
    assert lines[channel_id(unknown)]["disposition"] == "CONGESTION"
    assert lines[channel_id(unknown)]["note"] == "no channel came to be"
    assert desk.rows("SELECT attempts, tries FROM contacts ORDER BY row")[1] == (0, '{"CONGESTION":1}')
    desk.check_idle()


async def test_a_refused_originate_is_no_attempt_of_the_callees(desk, person) -> None:
    [attempt] = await called(desk, person(1))
    desk.follower.take(Refused(attempt, "Extension does not exist."))
    [line] = await ended(desk)
    assert (line["disposition"], line["note"]) == ("CONGESTION", "Extension does not exist.")
    assert desk.events("engine.fault")[0]["why"] == "Extension does not exist."
    assert desk.rows("SELECT attempts FROM contacts") == [0]


async def test_an_invalid_number_is_followed_by_the_next_at_once(desk, person, phone) -> None:
    [attempt] = await called(desk, person(1, phone(1), phone(2)))
    desk.hang_up(attempt, 1, 404)
    await desk.until(lambda: len(desk.exchange.written) == 2)
    assert desk.numbers() == [phone(1).e164, phone(2).e164]


async def test_a_callback_that_was_asked_for_is_promised_and_kept(desk, person) -> None:
    [attempt] = await called(desk, person(1))
    desk.follower.take(Up(attempt))
    report(desk, attempt, 1, "callback", "0")
    report(desk, attempt, 2, "result", "call_back")
    desk.hang_up(attempt, 16, 0, answered=True)
    await desk.until(lambda: len(desk.exchange.written) == 2)
    assert len(desk.events("callback.scheduled")) == 1
    kept = desk.written()[1]
    assert desk.rows("SELECT kind FROM attempts WHERE id = ?", kept) == ["callback"]
    desk.follower.take(Up(kept))
    desk.hang_up(kept, 16, 0, answered=True)
    await ended(desk, 2)
    assert desk.rows("SELECT state, kept_by FROM callbacks") == [("kept", kept)]
    assert desk.rows("SELECT state, attempts, callbacks FROM contacts") == [("done", 1, 1)]


async def test_callbacks_end_when_there_were_enough(desk, person) -> None:
    attempts = await called(desk, person(1), max_callbacks=1)
    for at in range(2):
        await desk.until(lambda at=at: len(desk.exchange.written) == at + 1)
        attempts = desk.written()
        desk.follower.take(Up(attempts[at]))
        report(desk, attempts[at], 1, "callback", "0")
        desk.hang_up(attempts[at], 16, 0, answered=True)
    lines = await ended(desk, 2)
    assert [line["next"] for line in lines] == ["CallbackAt", "Final"]
    assert "max_callbacks" in lines[1]["note"]


async def test_a_promise_that_is_not_kept_is_tried_again_on_its_own_budget(desk, person) -> None:
    [attempt] = await called(
        desk, person(1), max_callbacks=2, retry={"max_attempts": 1, "min_gap": 1, "BUSY": {"delay": 0.1}}
    )
    desk.follower.take(Up(attempt))
    report(desk, attempt, 1, "callback", "0")
    desk.hang_up(attempt, 16, 0, answered=True)
    await desk.until(lambda: len(desk.exchange.written) == 2)
    desk.hang_up(desk.written()[1])
    await desk.until(lambda: len(desk.exchange.written) == 3)
    desk.hang_up(desk.written()[2])
    lines = await ended(desk, 3)
    assert [line["next"] for line in lines] == ["CallbackAt", "RetryAt", "Final"]
    assert desk.rows("SELECT state FROM callbacks") == ["missed"]


async def test_a_cancelled_campaign_s_ringing_calls_are_taken_back_and_answered_ones_are_not(
    desk, person
) -> None:
    ringing, up = await called(desk, person(1), person(2))
    desk.follower.take(Ringing(ringing))
    desk.follower.take(Up(up))
    for live in desk.ledger:
        desk.follower.withdraw(live)
    await desk.follower.backlog.settled()
    assert desk.exchange.hung_up == [channel_id(ringing)]


async def test_an_end_that_the_database_refuses_is_stored_later(desk, person) -> None:
    """The disk is full for a moment; the call's slot is free at once, its end is stored when there is room."""
    [attempt] = await called(desk, person(1))
    pages = (await desk.connection.run(lambda one: one.execute("PRAGMA page_count").fetchone()))[0]
    await desk.connection.run(lambda one: one.execute(f"PRAGMA max_page_count = {pages}"))
    desk.follower.take(Up(attempt))
    for seq in range(400):  # more than the pages that are there can hold
        report(desk, attempt, seq, "play", "x" * 2000)
    desk.hang_up(attempt, 16, 0, answered=True)
    await desk.until(lambda: desk.writer.fault)
    assert "make room on the disk" in desk.writer.fault
    assert desk.follower.ends.unstored == 1
    assert desk.trunks.live == 0
    await desk.connection.run(lambda one: one.execute("PRAGMA max_page_count = 1000000"))
    await ended(desk)
    assert desk.rows("SELECT count(*) FROM call_events") == [400]
    assert desk.follower.ends.unstored == 0
    assert desk.writer.fault == ""


async def test_nothing_is_dialed_while_the_database_refuses(desk, person, tmp_path: Path) -> None:
    """What was claimed before is taken back, what is due waits; then everybody is called once."""
    await desk.campaign("spring", *(person(row) for row in range(1, 9)))
    await desk.connection.run(lambda one: one.execute("PRAGMA busy_timeout = 20"))
    with closing(sqlite3.connect(tmp_path / "volley.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreFault, match="another program holds a lock"):
            await desk.writer.submit(lambda one: None)
        desk.start()
        await asyncio.sleep(0.3)
        assert desk.exchange.written == []
        other.execute("ROLLBACK")
    await desk.until(lambda: len(desk.exchange.written) == 8)
    assert sorted(desk.numbers()) == sorted(set(desk.numbers()))


async def test_a_flow_that_is_missing_is_told_as_a_fault(desk, person) -> None:
    [attempt] = await called(desk, person(1))
    desk.follower.take(Up(attempt))
    report(desk, attempt, 1, "result", "flow_missing")
    assert [line["what"] for line in desk.events("engine.fault")] == [
        "the PBX does not have this call's flow"
    ]


async def test_what_was_told_of_many_calls_in_any_order_adds_up(desk, person) -> None:
    """Every call ends, each once; every channel is given back; every report is stored."""
    attempts = await called(desk, *(person(row) for row in range(1, 61)), retry={"max_attempts": 1})
    lines = []
    for at, attempt in enumerate(attempts):
        told = [
            Ringing(attempt),
            Up(attempt),
            Report(attempt, 1, "amd", "HUMAN/HUMAN-1-1", 1.0),
            Report(attempt, 2, "optout" if at % 5 == 0 else "key", "9@message", 1.0),
            OriginateFailed(attempt, 0),
            HungUp(attempt, 16, 0, desk.clock.now(), answered=at % 3 == 0),
        ]
        turn = at % len(told)
        lines += [*told[turn:], *told[:turn], *told[::-1]]
    for event in lines[::2] + lines[1::2]:
        desk.follower.take(event)
    await desk.follower.backlog.settled()
    assert sorted(line["attempt"] for line in desk.events("call.ended")) == sorted(
        channel_id(one) for one in attempts
    )
    assert desk.rows("SELECT count(*) FROM call_events") == [120]
    assert desk.rows("SELECT count(*) FROM suppression") == [12]
    assert desk.rows("SELECT count(*) FROM attempts WHERE disposition IS NULL") == [0]
    assert all(json.loads(tries) for tries in desk.rows("SELECT tries FROM contacts"))
    desk.check_idle()
    completed = await desk.writer.submit(lambda one: campaigns.complete(one, 1, 1.0))
    assert completed == (desk.rows("SELECT open_contacts FROM campaigns") == [0])


async def test_what_a_held_call_tells_is_taken_once_its_fate_was_looked_up(desk, person) -> None:
    held, other = await called(desk, person(1), person(2))
    desk.follower.hold([held, other])
    desk.follower.take(Up(held))
    report(desk, held, 1, "key", "1@message")
    desk.hang_up(held, 16, 0, answered=True)
    desk.hang_up(other)
    await asyncio.sleep(0.01)
    assert desk.events("call.ended") == []
    desk.follower.release([held], found=True)
    [line] = await ended(desk)
    assert (line["attempt"], line["keys"]) == (channel_id(held), "1"), "the other one is held by another look"
    desk.follower.release([other], found=True)
    await ended(desk, 2)
    desk.check_idle()


async def test_what_was_told_before_a_look_that_failed_does_not_count(desk, person) -> None:
    """A hangup alone would end the call as if no key had been pressed: the next look reads the keys as well."""
    [attempt] = await called(desk, person(1))
    desk.follower.hold([attempt])
    desk.hang_up(attempt, 16, 0, answered=True)
    desk.follower.release([attempt], found=False)
    await desk.follower.backlog.settled()
    assert desk.events("call.ended") == []
    report(desk, attempt, 1, "key", "9@message")
    desk.hang_up(attempt, 16, 0, answered=True)
    [line] = await ended(desk)
    assert line["keys"] == "9"
    desk.check_idle()


async def test_a_lost_link_holds_what_was_sent_through_it_and_awaits_nothing_of_it(desk, person) -> None:
    await desk.campaign("spring", person(1), person(2))
    desk.start()
    await desk.until(lambda: len(desk.exchange.written) == 2)
    one, two = desk.written()
    desk.follower.take(Ringing(one))
    assert desk.follower.link_lost("elsewhere") == []
    assert desk.follower.link_lost("lab") == [one, two]
    assert desk.follower.unacknowledged["lab"] == 0
    desk.hang_up(one)
    desk.hang_up(two)
    await asyncio.sleep(0.01)
    assert desk.events("call.ended") == []
    desk.follower.release([one, two], found=True)
    await ended(desk, 2)
    assert desk.follower.unacknowledged["lab"] == 0
    desk.check_idle()


async def test_what_a_call_costs(desk, person) -> None:
    """It holds the most that it may come to, by the limit that its flow has (60 seconds, whatever the settings say), and costs what
    it was; one whose end nobody knows costs the most."""
    most = 0.6 * (60 + SLACK) / 60
    first, second = await called(desk, person(1), person(2))
    assert desk.rows("SELECT calls, cost, held FROM usage") == [(2, 0.0, pytest.approx(2 * most))]
    desk.follower.take(Up(first))
    desk.ledger.get(first).call.answered_at -= 30.0
    desk.hang_up(first, 16, 0, answered=True)
    await ended(desk)
    [(_, cost, held)] = desk.rows("SELECT calls, cost, held FROM usage")
    assert (cost, held) == (pytest.approx(0.3, abs=0.005), pytest.approx(most))
    desk.follower.give_up(desk.ledger.get(second), Disposition.UNKNOWN, "nobody knows")
    await ended(desk, 2)
    [(_, whole, held)] = desk.rows("SELECT calls, cost, held FROM usage")
    assert (whole - cost, held) == (pytest.approx(most), pytest.approx(0.0))
