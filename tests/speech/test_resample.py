"""Our own filter: what telephones carry stays as it is, what would alias goes."""

from __future__ import annotations

import pytest

from engine.speech.level import decibels
from engine.speech.resample import resampled
from engine.speech.sound import Sound
from tests.speech.sounds import tone


def power(sound: Sound) -> float:
    inner = sound.samples[200:-200]
    return decibels(sum(value * value for value in inner) / len(inner) / 32768**2)


@pytest.mark.parametrize("rate", [11025, 16000, 22050, 44100, 48000])
@pytest.mark.parametrize("hertz", [300, 1000, 3000, 3300])
def test_speech_stays(rate: int, hertz: int) -> None:
    before = tone(0.3, rate, -9.0, hertz)
    after = resampled(before, 8000)
    assert abs(after.seconds - 0.3) < 0.001
    assert power(after) == pytest.approx(power(before), abs=0.05)


@pytest.mark.parametrize(
    ("rate", "hertz"), [(16000, 4000), (16000, 4700), (22050, 6000), (44100, 5000), (48000, 4300)]
)
def test_what_would_alias_goes(rate: int, hertz: int) -> None:
    before = tone(0.3, rate, -9.0, hertz)
    assert power(resampled(before, 8000)) < power(before) - 60


def test_up_and_the_same_rate() -> None:
    before = tone(0.3, 8000, -9.0, 1000)
    assert resampled(before, 8000) is before
    after = resampled(before, 16000)
    assert len(after.samples) == 2 * len(before.samples)
    assert power(after) == pytest.approx(power(before), abs=0.05)


def test_the_sound_is_not_moved() -> None:
    """A click stays where it was, within a sample."""
    before = tone(0.2, 48000, -60.0)
    before.samples[4800] = 30000
    after = resampled(before, 8000)
    assert abs(max(range(len(after.samples)), key=lambda at: abs(after.samples[at])) - 800) <= 1
