"""Flows of several nodes on a real Asterisk: surveys, digits, recordings, callbacks at a time, transfers, an own context."""

from __future__ import annotations

import time
import wave
from pathlib import Path
from typing import Any

import pytest

import lab
from lab import Lab
from tests.asterisk.harness import Engine, carrier_count, number

pytestmark = pytest.mark.asterisk

FLOW = """
[menu]
prompts = ["survey.wav"]
timeout = "3s"
repeats = 0
[menu.keys]
1 = "go:rating"
3 = { action = "transfer", to = "desk", otherwise = "sorry" }
4 = "go:story"
5 = "go:when"
6 = "transfer:nobody"
[nodes.rating]
kind = "question"
prompts = ["rating.wav"]
answers = { 1 = "awful", 2 = "bad", 3 = "fair", 4 = "good", 5 = "great" }
then = "account"
timeout = "3s"
[nodes.account]
kind = "digits"
prompts = ["account.wav"]
min = 4
max = 10
then = "end"
timeout = "3s"
[nodes.story]
kind = "record"
consent = ["may-record.wav"]
prompts = ["speak-now.wav"]
keep = "30d"
then = "end"
timeout = "3s"
[nodes.when]
kind = "callback"
prompts = ["what-time.wav"]
start = "agent"
[nodes.agent]
kind = "transfer"
prompts = ["survey.wav"]
to = "support"
[nodes.sorry]
kind = "message"
prompts = ["rating.wav"]
then = "end"
"""
PROMPTS = ("survey", "rating", "account", "may-record", "speak-now", "what-time")


def answers(engine: Engine, e164: str) -> list[str]:
    """What the callee answered, in its order."""
    rows = engine.rows(
        "SELECT e.value FROM call_events e JOIN attempts a ON a.id = e.attempt_id JOIN numbers n ON n.id = a.number_id"
        " WHERE n.e164 = ? AND e.kind = 'answer' ORDER BY e.attempt_id, e.seq",
        e164,
    )
    return [row["value"] for row in rows]


def events(engine: Engine, e164: str) -> list[tuple[str, str]]:
    rows = engine.rows(
        "SELECT e.kind, e.value FROM call_events e JOIN attempts a ON a.id = e.attempt_id JOIN numbers n ON n.id = a.number_id"
        " WHERE n.e164 = ? ORDER BY e.attempt_id, e.seq",
        e164,
    )
    return [(row["kind"], row["value"]) for row in rows]


def goals(engine: Engine, campaign: str) -> dict[str, Any]:
    return {one: row["goal"] for one, row in engine.contacts(campaign).items()}


def test_a_flow_of_several_nodes(engine: Engine) -> None:
    engine.start()
    surveyed = [f"+33199007{digits:03d}" for digits in range(0, 1000, 111)]
    others = {
        what: number(code, 61) for what, code in (("agent", 51), ("story", 52), ("time", 53), ("nobody", 54))
    }
    engine.job("flow", [*surveyed, *others.values()], FLOW, prompts=PROMPTS)
    held: set[str] = set()

    def ended() -> bool:
        told = lab.console("pbx", "group show channels").split()
        held.update(word for word in told if word.startswith("volley-transfer-"))
        return len(engine.rows("SELECT 1 FROM attempts WHERE disposition IS NOT NULL")) == 14

    engine.wait(ended, "every call to end")
    time.sleep(0.5)
    assert {"volley-transfer-desk", "volley-transfer-nobody"} <= held, "a place at each target of the menu"
    assert "volley-transfer" not in lab.console("pbx", "group show channels"), "every place was given back"
    words = ("awful", "bad", "fair", "good", "great")
    for e164 in surveyed:
        last = e164[-4:]
        assert (e164, answers(engine, e164)) == (e164, [f"rating={words[int(last) % 5]}", f"account={last}"])
    found = goals(engine, "flow")
    assert {found[e164] for e164 in surveyed} == {"answered"}
    assert found[others["agent"]] == "transferred"
    assert found[others["nobody"]] == "nobody_free"
    assert found[others["story"]] == "answered"
    assert found[others["time"]] == "call_back"
    assert ("transfer", "desk/answered") in events(engine, others["agent"])
    assert carrier_count()["+33199005001"] == 1, "the desk was rung once"
    assert [value for kind, value in events(engine, others["nobody"]) if kind == "transfer"] == [
        "nobody/waiting",
        "nobody/nobody",
    ]
    assert answers(engine, others["story"]) == ["story=recorded"]
    (attempt,) = engine.attempts("flow")[others["story"]]
    recording = lab.status().recordings_dir / f"v{attempt['id']:016x}-story.wav"
    with wave.open(str(recording), "rb") as sound:
        assert sound.getnframes() / sound.getframerate() > 1.5
    (promise,) = engine.rows("SELECT * FROM callbacks")
    assert promise["start"] == "agent"
    assert promise["state"] == "due"
    at = time.localtime(promise["due_at"])
    assert (at.tm_min, promise["due_at"] > promise["asked_at"]) == (30, True)


