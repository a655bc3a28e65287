"""People who call back, from the carrier's side: what they hear is data, a key is an opt-out, and nothing that the network says
becomes code."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import lab
from engine.ami.outbox import read_inbound
from engine.channel import InboundOptOut
from engine.config import CallerIdSettings
from engine.inbound import entries
from lab import Lab
from tests.asterisk.harness import Engine, carrier_count, number
from tests.asterisk.test_campaign import RETRIES
from tests.lab.manager import Manager, Message

pytestmark = pytest.mark.asterisk

OURS = "+33162000001"
CALLER_ID = CallerIdSettings.model_validate(
    {
        "number": OURS,
        "owner": "Practice lab",
        "proof": "2026-01-01",
        "language": "fr",
        "prompt": "practice-lab",
    }
)
PATIENCE = 20.0


class Line:
    """Both ends of a call that the carrier places to the PBX."""

    def __init__(self, practice: Lab) -> None:
        self.pbx = Manager(practice)
        self.carrier = Manager(practice, practice.carrier_address)

    def close(self) -> None:
        self.pbx.close()
        self.carrier.close()

    def call(self, caller: str, called: str, does: str = "9") -> bool:
        """Call `called` as `caller`, and press a key or `listen` once it answers. False when it does not answer."""
        answer = self.carrier.act(
            Action="Originate",
            Channel=f"PJSIP/{called}@pbx",
            Context="carrier-caller",
            Exten=does,
            Priority="1",
            Timeout="10000",
            CallerID=f"<{caller}>",
            Codecs="alaw",
            Async="true",
        )
        assert answer["Response"] == "Success", answer
        event = self.carrier.wait(
            lambda one: one.get("Event") == "OriginateResponse" and one["ActionID"] == answer["ActionID"],
            PATIENCE,
        )
        return event["Response"] == "Success"

    def opted_out(self, seconds: float = PATIENCE) -> Message:
        """The event of an opt-out."""
        return self.pbx.wait(lambda one: one.get("UserEvent") == "VolleyInbound", seconds)


@pytest.fixture
def line(practice: Lab) -> Iterator[Line]:
    """A line to a PBX that knows nothing of earlier calls; afterwards it knows nothing of these."""
    forget()
    found = Line(practice)
    yield found
    found.close()
    lab.console("pbx", "channel request hangup all")
    lab.console("carrier", "channel request hangup all")
    forget()


def forget() -> None:
    lab.console("pbx", "database deltree volleyinbound")
    lab.console("pbx", "database deltree volley inbound")


def kept() -> tuple[list[InboundOptOut], list[str]]:
    """The opt-outs that wait in AstDB."""
    rows = [row.partition(":") for row in lab.console("pbx", "database show volley inbound").splitlines()]
    return read_inbound((key.strip(), value.strip()) for key, colon, value in rows if colon)


def equip(practice: Lab, line: Line) -> None:
    """What the engine writes for the lab's number."""
    found = entries([CALLER_ID], practice.sounds_dir, practice.sounds_path)
    assert found.mute == ()
    assert {key.partition("/")[2] for key in found.entries} == {
        "number",
        "language",
        "key",
        "ask",
        "how",
        "optout",
        "invalid",
    }
    for key, value in found.entries.items():
        assert (
            line.pbx.act(Action="DBPut", Family="volleyinbound", Key=key, Val=value)["Response"] == "Success"
        )


@pytest.mark.parametrize(
    ("caller", "called"),
    [
        (number(10, 1), OURS),
        ("0199001002", "0162000001"),
        ("33199001003", "33162000001"),
        ("0033199001004", "0033162000001"),
    ],
)
def test_a_key_is_an_opt_out_without_any_engine(practice: Lab, line: Line, caller: str, called: str) -> None:
    equip(practice, line)
    assert line.call(caller, called)
    event = line.opted_out()
    assert event["Number"] == caller
    digits = called.lstrip("+").removeprefix("00")
    assert event["Called"] == digits
    [opt_out], unreadable = kept()
    assert unreadable == []
    assert (opt_out.call, opt_out.number, opt_out.called) == (event["Call"], caller, digits)
    assert abs(opt_out.at - time.time()) < 30


