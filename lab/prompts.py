"""Speech and tones at set-up: texts from prompts/*.toml through espeak-ng and sox, in what Asterisk plays.

Knows texts, voices, loudness and file formats. Refuses to know Asterisk. What was rendered is kept by content, so that a
second set-up copies files only.

Each prompt is written as .alaw and .ulaw (played on such a trunk as they are, without transcoding) and as .wav (for
people, and for the engine to take as a campaign's prompt): 8 kHz, one channel.
"""

from __future__ import annotations

import array
import hashlib
import math
import shutil
import subprocess
import sys
import tempfile
import tomllib
import wave
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lab.errors import LabError

TEXTS = Path(__file__).resolve().parent / "prompts"
LANGUAGES = ("en", "fr")
VOICES = {"en": ("en-us", 150), "fr": ("fr-fr", 150)}
"""espeak-ng's voice and its words a minute."""
SPEECH_LEVEL = -20.0
"""Mean level of the speaking parts in dB below full scale; peaks are limited."""
TONE_LEVEL = -13.0
FORMATS = ("wav", "alaw", "ulaw")
RECIPE = "1"
"""Part of every cache key: raise it when the making changes."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """One sound in one language: a text to speak, or a tone of some frequencies in Hz for some seconds."""

    language: str
    name: str
    text: str = ""
    tone: tuple[float, ...] = ()
    seconds: float = 0.0

    @property
    def key(self) -> str:
        """What the rendering depends on, as a name for the cache."""
        what = [
            RECIPE,
            self.text,
            str(VOICES[self.language]) if self.text else "",
            str(self.tone),
            str(self.seconds),
        ]
        return hashlib.sha256("\0".join(what).encode()).hexdigest()[:24]


def prompts_in(text: str) -> Iterator[Prompt]:
    """The prompts of one TOML file's content."""
    for name, row in tomllib.loads(text).items():
        for language in LANGUAGES:
            if "tone" in row:
                yield Prompt(
                    language, name, tone=tuple(map(float, row["tone"])), seconds=float(row["seconds"])
                )
            else:
                yield Prompt(language, name, text=row[language])


def install(purpose: str, target: Path, cache: Path) -> int:
    """Put the prompts of prompts/<purpose>.toml to target/<language>/<name>.{wav,alaw,ulaw}; returns how many were rendered now.

    Raises LabError when espeak-ng or sox fail.
    """
    rendered = 0
    for prompt in prompts_in((TEXTS / f"{purpose}.toml").read_text(encoding="utf-8")):
        made = [cache / f"{prompt.key}.{kind}" for kind in FORMATS]
        if not all(path.exists() for path in made):
            render(prompt, cache)
            rendered += 1
        folder = target / prompt.language
        folder.mkdir(parents=True, exist_ok=True)
        for path in made:
            place = folder / f"{prompt.name}{path.suffix}"
            if not place.exists() or place.read_bytes() != path.read_bytes():
                shutil.copyfile(path, place)
    return rendered


def render(prompt: Prompt, cache: Path) -> None:
    """Make one prompt in all formats under its key in `cache`; files appear there whole or not at all."""
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as scratch:
        raw, wav = Path(scratch, "raw.wav"), Path(scratch, "out.wav")
        narrow = ["-r", "8000", "-c", "1", "-b", "16"]
        if prompt.tone:
            length = str(prompt.seconds)
            waves = [part for index, hertz in enumerate(prompt.tone)
                     for part in ("synth", length, "sine", *(["mix"] if index else []), str(hertz))]  # fmt: skip
            _run(["sox", "-n", *narrow, raw, *waves, "fade", "t", "0.005", length, "0.005"])
            level = TONE_LEVEL
        else:
            voice, speed = VOICES[prompt.language]
            spoken = Path(scratch, "spoken.wav")
            _run(["espeak-ng", "-v", voice, "-s", str(speed), "-w", spoken, "--", prompt.text])
            # 300 to 3400 Hz is what a telephone line carries; silence at both ends goes, so that timings are ours.
            trim = ["silence", "1", "0.01", "0.3%"]
            _run(["sox", spoken, *narrow, raw, "highpass", "200", *trim, "reverse", *trim, "reverse"])
            level = SPEECH_LEVEL
        change = level - speech_level(raw)
        _run(["sox", raw, *narrow, wav, "gain", *(["-l"] if change > 0 else []), f"{change:.2f}"])
        for kind in FORMATS:
            made = Path(scratch, f"made.{kind}")
            # .alaw and .ulaw are headerless to Asterisk; sox calls them al and ul
            _run(
                ["sox", wav, *(["-t", {"alaw": "al", "ulaw": "ul"}[kind], made] if kind != "wav" else [made])]
            )
            made.replace(cache / f"{prompt.key}.{kind}")


def speech_level(path: Path) -> float:
    """Mean level in dB below full scale of the parts of a 16-bit mono file that are not silent (over -45 dB, by 20 ms)."""
    with wave.open(str(path), "rb") as sound:
        samples = array.array("h", sound.readframes(sound.getnframes()))
        step = sound.getframerate() // 50
    if sys.byteorder == "big":
        samples.byteswap()
    powers = [
        sum(value * value for value in samples[start : start + step]) / step
        for start in range(0, len(samples) - step + 1, step)
    ]
    floor = (32768.0 * 10 ** (-45 / 20)) ** 2
    loud = [power for power in powers if power > floor]
    if not loud:
        raise LabError(f"{path}: nothing is to be heard in it; espeak-ng made silence")
    return 10 * math.log10(sum(loud) / len(loud) / 32768.0**2)


def _run(command: list[str | Path]) -> None:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    if done.returncode:
        said = done.stderr.strip() or "it said nothing"
        raise LabError(f"{command[0]} failed ({done.returncode}): {said}\n  {' '.join(map(str, command))}")
