"""Opens a job's files without leaving its folder.

A path is walked a part at a time and never through a symbolic link: who dropped the job cannot make the
engine read what is outside it, not even by swapping a folder for a link while the job is read.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from engine.errors import InputError, Problem
from engine.intake.refused import Refused


def open_inside(folder: Path, name: str, where: str = "contacts.file") -> BinaryIO:
    """The regular file `name` below `folder`, for reading. Raises InputError, naming `where`, for anything
    else."""
    parts = PurePosixPath(name).parts
    if not parts or PurePosixPath(name).is_absolute() or ".." in parts or "\0" in name:
        raise Refused(where, f"{name!r} is not a path inside the job folder")
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
    at = -1
    try:
        at = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        for part in parts[:-1]:
            below = os.open(part, flags | os.O_DIRECTORY, dir_fd=at)
            os.close(at)
            at = below
        # O_NONBLOCK: a named pipe must not hang the reader; it has no effect on a regular file.
        handle = os.open(parts[-1], flags | os.O_NONBLOCK, dir_fd=at)
    except OSError as error:
        raise InputError([_problem(where, name, error)]) from error
    finally:
        if at >= 0:
            os.close(at)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise Refused(where, f"{name!r} is not a regular file")
    return os.fdopen(handle, "rb")


def _problem(where: str, name: str, error: OSError) -> Problem:
    if error.errno == errno.ENOENT:
        return Problem(
            where,
            f"there is no file {name!r} in the job folder",
            "put it beside the manifest, or mend its name",
        )
    if error.errno in (errno.ELOOP, errno.ENOTDIR):
        return Problem(
            where,
            f"{name!r} is, or goes through, a symbolic link or something that is no folder",
            "put the file itself into the job",
        )
    return Problem(where, f"cannot open {name!r}: {error.strerror}")
