"""Deletes what has lain in the queue directory for long: jobs that were taken in or refused, with what lies beside them, and answered
requests with their replies.

Knows three folders: `accepted/`, `rejected/` and `control/done/`. Everything is done through an open handle of the folder itself, with
names in it: a symbolic link is removed as a link and never followed, whoever puts something in the way meanwhile, and what another
file system is mounted on is left alone. Jobs that wait or are being taken in are nobody's past, and are not touched.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from engine.intake.queue import QueueDirs


@dataclass(frozen=True, slots=True)
class Old:
    """An entry of one of the folders."""

    folder: Path
    name: str

    def __str__(self) -> str:
        return str(self.folder / self.name)


def old_entries(queue: Path, before: float) -> list[Old]:
    """What lies there since `before` (POSIX seconds) or longer, by folder and name.

    Since when, is told by the later of the instants at which its inode and its content were last changed (stat(2)): the move into
    the folder counts, which a date in its files does not. Raises OSError.
    """
    dirs = QueueDirs(queue)
    found = []
    for folder in (dirs.accepted, dirs.rejected, dirs.done):
        with _opened(folder) as handle:
            if handle is None:
                continue
            with os.scandir(handle) as entries:
                for entry in entries:
                    status = entry.stat(follow_symlinks=False)
                    if max(status.st_ctime, status.st_mtime) <= before:
                        found.append(Old(folder, entry.name))
    return sorted(found, key=str)


def delete(old: Old) -> None:
    """Delete this entry, with all that is in it. What is gone already, is gone. Raises OSError."""
    with _opened(old.folder) as handle:
        if handle is None:
            return
        try:
            status = os.stat(old.name, dir_fd=handle, follow_symlinks=False)
        except FileNotFoundError:
            return
        if not stat.S_ISDIR(status.st_mode):
            os.unlink(old.name, dir_fd=handle)
            return
        stay_here(handle, old.name)
        shutil.rmtree(old.name, dir_fd=handle)


def stay_here(handle: int, name: str) -> None:
    """Raises OSError where another file system is mounted on this folder, or somewhere in it."""
    here = os.fstat(handle).st_dev
    for path, _, _, inside in os.fwalk(name, dir_fd=handle, follow_symlinks=False):
        if os.fstat(inside).st_dev != here:
            raise OSError(f"another file system is mounted on {path}")


@contextmanager
def _opened(folder: Path) -> Iterator[int | None]:
    """A handle of the folder; None where there is none, or a link in its place."""
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        yield None
        return
    try:
        yield handle
    finally:
        os.close(handle)
