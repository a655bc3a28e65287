"""From due to sent: durable before it is written, at the pace, within the limits, and never what is unwanted by then."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from itertools import pairwise

from engine.channel import Queued, Up
from engine.store import campaigns


def due_now(desk, attempt: int) -> list:
    return desk.rows(
        "SELECT c.state, c.attempts, a.disposition, a.counted FROM attempts a JOIN contacts c ON c.id = a.contact_id WHERE a.id = ?",
        attempt,
    )


async def test_an_attempt_is_durable_before_it_is_sent(desk, person) -> None:
    seen: list[list] = []
    desk.exchange.on_write = lambda attempt: seen.append(
        desk.rows("SELECT id FROM attempts WHERE id = ?", attempt)
    )
    await desk.campaign("spring", *(person(row) for row in range(1, 31)))
    desk.start()
    await desk.until(lambda: len(desk.exchange.written) == 30)
    assert seen == [[attempt] for attempt in desk.written()]
    assert sorted(desk.numbers()) == [f"+33199001{row:03d}" for row in range(1, 31)]
    first = desk.exchange.written[0]
    assert first["ActionID"] == first["ChannelId"]
    assert first["Account"] == "spring"
    assert first["Timeout"] == "37000"


async def test_calls_leave_at_the_pace_of_the_limits(new_desk, person) -> None:
    async with new_desk(cps=100) as desk:
        await desk.campaign("spring", *(person(row) for row in range(1, 41)))
        desk.start()
        await desk.until(lambda: len(desk.exchange.written) == 40)
        gaps = [after - before for before, after in pairwise(desk.exchange.at)]
        assert desk.exchange.at[-1] - desk.exchange.at[0] >= 39 / 100 - 0.05
        assert sorted(gaps)[len(gaps) // 2] > 0.008  # 10.5 ms each; no burst
        by = Counter(headers["Channel"][-1] for headers in desk.exchange.written)
        assert by == {"a": 20, "b": 20}


async def test_channels_are_never_more_than_the_limit(new_desk, person) -> None:
    async with new_desk(max_channels=3) as desk:
        await desk.campaign("spring", *(person(row) for row in range(1, 13)))
        desk.start()
        for ended in range(12):
            await desk.until(lambda ended=ended: len(desk.exchange.written) == min(12, ended + 3))
            await asyncio.sleep(0.01)
            assert len(desk.exchange.written) == min(12, ended + 3)
            assert desk.trunks.live <= 3
            desk.hang_up(desk.written()[ended], 16, 0, answered=True)
        await desk.until(lambda: len(desk.events("call.ended")) == 12)
        desk.check_idle()


async def test_a_campaign_keeps_its_own_limits(desk, person) -> None:
    await desk.campaign("spring", *(person(row) for row in range(1, 9)), max_channels=2)
    slow = await desk.campaign("slow", *(person(row) for row in range(11, 19)), cps=20)
    began = time.monotonic()
    desk.start()
    await desk.until(lambda: desk.agenda.campaigns[slow].live == 6)
    assert time.monotonic() - began >= 5 / 20 - 0.05
    assert Counter(headers["Account"] for headers in desk.exchange.written)["spring"] == 2


async def test_higher_priority_first_and_equals_in_turn(new_desk, person) -> None:
    async with new_desk(max_channels=1) as desk:
        await desk.campaign("low", person(1), person(2), priority=10)
        await desk.campaign("one", *(person(row) for row in range(10, 16)), priority=50)
        await desk.campaign("two", *(person(row) for row in range(20, 26)), priority=50)
        await desk.campaign("high", person(7), person(8), priority=90)
        desk.start()
        for ended in range(16):
            await desk.until(lambda ended=ended: len(desk.exchange.written) == ended + 1)
            desk.hang_up(desk.written()[ended], 16, 0, answered=True)
        order = [headers["Account"] for headers in desk.exchange.written]
        assert order[:2] == ["high", "high"]
        assert all(before != after for before, after in pairwise(order[2:14]))
        assert order[14:] == ["low", "low"]


async def test_what_was_claimed_and_not_written_is_void_when_it_stops(new_desk, person) -> None:
    async with new_desk(cps=20) as desk:
        await desk.campaign("spring", *(person(row) for row in range(1, 31)))
        desk.start()
        await desk.until(lambda: len(desk.exchange.written) == 3)
        await desk.dispatcher.stop()
        await desk.follower.backlog.settled()
        written = len(desk.exchange.written)
        await asyncio.sleep(0.15)
        assert len(desk.exchange.written) == written
        assert desk.rows("SELECT count(*) FROM attempts WHERE disposition IS NULL") == [written]
        assert set(desk.rows("SELECT disposition, counted FROM attempts WHERE disposition NOT NULL")) <= {
            ("NOT_SENT", 0)
        }
        assert desk.rows(
            "SELECT count(*) FROM contacts WHERE state = 'pending' AND attempts = 0 AND tries = '{}'"
        ) == [30 - written]
        assert desk.trunks.queued == 0


async def test_nothing_is_claimed_for_a_pbx_that_is_away(desk, person) -> None:
    desk.exchange.up = False
    await desk.campaign("spring", person(1))
    desk.start()
    await asyncio.sleep(0.1)
    assert desk.rows("SELECT count(*) FROM attempts") == [0]
    desk.exchange.up = True
    desk.dispatcher.wake()
    await desk.until(lambda: len(desk.exchange.written) == 1)


async def test_a_link_that_breaks_at_the_last_moment_costs_nobody_an_attempt(desk, person) -> None:
    desk.exchange.unreachable = True
    await desk.campaign("spring", person(1))
    desk.start()
    await desk.until(
        lambda: desk.rows("SELECT count(*) FROM attempts WHERE disposition = 'NOT_SENT'")[0] >= 1
    )
    desk.exchange.unreachable = False
    await desk.until(lambda: len(desk.exchange.written) == 1)
    [attempt] = desk.written()
    assert due_now(desk, attempt) == [("in_call", 0, None, 0)]


async def test_nothing_is_sent_before_the_pbx_has_the_flow(desk, person) -> None:
    desk.flows = False
    await desk.campaign("spring", person(1))
    desk.start()
    await asyncio.sleep(0.05)
    assert desk.rows("SELECT count(*) FROM attempts") == [0]
    desk.flows = True
    desk.dispatcher.wake()
    await desk.until(lambda: len(desk.exchange.written) == 1)


async def test_a_pbx_without_the_flow_holds_up_no_other(desk, person) -> None:
    """And nothing turns idly while it waits: its trunk has free channels, which nobody may use."""
    desk.trunks.by_name["b"].pbx = "far"
    desk.without_flow = {"far"}
    await desk.campaign("both", person(1), person(2), person(3))
    await desk.campaign("far-only", person(4), trunks=["b"])
    desk.start()
    await desk.until(lambda: len(desk.exchange.written) == 3)
    before = time.process_time()
    await asyncio.sleep(0.5)
    assert time.process_time() - before < 0.2
    assert {headers["Channel"].rpartition("@")[2] for headers in desk.exchange.written} == {"a"}
    assert desk.rows("SELECT count(*) FROM attempts") == [3]


async def test_a_number_suppressed_after_the_claim_is_not_dialed_and_unsuppressed_is(desk, person) -> None:
    await desk.campaign("spring", person(1))
    [number] = desk.rows("SELECT id FROM numbers")
    desk.follower.suppress([number])
    desk.start()
    await desk.until(
        lambda: desk.rows("SELECT count(*) FROM attempts WHERE disposition = 'NOT_SENT'")[0] >= 1
    )
    assert desk.exchange.written == []
    desk.follower.unsuppress([number])
    await desk.until(lambda: len(desk.exchange.written) == 1)


async def test_a_campaign_that_ends_while_its_claim_is_on_the_way_stops_nothing(desk, person) -> None:
    """Cancelled between the claim and its commit: what comes of the claim is void, and the dispatcher lives on."""
    for at in range(10):
        campaign = await desk.campaign(f"c{at}", person(1 + at), person(100 + at))
        if at == 0:
            desk.start()
        await asyncio.sleep(0.001 * at)
        await desk.writer.submit(
            lambda one, campaign=campaign: campaigns.set_state(one, campaign, "cancelled", 1.0)
        )
        await desk.refresh()
    await desk.campaign("last", person(500))
    await desk.until(lambda: any(headers["Account"] == "last" for headers in desk.exchange.written))
    await asyncio.sleep(0.1)
    await desk.follower.backlog.settled()
    still = set(desk.rows("SELECT id FROM attempts WHERE disposition IS NULL"))
    assert still == set(desk.written())
    assert still == {live.claim.attempt for live in desk.ledger}


async def test_a_paused_campaign_gives_back_what_was_claimed(new_desk, person) -> None:
    async with new_desk(cps=20) as desk:
        campaign = await desk.campaign("spring", *(person(row) for row in range(1, 21)))
        desk.start()
        await desk.until(lambda: len(desk.exchange.written) == 2)
        await desk.writer.submit(lambda one: campaigns.set_state(one, campaign, "paused", 1.0))
        await desk.refresh()
        await asyncio.sleep(0.1)
        written = len(desk.exchange.written)
        await asyncio.sleep(0.2)
        assert len(desk.exchange.written) == written < 20
        assert desk.rows("SELECT count(*) FROM contacts WHERE state = 'in_call'") == [written]
        await desk.writer.submit(lambda one: campaigns.set_state(one, campaign, "running", 1.0))
        await desk.refresh()
        await desk.until(lambda: len(desk.exchange.written) > written + 3)
        assert len(set(desk.numbers())) == len(desk.numbers())


async def test_a_contact_that_cannot_be_encoded_counts_and_stops_nobody(desk, person) -> None:
    bad = person(1)
    bad.fields["NAME"] = "é" * 400
    await desk.campaign("spring", bad, person(2), fields=["NAME"])
    desk.start()
    await desk.until(lambda: len(desk.exchange.written) == 1)
    await desk.until(lambda: desk.events("call.ended"))
    assert desk.rows("SELECT disposition, counted, sent_at FROM attempts WHERE disposition NOT NULL") == [
        ("FAILED", 1, None)
    ]
    assert "bytes" in desk.events("engine.fault")[0]["error"]


async def test_only_the_columns_that_the_flow_names_are_sent(desk, person) -> None:
    one = person(1)
    one.fields.update({"NAME": "Zoë", "SECRET": "x"})
    await desk.campaign("spring", one, fields=["NAME"])
    desk.start()
    await desk.until(lambda: desk.exchange.written)
    assert (
        desk.exchange.written[0]["Variable"] == "VOLLEY_C_NAME=Zo%C3%AB"
    )  # the last of the Variable headers


async def test_it_does_not_run_ahead_of_a_pbx_that_is_slow_to_acknowledge(desk, person) -> None:
    desk.exchange.acknowledges = False
    most = desk.trunks.unheard_limit("lab")
    assert most == 25  # a twentieth of 500 a second: with the pace it makes the contract
    await desk.campaign("spring", *(person(row) for row in range(1, 100)))
    desk.start()
    await desk.until(lambda: len(desk.exchange.written) == most)
    await asyncio.sleep(0.1)
    assert len(desk.exchange.written) == most
    for attempt in desk.written()[:10]:
        desk.follower.take(Queued(attempt))
        desk.follower.take(Queued(attempt))
        desk.follower.take(Up(attempt))
    await desk.until(lambda: len(desk.exchange.written) == most + 10)
    for attempt in desk.written()[10:]:
        desk.hang_up(attempt)
    desk.exchange.acknowledges = True
    await desk.until(lambda: len(desk.exchange.written) == 99)
