"""A text becomes sound by a command: espeak-ng, piper, or a script that asks a service.

The command is a list of words and never goes through a shell. `{language}`, `{voice}` and `{output}` in its words are
replaced; the text comes on its standard input, UTF-8, so nothing in it can be an option. What it made is read like any
recording, from `{output}`, or from its standard output where the command does not name that.
"""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

from engine.errors import SoundError
from engine.speech import level
from engine.speech.convert import decoded
from engine.speech.order import PLACES, Speech
from engine.speech.render import LONGEST
from engine.speech.sound import Sound, read_wav, write_wav

KEPT = 0.08
"""Seconds of silence that are left before and after the words."""
_SAID = 300


def spoken(speech: Speech, scratch: Path, cache: Path | None, *, keeps: bool) -> Sound:
    """What the text sounds like, without silence at its ends. Raises SoundError, OSError."""
    held = None if cache is None else cache / f"{_key(speech)}.wav"
    if held is not None and held.exists():
        os.utime(held)  # whoever tidies up sees that it is in use
        return read_wav(held, LONGEST + 1.0)
    sound = decoded(_run(speech, scratch), scratch, LONGEST + 1.0)
    found = level.measured(sound)
    if found.active is None:
        raise SoundError(
            f"{speech.command[0]} made silence of it", "look at the text, and at tts.command in the settings"
        )
    sound = level.trimmed(sound, found, KEPT)
    if held is not None and keeps:
        held.parent.mkdir(parents=True, exist_ok=True)
        draft = held.with_name(f".{held.name}.{os.getpid()}.tmp")
        write_wav(sound, draft)
        draft.rename(held)
    return sound


def _key(speech: Speech) -> str:
    what = [speech.text, speech.language, speech.voice, *speech.command]
    return hashlib.sha256("\0".join(what).encode()).hexdigest()[:32]


def _run(speech: Speech, scratch: Path) -> Path:
    """Run the command; returns the file that it made."""
    output = scratch / "spoken.out"
    output.unlink(missing_ok=True)
    values = dict(zip(PLACES, (speech.language, speech.voice, str(output)), strict=True))
    command = [_filled(word, values) for word in speech.command]
    with (
        output.open("wb")
        if not any("{output}" in word for word in speech.command)
        else open(os.devnull, "wb") as out
    ):
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=subprocess.PIPE,
                cwd=scratch,
                start_new_session=True,
            )
        except OSError as error:
            raise SoundError(
                f"{command[0]} cannot be run: {error.strerror}",
                "install it, or set tts.command in the settings",
            ) from error
        try:
            _, errors = process.communicate(speech.text.encode(), speech.timeout)
        except subprocess.TimeoutExpired as error:
            raise SoundError(f"{command[0]} had not spoken it after {speech.timeout:g} seconds") from error
        finally:
            _end(process)
    if process.returncode:
        told = (
            errors.decode("utf-8", "replace").strip()[-_SAID:] or f"it ended with status {process.returncode}"
        )
        raise SoundError(f"{command[0]} failed: {told}", "try tts.command by hand")
    if not output.exists() or not output.stat().st_size:
        raise SoundError(
            f"{command[0]} made no sound", "it must write to {output}, or to its standard output"
        )
    return output


def _filled(word: str, values: dict[str, str]) -> str:
    for place, value in values.items():
        word = word.replace(place, value)
    return word


def _end(process: subprocess.Popen[bytes]) -> None:
    """The command, and whatever it started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
