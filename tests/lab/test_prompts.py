"""Speech at set-up: every text in every language, in what Asterisk plays, at one loudness, kept by content."""

from __future__ import annotations

import shutil
import wave
from pathlib import Path

import pytest

from lab import prompts
from lab.prompts import FORMATS, LANGUAGES, SPEECH_LEVEL, Prompt, prompts_in, render, speech_level

needs_speech = pytest.mark.skipif(
    not (shutil.which("espeak-ng") and shutil.which("sox")),
    reason="espeak-ng and sox are installed by `lab prepare`",
)


@pytest.mark.parametrize("purpose", ["system", "campaign", "carrier"])
def test_every_text_is_there_in_every_language(purpose: str) -> None:
    found = list(prompts_in((prompts.TEXTS / f"{purpose}.toml").read_text(encoding="utf-8")))
    names = {prompt.name for prompt in found}
    assert {(prompt.name, prompt.language) for prompt in found} == {
        (name, language) for name in names for language in LANGUAGES
    }
    assert all(prompt.text or prompt.tone for prompt in found)


def test_the_key_follows_what_is_heard() -> None:
    one = Prompt("en", "hello", text="Hello?")
    assert one.key == Prompt("en", "other-name", text="Hello?").key
    assert (
        len({one.key, Prompt("fr", "hello", text="Hello?").key, Prompt("en", "hello", text="Hello!").key})
        == 3
    )
    assert (
        Prompt("en", "beep", tone=(440.0,), seconds=0.4).key
        == Prompt("fr", "beep", tone=(440.0,), seconds=0.4).key
    )


@needs_speech
def test_a_text_is_spoken_in_all_formats_at_one_loudness(tmp_path: Path) -> None:
    for language, text in (("en", "Good morning."), ("fr", "Bonjour à tous.")):
        prompt = Prompt(language, "greeting", text=text)
        render(prompt, tmp_path)
        made = {kind: tmp_path / f"{prompt.key}.{kind}" for kind in FORMATS}
        with wave.open(str(made["wav"]), "rb") as sound:
            assert (sound.getframerate(), sound.getnchannels(), sound.getsampwidth()) == (8000, 1, 2)
            frames = sound.getnframes()
        assert frames > 4000
        assert made["alaw"].stat().st_size == made["ulaw"].stat().st_size == frames
        assert speech_level(made["wav"]) == pytest.approx(SPEECH_LEVEL, abs=1.0)


@needs_speech
def test_a_second_time_only_copies(tmp_path: Path) -> None:
    found = list(prompts_in((prompts.TEXTS / "system.toml").read_text(encoding="utf-8")))
    texts = len(found)
    # A tone is the same in every language, and so is a word twice.
    assert prompts.install("system", tmp_path / "one", tmp_path / "cache") == len({one.key for one in found})
    assert prompts.install("system", tmp_path / "two", tmp_path / "cache") == 0
    assert len(list((tmp_path / "two").rglob("*.alaw"))) == texts
