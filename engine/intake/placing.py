"""Prompts on their way to where a PBX plays them: the campaign's own, and those that come with Volley."""

from __future__ import annotations

import os
from pathlib import Path

from engine.errors import InputError, Problem
from engine.intake.prompts import Prepared
from engine.intake.sayable import CURRENCIES

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


def place(prepared: Prepared, sounds_dir: Path) -> None:
    """Copy prompts to where a PBX reads them; what is there already stays. Raises InputError when that directory cannot
    be written."""
    try:
        for name, source in prepared.files.items():
            for form in prepared.forms:
                target = sounds_dir / (name + form)
                if not target.exists():
                    _copy(source.with_name(source.name + form), target)
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


def _copy(source: Path, target: Path) -> None:
    """A whole file or none, which Asterisk may read: it is another user."""
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    draft.write_bytes(source.read_bytes())
    draft.chmod(0o644)
    draft.rename(target)


def spoken(sounds_dir: Path, language: str) -> dict[str, str]:
    """The prompts that come with Volley and are there for `language`: what -> name below the sounds directory."""
    found = {}
    for what, name in SPOKEN.items():
        for tongue in (language, language.partition("-")[0].partition("_")[0]):
            if any((sounds_dir / tongue).glob(f"{name}.*")):
                found[what] = f"{tongue}/{name}"
                break
    return found
