"""Sounds: their lengths, levels and marks. No speech is made here but one word."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from bench.amd import audio
from bench.amd.audio import RATE, AudioError, Samples, render, tone
from bench.amd.corpus import HOLD, Recipe, Voice

VOICE = Voice("en-us", 150, 50)
BARE = Recipe("x", "tune", "voicemail", "medium", "en", VOICE, delay=0.5)


def decibels(samples: Samples | list[float]) -> float:
    return 10 * math.log10(sum(value * value for value in samples) / len(samples) / audio.FULL**2)


def goertzel(samples: Samples, hertz: float) -> float:
    """The share of the power that is at one frequency."""
    real = sum(value * math.cos(2 * math.pi * hertz * at / RATE) for at, value in enumerate(samples))
    imaginary = sum(value * math.sin(2 * math.pi * hertz * at / RATE) for at, value in enumerate(samples))
    return 2 * (real**2 + imaginary**2) / len(samples) / sum(value * value for value in samples)


def test_a_beep_lies_where_its_marks_say(tmp_path: Path) -> None:
    sound = render(replace(BARE, beep=(1000.0,), beep_after=0.3, beep_length=0.4, beep_level=-12.0), tmp_path)
    assert (sound.beep_start, sound.beep_end) == (800, 1200)
    beep = sound.samples[820 * 8 : 1180 * 8]
    assert decibels(beep) == pytest.approx(-12.0, abs=0.3)
    assert goertzel(beep, 1000.0) > 0.99
    assert decibels(sound.samples[: 780 * 8]) < -65, "a line is never quite silent, but nearly so"


def test_two_tones_share_the_level() -> None:
    assert decibels(tone((850, 620), 1.0, -10.0)) == pytest.approx(-10.0, abs=0.1)


def test_noise_lasts_and_has_its_level(tmp_path: Path) -> None:
    sound = render(replace(BARE, noise="white", level=-20.0, snr=15.0), tmp_path)
    assert len(sound.samples) == HOLD * RATE
    assert decibels(sound.samples) == pytest.approx(-35.0, abs=0.3)


def test_the_fax_tones_are_where_the_recommendation_has_them(tmp_path: Path) -> None:
    ced = render(replace(BARE, tones="ced", label="fax"), tmp_path).samples
    assert goertzel(ced[RATE : 3 * RATE], audio.CED) > 0.99
    cng = render(replace(BARE, tones="cng", label="fax"), tmp_path).samples
    assert goertzel(cng[RATE // 2 : RATE], audio.CNG) > 0.95


def test_a_word_has_its_level_its_end_and_no_silence_around_it(tmp_path: Path) -> None:
    sound = render(replace(BARE, says=("Hello?",), level=-22.0), tmp_path)
    assert sound.greeting_end is not None
    assert 700 < sound.greeting_end < 1500
    word = sound.samples[4000 : sound.greeting_end * 8]
    assert -26 < decibels(word) < -20
    again = render(replace(BARE, says=("Hello?",), level=-22.0), tmp_path)
    assert again.samples == sound.samples


def test_the_gsm_codec_keeps_the_length() -> None:
    given = audio.clipped(tone((500.0,), 1.0, -15.0))
    heard = audio.through_gsm(given)
    assert len(heard) == len(given)
    assert goertzel(heard, 500.0) > 0.9


def test_what_cannot_be_spoken_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match="nothing to be heard"):
        audio.speech("", VOICE, tmp_path)
    with pytest.raises(AudioError, match="sox"):
        audio.run("sox", str(tmp_path / "nothing.wav"), str(tmp_path / "out.wav"))
