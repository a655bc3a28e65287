"""A campaign's prompts: checked, and placed where each PBX plays them.

A prompt is a WAV file beside the manifest: 8 kHz, mono, 16-bit PCM, what Asterisk plays without converting its
rate. It is placed under the hash of its content, so a live call never hears a half-changed prompt, and the same
prompt is stored once.
"""

from __future__ import annotations

import hashlib
import os
import wave
from collections.abc import Iterable
from pathlib import Path

from engine.errors import InputError, Problem
from engine.flow.prompts import files
from engine.intake.manifest import CampaignJob, Manifest
from engine.intake.sayable import CURRENCIES

RATE = 8000
MOST_SECONDS = 300.0
SPOKEN = {
    "optout": "opted-out",
    "callback": "call-back",
    "callback_at": "call-back-at",
    "answer": "goodbye",
    "invalid": "invalid-key",
    "transfer": "connecting",
    "nobody": "nobody-free",
    "tone": "record-tone",
    **{
        f"{what}_{currency}": f"{what}-{currency}"
        for what in ("units", "cents")
        for currency in sorted(set(CURRENCIES.values()))
    },
}
"""What is spoken after an action -> the name of the prompt that comes with Volley, per language."""


def check_prompt(folder: Path, name: str) -> Problem | None:
    """What is wrong with the prompt file `name` in `folder`; None when it can be played."""
    path = folder / name
    advice = f"make it with: sox INPUT -r {RATE} -c 1 -b 16 {name}"
    try:
        inside = path.resolve().is_relative_to(folder.resolve()) and not path.is_symlink()
        if not inside or not path.is_file():
            return Problem(name, "there is no such prompt file in the job's folder")
        with wave.open(str(path), "rb") as sound:
            form = (sound.getframerate(), sound.getnchannels(), sound.getsampwidth())
            seconds = sound.getnframes() / sound.getframerate()
    except (OSError, EOFError, wave.Error, ZeroDivisionError) as error:
        return Problem(name, f"not a playable WAV file: {error}", advice)
    if form != (RATE, 1, 2):
        return Problem(
            name,
            f"the prompt is {form[0]} Hz, {form[1]} channel(s), {form[2] * 8} bit; it must be 8000 Hz, mono, 16 bit",
            advice,
        )
    if not 0.1 <= seconds <= MOST_SECONDS:
        return Problem(
            name, f"the prompt is {seconds:.1f} s long; it must be between 0.1 and {MOST_SECONDS:.0f} s"
        )
    return None


def seconds_of(folder: Path, names: Iterable[str]) -> float | None:
    """How long these prompts last together; None when one of them cannot be read."""
    total = 0.0
    for name in names:
        try:
            with wave.open(str(folder / name), "rb") as sound:
                total += sound.getnframes() / sound.getframerate()
        except (OSError, EOFError, wave.Error, ZeroDivisionError):
            return None
    return total


def message_seconds(manifest: Manifest) -> float | None:
    """How long the message of a job's campaign lasts; None when that is not known."""
    job = manifest.job
    if not isinstance(job, CampaignJob) or job.message is None:
        return None
    return seconds_of(manifest.folder, files(job.message.prompts))


def prompt_name(folder: Path, name: str) -> str:
    """The name, without its ending, under which this prompt is placed."""
    return "prompt-" + hashlib.sha256((folder / name).read_bytes()).hexdigest()[:32]


def place(folder: Path, names: dict[str, str], sounds_dir: Path) -> None:
    """Copy prompts (file name -> placed name) to where a PBX reads them. Raises InputError when that directory
    cannot be written."""
    try:
        sounds_dir.mkdir(parents=True, exist_ok=True)
        for name, placed in names.items():
            target = sounds_dir / f"{placed}.wav"
            if target.exists():
                continue
            draft = sounds_dir / f".{placed}.{os.getpid()}.tmp"
            draft.write_bytes((folder / name).read_bytes())
            draft.chmod(0o644)
            draft.rename(target)
    except OSError as error:
        raise InputError(
            [
                Problem(
                    str(sounds_dir),
                    f"cannot place prompts here: {error.strerror}",
                    "let the engine's user write to sounds_dir",
                )
            ]
        ) from error


def spoken(sounds_dir: Path, language: str) -> dict[str, str]:
    """The prompts that come with Volley and are there for `language`: what -> name below the sounds directory."""
    found = {}
    for what, name in SPOKEN.items():
        for tongue in (language, language.partition("-")[0].partition("_")[0]):
            if any((sounds_dir / tongue).glob(f"{name}.*")):
                found[what] = f"{tongue}/{name}"
                break
    return found
