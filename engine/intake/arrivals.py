"""Which of the things in incoming/ are complete jobs.

What was renamed in is complete, and is seen at once where that can be told: by a file `.complete` in it
(`volley submit` puts it there), because it was seen under a temporary name, or because nothing in it was
touched lately. Anything else may be in the middle of being copied, and is taken to be complete when its
names, sizes and times have not changed for the settle time. Names that begin with a dot or end in `.tmp`,
`.part`, `.filepart` or `~` are somebody's work in progress.

Looks, and moves nothing.
"""

from __future__ import annotations

import os
import stat
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from engine.errors import InputError
from engine.intake.inspection import COMPLETE_NAME, find_manifest, walk

SETTLE_SECONDS = 3.0
UNFINISHED_SECONDS = 60.0
"""A folder without a manifest may be in the making by hand: it is given this long before it counts as a job
without a manifest."""
QUIET_SECONDS = 10.0
"""What was last touched so long ago, by the file system's own clock, is not being copied."""

_SIGNATURE_ENTRIES = 2_000


@dataclass(frozen=True, slots=True)
class JobEntry:
    """A job that lies complete in incoming/."""

    name: str
    path: Path
    is_folder: bool


@dataclass(slots=True)
class _Seen:
    """Something in incoming/ as it was at the last look. `stuck`: it could not be moved, and is left alone
    until it changes."""

    signature: tuple[object, ...]
    inode: tuple[int, int]
    since: float
    quiet: bool
    stuck: bool = False


def is_temporary(name: str) -> bool:
    """Is this name somebody's work in progress?"""
    return name.startswith(".") or name.endswith((".tmp", ".part", ".filepart", "~"))


class Arrivals:
    """Compares each look at incoming/ with the one before. `clock_folder` is on the same file system, and
    ours to write to."""

    def __init__(self, incoming: Path, clock_folder: Path, settle: float) -> None:
        self._incoming = incoming
        self._clock_folder = clock_folder
        self._settle = settle
        self._seen: dict[str, _Seen] = {}
        self._temporary: set[tuple[int, int]] = set()

    def __repr__(self) -> str:
        return f"Arrivals(seen={len(self._seen)}, stuck={sum(seen.stuck for seen in self._seen.values())})"

    def scan(self) -> list[JobEntry]:
        """Jobs that are complete, longest waiting first."""
        found: list[tuple[float, JobEntry]] = []
        seen_now: dict[str, _Seen] = {}
        temporary: set[tuple[int, int]] = set()
        for name in sorted(os.listdir(self._incoming)):
            path = self._incoming / name
            try:
                status = path.lstat()
            except FileNotFoundError:
                continue
            if is_temporary(name):
                temporary.add((status.st_dev, status.st_ino))
                continue
            seen = seen_now[name] = self._look(name, path, status)
            entry = JobEntry(name, path, stat.S_ISDIR(status.st_mode))
            if not seen.stuck and self._is_complete(entry, seen):
                found.append((status.st_ctime, entry))
        self._seen = seen_now
        # What has a temporary name now may have its final one at the next look.
        self._temporary = temporary
        return [entry for _, entry in sorted(found, key=lambda item: (item[0], item[1].name))]

    def leave_alone(self, name: str) -> None:
        """Do not report this one again until it changes."""
        if name in self._seen:
            self._seen[name].stuck = True

    def _look(self, name: str, path: Path, status: os.stat_result) -> _Seen:
        signature, newest = _signature(path, status)
        inode = (status.st_dev, status.st_ino)
        before = self._seen.get(name)
        if before is not None and before.signature == signature and before.inode == inode:
            return before
        return _Seen(signature, inode, time.monotonic(), newest < self._file_system_now() - QUIET_SECONDS)

    def _is_complete(self, entry: JobEntry, seen: _Seen) -> bool:
        settle = self._settle
        if entry.is_folder and not _has_manifest(entry.path):
            settle = max(settle, UNFINISHED_SECONDS)
        elif (
            seen.quiet
            or seen.inode in self._temporary
            or (entry.is_folder and os.path.lexists(entry.path / COMPLETE_NAME))
        ):
            return True
        return time.monotonic() - seen.since >= settle

    def _file_system_now(self) -> float:
        """The clock that sets the times of files: on a network file system another machine's."""
        probe = self._clock_folder / ".clock"
        try:
            probe.touch()
            os.utime(probe)
            return probe.stat().st_mtime
        except OSError:
            return 0.0  # then nothing is quiet, and everything has to settle


def _has_manifest(folder: Path) -> bool:
    try:
        find_manifest(folder)
    except InputError as error:
        # Several manifests are a finished mistake; none may be a folder in the making.
        return "several" in error.problems[0].what
    except OSError:
        return True  # unreadable: a mistake to be told, not waited for
    return True


def _signature(path: Path, status: os.stat_result) -> tuple[tuple[object, ...], float]:
    """What changes while a job is being copied, and the newest time in it."""
    parts: list[object] = [(status.st_size, status.st_mtime_ns)]
    newest = status.st_mtime
    if stat.S_ISDIR(status.st_mode):
        with suppress(OSError):  # unreadable: inspection tells
            for found in walk(path, 8):
                parts.append((found.name, found.status.st_size, found.status.st_mtime_ns))
                newest = max(newest, found.status.st_mtime)
                if len(parts) > _SIGNATURE_ENTRIES:
                    break
    return tuple(parts), newest