def test_a_callback_goes_straight_to_an_agent(engine: Engine) -> None:
    """And waits while the queue has no agent who is free; the call in which it was promised needs none."""
    agent = "member Local/agent@lab-agents/n queue support"
    lab.console("pbx", f"queue pause {agent}")
    engine.start()
    engine.job(
        "back",
        [number(63, 70)],
        """
[menu]
repeats = 0
[menu.keys]
2 = { action = "call_back", after = "2s", start = "agent" }
[nodes.agent]
kind = "transfer"
to = "support"
[retry]
min_gap = "1s"
""",
    )
    try:
        engine.wait(lambda: engine.log("contact.refused"), "the callback to be due")
        assert [line["reason"] for line in engine.log("contact.refused")] == ["nobody_free"]
        assert [line["word"] for line in engine.log("queue.staffed")] == ["busy"]
        assert len(engine.rows("SELECT 1 FROM attempts")) == 1
    finally:
        lab.console("pbx", f"queue unpause {agent}")
    engine.completed("back")
    one = number(63, 70)
    assert [row["result"] for row in engine.attempts("back")[one]] == ["call_back", "transferred"]
    assert [row["caller_id"] for row in engine.attempts("back")[one]] == ["+33162000001"] * 2
    told = events(engine, one)
    assert ("callback", "2>agent") in told
    assert told.index(("play", "agent")) > told.index(("callback", "2>agent"))
    assert ("transfer", "support/answered") in told
    assert engine.rows("SELECT state, start FROM callbacks") == [{"state": "kept", "start": "agent"}]


def test_a_context_of_ones_own_gets_the_call(engine: Engine) -> None:
    engine.start()
    engine.job(
        "own", [number(22, 71), number(20, 71), number(30, 71)], 'context = "lab-own"\n', message=False
    )
    engine.completed("own")
    found = goals(engine, "own")
    assert (found[number(22, 71)], found[number(20, 71)]) == ("colored", "opted_out")
    assert answers(engine, number(22, 71)) == ["color=red"]
    assert [row["disposition"] for row in engine.attempts("own")[number(30, 71)]] == ["ANSWERED_MACHINE"]
    assert len(engine.rows("SELECT 1 FROM suppression")) == 1
    engine.job("foreign", [number(22, 72)], 'context = "volley-do"\n', message=False)
    engine.wait(lambda: engine.log("campaign.rejected"), "the rejection")
    assert "dialplan.contexts" in str(engine.log("campaign.rejected")[-1]["problems"])


def test_the_dialer_keeps_to_the_agents_places(practice: Lab, tmp_path: Path) -> None:
    """One place: nobody is called who could not be put through, so the desk never has two of them."""
    lab.reset()
    engine = Engine(practice, tmp_path, places="1")
    try:
        engine.start()
        callees = [number(51, 80 + at) for at in range(3)]
        engine.job(
            "one",
            callees,
            'message = { prompts = ["rating.wav"] }\n[menu]\nkeys = { 3 = "transfer:desk" }\nrepeats = 0\ntimeout = "3s"\n',
            prompts=["rating"],
            message=False,
        )
        most = 0

        def over() -> bool:
            nonlocal most
            most = max(most, len(engine.rows("SELECT 1 FROM attempts WHERE disposition IS NULL")))
            return engine.state_of("one") == "completed"

        engine.wait(over, "the campaign to complete")
        assert most == 1
        assert set(goals(engine, "one").values()) == {"transferred"}
        time.sleep(0.5)
        assert carrier_count()["+33199005001"] == 3
    finally:
        engine.end()
