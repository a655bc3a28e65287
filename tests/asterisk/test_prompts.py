"""Prompts on a real Asterisk: played as they are, without transcoding, and to each in its language."""

from __future__ import annotations

import itertools
import json
import re
import shutil
import subprocess
import time
import uuid
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

import lab
from engine.dialing.sounds import names_in
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


def playing(pbx: Manager, sound: str, codec: str, endpoint: str = "carrier") -> dict[str, str]:
    """What Asterisk says of a channel on which `sound` plays, offered to the callee in `codec` alone."""
    channel = next(channel_ids)
    answer = pbx.act(
        Action="Originate",
        Channel=f"PJSIP/{number(10, 1)}@{endpoint}",
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


def test_a_wideband_call_plays_sixteen_kilohertz(practice: Lab, pbx: Manager, tmp_path: Path) -> None:
    """G.722: encoded once in the call, out of 16 kHz, never out of what was cut down for A-law."""
    (tmp_path / "job").mkdir()
    prompt(tmp_path / "job" / "hello.wav", 10.0, 44100)
    found = prepared(tmp_path / "job", campaign("hello.wav"))
    place(found.files, practice.sounds_dir)
    sound = practice.sounds_dir / found.names["hello.wav"]
    try:
        told = playing(pbx, f"{practice.sounds_path}/{found.names['hello.wav']}", "g722", "wideband")
        assert (told["NativeFormats"], told["WriteFormat"]) == ("(g722)", "slin16")
        assert re.match(r"Yes \(slin@16000\)->\(g722", told["WriteTranscode"])
    finally:
        for path in sound.parent.glob(f"{sound.name}.*"):
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
        [flow] = engine.rows("SELECT entries FROM flows")
        names = names_in(json.loads(flow["entries"]).values())
        sounds = engine.folder.parent / "sounds"
        wanted = {path.relative_to(sounds) for path in sounds.rglob("prompt-*") if path.stem in names}
        assert set(fetched) == wanted
        assert len(wanted) >= 3 * (1 + 3 + 4 * 2), (
            "a message, a tone in three languages, some of Volley's in two"
        )
        for path, status in fetched.items():
            assert status.st_mtime < first["created_at"], "it was there before the call"
            assert status.st_size == (sounds / path).stat().st_size
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


# -- spoken texts ---------------------------------------------------------------------------------------------------------

SPOKEN = """
amd = { machine = "voicemail" }
[voicemail]
prompts = [
    { text = { fr = "Bonjour {FIRST_NAME}, votre rendez-vous est le {DAY}.", en = "Hello {FIRST_NAME}, you are expected on {DAY}." } },
    { text = "Merci, et au revoir." },
]
"""
PEOPLE = {"Élodie": ("fr", "lundi trois mai"), "Mr. ${SHELL(id)} & Sons": ("en", "Monday")}


def envelope(sound: Sound) -> list[float]:
    """Loudness by 20 ms, from the first sound on."""
    step = sound.rate // 50
    level = measured(sound)
    samples = sound.samples[int(level.lead * sound.rate) :]
    return [sum(map(abs, samples[at : at + step])) / step for at in range(0, len(samples) - step, step)]


def alike(heard: list[float], played: list[float]) -> float:
    """The best correlation of what was heard with what was played, over shifts of up to a second."""

    def correlation(shift: int) -> float:
        pairs = list(zip(heard[shift:], played, strict=False))
        a, b = [x for x, _ in pairs], [y for _, y in pairs]
        mean_a, mean_b = sum(a) / len(a), sum(b) / len(b)
        cross = sum((x - mean_a) * (y - mean_b) for x, y in pairs)
        return cross / (sum((x - mean_a) ** 2 for x in a) * sum((y - mean_b) ** 2 for y in b)) ** 0.5

    return max(correlation(shift) for shift in range(50))


def wav_of(alaw: Path, wav: Path) -> Sound:
    """A file as Asterisk plays it, decoded by sox."""
    subprocess.run(["sox", "-t", "al", "-r", "8000", "-c", "1", alaw, "-b", "16", wav], check=True)
    return read_wav(wav, 60)


def spoken_text(engine: Engine, contact: str) -> list[str]:
    """The names of what is spoken to a contact alone."""
    rows = engine.rows(
        "SELECT c.speech FROM contacts c JOIN numbers n ON n.id = c.number_id WHERE n.e164 = ?", contact
    )
    return [name for row in rows if row["speech"].startswith("[") for name in json.loads(row["speech"])]


def test_each_contact_hears_its_own_text(practice: Lab, engine: Engine, tmp_path: Path) -> None:
    """Spoken by espeak-ng before the call; what the voicemail recorded is what was spoken, in that contact's language."""
    lab.record(True)
    try:
        engine.start()
        numbers = [number(34, at) for at in (6, 7)]
        engine.job(
            "texts", numbers, SPOKEN, language=[language for language, _ in PEOPLE.values()],
            first_name=list(PEOPLE), day=[day for _, day in PEOPLE.values()],
        )  # fmt: skip
        played: dict[str, Sound] = {}

        def all_spoken() -> bool:
            for one in numbers:
                for name in spoken_text(engine, one):
                    alaw = practice.sounds_dir / f"{name}.alaw"
                    if alaw.exists() and one not in played:
                        played[one] = wav_of(alaw, tmp_path / f"{one}.wav")
            return len(played) == len(numbers)

        engine.wait(all_spoken, "the texts to be spoken", 30)
        engine.completed("texts")
        time.sleep(1.0)
        [flow] = engine.rows("SELECT entries FROM flows")
        thanks = json.loads(flow["entries"])["n/voicemail/prompts/2"].removeprefix("files:{sounds}/")
        recordings = practice.dir / "carrier" / "recordings"
        shared = read_wav(practice.sounds_dir / f"{thanks}.wav", 60)
        heard = {one: read_wav(recordings / f"{one.lstrip('+')}-1.wav", 60) for one in numbers}
    finally:
        lab.record(False)
    whole = {one: Sound(8000, own.samples + shared.samples) for one, own in played.items()}
    for one in numbers:
        other = next(number for number in numbers if number != one)
        assert alike(envelope(heard[one]), envelope(whole[one])) > 0.9
        assert alike(envelope(heard[one]), envelope(whole[other])) < 0.7
    assert {row["disposition"] for row in engine.contacts("texts").values()} == {"ANSWERED_MACHINE"}
