"""Prompts on a real Asterisk: played as they are, without transcoding, and to each in its language."""

from __future__ import annotations

import itertools
import re
import shutil
import time
import uuid
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

import lab
from engine.intake.placing import place
from engine.speech.level import measured
from engine.speech.sound import Sound, read_wav, write_wav
from lab import Lab
from tests.asterisk.harness import Engine, number
from tests.intake.test_prompts import campaign, prepared
from tests.lab.manager import Manager
from tests.speech.sounds import prompt, tone

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
    place(found.files, practice.sounds_dir)
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


PITCHES = {"": 500.0, "fr": 800.0, "en": 1300.0}
"""What a prompt sounds like in each language, in Hz."""
SPOKEN_TO = {"fr": "fr", "fr-CA": "fr", "en-GB": "en", "de": ""}
"""Language of a contact -> of the prompt that it must hear."""


def pitch(sound: Sound) -> float:
    """Of a tone that is recorded with silence around it, in Hz."""
    level = measured(sound)
    heard = sound.samples[int(level.lead * sound.rate) + 800 : -int(level.tail * sound.rate) - 800]
    return sum(a < 0 <= b for a, b in pairwise(heard)) / len(heard) * sound.rate


def test_each_contact_hears_its_own_language(practice: Lab, engine: Engine) -> None:
    """Voicemails record what they hear."""
    lab.record(True)
    try:
        job = engine.folder / "spoken"
        for language, hertz in PITCHES.items():
            (job / language).mkdir(parents=True)
            write_wav(tone(3.0, 22050, hertz=hertz), job / language / "tone.wav")
        engine.start()
        numbers = dict(zip(SPOKEN_TO, (number(34, at) for at in range(1, 5)), strict=True))
        engine.job(
            "languages",
            list(numbers.values()),
            'amd = { machine = "voicemail" }\nvoicemail = { prompts = ["tone.wav"] }\n',
            beside=job,
            language=list(numbers),
        )
        engine.completed("languages")
        time.sleep(1.0)
        recordings = practice.dir / "carrier" / "recordings"
        heard = {
            language: pitch(read_wav(recordings / f"{one.lstrip('+')}-1.wav", 60))
            for language, one in numbers.items()
        }
    finally:
        lab.record(False)
    for language, hertz in heard.items():
        assert hertz == pytest.approx(PITCHES[SPOKEN_TO[language]], rel=0.03), heard


# -- a PBX of another machine ---------------------------------------------------------------------------------------------


@pytest.fixture
def far(practice: Lab, tmp_path: Path) -> Iterator[tuple[Engine, Path]]:
    """An engine whose PBX fetches its sounds, and the directory to which it fetches them: the engine does not write there."""
    lab.reset()
    there = practice.dir / "pbx" / "spool" / f"sounds-{uuid.uuid4().hex}"
    sounds = tmp_path / "sounds"
    shutil.copytree(practice.sounds_dir / "fr", sounds / "fr")
    (tmp_path / "engine").mkdir()
    engine = Engine(
        practice,
        tmp_path / "engine",
        sounds_dir=f'"{sounds}"',
        sounds_path=f'"{there}"\nsounds_url = "http://127.0.0.1:28090/lab"',
    )
    with engine.config.open("a", encoding="utf-8") as settings:
        settings.write('\n[sounds]\nlisten = "127.0.0.1:28090"\n')
    yield engine, there
    engine.end()
    lab.console("pbx", "channel request hangup all")
    lab.console("pbx", "module load func_curl.so")
    shutil.rmtree(there, ignore_errors=True)


def tones(engine: Engine) -> Path:
    """Recordings of a campaign, in a folder of their own."""
    job = engine.folder / "spoken"
    for language, hertz in PITCHES.items():
        (job / language).mkdir(parents=True)
        write_wav(tone(3.0, hertz=hertz), job / language / "tone.wav")
    return job


LEFT = 'amd = { machine = "voicemail" }\nvoicemail = { prompts = ["tone.wav"] }\n'


def test_a_far_pbx_fetches_its_sounds_before_the_first_call(practice: Lab, far: tuple[Engine, Path]) -> None:
    engine, there = far
    lab.record(True)
    try:
        engine.start()
        engine.job("far", [number(34, 5)], LEFT, beside=tones(engine), language=["fr"])
        engine.wait(lambda: engine.attempts("far"), "the first call", 30)
        [[first]] = engine.attempts("far").values()
        fetched = {path.relative_to(there): path.stat() for path in there.rglob("prompt-*")}
        assert len(fetched) == 3 * (1 + 3 + 4 * 2), (
            "a message, a tone in three languages, four of Volley's in two"
        )
        for path, status in fetched.items():
            assert status.st_mtime < first["created_at"], "it was there before the call"
            assert status.st_size == (engine.folder.parent / "sounds" / path).stat().st_size
        engine.completed("far")
        time.sleep(1.0)
        recording = practice.dir / "carrier" / "recordings" / f"{number(34, 5).lstrip('+')}-1.wav"
        assert pitch(read_wav(recording, 60)) == pytest.approx(PITCHES["fr"], rel=0.03)
    finally:
        lab.record(False)


def test_a_far_pbx_that_cannot_fetch_is_told_and_not_dialed(far: tuple[Engine, Path]) -> None:
    engine, _ = far
    lab.console("pbx", "module unload func_curl.so")
    engine.start()
    engine.job("far", [number(42, 6)], LEFT, beside=tones(engine))
    engine.wait(lambda: engine.log("sounds.missing"), "the error to be told", 20)
    assert "load func_curl.so" in engine.log("sounds.missing")[0]["why"]
    time.sleep(2.0)
    assert engine.attempts("far") == {}
    lab.console("pbx", "module load func_curl.so")
    engine.completed("far", 60)
    assert engine.contacts("far")[number(42, 6)]["disposition"] == "REJECTED"
