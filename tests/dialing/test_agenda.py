"""Who may dial now, and in which order."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from engine.dialing.agenda import Agenda
from engine.dialing.agents import Agents
from engine.dialing.running import CAREFUL_HOURS, NEVER, Running, transfers
from engine.errors import StoreError
from engine.store.campaigns import CampaignRow
from engine.store.claimed import Claimant
from tests.dialing.conftest import settings as lab_settings

MANIFEST: dict[str, Any] = {
    "owner": "Anna",
    "purpose": "informational",
    "caller_id": ["+33162000001", "+33999999999"],
    "message": {"prompts": ["hello.wav"]},
}
BOTH = frozenset("ab")


def row(which: int, priority: int = 50, state: str = "running", **manifest: Any) -> CampaignRow:
    return CampaignRow(
        which, f"c{which}", priority, state, {**MANIFEST, "id": f"c{which}", **manifest}, "flow", 5.0, None, 3
    )


@pytest.fixture
def agenda(some_settings) -> Agenda:
    return Agenda(some_settings(max_channels=20, ring_timeout=30), Agents({}))


def ids(
    agenda: Agenda, now: float = 100.0, mono: float = 50.0, trunks: frozenset[str] = BOTH, most: int = 50
) -> list[int]:
    return [running.id for running, _ in agenda.claimants(now, mono, 0.04, trunks, most)]


def test_a_campaign_takes_from_the_settings_what_it_does_not_say(some_settings) -> None:
    settings = some_settings(max_channels=20, ring_timeout=30)
    plain = Running(row(1), settings)
    assert (plain.ring_timeout, plain.max_call, plain.max_channels, plain.trunks) == (30.0, 600.0, 20, BOTH)
    assert plain.rules.hours is CAREFUL_HOURS
    assert plain.rules.caller_ids.numbers == ("+33162000001",)  # the other one is not proven to be ours
    assert plain.callback_policy.max_attempts == 3
    own = Running(
        row(
            2,
            ring_timeout=20,
            max_call=60,
            max_channels=2,
            trunks=["b"],
            window=[{"from": "00:00", "to": "00:00"}],
        ),
        settings,
    )
    assert (own.ring_timeout, own.max_call, own.max_channels, own.trunks) == (20.0, 60.0, 2, frozenset("b"))
    assert own.rules.hours is not CAREFUL_HOURS
    assert repr(own) == "<Running c2 running live=0 next_due=0>"


def test_higher_priority_first_and_equals_in_turn(agenda: Agenda) -> None:
    agenda.refresh([row(1, 10), row(2), row(3), row(4, 90)])
    assert ids(agenda)[0] == 4
    agenda.campaigns[4].next_due = NEVER
    assert ids(agenda) == ids(agenda) == [2, 3, 1]
    agenda.serve(agenda.campaigns[2])
    assert ids(agenda) == [3, 2, 1]
    agenda.serve(agenda.campaigns[3])
    assert ids(agenda) == [2, 3, 1]
    assert len(ids(agenda, most=2)) == 2


def test_who_is_not_asked(agenda: Agenda) -> None:
    agenda.refresh(
        [
            row(1),
            row(2, state="paused"),
            row(3, state="scheduled"),
            row(4),
            row(5),
            row(6, trunks=["b"]),
            row(7, cps=1.0),
        ]
    )
    agenda.campaigns[4].next_due = 100.5
    agenda.campaigns[5].live = 20
    pace = agenda.campaigns[7].pace
    assert pace is not None
    pace.next(50.0)
    assert sorted(ids(agenda, trunks=frozenset("a"))) == [1]
    assert sorted(ids(agenda)) == [1, 6]
    [_, claimant] = next(pair for pair in agenda.claimants(100.0, 50.0, 0.04, BOTH) if pair[0].id == 6)
    assert claimant.trunks == frozenset("b")
    assert claimant.room == 20


def test_how_long_to_wait(agenda: Agenda) -> None:
    assert agenda.wait(100.0, 50.0, 0.04) == NEVER
    agenda.refresh([row(1), row(2, state="paused")])
    assert agenda.wait(100.0, 50.0, 0.04) <= 0
    agenda.campaigns[1].next_due = 130.0
    assert agenda.wait(100.0, 50.0, 0.04) == 30.0
    agenda.campaigns[1].due(120.0)
    agenda.campaigns[1].due(150.0)
    assert agenda.wait(100.0, 50.0, 0.04) == 20.0
    agenda.campaigns[1].live = 20
    assert agenda.wait(100.0, 50.0, 0.04) == NEVER


def test_a_campaign_s_own_pace(some_settings) -> None:
    running = Running(row(1, cps=2.0, max_channels=10), some_settings())
    assert running.room(50.0, 0.04) == 1
    assert running.pace is not None
    running.pace.next(50.0)
    assert running.room(50.0, 0.04) == 0
    assert 0.4 < running.wait(100.0, 50.0, 0.04) < 0.6
    running.live = 10
    assert running.room(60.0, 0.04) == 0


DAY = {"from": "09:00", "to": "18:00"}


@pytest.mark.parametrize(
    ("stored", "steered", "known"),
    [
        ({"telepathy": {"on": True}, "cps": 3}, {}, {"cps": 3}),
        (
            {"retry": {"max_attempts": 5, "BUSY": {"delay": "1h", "wisdom": 9}, "omens": []}},
            {},
            {"retry": {"max_attempts": 5, "BUSY": {"delay": "1h"}}},
        ),
        ({"window": [DAY, {**DAY, "moon": "full"}, {"tide": 1}]}, {}, {"window": [DAY, DAY]}),
        ({"cps": "as fast as light", "max_channels": 3}, {"cps": "faster"}, {"max_channels": 3}),
        ({"cps": 2}, {"aura": "green", "cps": 4}, {"cps": 4}),
    ],
)
def test_what_another_version_stored_is_settled_by_what_is_known_of_it(
    some_settings, stored: dict[str, Any], steered: dict[str, Any], known: dict[str, Any]
) -> None:
    kept = replace(row(1, **stored), steered=steered)
    with pytest.raises(ValidationError):
        Running(kept, some_settings())
    found = Running.to_settle(kept, some_settings())
    assert found.campaign == Running(row(1, **known), some_settings()).campaign
    assert kept.manifest == row(1, **stored).manifest


def test_what_hardly_anything_is_known_of_is_told(some_settings) -> None:
    with pytest.raises(StoreError, match=r"campaign c1 .*caller_id.*run that version"):
        Running.to_settle(row(1, caller_id="of the future"), some_settings())


def test_refreshing(agenda: Agenda) -> None:
    agenda.refresh([row(1), row(2)])
    first, second = agenda.campaigns[1], agenda.campaigns[2]
    first.next_due = NEVER
    agenda.refresh([row(1, state="paused")])
    assert agenda.campaigns == {1: first}
    assert (first.state, first.rules.running, first.next_due) == ("paused", False, 0.0)
    # What is gone is not served any more, by whoever still holds it.
    assert second.state != "running"
    assert not second.rules.running
    agenda.refresh([row(1), row(2)])
    assert agenda.campaigns[1] is first
    assert first.rules.running
    assert agenda.campaigns[2] is not second


# -- agents ------------------------------------------------------------------------------------------------------------

TRANSFER = {
    "desk": {"dial": "PJSIP/101", "places": 3},
    "doctor": {"number": "+33199001050", "trunk": "a", "caller_id": "+33162000001", "places": 2},
}
TO_DESK = {"menu": {"keys": {"1": "transfer:desk"}}}
TO_BOTH = {"menu": {"keys": {"1": "transfer:desk", "2": "transfer:doctor"}}}


def room(agenda: Agenda, which: int) -> int:
    [claimant] = [one for running, one in agenda.claimants(100.0, 50.0, 0.04, BOTH) if running.id == which]
    return claimant.room


def test_agents_limit_those_campaigns_that_lead_to_them(some_settings) -> None:
    settings = some_settings(transfer=TRANSFER, max_channels=20)
    agents = Agents(settings.transfer)
    agenda = Agenda(settings, agents)
    agenda.refresh([row(1), row(2, **TO_DESK), row(3, **TO_BOTH), row(4, **TO_DESK, max_channels=1)])
    assert [room(agenda, which) for which in (1, 2, 3, 4)] == [20, 3, 2, 1]
    agents.take(["desk", "doctor"])
    assert [room(agenda, which) for which in (1, 2, 3)] == [20, 2, 1]
    agents.take(["desk", "doctor"])
    assert sorted(ids(agenda)) == [1, 2, 4], "the doctor has no place left"
    assert agenda.wait(100.0, 50.0, 0.04) <= 0
    agents.take(["desk"])
    assert ids(agenda) == [1]
    agenda.campaigns[1].next_due = NEVER
    assert agenda.wait(100.0, 50.0, 0.04) == NEVER
    assert agenda.trunks(100.0, 50.0, 0.04) == frozenset()
    agents.release(["desk", "doctor"], 1)
    assert sorted(ids(agenda)) == [2, 3, 4]


def test_who_is_reached_by_a_callback_alone_limits_the_callbacks(some_settings) -> None:
    settings = some_settings(transfer=TRANSFER, max_channels=20)
    agents = Agents(settings.transfer)
    agenda = Agenda(settings, agents)
    keys = {"1": "transfer:desk", "2": {"action": "call_back", "after": "1h", "start": "doctor"}}
    doctor = {"doctor": {"kind": "transfer", "to": "doctor"}}
    agenda.refresh([row(1, menu={"keys": keys}, nodes=doctor), row(2, **TO_DESK)])
    assert (agenda.campaigns[1].targets, agenda.campaigns[1].starts) == ({"desk"}, {"doctor": {"doctor"}})
    assert agenda.targets() == {"desk", "doctor"}

    def start_room() -> dict[str, int]:
        found = agenda.claimants(100.0, 50.0, 0.04, BOTH)
        return {name: room for _, one in found for name, room in one.start_room.items()}

    assert (room(agenda, 1), start_room()) == (3, {"doctor": 2})
    agents.take(["doctor"])
    agents.take(["doctor"])
    assert (room(agenda, 1), start_room()) == (3, {"doctor": 0})


def test_the_gate_is_told_of_numbers_alone(some_settings) -> None:
    settings = some_settings(transfer=TRANSFER)
    [doctor] = transfers(settings, ["doctor", "desk", "gone"])
    assert (doctor.name, doctor.e164, doctor.region, doctor.kind, doctor.trunk) == (
        "doctor", "+33199001050", "FR", "fixed", "a",
    )  # fmt: skip
    assert doctor.caller_ids.numbers == ("+33162000001",)
    running = Running(row(1, **TO_BOTH, callbacks_after_end="1h"), settings)
    assert [one.name for one in running.rules.transfers] == ["doctor"]
    assert running.rules.callbacks_after_end == 3600.0
    assert running.targets == {"desk", "doctor"}
    assert Running(row(2), settings).rules.transfers == ()


# -- who gets how much -------------------------------------------------------------------------------------------------

EMERGENCY = {
    "purpose": "emergency",
    "emergency": {"approved_by": ["Anna, mayor", "Ben, fire brigade"], "expires": "2027-01-01T00:00:00Z"},
}


def turns(agenda: Agenda, calls: int, at_once: int = 1) -> list[int]:
    """The campaigns that get the next calls, `at_once` of them in each claim: the first takes all that it may."""
    found: list[int] = []
    while len(found) < calls:
        [(first, _)] = agenda.claimants(100.0, 50.0, 0.04, BOTH, 1)
        for _ in range(at_once):
            agenda.serve(first)
            found.append(first.id)
    return found


@given(st.lists(st.sampled_from([0.5, 1.0, 2.0, 5.0]), min_size=2, max_size=5), st.sampled_from([1, 20]))
def test_campaigns_of_one_priority_get_calls_by_their_shares(shares: list[float], at_once: int) -> None:
    agenda = Agenda(lab_settings(), Agents({}))
    agenda.refresh([row(which, share=share) for which, share in enumerate(shares, 1)])
    got = turns(agenda, 200 * at_once, at_once)
    for which, share in enumerate(shares, 1):
        assert got.count(which) / len(got) == pytest.approx(share / sum(shares), abs=0.05)


def test_who_was_idle_begins_where_the_others_are(agenda: Agenda) -> None:
    agenda.refresh([row(1), row(2), row(3)])
    agenda.campaigns[3].next_due = NEVER
    turns(agenda, 100)
    agenda.campaigns[3].next_due = 0.0
    got = turns(agenda, 30)
    assert [got.count(which) for which in (1, 2, 3)] == [10, 10, 10]


def test_an_emergency_overtakes_at_once_and_leaves_the_rest_when_it_is_full(agenda: Agenda) -> None:
    agenda.refresh([row(1, 100), row(2, 100)])
    turns(agenda, 10)
    agenda.refresh([row(1, 100), row(2, 100), row(3, 0, **EMERGENCY, max_channels=3)])
    assert turns(agenda, 5) == [3] * 5
    agenda.campaigns[3].live = 3
    assert set(turns(agenda, 4)) == {1, 2}
    agenda.campaigns[3].live = 2
    assert turns(agenda, 1) == [3]


def test_who_cannot_be_dialed_now_is_passed_over_and_keeps_its_place(agenda: Agenda) -> None:
    agenda.refresh([row(which, 90 if which < 40 else 50) for which in range(1, 60)])

    def ready(claimant: Claimant) -> Claimant:
        return claimant if claimant.campaign_id >= 40 else replace(claimant, trunks=frozenset())

    found = agenda.claimants(100.0, 50.0, 0.04, BOTH, 4, ready)
    assert [running.id for running, _ in found] == [40, 41, 42, 43]
    assert ids(agenda, most=2) == [1, 2]


def test_a_campaign_s_own_pace_holds_it_for_a_while(agenda: Agenda) -> None:
    agenda.refresh([row(1, cps=2.0), row(2, 10)])
    assert ids(agenda) == [1, 2]
    agenda.serve(agenda.campaigns[1], 50.0)
    assert ids(agenda) == [2]
    assert ids(agenda, mono=50.6) == [1, 2]
    agenda.campaigns[2].slow_until = 51.0
    assert ids(agenda, mono=50.6) == [1]
    agenda.campaigns[1].next_due = NEVER
    assert agenda.wait(100.0, 50.6, 0.04) == pytest.approx(0.4)


def test_a_change_asks_for_those_that_are_new_alone(agenda: Agenda) -> None:
    agenda.refresh([row(1), row(2), row(3)])
    for one in agenda.campaigns.values():
        one.next_due = 500.0
    agenda.update([(1, "running"), (2, "running"), (4, "running")], [row(4)], grown=[2])
    assert sorted(agenda.campaigns) == [1, 2, 4]
    assert sorted(ids(agenda)) == [2, 4]
    agenda.update([(1, "paused"), (2, "running"), (4, "running")], [])
    agenda.update([(1, "running"), (2, "running"), (4, "running")], [])
    assert sorted(ids(agenda)) == [1, 2, 4]


steps = st.lists(
    st.tuples(
        st.integers(1, 6), st.sampled_from(["due", "later", "never", "full", "free", "pause", "resume", "serve", "slow"]),
        st.floats(0.0, 2.0),
    ),
    max_size=120,
)  # fmt: skip


@given(steps)
def test_whatever_happens_the_heaps_answer_as_a_look_at_every_campaign_would(
    story: list[tuple[int, str, float]],
) -> None:
    agenda = Agenda(lab_settings(max_channels=20), Agents({}))
    agenda.refresh(
        [row(which, 50 + 10 * (which % 2), cps=2.0 if which == 6 else None) for which in range(1, 7)]
    )
    now, mono = 100.0, 50.0
    for which, what, wait in story:
        now, mono = now + wait, mono + wait
        one = agenda.campaigns[which]
        match what:
            case "due":
                one.due(now)
            case "later":
                one.next_due = now + 1.5
            case "never":
                one.next_due = NEVER
            case "full":
                one.live = 20
            case "free":
                one.live = 0
            case "pause":
                one.set_state("paused")
            case "resume":
                one.set_state("running")
            case "serve":
                agenda.serve(one, mono)
            case "slow":
                one.slow_until = mono + 1.0
        waits = {one.id: one.wait(now, mono, 0.04) for one in agenda.campaigns.values()}
        ready = {which for which, seconds in waits.items() if seconds <= 0}
        assert set(ids(agenda, now, mono)) == ready
        expected = 0.0 if ready else min(waits.values())
        assert agenda.wait(now, mono, 0.04) == pytest.approx(expected, abs=1e-6)
        priorities = [agenda.campaigns[which].priority for which in ids(agenda, now, mono)]
        assert priorities == sorted(priorities, reverse=True)


def test_a_campaign_that_cannot_be_read_stops_nobody_else(agenda: Agenda) -> None:
    odd = row(2, message={"prompts": ["hello.wav"], "of another version": True})
    [(found, error)] = agenda.update([(1, "running"), (2, "running"), (3, "running")], [row(1), odd, row(3)])
    assert (found, error.error_count()) == (odd, 1)
    assert sorted(ids(agenda)) == [1, 3]
