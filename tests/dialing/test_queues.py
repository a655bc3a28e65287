"""What queues tell of their agents, and what that leaves to be dialed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from engine.config import TransferSettings
from engine.dialing.agents import Agents
from engine.dialing.queues import Queues
from engine.errors import AmiActionFailed


@dataclass
class Pbx:
    """A PBX whose queue has so many agents free, and so many callers; None: it has no such queue."""

    told: tuple[int, int] | None = (0, 0)
    up: bool = True
    asked: list[str] = field(default_factory=list)

    async def queue(self, name: str) -> tuple[int, int]:
        self.asked.append(name)
        if self.told is None:
            raise AmiActionFailed(f"it has no queue {name}")
        return self.told


class Lines:
    def __init__(self) -> None:
        self.seen: list[dict[str, Any]] = []

    def info(self, event: str, **fields: Any) -> None:
        self.seen.append({"event": event, **fields})

    warning = info


class Scene:
    """A queue target of 10 places and a telephone of 5, on one or two PBXs."""

    def __init__(self, *pbxs: Pbx, targets: tuple[str, ...] = ("sales", "desk")) -> None:
        self.pbxs = {f"pbx{at}": pbx for at, pbx in enumerate(pbxs)}
        self.agents = Agents(
            {
                "sales": TransferSettings.model_validate({"queue": "sales-q", "places": 10}),
                "desk": TransferSettings.model_validate({"dial": "PJSIP/101", "places": 5}),
            },
            len(pbxs),
        )
        self.log = Lines()
        self.woken = 0
        self.queues = Queues(self.agents, self.pbxs, lambda: targets, self._wake, self.log)

    def _wake(self) -> None:
        self.woken += 1

    def room(self) -> int | None:
        return self.agents.room(["sales"])

    def words(self) -> list[str]:
        return [line["word"] for line in self.log.seen]


@pytest.mark.parametrize(
    ("told", "room"),
    [
        ([(4, 0)], 4),
        ([(0, 0)], 0),
        ([(4, 3)], 1),  # three agents are about to be taken
        ([(2, 5)], 0),
        ([(40, 0)], 10),  # no more than the places
        ([None], 10),  # it cannot be asked
        ([(4, 0), (3, 1)], 6),
        ([(4, 0), None], 20),
        ([None, None], 20),
    ],
)
async def test_no_more_calls_than_agents_are_free(told: list[tuple[int, int] | None], room: int) -> None:
    scene = Scene(*(Pbx(one) for one in told))
    await scene.queues.look()
    assert scene.room() == room
    assert scene.agents.room(["desk"]) == 5 * len(told), "a telephone is not asked"
    assert {name for pbx in scene.pbxs.values() for name in pbx.asked} == {"sales-q"}


async def test_who_was_connected_since_then_has_an_agent_who_was_free_then() -> None:
    pbx = Pbx((3, 0))
    scene = Scene(pbx)
    await scene.queues.look()
    for attempt in (1, 2):
        scene.agents.take(["sales"])
        scene.agents.connected("sales", attempt)
    assert scene.room() == 1
    pbx.told = (1, 0)
    await scene.queues.look()
    assert scene.room() == 1, "the queue tells of them itself by now"
    scene.agents.release(["sales"], 1)
    assert scene.room() == 1, "the agent is free when the queue says so: there may be a pause after each call"
    pbx.told = (2, 0)
    await scene.queues.look()
    assert scene.room() == 2


async def test_it_wakes_and_tells_when_that_changes() -> None:
    pbx = Pbx((2, 0))
    scene = Scene(pbx)
    for told in ((2, 0), (1, 0), (0, 0), (0, 0), None, (3, 0)):
        pbx.told = told
        await scene.queues.look()
    assert scene.words() == ["busy", "unknown", "free"]
    assert scene.log.seen[1]["why"] == "it has no queue sales-q"
    assert scene.woken == 2, "at the start, and when it could not tell any more"


async def test_nobody_is_free_where_the_link_is_down_or_nobody_was_asked_yet() -> None:
    pbx = Pbx((1, 0))
    scene = Scene(pbx)
    assert scene.room() == 0
    await scene.queues.look()
    assert scene.room() == 1
    pbx.up = False
    await scene.queues.look()
    assert (scene.room(), scene.words(), pbx.asked) == (0, [], ["sales-q"])


async def test_nobody_is_asked_while_no_campaign_leads_there() -> None:
    scene = Scene(Pbx((1, 0)), targets=("desk",))
    await scene.queues.look()
    assert scene.pbxs["pbx0"].asked == []
