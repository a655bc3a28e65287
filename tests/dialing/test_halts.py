"""Nothing at all is dialed: what is claimed, what stands in the queue, and what lives."""

from __future__ import annotations

import asyncio
from functools import partial

from engine.channel import Queued, Up
from engine.halts import Halt, Halts
from engine.store import audited_steering, claims, halts


def stop(at: float, until: float | None = None) -> Halt:
    return Halt("quiet" if until else "stop", at, until, "anna", "wrong message")


def test_which_of_them_hold() -> None:
    found = Halts([stop(1.0), stop(1.0, 50.0)])
    assert repr(found) == "<Halts quiet stop>"
    assert found.word(60.0) == "all dialing is stopped"
    found.lift("stop")
    found.lift("stop")
    assert found.word(49.0) == "it is a quiet time"
    assert found.word(50.0) == ""


async def test_a_stop_takes_back_what_was_claimed_and_costs_nobody_an_attempt(new_desk, person) -> None:
    async with new_desk(cps=20) as desk:
        await desk.campaign("spring", *(person(row) for row in range(1, 31)))
        desk.start()
        await desk.until(lambda: len(desk.exchange.written) == 3)
        desk.halts.lay(stop(desk.clock.now()))
        written = len(desk.exchange.written)
        await asyncio.sleep(0.3)
        await desk.follower.backlog.settled()
        assert len(desk.exchange.written) == written
        assert desk.rows("SELECT count(*) FROM attempts WHERE disposition IS NULL") == [written]
        assert set(desk.rows("SELECT DISTINCT note FROM attempts WHERE disposition = 'NOT_SENT'")) <= {
            "not sent: all dialing is stopped"
        }
        assert desk.rows("SELECT count(*) FROM contacts WHERE state = 'pending' AND attempts = 0") == [
            30 - written
        ]
        desk.halts.lift("stop")
        await desk.refresh()
        await desk.until(lambda: len(desk.exchange.written) == written + 3)


async def test_a_claim_looks_by_itself_whatever_the_engine_remembers(desk, person) -> None:
    """The stop is in the database, and nobody told the dispatcher: not one attempt comes to be."""
    now = desk.clock.now()
    await desk.campaign("spring", *(person(row) for row in range(1, 6)))
    await desk.writer.submit(partial(audited_steering.lay, halt=stop(now, now + 3600.0)))
    desk.start()
    await asyncio.sleep(0.2)
    assert desk.rows("SELECT count(*) FROM attempts") == [0]
    running = next(iter(desk.agenda.campaigns.values()))
    assert now + 0.5 < running.next_due < now + 3.0 + claims.HALTED  # it does not ask all the time
    await desk.writer.submit(
        partial(audited_steering.lift, kind="quiet", now=now, actor="anna", reason="over")
    )
    await desk.refresh()
    await desk.until(lambda: len(desk.exchange.written) == 5)
    assert desk.rows("SELECT action FROM audit ORDER BY id") == ["dialing.quiet", "dialing.resumed"]


async def test_live_calls_are_hung_up_all_together_the_one_that_is_not_there_yet_too(desk, person) -> None:
    desk.exchange.acknowledges = False
    await desk.campaign("spring", *(person(row) for row in range(1, 4)))
    desk.start()
    await desk.until(lambda: len(desk.exchange.written) == 3)
    first, second, third = desk.written()
    desk.follower.take(Queued(first))
    desk.follower.take(Up(first))
    desk.follower.take(Queued(second))
    assert desk.follower.cut_off() == 3
    await desk.follower.backlog.settled()
    assert len(desk.exchange.hung_up) == 3
    desk.follower.take(Queued(third))
    await desk.follower.backlog.settled()
    assert len(desk.exchange.hung_up) == 4
    for attempt in (first, second, third):
        desk.hang_up(attempt, 16, 0, answered=attempt == first)
    await desk.until(lambda: len(desk.events("call.ended")) == 3)
    desk.check_idle()


async def test_stops_are_kept(desk) -> None:
    kept = await desk.writer.submit(
        partial(
            audited_steering.lay, halt=Halt("stop", 5.0, None, "anna", "call +33199001001 back"), hang_up=True
        )
    )
    assert await desk.writer.submit(halts.halts) == [kept]
    assert kept.reason == "call +331••01 back"
    assert (
        await desk.writer.submit(
            partial(audited_steering.lift, kind="quiet", now=6.0, actor="anna", reason="x")
        )
        is None
    )
