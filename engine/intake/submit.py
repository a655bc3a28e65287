"""Puts a job into the queue directory, whole or not at all.

Copies under a temporary name on the queue's own file system, makes it durable, and renames. Refuses what the
engine would refuse for what it is made of; what the manifest says is checked before
(`engine.intake.manifest`).
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from collections.abc import Callable, Iterable
from itertools import count
from pathlib import Path

from engine.errors import VolleyError
from engine.intake.inspection import COMPLETE_NAME, find_manifest, inspect, walk
from engine.intake.job_files import open_inside
from engine.intake.refused import Refused

Progress = Callable[[int, int], None]
"""Called with the bytes copied and the bytes in all."""

_BLOCK = 1 << 20


def submit(path: Path, queue_root: Path, files: Iterable[str] = (), progress: Progress | None = None) -> Path:
    """Copy a job into incoming/ and return where it lies there.

    `path` is a job's folder, of which everything but hidden files is copied; or a manifest, which is copied
    with those `files` beside it that it names (relative paths). Raises InputError when it is no job,
    VolleyError when the queue does not take it.
    """
    incoming = queue_root / "incoming"
    if not incoming.is_dir():
        raise VolleyError(
            f"there is no queue at {queue_root} (no directory incoming/ in it); is the path right, and was the engine ever started?"
        )
    if path.is_symlink() or not path.exists():
        what = (
            "is a symbolic link; give the folder or manifest itself"
            if path.is_symlink()
            else "does not exist"
        )
        raise Refused(str(path), what)
    if path.is_dir():
        folder, names = path, _content(path)
        name = path.resolve().name
    else:
        folder = path.parent
        names = list(dict.fromkeys([path.name, *(os.path.normpath(file) for file in files)]))
        name = path.stem
    draft = incoming / f".{name}.{secrets.token_hex(4)}.tmp"
    try:
        draft.mkdir(mode=0o770)
    except OSError as error:
        raise VolleyError(
            f"cannot write into {incoming}: {error.strerror}; who drops jobs must be in the directory's group"
        ) from error
    try:
        _copy_all(folder, names, draft, progress)
        (draft / COMPLETE_NAME).touch()
        inspect(draft)
        find_manifest(draft)
        _sync(draft)
        return _rename_in(draft, incoming, name)
    except OSError as error:
        raise VolleyError(f"cannot copy the job into {incoming}: {error.strerror}") from error
    finally:
        # Only what was not renamed is still there.
        shutil.rmtree(draft, ignore_errors=True)


def _content(folder: Path) -> list[str]:
    inspect(folder)
    return [
        found.name
        for found in walk(folder)
        if found.is_file and not any(part.startswith(".") for part in found.name.split("/"))
    ]


def _copy_all(folder: Path, names: list[str], draft: Path, progress: Progress | None) -> None:
    streams_total = sum((folder / name).lstat().st_size for name in names if os.path.lexists(folder / name))
    copied = 0
    for name in names:
        with open_inside(folder, name, name) as source:
            target = draft / name
            target.parent.mkdir(mode=0o770, parents=True, exist_ok=True)
            with target.open("xb") as sink:
                while block := source.read(_BLOCK):
                    sink.write(block)
                    copied += len(block)
                    if progress is not None:
                        progress(copied, max(streams_total, copied))
                sink.flush()
                os.fsync(sink.fileno())
            # The engine may run as somebody else of the queue's group.
            target.chmod(0o660)


def _rename_in(draft: Path, incoming: Path, name: str) -> Path:
    for number in count(1):
        target = incoming / (name if number == 1 else f"{name}.{number}")
        try:
            os.rename(draft, target)
        except OSError as error:
            if error.errno in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
                continue
            raise
        _sync(incoming)
        return target
    raise AssertionError("unreachable")


def _sync(folder: Path) -> None:
    for below in (
        [folder, *(folder / found.name for found in walk(folder) if found.is_folder)]
        if folder.name.startswith(".")
        else [folder]
    ):
        handle = os.open(below, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