def test_options_behind_a_number_are_no_part_of_it(practice: Lab, line: Line) -> None:
    """RFC 3261 19.1.6: what stands behind a semicolon in the user part; Asterisk cuts it off."""
    equip(practice, line)
    assert line.call("33199001001;x=1", OURS)
    assert line.opted_out()["Number"] == "33199001001"


NAMELESS = (
    "anonymous",
    "12345",
    "123456789012345678",
    "+33x199001001",
    "33+199001001",
    "1)&DB(volley/evil/x)=1",
    "${SHELL(touch /tmp/volley-evil)}",
    '33199001001" = "33199001001',
)
"""Callers who have no number to be known by: they hear how to do it otherwise, and nothing more."""


def test_nothing_else_is_an_opt_out(practice: Lab, line: Line) -> None:
    """No other key, and none of a caller without a number. All of them call at the same time."""
    equip(practice, line)
    for does in ("listen", "5", "*", "#"):
        assert line.call(number(10, 1), OURS, does), does
    for caller in NAMELESS:
        assert line.call(caller, OURS), caller
    with pytest.raises(TimeoutError):
        line.opted_out(6)
    assert kept() == ([], [])
    assert "0 results" in lab.console("pbx", "database show volley evil")
    assert not Path("/tmp/volley-evil").exists()


@pytest.mark.parametrize("called", ["+33162000002", "4711", "0", "162000001"])
def test_a_number_that_is_not_ours_is_declined(practice: Lab, line: Line, called: str) -> None:
    equip(practice, line)
    assert not line.call(number(10, 1), called)
    assert kept() == ([], [])


def test_without_the_engines_entries_every_call_is_declined(line: Line) -> None:
    assert not line.call(number(10, 1), OURS)


def test_who_calls_back_is_not_called_again(practice: Lab, line: Line, engine: Engine) -> None:
    """Opted out while the engine runs, and while it is away."""
    engine.start()
    engine.wait(lambda: OURS in lab.console("pbx", "database show volleyinbound"), "the inbound entries", 10)
    begun = time.monotonic()
    assert line.call(number(42, 1), OURS)
    line.opted_out()
    heard = time.monotonic()
    engine.wait(lambda: engine.log("optout.recorded"), "the opt-out to be recorded", 5)
    assert time.monotonic() - heard < 1.0, f"{time.monotonic() - begun:.1f} s since the call"
    engine.wait(lambda: kept() == ([], []), "the entry to be dropped", 5)
    assert engine.signal(signal.SIGTERM) == 0

    assert line.call("0199004202", "0162000001")
    line.pbx.wait(
        lambda one: one.get("UserEvent") == "VolleyInbound" and one["Number"] == "0199004202", PATIENCE
    )
    time.sleep(1.5)
    assert len(kept()[0]) == 1
    engine.start()
    engine.wait(lambda: kept() == ([], []), "the waiting opt-out to be taken", 20)
    rows = engine.rows(
        "SELECT n.e164, s.source, s.actor FROM suppression s JOIN numbers n ON n.id = s.number_id ORDER BY n.e164"
    )
    assert rows == [{"e164": number(42, at), "source": "inbound", "actor": "callee"} for at in (1, 2)]

    engine.job("after", [number(42, 1), number(42, 2), number(42, 3)], RETRIES)
    engine.completed("after")
    words = {one: row["disposition"] for one, row in engine.contacts("after").items()}
    assert words == {number(42, 1): "SUPPRESSED", number(42, 2): "SUPPRESSED", number(42, 3): "REJECTED"}
    assert carrier_count().get(number(42, 1), 0) == carrier_count().get(number(42, 2), 0) == 0
