"""Is a job what it seems: a folder of plain files, of a bearable size, that leads nowhere else? And is it one
that was here before?

Looks at names, kinds and sizes, and reads content only for the fingerprint. Follows no link.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from engine.errors import InputError, Problem
from engine.intake.refused import Refused

COMPLETE_NAME = ".complete"
"""A folder that holds a file of this name is complete: it is taken at once, without waiting whether it still
changes."""

REJECTS_NAME = ".volley-rejects.csv"
"""Where rejected rows are written while the job is taken in. A dot-name: no part of the job's content."""

_NAMED = ("campaign.toml", "campaign.json", "manifest.toml", "manifest.json")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class JobLimits:
    """What a job may consist of."""

    files: int = 10_000
    total_bytes: int = 16 << 30
    depth: int = 8
    path_chars: int = 500


@dataclass(frozen=True, slots=True)
class Found:
    """Something in a job's folder; `name` is its path in it, with `/`."""

    name: str
    status: os.stat_result

    @property
    def is_folder(self) -> bool:
        """A real folder, not a link to one."""
        return stat.S_ISDIR(self.status.st_mode)

    @property
    def is_file(self) -> bool:
        """A regular file."""
        return stat.S_ISREG(self.status.st_mode)


def walk(folder: Path, depth: int = 64) -> Iterator[Found]:
    """Everything below `folder`, sorted, folders before what is in them; nothing below `depth`. What vanishes
    meanwhile is left out."""
    yield from _walk(folder, "", depth)


def _walk(folder: Path, prefix: str, depth: int) -> Iterator[Found]:
    try:
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in entries)
    except (FileNotFoundError, NotADirectoryError):
        return
    for name in names:
        try:
            found = Found(prefix + name, os.lstat(folder / name))
        except FileNotFoundError:
            continue
        yield found
        if found.is_folder and depth > 1:
            yield from _walk(folder / name, f"{prefix}{name}/", depth - 1)


def find_manifest(folder: Path) -> Path:
    """The one manifest at the top of a job's folder.

    It is `campaign.toml` or `.json`, else `manifest.toml` or `.json`, else `<name>.campaign.toml` or `.json`,
    else the only `.toml`, else the only `.json`. Raises InputError when there is none, or more than one of
    the same kind.
    """
    names = sorted(
        found.name for found in walk(folder, 1) if found.is_file and not found.name.startswith(".")
    )
    kinds = (
        [name for name in names if name in _NAMED[:2]],
        [name for name in names if name in _NAMED[2:]],
        [name for name in names if name.endswith((".campaign.toml", ".campaign.json"))],
        [name for name in names if name.endswith(".toml")],
        [name for name in names if name.endswith(".json")],
    )
    for kind in kinds:
        if len(kind) == 1:
            return folder / kind[0]
        if kind:
            raise Refused(
                "manifest",
                f"there are several: {', '.join(kind[:10])}",
                "a job has one; call it campaign.toml",
            )
    shown = f" (there is {', '.join(names[:10])})" if names else ""
    raise Refused(
        "manifest",
        f"there is none{shown}",
        "a job is a folder with a campaign.toml and its files beside it, or a manifest alone",
    )


def inspect(folder: Path, limits: JobLimits = JobLimits()) -> None:
    """Raises InputError with all that makes this folder no job: links, special files, too much of anything,
    names that cannot be shown."""
    problems: list[Problem] = []
    files = total = 0
    try:
        everything = list(islice(walk(folder, limits.depth + 1), limits.files * 2))
    except OSError as error:
        raise Refused(
            "job",
            f"cannot be read: {error.strerror}",
            "let the engine's user read the folder and everything in it",
        ) from error
    for found in everything:
        shown = repr(found.name) if _CONTROL.search(found.name) else found.name
        if len(problems) >= 50:
            problems.append(Problem("job", "and more of the same"))
            break
        problem = _problem(folder, found, shown, limits)
        if problem is not None:
            problems.append(problem)
        if found.is_file:
            files += 1
            total += found.status.st_size
    if files > limits.files or len(everything) >= limits.files * 2:
        problems.append(
            Problem("job", f"over {limits.files} files", "a job has a manifest, contacts and prompts")
        )
    if total > limits.total_bytes:
        problems.append(
            Problem(
                "job",
                f"{total} bytes, more than the {limits.total_bytes} allowed",
                "split it into several jobs",
            )
        )
    if problems:
        raise InputError(problems)


def _problem(folder: Path, found: Found, shown: str, limits: JobLimits) -> Problem | None:
    if stat.S_ISLNK(found.status.st_mode):
        return Problem(shown, "is a symbolic link", "put the file itself into the job")
    if not found.is_file and not found.is_folder:
        return Problem(shown, "is neither a file nor a folder", "a job holds plain files")
    if not os.access(folder / found.name, os.R_OK | (os.X_OK if found.is_folder else 0), effective_ids=True):
        return Problem(shown, "cannot be read by the engine", "let the engine's user read it")
    if found.is_file and found.status.st_nlink > 1:
        return Problem(shown, "has a second name elsewhere (a hard link)", "put a copy into the job")
    if _CONTROL.search(found.name):
        return Problem(shown, "has a control character or a broken character in its name", "rename it")
    if len(found.name) > limits.path_chars:
        return Problem(shown[:80] + "...", f"has a path of over {limits.path_chars} characters", "rename it")
    if found.name.count("/") >= limits.depth:
        return Problem(shown, f"lies more than {limits.depth} folders deep", "put it higher")
    return None


def fingerprint(folder: Path) -> str:
    """SHA-256 over the names and contents of a job, its own name and its manifest's aside: the same content
    under another name is the same.

    Hidden files do not count. Reads everything: seconds for gigabytes, so not in the event loop. Raises
    InputError when something in it is no plain file.
    """
    manifest = find_manifest(folder)
    whole = hashlib.sha256(_named("manifest" + manifest.suffix) + _digest(manifest))
    for found in walk(folder):
        hidden = any(part.startswith(".") for part in found.name.split("/"))
        if hidden or found.is_folder or found.name == manifest.name:
            continue
        if not found.is_file:
            raise Refused(found.name, "is no plain file")
        whole.update(_named(found.name) + _digest(folder / found.name))
    return whole.hexdigest()


def _named(name: str) -> bytes:
    """As many bytes for every name: no name and content can be mistaken for another's."""
    return hashlib.sha256(name.encode("utf-8", "surrogateescape")).digest()


def _digest(path: Path) -> bytes:
    digest = hashlib.sha256()
    with open(
        os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb", buffering=0
    ) as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
    return digest.digest()
