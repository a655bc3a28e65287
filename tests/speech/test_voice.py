"""Texts through a command: what it is told and what not, what its sound becomes, and every way in which it can fail."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import pytest

from engine.speech import client
from engine.speech.level import measured
from engine.speech.order import Item, Made, Refused, Speech
from engine.speech.sound import read_wav

VOICE = """
import json, sys, os
sys.path.insert(0, {root!r})
from tests.speech.sounds import tone
from engine.speech.sound import Sound, write_wav
text = sys.stdin.buffer.read().decode()
with open({log!r}, "a") as log:
    log.write(json.dumps({{"argv": sys.argv[1:], "text": text}}) + "\\n")
sound = tone(len(text) / 20, 22050, hertz=500)
quiet = type(sound.samples)("h", [0] * 11025)
write_wav(Sound(22050, quiet + sound.samples + quiet), sys.argv[-1])
"""


@pytest.fixture
def voice(tmp_path: Path) -> Speech:
    """A command that speaks a tone of a twentieth of a second a letter, and notes what it was told."""
    script = tmp_path / "voice.py"
    script.write_text(VOICE.format(root=str(Path(__file__).parents[2]), log=str(tmp_path / "log")))
    command = (sys.executable, str(script), "--voice={voice}", "-l", "{language}", "{output}")
    return Speech("Hello, this is Anna.", "pt_BR", "maria", command, 10.0)


def told(folder: Path) -> list[dict[str, object]]:
    path = folder / "log"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


async def say(
    folder: Path, speech: Speech, cache: Path | None = None, *, keeps: bool = False
) -> Made | Refused:
    item = Item("it", speech, str(folder / "out"))
    answers = client.made([item], (".alaw", ".wav"), -22.0, cache=cache, keeps=keeps)
    async with aclosing(answers):
        [found] = [one async for one in answers]
    return found


async def test_a_text_becomes_what_a_trunk_plays(tmp_path: Path, voice: Speech) -> None:
    found = await say(tmp_path, voice)
    assert isinstance(found, Made), found
    assert found.seconds == pytest.approx(1.0 + 2 * 0.08, abs=0.03), "silence at the ends is taken off"
    assert found.warnings == ()
    assert measured(read_wav(tmp_path / "out.wav", 9)).active == pytest.approx(-22.0, abs=0.3)
    assert (tmp_path / "out.alaw").stat().st_size == round(found.seconds * 8000)
    [call] = told(tmp_path)
    assert call["text"] == "Hello, this is Anna."
    assert call["argv"][:3] == ["--voice=maria", "-l", "pt_BR"]  # type: ignore[index]


@pytest.mark.parametrize(
    "text",
    ["--help", "$(touch /tmp/evil); `id`", "{voice} {output} %s", "-w /etc/passwd\nx", "é ü 漢字 \u202e"],
)
async def test_a_text_is_words_and_never_code(tmp_path: Path, voice: Speech, text: str) -> None:
    assert isinstance(await say(tmp_path, replace(voice, text=text)), Made)
    [call] = told(tmp_path)
    assert call["text"] == text
    assert len(call["argv"]) == 4  # type: ignore[arg-type]


async def test_what_was_spoken_is_not_spoken_again(tmp_path: Path, voice: Speech) -> None:
    cache = tmp_path / "cache"
    for speech in (voice, voice, replace(voice, text="Other."), replace(voice, voice="paulo"), voice):
        assert isinstance(await say(tmp_path, speech, cache, keeps=True), Made)
    assert len(told(tmp_path)) == 3
    assert len(os.listdir(cache)) == 3


async def test_looking_keeps_nothing_and_uses_what_is_there(tmp_path: Path, voice: Speech) -> None:
    cache = tmp_path / "cache"
    await say(tmp_path, voice, cache)
    assert "cache" not in os.listdir(tmp_path)
    await say(tmp_path, voice, cache, keeps=True)
    await say(tmp_path, voice, cache)
    assert len(told(tmp_path)) == 2


async def test_a_command_may_write_to_its_standard_output(tmp_path: Path, voice: Speech) -> None:
    command = ("sh", "-c", f'"$0" {voice.command[1]} x x "$PWD/a.wav" && cat "$PWD/a.wav"', sys.executable)
    assert isinstance(await say(tmp_path, replace(voice, command=command)), Made)


@pytest.mark.parametrize(
    ("command", "what", "todo"),
    [
        (
            ("no-such-voice", "{output}"),
            "no-such-voice cannot be run: No such file",
            "install it, or set tts.command",
        ),
        (
            ("sh", "-c", "echo no such voice: $1 >&2; exit 3", "sh", "{voice}"),
            "sh failed: no such voice: maria",
            "by hand",
        ),
        (("sh", "-c", "exit 3", "{output}"), "sh failed: it ended with status 3", "by hand"),
        (("true", "{output}"), "true made no sound", "it must write to {output}"),
        (("true",), "true made no sound", "it must write to {output}"),
        (
            ("sh", "-c", "echo text > $0", "{output}"),
            "no sound file of a kind that is known",
            "hand in one of",
        ),
        (("sleep", "30"), "sleep had not spoken it after 1 seconds", ""),
    ],
)
async def test_a_command_that_fails_is_told(
    tmp_path: Path, voice: Speech, command: tuple[str, ...], what: str, todo: str
) -> None:
    found = await say(tmp_path, replace(voice, command=command, timeout=1.0))
    assert isinstance(found, Refused)
    assert what in found.what
    assert todo in found.todo


async def test_silence_is_told(tmp_path: Path, voice: Speech) -> None:
    if shutil.which("sox") is None:
        pytest.skip("sox makes the silence")
    found = await say(
        tmp_path,
        replace(voice, command=("sox", "-n", "-r", "8000", "-t", "wav", "{output}", "trim", "0", "1")),
    )
    assert isinstance(found, Refused)
    assert found.what == "sox made silence of it"


async def test_what_a_slow_command_started_ends_with_it(tmp_path: Path, voice: Speech) -> None:
    mark = tmp_path / "mark"
    command = ("sh", "-c", f"(sleep 2; touch {mark}) & sleep 30")
    await say(tmp_path, replace(voice, command=command, timeout=0.5))
    time.sleep(2.5)  # noqa: ASYNC251 -- nothing else runs here
    assert "mark" not in os.listdir(tmp_path)


@pytest.mark.skipif(not shutil.which("espeak-ng"), reason="needs espeak-ng")
@pytest.mark.parametrize(
    ("language", "text"), [("en", "Good morning."), ("fr", "Bonjour à tous, ça va ?"), ("pt_BR", "Bom dia.")]
)
async def test_the_command_of_the_defaults(tmp_path: Path, language: str, text: str) -> None:
    from engine.sound_settings import TtsSettings

    settings = TtsSettings()
    found = await say(tmp_path, Speech(text, language, settings.voice(language), settings.command, 20.0))
    assert isinstance(found, Made), found
    assert 0.4 < found.seconds < 4.0
