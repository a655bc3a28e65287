"""Recordings of every kind through the process that makes prompts, with every converter that is here and without any."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path

import pytest

from engine.errors import VolleyError
from engine.speech import client
from engine.speech.convert import kind_of
from engine.speech.level import measured
from engine.speech.order import Item, Made, Refused
from engine.speech.render import forms_for
from engine.speech.sound import Sound, read_wav, write_wav
from tests.speech.sounds import prompt, tone, wide_wav

FORMS = (".alaw", ".ulaw", ".sln16", ".wav")


def without(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *programs: str) -> None:
    """Only these converters are there."""
    for program in programs:
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    bin_ = tmp_path / "bin"
    bin_.mkdir()
    for program in programs:
        (bin_ / program).symlink_to(shutil.which(program) or "")
    monkeypatch.setenv("PATH", str(bin_))


async def make(source: Path, level: float | None = -22.0, forms: tuple[str, ...] = FORMS) -> Made | Refused:
    item = Item("it", str(source), str(source.with_name("out")))
    async with aclosing(client.made([item], forms, level)) as answers:
        [told] = [one async for one in answers]
    return told


@pytest.mark.parametrize("programs", [(), ("sox",), ("ffmpeg",)])
@pytest.mark.parametrize(
    ("rate", "width", "channels"), [(8000, 2, 1), (22050, 1, 2), (44100, 3, 2), (48000, 4, 1)]
)
async def test_wav_of_any_form(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    programs: tuple[str, ...],
    rate: int,
    width: int,
    channels: int,
) -> None:
    without(monkeypatch, tmp_path, *programs)
    wide_wav(tmp_path / "in.wav", tone(0.5, rate), width, channels)
    told = await make(tmp_path / "in.wav")
    assert isinstance(told, Made), told
    assert told.seconds == pytest.approx(0.5, abs=0.002)
    assert told.level == pytest.approx(-22.0, abs=0.3)
    assert told.warnings == ()
    narrow = read_wav(tmp_path / "out.wav", 10)
    assert narrow.rate == 8000
    assert (
        (tmp_path / "out.alaw").stat().st_size
        == (tmp_path / "out.ulaw").stat().st_size
        == len(narrow.samples)
    )
    assert (tmp_path / "out.sln16").stat().st_size == pytest.approx(4 * len(narrow.samples), abs=8)
    assert measured(narrow).active == pytest.approx(-22.0, abs=0.3)


@pytest.mark.parametrize("program", ["sox", "ffmpeg"])
async def test_what_would_alias_goes_with_every_converter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    without(monkeypatch, tmp_path, program)
    speech, hiss = tone(0.5, 44100, -22.0, 3000), tone(0.5, 44100, -22.0, 5000)
    both = Sound(44100, type(speech.samples)("h", map(sum, zip(speech.samples, hiss.samples, strict=True))))
    write_wav(both, tmp_path / "in.wav")
    assert isinstance(await make(tmp_path / "in.wav", None), Made)
    assert measured(read_wav(tmp_path / "out.wav", 10)).active == pytest.approx(-22.0, abs=0.2)


ENDINGS = {"mp3": "MP3", "flac": "FLAC", "ogg": "Ogg Vorbis", "opus": "Opus", "m4a": "M4A", "aiff": "AIFF"}


def encoded(folder: Path, ending: str) -> Path:
    """A recording of that kind, made by whatever is here; the test is skipped where nothing is."""
    wav, made = folder / "plain.wav", folder / f"in.{ending}"
    write_wav(tone(1.0, 48000), wav)
    for command in (["ffmpeg", "-v", "error", "-y", "-i", wav, made], ["sox", "-V1", wav, made]):
        if (
            shutil.which(str(command[0]))
            and subprocess.run(command, capture_output=True, check=False).returncode == 0
        ):
            return made
    pytest.skip(f"nothing here makes {ENDINGS[ending]}")


@pytest.mark.parametrize("program", ["sox", "ffmpeg"])
@pytest.mark.parametrize("ending", ENDINGS)
async def test_every_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str, program: str) -> None:
    source = encoded(tmp_path, ending)
    assert kind_of(source).name == ENDINGS[ending]
    without(monkeypatch, tmp_path, program)
    told = await make(source.rename(tmp_path / "misnamed.wav"))
    if program == "sox" and isinstance(told, Refused):
        assert told.what == f"it is {ENDINGS[ending]}, and sox cannot read {ENDINGS[ending]}"
        assert told.todo == "install ffmpeg, or hand in WAV"
        return
    assert isinstance(told, Made), told
    assert told.seconds == pytest.approx(1.0, abs=0.1)
    assert told.level == pytest.approx(-22.0, abs=0.5)


async def test_without_any_converter_it_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without(monkeypatch, tmp_path)
    (tmp_path / "in.mp3").write_bytes(b"ID3\x04" + bytes(100))
    told = await make(tmp_path / "in.mp3")
    assert isinstance(told, Refused)
    assert told.what == "it is MP3, and neither ffmpeg nor sox is there"
    assert told.todo == "install ffmpeg, or hand in WAV"


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "no sound file of a kind that is known"),
        (b"#EXTM3U\nfile:///etc/passwd\n", "no sound file of a kind that is known"),
        (b"concat:/etc/passwd", "no sound file of a kind that is known"),
        (b"RIFF\x24\x00\x00\x00WAVEfmt \x10\x00\x00\x00" + bytes(20), "cannot"),
        (b"fLaC" + bytes(60), "sox cannot read it as FLAC"),
    ],
)
async def test_what_is_no_sound_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, what: str
) -> None:
    without(monkeypatch, tmp_path, "sox")
    (tmp_path / "in.wav").write_bytes(content)
    told = await make(tmp_path / "in.wav")
    assert isinstance(told, Refused)
    assert what in told.what
    assert told.todo


@pytest.mark.parametrize(
    ("sound", "what"),
    [
        (
            tone(1.0, level=-60.0),
            "nothing is to be heard in it (its loudest point is 57 dB below full scale)",
        ),
        (tone(1.0, level=-47.5), "its speech is 48 dB below full scale, which is too quiet"),
        (tone(1.0, level=2.0), "% of it is cut off at full scale"),
        (tone(0.05), "it lasts 0.05 s; a prompt lasts 0.1 to 300 s"),
        (tone(301.5, level=-22), "it lasts more than 300 s; a prompt lasts 0.1 to 300 s"),
    ],
)
async def test_what_nobody_should_hear_is_refused(tmp_path: Path, sound: Sound, what: str) -> None:
    write_wav(sound, tmp_path / "in.wav")
    told = await make(tmp_path / "in.wav")
    assert isinstance(told, Refused)
    assert what in told.what


@pytest.mark.parametrize(
    ("level", "heard"), [(-45.0, -22.0), (-30.0, -22.0), (-24.9, -24.9), (-19.5, -19.5), (-12.0, -22.0)]
)
async def test_speech_is_brought_to_the_level_unless_it_is_near(
    tmp_path: Path, level: float, heard: float
) -> None:
    prompt(tmp_path / "in.wav", 0.5, level=level)
    told = await make(tmp_path / "in.wav")
    assert isinstance(told, Made)
    assert told.level == pytest.approx(heard, abs=0.2)
    assert measured(read_wav(tmp_path / "out.wav", 1)).active == pytest.approx(heard, abs=0.2)


async def test_a_prompt_near_the_level_is_played_bit_by_bit(tmp_path: Path) -> None:
    prompt(tmp_path / "in.wav", 0.5, level=-20.0)
    await make(tmp_path / "in.wav")
    assert read_wav(tmp_path / "out.wav", 1) == read_wav(tmp_path / "in.wav", 1)


async def test_kept_as_it_was_recorded(tmp_path: Path) -> None:
    prompt(tmp_path / "in.wav", 0.5, level=-40.0)
    told = await make(tmp_path / "in.wav", None)
    assert isinstance(told, Made)
    assert told.level == pytest.approx(-40.0, abs=0.2)


async def test_single_peaks_keep_it_quiet_and_that_is_told(tmp_path: Path) -> None:
    sound = tone(2.0, level=-40.0)
    sound.samples[8000] = 30000
    write_wav(sound, tmp_path / "in.wav")
    told = await make(tmp_path / "in.wav")
    assert isinstance(told, Made)
    assert told.level < -35
    assert "single peaks leave no room" in told.warnings[0]


async def test_silence_before_the_first_word_is_told(tmp_path: Path) -> None:
    prompt(tmp_path / "in.wav", 1.0, lead=1.2)
    told = await make(tmp_path / "in.wav")
    assert isinstance(told, Made)
    assert told.warnings == ("it begins with 1.2 s of silence, while the callee waits",)


async def test_one_that_is_wrong_keeps_none_of_the_others(tmp_path: Path) -> None:
    prompt(tmp_path / "a.wav", 0.3)
    (tmp_path / "b.wav").write_bytes(b"no")
    items = [Item(name, str(tmp_path / f"{name}.wav"), str(tmp_path / f"out-{name}")) for name in "abc"]
    async with aclosing(client.made(items, (".alaw",), -22.0)) as answers:
        told = {one.key: type(one) async for one in answers}
    assert told == {"a": Made, "b": Refused, "c": Refused}
    assert sorted(name for name in os.listdir(tmp_path) if "out" in name) == ["out-a.alaw"]


async def test_a_process_that_is_killed_is_told_as_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A converter that kills its own parent stands for whatever may end the process."""
    bin_ = tmp_path / "bin"
    bin_.mkdir()
    (bin_ / "sox").write_text("#!/bin/sh\nkill -9 $PPID\n")
    (bin_ / "sox").chmod(0o755)
    monkeypatch.setenv("PATH", f"{bin_}:{os.environ['PATH']}")
    prompt(tmp_path / "in.wav", 0.3, 16000)
    with pytest.raises(VolleyError, match=r"was killed by SIGKILL before it was done"):
        await make(tmp_path / "in.wav")


async def test_nothing_to_make_starts_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/nonexistent")
    answers: AsyncGenerator[Made | Refused] = client.made([], FORMS, None)
    assert [one async for one in answers] == []


def test_the_files_that_trunks_want() -> None:
    assert forms_for(["alaw", "ulaw", "alaw"]) == (".alaw", ".ulaw", ".wav")
    assert forms_for(["g722", "opus"]) == (".sln16", ".wav")
    assert forms_for(["g729", "gsm", "slin"]) == (".wav",)
