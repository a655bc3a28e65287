"""The real lab: a second one beside the default, on ports of its own, called over AMI."""

from __future__ import annotations

import itertools
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import lab as practice
from lab import Lab, LabError, Ports, behaviour_table, carrier_calls, number
from tests.lab.manager import Manager
from tests.patience import PATIENCE

pytestmark = pytest.mark.asterisk
REFUSING = [row for row in behaviour_table().values() if row.sip is not None]
channel_ids = (f"v{count:016x}" for count in itertools.count(1))


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with tempfile.TemporaryDirectory(prefix="lab-") as directory:  # short: a socket's path has 107 characters
        yield practice.up(directory, Ports(sip=35060, ami=35038, rtp=44000))
        practice.remove(directory)
        Path(directory).mkdir(exist_ok=True)


@pytest.fixture
def manager(lab: Lab) -> Iterator[Manager]:
    session = Manager(lab)
    yield session
    session.close()


def call(manager: Manager, to: str, seconds: int = 2) -> str:
    """Originate to `to`, stay `seconds` after the answer; returns the channel's id."""
    channel = next(channel_ids)
    answer = manager.act(
        Action="Originate",
        Channel=f"PJSIP/{to}@carrier",
        Application="Wait",
        Data=str(seconds),
        ChannelId=channel,
        CallerID="+33162000001",
        Timeout="4000",
        Async="true",
    )
    assert answer["Response"] == "Success"
    return channel


def counted(lab: Lab, calls: int) -> list[practice.CarrierCall]:
    """The carrier's count, which it writes a moment after the PBX reports the end."""
    deadline = time.monotonic() + PATIENCE
    while len(found := carrier_calls(lab.dir)) < calls and time.monotonic() < deadline:
        time.sleep(0.02)
    return found


def hangup(manager: Manager, channel: str) -> dict[str, str]:
    return manager.wait(lambda event: event.get("Event") == "Hangup" and event["Uniqueid"] == channel, 15)


def test_up_again_changes_nothing(lab: Lab) -> None:
    again = practice.up(lab.dir)
    assert again == lab
    assert again.running


def test_two_labs_do_not_share_ports(lab: Lab) -> None:
    with tempfile.TemporaryDirectory(prefix="lab-") as directory:
        with pytest.raises(LabError, match=f"127.0.0.2:{lab.ports.sip} cannot be had"):
            practice.up(directory, lab.ports)
        assert not practice.status(directory).running
        practice.remove(directory)
        Path(directory).mkdir()


@pytest.mark.parametrize("row", REFUSING, ids=[row.name for row in REFUSING])
def test_a_refusal_reaches_the_pbx_with_its_cause(manager: Manager, row: practice.Behaviour) -> None:
    ended = hangup(manager, call(manager, number(row.code, 7)))
    assert (ended["Cause"], ended["TechCause"]) == (str(row.cause), str(row.sip))


def test_keys_come_through_and_all_is_counted(lab: Lab, manager: Manager) -> None:
    practice.reset(lab.dir)
    before = {number("24"): "9", number("25"): "2", number("12"): "", number("41"): ""}
    channels = {call(manager, to): keys for to, keys in before.items()}
    for channel in channels:
        hangup(manager, channel)
    pressed = [
        (event["Uniqueid"], event["Digit"]) for event in manager.events if event.get("Event") == "DTMFEnd"
    ]
    assert sorted(pressed) == sorted((channel, keys) for channel, keys in channels.items() if keys)
    seen_by_number = {seen.number: seen for seen in counted(lab, 4)}
    assert {to: seen.keys for to, seen in seen_by_number.items()} == before
    assert [seen_by_number[number(code)].answered for code in ("24", "25", "12", "41")] == [
        True,
        True,
        True,
        False,
    ]
    assert {seen.caller for seen in seen_by_number.values()} == {"+33162000001"}
    assert len({seen.call_id for seen in seen_by_number.values()}) == 4


def test_every_form_of_a_number_is_understood(lab: Lab, manager: Manager) -> None:
    practice.reset(lab.dir)
    forms = [
        "+33199004001",
        "33199004001",
        "0033199004001",
        "0199004001",
        "+12125550140",
        "12125550140",
        "+442079460000",
    ]
    ends = [hangup(manager, channel)["TechCause"] for channel in [call(manager, form) for form in forms]]
    assert ends == ["486"] * 6 + ["404"]
    assert sorted(seen.dialled for seen in counted(lab, 7)) == sorted(forms)


def test_the_second_call_differs(lab: Lab, manager: Manager) -> None:
    practice.reset(lab.dir)
    for _ in range(2):
        hangup(manager, call(manager, number("60", 3), seconds=1))
    assert [(seen.behaviour, seen.answered) for seen in counted(lab, 2)] == [("60", False), ("60", True)]


def test_only_our_channels_are_reported(lab: Lab, manager: Manager) -> None:
    practice.console("pbx", f"channel originate PJSIP/{number('40', 9)}@carrier application Wait 1", lab.dir)
    ours = call(manager, number("40", 8))
    hangup(manager, ours)
    assert {event["Uniqueid"] for event in manager.events if "Uniqueid" in event} == {ours}


def test_the_user_may_do_what_the_engine_does_and_no_more(manager: Manager) -> None:
    allowed = [
        {"Action": "Ping"},
        {"Action": "CoreStatus"},
        {"Action": "CoreSettings"},
        {"Action": "CoreShowChannels"},
        {"Action": "DBPut", "Family": "volley/t/1", "Key": "a", "Val": "x"},
        {"Action": "DBGet", "Family": "volley/t/1", "Key": "a"},
        {"Action": "DBGetTree", "Family": "volley/t"},
        {"Action": "DBDel", "Family": "volley/t/1", "Key": "a"},
    ]
    assert [headers["Action"] for headers in allowed if manager.act(**headers)["Response"] != "Success"] == []
    names = {event["Event"] for event in manager.events}
    assert {"CoreShowChannelsComplete", "DBGetResponse", "DBGetTreeResponse", "DBGetTreeComplete"} <= names
    refused = [
        {"Action": "Command", "Command": "core show version"},
        {"Action": "UpdateConfig", "SrcFilename": "manager.conf"},
    ]
    assert {manager.act(**headers)["Message"] for headers in refused} == {"Permission denied"}


def test_prompts_lie_where_asterisk_looks(lab: Lab) -> None:
    for language in ("en", "fr"):
        assert {path.name for path in (lab.sounds_dir / language).glob("*.alaw")} >= {
            "opted-out.alaw",
            "call-back.alaw",
            "goodbye.alaw",
        }
    assert "opted-out" in "".join(path.name for path in Path(lab.sounds_path, "fr").iterdir())
    assert lab.secret_file.stat().st_mode & 0o077 == 0
