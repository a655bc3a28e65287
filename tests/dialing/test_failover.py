"""A trunk or a PBX that dies: everybody is reached by another one within moments, and nobody has lost an attempt by it."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

from engine.channel import Refused, Ringing
from engine.dialing.breaker import Phase
from engine.store import trunks as stored

QUICK = {"breaker": {"failures": 3, "pause": 0.5, "max_pause": 1.0}}


def congested(desk: Any, trunk: str = "a", sip: int = 503, cause: int = 34) -> None:
    """From now on this trunk refuses every call, and the other one lets the callee answer and hang up."""

    def on_write(attempt: int) -> None:
        live = desk.ledger.get(attempt)
        by = live.trunk.name
        if by == trunk:
            asyncio.get_running_loop().call_soon(lambda: desk.hang_up(attempt, cause, sip))
        else:
            asyncio.get_running_loop().call_soon(lambda: desk.hang_up(attempt, 16, 0, answered=True))

    desk.exchange.on_write = on_write


def books(desk: Any) -> Counter[tuple[str, int]]:
    """Contacts by their disposition and the attempts that counted."""
    return Counter(desk.rows("SELECT disposition, attempts FROM contacts WHERE state = 'done'"))


async def test_a_trunk_that_refuses_all_is_left_and_nobody_loses_an_attempt(new_desk, person) -> None:
    async with new_desk(cps=100, trunk={"a": QUICK}) as desk:
        congested(desk)
        await desk.campaign("spring", *(person(row) for row in range(1, 81)))
        desk.start()
        await desk.until(lambda: books(desk).total() == 80)
        assert books(desk) == {("ANSWERED_UNSURE", 1): 80}
        opened = desk.events("trunk.breaker_opened")
        assert opened[0]["trunk"] == "a"
        assert opened[0]["reason"].endswith("the last one: SIP 503")
        refused = desk.rows(
            "SELECT number_id, count(*) FROM attempts WHERE disposition = 'CONGESTION' GROUP BY 1"
        )
        assert 3 <= len(refused) < 40, "what was under way when it opened, and a probe or two"
        assert {count for _, count in refused} == {1}, "who was refused goes by the other trunk"
        assert desk.rows("SELECT sum(counted) FROM attempts") == [80]
        await desk.follower.backlog.settled()
        assert desk.rows("SELECT breaker != 'closed' FROM trunks WHERE name = 'a'") == [1]
        desk.check_idle()


async def test_probes_find_out_that_it_works_again(new_desk, person) -> None:
    async with new_desk(cps=100, trunk={"a": QUICK, "b": {"max_channels": 1}}) as desk:
        congested(desk, sip=0, cause=20)  # not reachable
        await desk.campaign("spring", *(person(row) for row in range(1, 61)))
        desk.start()
        await desk.until(lambda: desk.trunks.by_name["a"].breaker.phase is Phase.OPEN)
        assert desk.events("trunk.breaker_opened")[0]["reason"].endswith("cause 20")
        before = len(desk.by_trunk()["a"])
        congested(desk, "nobody")
        slow, desk.exchange.on_write = desk.exchange.on_write, lambda attempt: None
        await desk.until(lambda: len(desk.by_trunk()["a"]) == before + 1)
        await asyncio.sleep(0.1)
        assert len(desk.by_trunk()["a"]) == before + 1, "one call at a time"
        desk.follower.take(Ringing(desk.by_trunk()["a"][-1]))  # it rings: that is enough
        desk.exchange.on_write = slow
        await desk.until(lambda: desk.events("trunk.breaker_closed"))
        words = [line["event"] for line in desk.logged.entries if line["event"].startswith("trunk.")]
        assert words == ["trunk.breaker_opened", "trunk.breaker_half_open", "trunk.breaker_closed"]
        await desk.until(
            lambda: (
                desk.rows("SELECT breaker, breaker_reason FROM trunks WHERE name = 'a'") == [("closed", "")]
            )
        )


async def test_a_pbx_that_refuses_originates_is_a_trunk_that_fails(new_desk, person) -> None:
    async with new_desk(cps=100, trunk={"a": QUICK, "b": {"pbx": "far"}}) as desk:
        refuse = lambda attempt: desk.follower.take(Refused(attempt, "Permission denied"))  # noqa: E731
        desk.exchange.on_write = lambda attempt: asyncio.get_running_loop().call_soon(refuse, attempt)
        await desk.campaign("spring", *(person(row) for row in range(1, 61)))
        desk.start()
        await desk.until(lambda: len(desk.by_trunk()["b"]) == 60)
        assert desk.events("trunk.breaker_opened")[0]["reason"].endswith("the last one: Permission denied")
        assert desk.rows(
            "SELECT DISTINCT disposition, counted FROM attempts WHERE note = 'Permission denied'"
        ) == [("CONGESTION", 0)]


async def test_one_number_that_is_always_congested_opens_nothing(new_desk, person) -> None:
    async with new_desk(cps=200, trunk={"a": QUICK, "b": QUICK}) as desk:
        busy_exchange = "+33199001001"

        def on_write(attempt: int) -> None:
            bad = desk.ledger.get(attempt).claim.e164 == busy_exchange
            how = (34, 503) if bad else (17, 486)
            asyncio.get_running_loop().call_soon(lambda: desk.hang_up(attempt, *how))

        desk.exchange.on_write = on_write
        await desk.campaign(
            "spring", *(person(row) for row in range(1, 4)),
            retry={"max_attempts": 1, "CONGESTION": {"delay": 0, "attempts": 1}},
        )  # fmt: skip
        desk.start()
        await desk.until(lambda: books(desk).total() == 3)
        assert books(desk) == {("BUSY", 1): 2, ("CONGESTION", 0): 1}
        assert desk.rows("SELECT count(*) FROM attempts WHERE disposition = 'CONGESTION'") == [4], (
            "two trunks, two rounds"
        )
        assert desk.events("trunk.breaker_opened") == []


async def test_a_call_that_rang_is_not_tried_at_once_by_another_trunk(desk, person) -> None:
    await desk.campaign("spring", person(1))
    desk.start()
    await desk.until(desk.written)
    [attempt] = desk.written()
    desk.follower.take(Ringing(attempt))
    desk.hang_up(attempt, 34, 503)
    await desk.until(lambda: desk.events("call.ended"))
    [due] = desk.rows("SELECT due_at FROM contacts")
    assert due > desk.clock.now() + 100


async def test_a_trunk_that_is_drained_gets_no_calls_and_what_was_to_leave_by_it_goes_elsewhere(
    new_desk, person
) -> None:
    async with new_desk(cps=40) as desk:
        await desk.campaign("spring", *(person(row) for row in range(1, 31)))
        desk.start()
        await desk.until(lambda: len(desk.by_trunk()["a"]) == 3)
        await desk.writer.submit(
            lambda one: stored.steer(
                one, "a", drain=True, now=desk.clock.now(), actor="anna", reason="new SBC"
            )
        )
        desk.trunks.by_name["a"].drained = True
        await desk.until(lambda: len(desk.written()) == 30)
        assert len(desk.by_trunk()["a"]) == 3
        assert await desk.writer.submit(stored.drained) == {"a"}
        assert desk.rows("SELECT count(*) FROM contacts WHERE state = 'in_call'") == [30]
        assert set(desk.rows("SELECT disposition FROM attempts WHERE disposition NOT NULL")) <= {"NOT_SENT"}


async def test_a_frozen_pbx_holds_up_no_other(new_desk, person) -> None:
    """It acknowledges nothing, and its link is not lost yet: what it may have it has, and the rest goes elsewhere."""
    async with new_desk(cps=200, trunk={"b": {"pbx": "far"}}) as desk:
        desk.exchanges["far"].acknowledges = False
        most = desk.trunks.unheard_limit("far")
        await desk.campaign("spring", *(person(row) for row in range(1, 81)))
        desk.start()
        await desk.until(lambda: len(desk.by_trunk()["a"]) + len(desk.by_trunk()["b"]) == 80)
        assert len(desk.by_trunk()["b"]) == most
        assert desk.rows("SELECT count(*) FROM contacts WHERE state = 'in_call'") == [80]
        numbers = [one.claim.e164 for one in desk.ledger]
        assert len(numbers) == len(set(numbers)) == 80


def ways(desk: Any) -> dict[str, str]:
    """By which trunk each number was called."""
    dialed = [headers["Channel"].removeprefix("PJSIP/") for headers in desk.exchange.written]
    return dict(one.split("@") for one in dialed)


async def test_a_pbx_that_is_lost_is_left_at_once(new_desk, person) -> None:
    async with new_desk(cps=100, trunk={"b": {"pbx": "far"}}) as desk:
        await desk.campaign("spring", *(person(row) for row in range(1, 61)))
        desk.start()
        far = desk.exchanges["far"]
        await desk.until(lambda: len(far.written) == 5)
        far.unreachable = True  # the connection breaks, and a moment later that is known
        await desk.until(lambda: desk.rows("SELECT 1 FROM attempts WHERE disposition = 'NOT_SENT'"))
        far.up = False
        await desk.until(lambda: len(desk.by_trunk()["a"]) == 55)
        assert len(far.written) == 5
        assert desk.rows("SELECT count(*) FROM contacts WHERE state = 'in_call' AND attempts = 0") == [60]
        assert desk.events("trunk.breaker_opened") == [], "no trunk has failed"


async def test_each_callee_by_the_cheapest_trunk_that_serves_them(new_desk, person, phone) -> None:
    cheap = {"a": {"prices": {"+331990010": 0.01}}, "b": {"areas": ["+33199001"], "price": 0.1}}
    async with new_desk(cps=200, trunk=cheap) as desk:
        await desk.campaign("spring", *(person(row, phone(row)) for row in (1, 2, 201, 202)))
        await desk.campaign("by-b", person(3, phone(3)), trunks=["b"])
        desk.start()
        await desk.until(lambda: len(desk.written()) == 5)
        assert {number[-3:]: trunk for number, trunk in ways(desk).items()} == {
            "001": "a", "002": "a", "201": "b", "202": "b", "003": "b",
        }  # fmt: skip


async def test_who_waits_for_a_trunk_holds_up_nobody_and_who_has_none_is_refused(
    new_desk, person, phone
) -> None:
    areas = {"a": {"areas": ["+331990010"]}, "b": {"areas": ["+331990012"]}}
    async with new_desk(cps=200, trunk=areas) as desk:
        desk.trunks.by_name["b"].drained = True
        await desk.campaign("spring", *(person(row, phone(row)) for row in (*range(201, 231), 1, 2, 301)))
        desk.start()
        await desk.until(lambda: len(desk.written()) == 2)
        assert set(ways(desk).values()) == {"a"}
        await desk.until(lambda: desk.events("contact.refused"))
        [refused] = desk.events("contact.refused")
        assert (refused["reason"], refused["final"]) == ("no_trunk", False)
        desk.trunks.by_name["b"].drained = False
        desk.dispatcher.wake()
        await desk.until(lambda: len(desk.written()) == 32)
        assert desk.rows("SELECT count(*) FROM attempts") == [32]


async def test_a_range_of_numbers_takes_only_so_many(new_desk, person, phone) -> None:
    async with new_desk(cps=200, prefix_caps={"+3319900100": {"max_channels": 2}}) as desk:
        await desk.campaign("spring", *(person(row, phone(row)) for row in (*range(1, 7), *range(11, 17))))
        desk.start()
        await desk.until(lambda: len(desk.written()) == 8)
        await asyncio.sleep(0.1)
        first = [one for one in desk.numbers() if one.startswith("+3319900100")]
        assert (len(desk.written()), len(first)) == (8, 2)
        for attempt in desk.written():
            if desk.ledger.get(attempt).ranges:
                desk.hang_up(attempt, 16, 0, answered=True)
        await desk.until(lambda: len(desk.written()) == 10)
        assert max(one.live for one in desk.trunks.ranges.of("a", "+33199001001")) == 2
