"""WAV of every width and number of channels comes in as the same 16-bit samples of one channel."""

from __future__ import annotations

import array
import struct
import wave
from pathlib import Path

import pytest

from engine.errors import SoundError
from engine.speech.sound import Sound, read_wav, write_wav
from tests.speech.sounds import tone, wide_wav


@pytest.mark.parametrize("channels", [1, 2, 3])
@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_every_width_and_number_of_channels(tmp_path: Path, width: int, channels: int) -> None:
    sound = tone(0.2, 11025)
    path = tmp_path / "in.wav"
    wide_wav(path, sound, width, channels)
    found = read_wav(path, 300)
    assert found.rate == 11025
    step = 256 if width == 1 else 1
    assert list(found.samples) == [value // step * step for value in sound.samples]


def test_channels_are_mixed_and_not_dropped(tmp_path: Path) -> None:
    path = tmp_path / "stereo.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((2, 2, 8000, 0, "NONE", ""))
        file.writeframes(struct.pack("<6h", 100, 300, -100, -300, 32767, 32767))
    assert list(read_wav(path, 1).samples) == [200, -200, 32767]


def test_written_and_read_again_is_the_same(tmp_path: Path) -> None:
    sound = Sound(16000, array.array("h", [0, 1, -1, 32767, -32768]))
    write_wav(sound, tmp_path / "a.wav")
    assert read_wav(tmp_path / "a.wav", 1) == sound
    assert sound.little_endian() == struct.pack("<5h", *sound.samples)


def test_no_more_is_read_than_was_asked_for(tmp_path: Path) -> None:
    write_wav(tone(3.0), tmp_path / "long.wav")
    assert read_wav(tmp_path / "long.wav", 1.5).seconds == 1.5


def test_a_file_that_ends_early_is_as_long_as_what_is_there(tmp_path: Path) -> None:
    write_wav(tone(1.0), tmp_path / "cut.wav")
    whole = (tmp_path / "cut.wav").read_bytes()
    (tmp_path / "cut.wav").write_bytes(whole[:-8001])
    assert read_wav(tmp_path / "cut.wav", 10).seconds == pytest.approx(0.5, abs=0.001)


@pytest.mark.parametrize("content", [b"", b"RIFF", b"RIFF\0\0\0\0WAVEfmt ", b"x" * 100])
def test_what_is_no_wav_is_refused_with_advice(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "no.wav").write_bytes(content)
    with pytest.raises(SoundError, match="no WAV file") as caught:
        read_wav(tmp_path / "no.wav", 1)
    assert "PCM" in caught.value.todo


def test_a_rate_out_of_all_reason_is_refused(tmp_path: Path) -> None:
    write_wav(Sound(1_000_000, array.array("h", [1, 2])), tmp_path / "fast.wav")
    with pytest.raises(SoundError, match="1000000 samples a second"):
        read_wav(tmp_path / "fast.wav", 1)
