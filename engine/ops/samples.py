"""The sample campaigns that come with Volley, and their way out: copied, and nothing overwritten."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.errors import InputError, Problem
from engine.ops.share import share

FOLDER = "samples"
LANGUAGES = ("en", "fr")


@dataclass(frozen=True, slots=True)
class Copied:
    """What became of it."""

    written: tuple[Path, ...]
    kept: tuple[Path, ...]
    """Jobs of that name were there, and were not touched."""


def names() -> list[str]:
    """Every sample by its name."""
    return sorted(path.name for path in share(FOLDER).iterdir() if (path / "en" / "campaign.toml").is_file())


def about(name: str) -> str:
    """What it is: the first line of its English manifest."""
    with (share(FOLDER) / name / "en" / "campaign.toml").open(encoding="utf-8") as manifest:
        return manifest.readline().lstrip("# ").strip()


def copy(target: Path, wanted: Sequence[str]) -> Copied:
    """Copy these samples (all of them when none is named) below `target`, each a folder of jobs by language. Raises InputError for
    one that is not there, OSError when it cannot be written."""
    known = names()
    if missing := [name for name in wanted if name not in known]:
        raise InputError(
            [Problem("samples", f"there is no sample {name!r}", ", ".join(known)) for name in missing]
        )
    written, kept = [], []
    for name in wanted or known:
        for language in LANGUAGES:
            to = target / name / language
            if to.exists():
                kept.append(to)
                continue
            to.mkdir(parents=True)
            for path in sorted((share(FOLDER) / name / language).iterdir()):
                shutil.copyfile(path, to / path.name)
            written.append(to)
    return Copied(tuple(written), tuple(kept))
