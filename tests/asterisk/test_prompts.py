"""Prompts on a real Asterisk: played as they are, without transcoding."""

from __future__ import annotations

import itertools
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import lab
from engine.intake.placing import place
from lab import Lab
from tests.asterisk.harness import number
from tests.intake.test_prompts import campaign, prepared
from tests.lab.manager import Manager
from tests.speech.sounds import prompt

pytestmark = pytest.mark.asterisk
channel_ids = (f"v{at:016x}" for at in itertools.count(1))


@pytest.fixture
def pbx(practice: Lab) -> Iterator[Manager]:
    found = Manager(practice)
    yield found
    found.close()
    lab.console("pbx", "channel request hangup all")


def playing(pbx: Manager, sound: str, codec: str) -> dict[str, str]:
    """What Asterisk says of a channel on which `sound` plays, offered to the callee in `codec` alone."""
    channel = next(channel_ids)
    answer = pbx.act(
        Action="Originate",
        Channel=f"PJSIP/{number(10, 1)}@carrier",
        ChannelId=channel,
        Application="Playback",
        Data=sound,
        Timeout="8000",
        Async="true",
        Codecs=codec,
        Variable=f"PJSIP_MEDIA_OFFER(audio)=!all\\,{codec}",
    )
    assert answer["Response"] == "Success"
    event = pbx.wait(lambda one: one.get("Event") == "OriginateResponse" and one["Uniqueid"] == channel, 10)
    assert event["Response"] == "Success"
    time.sleep(0.5)
    text = lab.console("pbx", f"core show channel {event['Channel']}")
    return dict(re.findall(r"^\s*(\w+): (.*?)\s*$", text, flags=re.MULTILINE))


@pytest.mark.parametrize("codec", ["alaw", "ulaw"])
def test_nothing_is_transcoded_in_a_call(practice: Lab, pbx: Manager, tmp_path: Path, codec: str) -> None:
    """A recording as a studio hands it over, 44.1 kHz, on a trunk that carries one codec."""
    (tmp_path / "job").mkdir()
    prompt(tmp_path / "job" / "hello.wav", 10.0, 44100)
    found = prepared(tmp_path / "job", campaign("hello.wav"))
    place(found, practice.sounds_dir)
    sound = f"{practice.sounds_path}/{found.names['hello.wav']}"
    try:
        told = playing(pbx, sound, codec)
        assert told["Application"] == "Playback"
        assert (told["NativeFormats"], told["WriteFormat"]) == (f"({codec})", codec)
        assert (told["WriteTranscode"], told["ReadTranscode"]) == ("No", "No")

        (practice.sounds_dir / f"{found.names['hello.wav']}.{codec}").unlink()
        told = playing(pbx, sound, codec)
        assert told["WriteTranscode"].startswith("Yes"), "so the file beside it is what saved the work"
    finally:
        for path in practice.sounds_dir.glob(f"{found.names['hello.wav']}.*"):
            path.unlink()
