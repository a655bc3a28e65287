"""Loudness: speech counts and pauses do not, peaks between samples are seen, cut peaks are counted."""

from __future__ import annotations

import array
import math

import pytest

from engine.speech.level import changed, clipped_share, measured, trimmed, true_peak
from engine.speech.sound import Sound
from tests.speech.sounds import tone


@pytest.mark.parametrize("level", [-40.0, -22.0, -10.0])
def test_the_level_of_a_tone_is_its_own(level: float) -> None:
    assert measured(tone(1.0, level=level)).active == pytest.approx(level, abs=0.1)


def test_pauses_do_not_count() -> None:
    speech, pause = tone(0.5, level=-20.0).samples, array.array("h", [3] * 12000)
    found = measured(Sound(8000, pause + speech + pause + speech + pause))
    assert found.active == pytest.approx(-20.0, abs=0.3)
    assert found.lead == pytest.approx(1.5, abs=0.021)
    assert found.tail == pytest.approx(1.5, abs=0.021)


def test_a_faint_noise_under_speech_does_not_count() -> None:
    found = measured(Sound(8000, tone(0.5, level=-20.0).samples + tone(1.5, level=-42.0, hertz=90).samples))
    assert found.active == pytest.approx(-20.0, abs=0.3)


def test_silence_has_no_level() -> None:
    assert measured(Sound(8000, array.array("h", [0] * 8000))).active is None
    assert measured(tone(1.0, level=-60.0)).active is None


def test_a_peak_between_samples_is_seen() -> None:
    """2 kHz at 45 degrees: no sample comes nearer than 3 dB to the top of the wave."""
    top = 16384
    samples = [
        round(min(1, at / 200, (799 - at) / 200) * top * math.sin(math.pi / 4 + math.pi / 2 * at))
        for at in range(800)
    ]
    assert max(map(abs, samples)) < top * 0.71
    assert true_peak(Sound(8000, array.array("h", samples))) == pytest.approx(-6.02, abs=0.1)


def test_cut_peaks_are_counted_and_mere_peaks_are_not() -> None:
    assert clipped_share(tone(1.0, level=-3.02)) == pytest.approx(0.0, abs=0.02)
    assert clipped_share(tone(1.0, level=3.0)) > 0.4
    spikes = array.array("h", [0, 32767, 32767, 0] * 100)
    assert clipped_share(Sound(8000, spikes)) == 0.0
    assert clipped_share(Sound(8000, array.array("h", [0, 32767, 32767, 32767]))) == 0.75


def test_a_gain_is_exact_and_stops_at_full_scale() -> None:
    assert measured(changed(tone(0.5, level=-30.0), 8.0)).active == pytest.approx(-22.0, abs=0.1)
    assert max(changed(tone(0.5, level=-6.0), 12.0).samples) == 32767


def test_silence_at_both_ends_goes_but_for_a_little() -> None:
    quiet = array.array("h", [0] * 4000)
    sound = Sound(8000, quiet + tone(1.0).samples + quiet)
    cut = trimmed(sound, measured(sound), 0.1)
    assert cut.seconds == pytest.approx(1.2, abs=0.03)
    assert measured(cut).lead == pytest.approx(0.1, abs=0.021)
