"""Recordings of the usual kinds become samples, by ffmpeg or sox where they are, else (WAV only) by ourselves.

What a file is tells its content, not its name, and only the kinds of KINDS are handed to a converter, by name: a playlist
or a disguised script is not opened at all, and ffmpeg may follow nothing out of a file.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from engine.errors import SoundError
from engine.speech.resample import resampled
from engine.speech.sound import Sound, read_wav, write_wav

PATIENCE = 120.0
"""Seconds until a converter is given up."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of sound file, as people and as the converters call it."""

    name: str
    ffmpeg: str
    sox: str
    """Empty: sox cannot read it."""


WAV = Kind("WAV", "wav", "wav")
MP3 = Kind("MP3", "mp3", "mp3")
FLAC = Kind("FLAC", "flac", "flac")
VORBIS = Kind("Ogg Vorbis", "ogg", "vorbis")
OPUS = Kind("Opus", "ogg", "opus")
M4A = Kind("M4A", "mov", "")
AIFF = Kind("AIFF", "aiff", "aiff")
KINDS = (WAV, MP3, FLAC, VORBIS, OPUS, M4A, AIFF)


def kind_of(path: Path) -> Kind:
    """What a file is, by its first bytes. Raises SoundError, OSError."""
    with path.open("rb") as file:
        head = file.read(64)
    if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
        return WAV
    if head[:3] == b"ID3" or (len(head) > 1 and head[0] == 0xFF and head[1] & 0xE6 in (0xE2, 0xE4, 0xE6)):
        return MP3
    if head[:4] == b"fLaC":
        return FLAC
    if head[:4] == b"OggS":
        return OPUS if b"OpusHead" in head else VORBIS
    if head[4:8] == b"ftyp":
        return M4A
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return AIFF
    known = ", ".join(kind.name for kind in KINDS)
    raise SoundError("it is no sound file of a kind that is known", f"hand in one of {known}")


def decoded(path: Path, scratch: Path, most_seconds: float) -> Sound:
    """A recording as samples at its own rate, in one channel, no more than `most_seconds`. Raises SoundError, OSError."""
    kind = kind_of(path)
    program = _reader(kind)
    if kind is WAV:
        try:
            return read_wav(path, most_seconds)
        except SoundError:
            if program is None:
                raise
            # A-law, floating point and the like
    if program is None:
        other = f"sox cannot read {kind.name}" if shutil.which("sox") else "neither ffmpeg nor sox is there"
        raise SoundError(f"it is {kind.name}, and {other}", "install ffmpeg, or hand in WAV")
    made = scratch / "decoded.wav"
    if program == "ffmpeg":
        source = ["-protocol_whitelist", "file", "-f", kind.ffmpeg, "-i", f"file:{path}", "-map", "0:a:0"]
        shape = [
            "-ac",
            "1",
            "-t",
            f"{most_seconds:g}",
            "-map_metadata",
            "-1",
            "-c:a",
            "pcm_s16le",
            "-f",
            "wav",
        ]
        _run(["ffmpeg", *_FFMPEG, *source, *shape, f"file:{made}"], kind.name)
    else:
        shape = ["-b", "16", "-e", "signed-integer", "-t", "wav", str(made), "remix", "-"]
        cut = ["trim", "0", f"{most_seconds:g}"]
        _run(["sox", *_SOX, "-t", kind.sox, str(path), *shape, *cut], kind.name)
    return read_wav(made, most_seconds)


def at_rate(sound: Sound, rate: int, scratch: Path) -> Sound:
    """The same sound at another rate, by the best that is there. Raises SoundError."""
    program = _resampler()
    if rate == sound.rate:
        return sound
    if program is None:
        return resampled(sound, rate)
    given, made = scratch / "given.wav", scratch / "made.wav"
    write_wav(sound, given)
    if program == "sox":
        _run(["sox", *_SOX, str(given), "-b", "16", str(made), "rate", "-h", str(rate)], "WAV")
    else:
        wanted = f"aresample={rate}:filter_size=128:cutoff=0.92"
        _run(
            ["ffmpeg", *_FFMPEG, "-i", f"file:{given}", "-af", wanted, "-c:a", "pcm_s16le", f"file:{made}"],
            "WAV",
        )
    return read_wav(made, sound.seconds + 1.0)


_FFMPEG = ("-nostdin", "-hide_banner", "-v", "error", "-y")
_SOX = ("-V1", "-D", "--single-threaded")


@cache
def _reader(kind: Kind) -> str | None:
    if shutil.which("ffmpeg"):
        return "ffmpeg"
    return "sox" if shutil.which("sox") and kind.sox in _sox_kinds() else None


@cache
def _resampler() -> str | None:
    return next((program for program in ("sox", "ffmpeg") if shutil.which(program)), None)


@cache
def _sox_kinds() -> frozenset[str]:
    """What this sox was built to read."""
    text = subprocess.run(["sox", "--help"], capture_output=True, text=True, check=False).stdout
    line = next((line for line in text.splitlines() if line.startswith("AUDIO FILE FORMATS:")), "")
    return frozenset(line.partition(":")[2].split())


def _run(command: Sequence[str], what: str) -> None:
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
            check=False, timeout=PATIENCE,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise SoundError(f"{command[0]} had not read it after {PATIENCE:g} seconds") from error
    if done.returncode:
        said = done.stderr.strip().splitlines()
        words = said[-1][:200] if said else f"it ended with status {done.returncode}"
        raise SoundError(f"{command[0]} cannot read it as {what}: {words}", "save it anew, or hand in WAV")
