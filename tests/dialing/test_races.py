"""Opt-outs against claims: whichever comes first at the database, nobody is dialed after it holds their opt-out.

Dispatcher, follower, writer and database are the real ones. The exchange asks the committed database, by a connection
of its own, at the very moment at which an Originate is written: is this number suppressed? Opt-outs fall at random
moments around claim and send, by key, by a report that comes after the end of the call, and by request.

`VOLLEY_RACES=10000` makes so many of them, by `VOLLEY_SEED` others.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

from engine.channel import Report, Ringing, Up, channel_id
from engine.contacts import Contact
from engine.rules.numbers import Number
from engine.store import audited

RACES = int(os.environ.get("VOLLEY_RACES", "1500"))
SEED = os.environ.get("VOLLEY_SEED", "1")
AT_ONCE = 50
"""Races that are run beside each other: they share commits, as calls under load do."""
SPREAD = 0.040
"""Seconds over which what races is spread: a claim's way from the database to the wire takes some milliseconds, and a
call waits up to 40 ms for its turn. On a machine that is busy with something else they take longer: the spread grows while one side
wins nearly always, and shrinks while the other does."""
LOPSIDED = 0.9
HOWS = ("key", "late", "request")


RANGES = ("19900", "26191", "35301", "46571", "53649", "63998")
"""Reserved for fiction (Arcep, decision 2018-0881): no law keeps them from ringing at any hour. Ten thousand numbers each."""


def phone(which: int) -> Number:
    block, digits = divmod(which, 10_000)
    return Number(f"+33{RANGES[block]}{digits:04d}", "FR", "fixed", ("Europe/Paris",))


class Race:
    """A person with two numbers, who says never again in a call to the first while another campaign calls the second.

    What they say is on its way to the database when the second becomes due; which of the two is first, chance decides.
    """

    def __init__(self, desk: Any, at: int, dice: random.Random, spread: float) -> None:
        self.desk = desk
        self.first, self.second = phone(2 * at), phone(2 * at + 1)
        self.how = HOWS[at % len(HOWS)]
        self.said_after = dice.random() * spread
        self.rings = dice.random() < 0.5

    async def say(self, attempt: int) -> None:
        """Never again, in one of three ways; returns when the database holds it and everybody has been told."""
        desk = self.desk
        await asyncio.sleep(self.said_after)
        if self.how == "request":
            work = partial(
                audited.suppress, numbers=[self.first, self.second], reason="letter", source="command", actor="anna",
                now=desk.clock.now(),
            )  # fmt: skip
            desk.follower.suppress(await desk.writer.submit(work, withdraws=True))
            return
        if self.how == "late":  # the call has ended before its report comes
            desk.hang_up(attempt, 16, 0, answered=True)
        desk.follower.take(Report(attempt, 4, "optout", "message", desk.clock.now()))


class Watch:
    """Stands at the wire: what does the committed database say of a number at the moment at which it is dialed?"""

    def __init__(self, desk: Any) -> None:
        self._desk = desk
        self.broken: list[str] = []
        self.rings: Callable[[str], bool] = lambda e164: False
        desk.exchange.on_write = self.look

    def look(self, attempt: int) -> None:
        desk = self._desk
        [e164] = desk.rows(
            "SELECT n.e164 FROM attempts a JOIN numbers n ON n.id = a.number_id WHERE a.id = ?", attempt
        )
        if desk.rows(
            "SELECT 1 FROM suppression s JOIN numbers n ON n.id = s.number_id WHERE n.e164 = ?", e164
        ):
            self.broken.append(e164)
        if self.rings(e164):
            asyncio.get_running_loop().call_soon(desk.exchange.tell, Ringing(attempt))


async def heat(
    desk: Any, person: Callable[..., Contact], races: list[Race], name: str, spread: float
) -> Counter[str]:
    """Run these races beside each other and count how they ended."""
    start = len(desk.exchange.written)
    await desk.campaign(
        f"{name}-first",
        *(person(row, race.first, race.second) for row, race in enumerate(races, 1)),
        priority=90,
        retry={"max_attempts": 1},
    )
    await desk.until(lambda: len(desk.exchange.written) == start + len(races))
    calls = dict(zip(desk.numbers()[start:], desk.written()[start:], strict=True))
    for attempt in calls.values():
        desk.follower.take(Up(attempt))
    says = [asyncio.create_task(race.say(calls[race.first.e164])) for race in races]
    await desk.campaign(
        f"{name}-second", *(person(row, race.second) for row, race in enumerate(races, 1)),
    )  # fmt: skip
    await asyncio.gather(*says)
    await desk.until(
        lambda: (
            len(
                desk.rows(
                    "SELECT s.number_id FROM suppression s JOIN numbers n ON n.id = s.number_id"
                    " WHERE n.e164 BETWEEN ? AND ?",
                    races[0].first.e164,
                    races[-1].second.e164,
                )
            )
            == 2 * len(races)
        ),
        20.0,
    )
    await asyncio.sleep(2 * spread)  # whoever was to be dialed in spite of it would be by now
    dialed = dict(
        zip(desk.numbers()[start + len(races) :], desk.written()[start + len(races) :], strict=True)
    )
    ended: Counter[str] = Counter()
    for race in races:
        attempt = dialed.get(race.second.e164)
        if attempt is None:
            ended["not dialed"] += 1
        else:
            hung_up = channel_id(attempt) in desk.exchange.hung_up
            ended["hung up" if hung_up else "LEFT RINGING"] += 1
            desk.hang_up(attempt, 16, 0, rang=True)
    for race in races:
        desk.hang_up(calls[race.first.e164], 16, 0, answered=True)
    await desk.follower.backlog.settled()
    await desk.until(lambda: desk.rows("SELECT count(*) FROM contacts WHERE state != 'done'") == [0])
    return ended


async def test_nobody_is_dialed_after_the_commit_of_an_opt_out(new_desk: Any, person: Any) -> None:
    dice = random.Random(f"races {SEED}")
    ended: Counter[str] = Counter()
    spread = SPREAD
    async with new_desk(max_channels=2 * AT_ONCE, cps=2000) as desk:
        watch = Watch(desk)
        desk.start()
        for first in range(0, RACES, AT_ONCE):
            races = [Race(desk, at, dice, spread) for at in range(first, min(RACES, first + AT_ONCE))]
            ringing = {race.second.e164 for race in races if race.rings}
            watch.rings = ringing.__contains__
            found = await heat(desk, person, races, f"race{first}", spread)
            if found["not dialed"] > LOPSIDED * len(races):
                spread *= 2
            elif found["hung up"] > LOPSIDED * len(races):
                spread /= 2
            ended += found
            assert watch.broken == [], "an Originate was written after the commit of its opt-out"
        assert ended["LEFT RINGING"] == 0
        assert ended.total() == RACES
        assert min(ended["not dialed"], ended["hung up"]) > RACES / 20, "either side wins at times"
        withdrawn = desk.rows(
            "SELECT count(*) FROM attempts WHERE disposition = 'NOT_SENT' AND note LIKE '%suppressed%'"
        )
        print(f"{RACES:,} races: {dict(ended)}, {withdrawn[0]} of them taken back between claim and wire")
        desk.check_idle()
