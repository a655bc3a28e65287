"""A piece of sound in memory: 16-bit samples of one channel; read from a WAV file of PCM, written as one."""

from __future__ import annotations

import array
import sys
import wave
from dataclasses import dataclass
from pathlib import Path

from engine.errors import SoundError

RATES = range(4_000, 192_001)
"""Samples a second that are read."""
_SWAPPED = sys.byteorder == "big"
_SIGNED = bytes((value + 128) % 256 for value in range(256))
"""8-bit WAV is unsigned, all wider WAV is signed (Microsoft, Multimedia Programming Interface 1.0)."""


@dataclass(frozen=True, slots=True)
class Sound:
    """Samples from -32768 to 32767, `rate` of them a second."""

    rate: int
    samples: array.array[int]

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.rate

    def little_endian(self) -> bytes:
        """The samples as they stand in WAV and in Asterisk's .sln files."""
        if not _SWAPPED:
            return self.samples.tobytes()
        swapped = array.array("h", self.samples)
        swapped.byteswap()
        return swapped.tobytes()


def read_wav(path: Path, most_seconds: float) -> Sound:
    """A WAV file of PCM with any rate, width and number of channels, which become one; no more than `most_seconds`.

    Raises SoundError.
    """
    try:
        with wave.open(str(path), "rb") as file:
            rate, channels, width = file.getframerate(), file.getnchannels(), file.getsampwidth()
            if rate not in RATES:
                raise SoundError(f"it has {rate} samples a second", "record it at 8000 to 48000 Hz")
            data = file.readframes(min(file.getnframes(), int(most_seconds * rate)))
    except (OSError, EOFError, wave.Error) as error:
        raise SoundError(
            f"it is no WAV file that can be read: {error}", "save it as WAV, PCM 16 bit"
        ) from error
    samples = _samples(data[: len(data) - len(data) % (width * channels)], width)
    return Sound(rate, samples if channels == 1 else _mixed(samples, channels))


def write_wav(sound: Sound, path: Path) -> None:
    """As WAV, 16 bit, one channel."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(sound.rate)
        file.writeframes(sound.little_endian())


def _samples(data: bytes, width: int) -> array.array[int]:
    """The upper 16 bits of each sample."""
    pairs = bytearray(len(data) // width * 2)
    if width == 1:
        pairs[1::2] = data.translate(_SIGNED)
    else:
        pairs[0::2] = data[width - 2 :: width]
        pairs[1::2] = data[width - 1 :: width]
    samples = array.array("h", bytes(pairs))
    if _SWAPPED:
        samples.byteswap()
    return samples


def _mixed(samples: array.array[int], channels: int) -> array.array[int]:
    parts = [samples[at::channels] for at in range(channels)]
    return array.array("h", (sum(frame) // channels for frame in zip(*parts, strict=True)))
