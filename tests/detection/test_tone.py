"""A tone is told from everything else, with its frequencies."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.detection.tone import HIGHEST, LOWEST, tone
from tests.detection.sounds import RATE, samples, silence, sines, voice

STRETCH = 800


def mixed(one: list[float], other: list[float]) -> list[float]:
    return [a + b for a, b in zip(one, other, strict=True)]


@settings(max_examples=40)
@given(st.floats(LOWEST + 10, HIGHEST - 10), st.floats(-35.0, -8.0))
def test_one_frequency(hertz: float, level: float) -> None:
    found = tone(samples(sines((hertz,), 0.1, level)))
    assert found is not None
    assert found.hertz == (pytest.approx(hertz, abs=1.0),)
    assert found.about(hertz)


@pytest.mark.parametrize(
    "hertz", [(850.0, 620.0), (440.0, 480.0), (400.0, 450.0), (350.0, 440.0), (480.0, 620.0), (600.0, 1900.0)]
)
def test_two_frequencies(hertz: tuple[float, float]) -> None:
    found = tone(samples(sines(hertz, 0.1)))
    assert found is not None
    assert sorted(found.hertz) == pytest.approx(sorted(hertz), abs=2.0)
    assert not found.is_key


@pytest.mark.parametrize("low", [697.0, 770.0, 852.0, 941.0])
@pytest.mark.parametrize("high", [1209.0, 1336.0, 1477.0, 1633.0])
def test_a_key_that_is_pressed(low: float, high: float) -> None:
    found = tone(samples(sines((low, high), 0.1)))
    assert found is not None
    assert found.is_key


@pytest.mark.parametrize("distance", [15.0, 20.0, 30.0])
def test_through_noise(distance: float) -> None:
    noise = silence(0.1, -15.0 - distance)
    found = tone(samples(mixed(sines((1000.0,), 0.1, -15.0), noise)))
    assert found is not None
    assert found.about(1000.0, 5.0)


def test_a_voice_is_none() -> None:
    spoken = samples(voice(3.0), voice(3.0, pitch=210.0))
    found = [tone(spoken[at : at + STRETCH]) for at in range(0, len(spoken) - STRETCH, 160)]
    assert not any(found)


def test_noise_and_silence_are_none() -> None:
    drawn = random.Random(7)
    assert tone([round(drawn.gauss(0, 3000)) for _ in range(STRETCH)]) is None
    assert tone([0] * STRETCH) is None


def test_a_frequency_that_moves_is_none() -> None:
    """A whistle, a siren."""
    step, turn, moving = 0.0, 0.0, []
    for at in range(STRETCH):
        step = 2 * math.pi * (700 + 4000 * at / RATE) / RATE
        turn += step
        moving.append(turn)
    assert tone([round(8000 * math.sin(one)) for one in moving]) is None
