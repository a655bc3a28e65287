"""A wall clock that jumps either way neither bursts nor stalls the dialer, and shortens nobody's gap."""

from __future__ import annotations

import pytest

from engine.clock import Clock
from engine.dialing.clock_watch import TOLERANCE, ClockWatch
from engine.errors import StoreError


class SetClock(Clock):
    """A clock whose wall time can be set."""

    def __init__(self, wall: float = 1_800_000_000.0) -> None:
        self.shown = wall
        self.run = 500.0
        super().__init__()

    def wall(self) -> float:
        return self.shown

    def mono(self) -> float:
        return self.run

    def tick(self, seconds: float, drift: float = 0.0) -> None:
        self.run += seconds
        self.shown += seconds + drift


async def test_a_clock_that_runs_or_is_slewed_moves_nothing(desk) -> None:
    clock = SetClock()
    watch = ClockWatch(desk.agenda, desk.ledger, desk.writer, clock, desk.log, 0.0)
    for _ in range(50):
        clock.tick(1.0, drift=TOLERANCE / 2)  # far more than a slew
        await watch.look()
    assert desk.events("clock.jumped") == []


@pytest.mark.parametrize("jump", [3600.0, -3600.0, 86400.0 * 30, -86400.0 * 30])
async def test_a_jump_is_told_once_and_everything_due_stays_due(desk, person, jump: float) -> None:
    await desk.campaign("spring", *(person(row) for row in range(1, 4)))
    clock = SetClock(desk.clock.now())
    watch = ClockWatch(desk.agenda, desk.ledger, desk.writer, clock, desk.log, 0.0)
    clock.tick(1.0, drift=jump)
    await watch.look()
    await watch.look()
    [line] = desk.events("clock.jumped")
    assert line["seconds"] == pytest.approx(jump, abs=0.1)
    assert all(due <= clock.now() for due in desk.rows("SELECT due_at FROM contacts"))
    assert all(one.next_due == 0.0 for one in desk.agenda.campaigns.values())


async def test_a_call_that_lives_keeps_its_gap(desk, person) -> None:
    """It was heard of by the old clock; the next attempt must not come early by the jump."""
    await desk.campaign("spring", person(1), retry={"min_gap": "1m", "BUSY": {"delay": "2m"}})
    desk.start()
    await desk.until(desk.written)
    [attempt] = desk.written()
    await desk.until(lambda: desk.ledger.get(attempt).call.heard_at)
    heard = desk.ledger.get(attempt).call.heard_at
    clock = SetClock(desk.clock.now())
    watch = ClockWatch(desk.agenda, desk.ledger, desk.writer, clock, desk.log, 0.0)
    clock.tick(1.0, drift=1000.0)
    await watch.look()
    desk.hang_up(attempt)
    await desk.follower.backlog.settled()
    [due] = desk.rows("SELECT due_at FROM contacts")
    assert due == pytest.approx(heard + 1000.0 + 120.0, abs=0.2)


async def test_an_engine_that_starts_behind_its_last_call_knows_that_the_clock_went_back(
    desk, person
) -> None:
    await desk.campaign("spring", person(1))
    clock = SetClock(desk.clock.now() - 7200.0)
    watch = ClockWatch(desk.agenda, desk.ledger, desk.writer, clock, desk.log, latest=desk.clock.now())
    await watch.look()
    [line] = desk.events("clock.jumped")
    assert line["seconds"] == pytest.approx(-7200.0, abs=1.0)
    assert desk.rows("SELECT due_at FROM contacts")[0] <= clock.now()


async def test_an_end_that_was_reckoned_before_the_clock_was_set_moves_with_it(desk, person) -> None:
    """It waits to be stored while the clock is set: by the old time its gap would be over, or last for ever."""
    await desk.campaign("spring", person(1), retry={"min_gap": "1m", "BUSY": {"delay": "2m"}})
    desk.start()
    await desk.until(desk.written)
    [attempt] = desk.written()
    await desk.until(lambda: desk.ledger.get(attempt).call.heard_at)
    heard = desk.ledger.get(attempt).call.heard_at
    clock = SetClock(desk.clock.now())
    watch = ClockWatch(desk.agenda, desk.ledger, desk.writer, clock, desk.log, 0.0)
    clock.tick(0.1, drift=5000.0)
    desk.hang_up(attempt)  # queued, not stored
    await watch.look()
    await desk.follower.backlog.settled()
    [(due, last)] = desk.rows("SELECT due_at, last_attempt_at FROM contacts")
    assert due == pytest.approx(heard + 5000.0 + 120.0, abs=0.2)
    assert last == pytest.approx(heard + 5000.0, abs=0.2)


async def test_a_clock_that_was_set_is_told_of_when_the_database_has_taken_it(desk, person) -> None:
    await desk.campaign("spring", person(1))
    clock = SetClock(desk.clock.now())
    watch = ClockWatch(desk.agenda, desk.ledger, desk.writer, clock, desk.log, 0.0)
    await desk.connection.run(lambda one: one.execute("PRAGMA query_only = ON"))
    clock.tick(1.0, drift=-3600.0)
    with pytest.raises(StoreError):
        await watch.look()
    assert desk.events("clock.jumped") == []
    await desk.connection.run(lambda one: one.execute("PRAGMA query_only = OFF"))
    await watch.look()
    assert [line["seconds"] for line in desk.events("clock.jumped")] == [pytest.approx(-3600.0, abs=0.1)]
    assert desk.rows("SELECT due_at FROM contacts")[0] <= clock.now()
