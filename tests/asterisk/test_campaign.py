"""A campaign of every behaviour through both Asterisks: expected against seen, on our side and on the carrier's."""

from __future__ import annotations

import time

import pytest

import lab
from tests.asterisk.harness import Engine, carrier_count, number

pytestmark = pytest.mark.asterisk

RETRIES = """
amd = { machine = "voicemail" }
voicemail = { prompts = ["voicemail.wav"] }
[menu]
prompts = ["menu.wav"]
repeats = 0
[menu.keys]
1 = "confirm"
2 = { action = "call_back", after = "5s" }
[retry]
max_attempts = 3
min_gap = "3s"
BUSY = { delay = "3s", attempts = 1 }
NO_ANSWER = { delay = "3s", attempts = 1 }
FAILED = { delay = "3s", attempts = 0 }
CONGESTION = { delay = "3s", attempts = 3 }
"""
GOALS = {
    20: "opted_out",
    22: "confirmed",
    27: "confirmed",
    23: "confirmed",
    24: "opted_out",
    30: "voicemail_left",
    13: "hung_up",
    10: "heard",
}
PERSISTENT = {40: 2, 41: 2, 44: 4, 45: 2, 46: 4, 61: 2, 60: 2, 62: 3, 63: 2}
"""Calls that a behaviour gets with these retries, where it is not one."""


def test_every_behaviour_ends_as_it_should(engine: Engine) -> None:
    table = lab.behaviour_table()
    chosen = [
        code for code in map(int, table) if code not in (21, 25, 47, 64)
    ]  # these ask for a callback each time, or take minutes
    numbers = [number(code, 1) for code in chosen]
    engine.start()
    engine.job("all", numbers, RETRIES)
    engine.completed("all")
    time.sleep(1)
    contacts, attempts, counted = engine.contacts("all"), engine.attempts("all"), carrier_count()
    for code in chosen:
        behaviour, one = table[f"{code:02d}"], number(code, 1)
        expected = behaviour.then[-1] if behaviour.then else behaviour.disposition
        assert (code, contacts[one]["disposition"]) == (code, expected)
        assert (code, counted.get(one)) == (code, len(attempts[one])), (
            "the carrier counted other calls than we made"
        )
        assert (code, len(attempts[one])) == (code, PERSISTENT.get(code, 1))
        if code in GOALS:
            assert (code, contacts[one]["goal"]) == (code, GOALS[code])
        if behaviour.sip and not behaviour.then:
            assert {(row["sip"], row["cause"]) for row in attempts[one]} == {(behaviour.sip, behaviour.cause)}
    assert {row["kind"] for row in attempts[number(63, 1)]} == {"first", "callback"}
    assert engine.rows("SELECT count(*) AS n FROM callbacks WHERE state = 'kept'")[0]["n"] == 1
    assert engine.rows("SELECT count(*) AS n FROM attempts WHERE disposition IS NULL")[0]["n"] == 0
    suppressed = {
        row["e164"] for row in engine.rows("SELECT e164 FROM suppression JOIN numbers n ON n.id = number_id")
    }
    assert suppressed == {number(code, 1) for code in (20, 24, 26)}


def test_an_opt_out_holds_for_every_campaign(engine: Engine) -> None:
    engine.start()
    engine.job("first", [number(24, 2)], RETRIES)
    engine.completed("first")
    engine.job("second", [number(24, 2), number(42, 2)], RETRIES)
    engine.completed("second")
    contacts = engine.contacts("second")
    assert contacts[number(24, 2)]["disposition"] == "SUPPRESSED"
    assert contacts[number(42, 2)]["disposition"] == "REJECTED"
    assert carrier_count() == {number(24, 2): 1, number(42, 2): 1}


def test_contact_data_stays_data(engine: Engine) -> None:
    """What a contact's columns hold reaches the channel as it is, and nothing else of it happens."""
    hostile = [
        "a,DB(volley/evil/x)=1",
        "${SHELL(touch /tmp/volley-evil)}",
        "x=1&y=%0d%0aVariable: EVIL=1",
        'é"\\;|<b>',
    ]
    engine.start()
    engine.job(
        "data",
        [number(42, at + 10) for at in range(len(hostile))],
        RETRIES.replace("[menu]", 'fields = ["NOTE"]\n[menu]', 1).lstrip(),
        note=hostile,
    )
    engine.completed("data")
    assert {row["disposition"] for row in engine.contacts("data").values()} == {"REJECTED"}
    assert "0 results" in lab.console("pbx", "database show volley evil")


def test_pause_resume_cancel_and_remove(engine: Engine) -> None:
    engine.start()
    slow = RETRIES + "\n"
    engine.job(
        "steered",
        [number(42, 20 + at) for at in range(60)],
        slow.replace("[menu]", "max_channels = 1\n[menu]", 1),
    )
    engine.wait(lambda: engine.attempts("steered"), "the first call")
    assert engine.request("p1", action="pause", campaign="steered", by="test")["ok"]
    time.sleep(1.5)
    before = len(engine.attempts("steered"))
    time.sleep(2)
    assert len(engine.attempts("steered")) == before
    assert engine.request(
        "m1", action="remove", campaign="steered", external_ids=["steered-59", "nobody"]
    ) == {"ok": True, "removed": 1, "unknown": ["nobody"]}
    assert engine.request("r1", action="resume", campaign="steered")["ok"]
    engine.wait(lambda: len(engine.attempts("steered")) > before, "calls after the resume", 10)
    assert engine.request("c1", action="cancel", campaign="steered")["state"] == "cancelled"
    engine.wait(
        lambda: not engine.rows("SELECT 1 FROM contacts WHERE state != 'done'"), "every contact to end", 20
    )
    words = {row["disposition"] for row in engine.contacts("steered").values()}
    assert words == {"REJECTED", "CANCELLED"}
    assert engine.contacts("steered")[number(42, 79)]["disposition"] == "CANCELLED"
    assert not engine.request("bad", action="pause", campaign="nobody")["ok"]


def test_nonsense_in_the_queue_stops_nothing(engine: Engine) -> None:
    engine.start()
    incoming, control = engine.queue / "incoming", engine.queue / "control"
    (incoming / "torn.toml").write_text("id = " + "9" * 5000)
    (control / (b"\xff\xfe-odd.json".decode("utf-8", "surrogateescape"))).write_text("{}")
    (control / ("n" * 245 + ".json")).write_text('{"action": "pause", "campaign": "x"}')
    assert not engine.request("odd", action="remove", campaign="x", external_ids=["\ud800"])["ok"]
    engine.job("good", [number(42, 90)], RETRIES)
    engine.completed("good")
    engine.wait(
        lambda: list((engine.queue / "rejected").glob("torn*.reason.json")), "the torn job's reason", 20
    )
