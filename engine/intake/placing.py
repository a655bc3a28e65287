"""Prompts on their way to where a PBX plays them: the campaign's own, and those that come with Volley."""

from __future__ import annotations

import errno
from collections.abc import Mapping, Sequence
from pathlib import Path

from engine.errors import InputError, Problem
from engine.flow.languages import EVERYBODY, asterisk_language, fallbacks
from engine.intake.locales import canonical_language
from engine.intake.prompts import placed_name
from engine.intake.sayable import CURRENCIES
from engine.speech.shelf import put

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


def place(files: Mapping[str, Path], sounds_dir: Path) -> None:
    """Copy files (path below the sounds directory -> where it lies) to where a PBX reads them; what is there already
    stays. Raises InputError when that directory cannot be written."""
    target = sounds_dir / "prompt"
    try:
        for name, source in files.items():
            target = sounds_dir / name
            if not target.exists():
                put(source, target)
    except OSError as error:
        raise InputError(
            [
                Problem(
                    str(target.parent),
                    f"cannot place prompts here: {error.strerror}",
                    remedy(error, sounds_dir),
                )
            ]
        ) from error


def remedy(error: OSError, sounds_dir: Path) -> str:
    """What to do where a prompt could not be placed. To the service all is read-only but its ReadWritePaths, and of those what
    was there as it started (system/volley.service)."""
    if error.errno == errno.EROFS:
        return (
            f"if {sounds_dir} was made anew: systemctl restart volley; if it is not the usual one, it must be in the"
            " service's ReadWritePaths: systemctl edit volley"
        )
    return f"let the engine's user write to it, as to all of {sounds_dir} (chown)"


def spoken(sounds_dirs: Sequence[Path], language: str) -> tuple[dict[str, str], dict[str, Path]]:
    """The prompts that come with Volley and are there in a campaign's language: what -> placed name; and their files, as
    `place` takes them.

    They are placed anew under a name of their content, in every language that they are there in: each contact hears
    its own, and a recording that is replaced changes no campaign that runs. Who has none hears the campaign's. The first
    PBX that has one gives it to all.
    """
    names: dict[str, str] = {}
    files: dict[str, Path] = {}
    for what, sound in SPOKEN.items():
        for sounds_dir in sounds_dirs:
            variants = _recorded(sounds_dir, sound)
            own = next((one for one in fallbacks(asterisk_language(language)) if one in variants), EVERYBODY)
            if own == EVERYBODY:
                continue
            variants[EVERYBODY] = variants[own]
            named = {
                f"{one}{path.suffix}": path.read_bytes() for one, paths in variants.items() for path in paths
            }
            name = names[what] = placed_name(named, "as it is")
            for one, paths in variants.items():
                files.update({f"{one}/{name}{path.suffix}".lstrip("/"): path for path in paths})
            break
    return names, files


def _recorded(sounds_dir: Path, sound: str) -> dict[str, list[Path]]:
    """Asterisk's name of a language -> the files of a sound in it."""
    found: dict[str, list[Path]] = {}
    for path in sorted(sounds_dir.glob(f"*/{sound}.*")):
        tag = canonical_language(path.parent.name)
        if tag is not None and path.is_file():
            found.setdefault(asterisk_language(tag), []).append(path)
    return found
