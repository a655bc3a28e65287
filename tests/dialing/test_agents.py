"""Places of agents: never more calls than they allow, and every place given back, whatever is told in whatever order."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from engine.config import TransferSettings
from engine.dialing.agents import Agents


def target(places: int, calls_per_place: float = 1.0, **more: object) -> TransferSettings:
    return TransferSettings.model_validate(
        {"dial": "PJSIP/101", "places": places, "calls_per_place": calls_per_place, **more}
    )


def test_a_call_takes_a_place_and_gives_it_back() -> None:
    agents = Agents({"desk": target(2)})
    assert agents.room(["desk"]) == 2
    agents.take(["desk"])
    assert agents.room(["desk"]) == 1
    agents.take(["desk"])
    assert agents.room(["desk"]) == 0
    agents.release(["desk"], 1)
    assert agents.room(["desk"]) == 1
    assert repr(agents) == "<Agents offered={'desk': 1} talking={}>"


@pytest.mark.parametrize(
    ("places", "ratio", "offered", "talking", "room"),
    [
        (10, 1.0, 0, 0, 10),
        (10, 1.0, 10, 0, 0),
        (10, 1.0, 10, 10, 0),
        (10, 1.0, 10, 4, 0),  # six calls may still hear the offer, and six agents are free
        (10, 3.0, 0, 0, 30),
        (10, 3.0, 30, 10, 0),
        (10, 3.0, 20, 4, 2),  # 6 free agents times 3, less the 16 calls that do not talk
        (10, 3.0, 4, 4, 18),
        (10, 0.5, 0, 0, 5),
        (10, 0.5, 5, 1, 0),
        (3, 0.5, 0, 0, 1),
        (1, 1.0, 3, 3, 0),  # more talk than there are places: the settings were changed
    ],
)
def test_who_talks_takes_a_whole_place(
    places: int, ratio: float, offered: int, talking: int, room: int
) -> None:
    agents = Agents({"desk": target(places, ratio)})
    for attempt in range(offered):
        agents.take(["desk"])
        if attempt < talking:
            agents.connected("desk", attempt)
    assert agents.talking("desk") == talking
    assert agents.room(["desk"]) == room


def test_the_scarcest_of_several_counts() -> None:
    agents = Agents({"desk": target(5), "support": target(2)})
    assert agents.room(["desk", "support"]) == 2
    agents.take(["desk", "support"])
    assert (agents.room(["desk"]), agents.room(["support"]), agents.room(["desk", "support"])) == (4, 1, 1)


def test_places_are_those_of_every_pbx() -> None:
    assert Agents({"desk": target(2)}, pbxs=3).room(["desk"]) == 6


def test_what_limits_nothing() -> None:
    agents = Agents({"desk": target(1)})
    assert agents.room([]) is None
    assert agents.room(["gone"]) is None  # it has left the settings: the dialplan does not offer it
    assert agents.room(["gone", "desk"]) == 1
    agents.take(["gone"])
    agents.connected("gone", 1)
    agents.release(["gone"], 1)
    assert agents.talking("gone") == 0


def test_how_long_a_connected_call_may_last() -> None:
    agents = Agents({"desk": target(1, max_talk="10m", ring="20s")})
    assert agents.longest("desk") == 620.0
    assert agents.longest("gone") == 0.0


def test_by_which_trunk_a_target_is_dialed() -> None:
    number = TransferSettings.model_validate(
        {"number": "+33199001050", "trunk": "a", "caller_id": "+33162000001", "places": 1}
    )
    agents = Agents({"desk": target(1), "outside": number})
    assert (agents.trunk("desk"), agents.trunk("outside"), agents.trunk("gone")) == (None, "a", None)


def test_a_report_that_is_told_twice_counts_once() -> None:
    agents = Agents({"desk": target(3)})
    agents.take(["desk"])
    for _ in range(3):
        agents.connected("desk", 7)
    assert (agents.talking("desk"), agents.room(["desk"])) == (1, 2)
    for _ in range(3):
        agents.parted("desk", 7)
    assert (agents.talking("desk"), agents.room(["desk"])) == (0, 2)
    agents.parted("support", 7)
    agents.release(["desk"], 7)
    assert agents.room(["desk"]) == 3


TARGETS = {"desk": target(2), "support": target(3, 2.5), "night": target(2, 0.5)}
names = st.sets(st.sampled_from([*TARGETS, "gone"])).map(sorted)


class Calls(RuleBasedStateMachine):
    """Calls begin where there is room, are connected and part, and end; a model counts beside."""

    @initialize(pbxs=st.integers(1, 2))
    def start(self, pbxs: int) -> None:
        self.pbxs = pbxs
        self.agents = Agents(TARGETS, pbxs)
        self.live: dict[int, list[str]] = {}
        self.talks: dict[int, str] = {}
        self.next = 1

    @rule(offers=names, adopted=st.booleans())
    def begin(self, offers: list[str], adopted: bool) -> None:
        """A call of an earlier run is taken up whether there is room or not."""
        room = self.agents.room(offers)
        assert (room is None) == (not set(offers) & set(TARGETS))
        if room == 0 and not adopted:
            return
        self.agents.take(offers)
        self.live[self.next] = offers
        self.next += 1
        if room is not None:
            assert (self.agents.room(offers) or 0) <= room

    @precondition(lambda self: self.live)
    @rule(data=st.data())
    def connect(self, data: st.DataObject) -> None:
        attempt = data.draw(st.sampled_from(sorted(self.live)))
        if not self.live[attempt] or attempt in self.talks:
            return
        self.talks[attempt] = data.draw(st.sampled_from(self.live[attempt]))
        self.agents.connected(self.talks[attempt], attempt)

    @precondition(lambda self: self.talks)
    @rule(data=st.data())
    def part(self, data: st.DataObject) -> None:
        attempt = data.draw(st.sampled_from(sorted(self.talks)))
        self.agents.parted(self.talks.pop(attempt), attempt)

    @precondition(lambda self: self.live)
    @rule(data=st.data())
    def end(self, data: st.DataObject) -> None:
        attempt = data.draw(st.sampled_from(sorted(self.live)))
        self.talks.pop(attempt, None)
        self.agents.release(self.live.pop(attempt), attempt)

    @invariant()
    def the_room_is_what_the_calls_leave(self) -> None:
        talking = Counter(self.talks.values())
        offered = Counter(name for offers in self.live.values() for name in offers)
        for name, settings in TARGETS.items():
            assert self.agents.talking(name) == talking[name]
            free = max(0, settings.places * self.pbxs - talking[name])
            waiting = offered[name] - talking[name]
            assert self.agents.room([name]) == max(0, int(free * settings.calls_per_place) - waiting)
        rooms = [room for name in TARGETS if (room := self.agents.room([name])) is not None]
        assert min(rooms) >= 0
        assert self.agents.room(TARGETS) == min(rooms)

    def teardown(self) -> None:
        for attempt, offers in self.live.items():
            self.agents.release(offers, attempt)
        every = Agents(TARGETS, self.pbxs)
        for name in TARGETS:
            assert self.agents.room([name]) == every.room([name])


TestCalls = Calls.TestCase


@given(
    st.lists(st.tuples(st.sampled_from(["connected", "parted", "released"]), st.integers(0, 3)), max_size=30)
)
def test_what_is_told_of_calls_in_any_order_leaves_nothing_behind(told: list[tuple[str, int]]) -> None:
    """Reports come late and twice; a call ends once. One that talks holds a place until it parts or ends."""
    agents = Agents({"desk": target(4)})
    ended: set[int] = set()
    for _ in range(4):
        agents.take(["desk"])
    for what, attempt in told:
        if attempt in ended:  # of a call that has ended nobody is told: `engine.dialing.wishes`
            continue
        match what:
            case "connected":
                agents.connected("desk", attempt)
            case "parted":
                agents.parted("desk", attempt)
            case "released":
                agents.release(["desk"], attempt)
                ended.add(attempt)
        room = agents.room(["desk"])
        assert room == len(ended), "each that ended has left its place to another"
    for attempt in {0, 1, 2, 3} - ended:
        agents.release(["desk"], attempt)
    assert (agents.room(["desk"]), agents.talking("desk")) == (4, 0)
