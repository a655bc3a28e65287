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
from itertools import chain, count
from pathlib import Path

from engine.errors import VolleyError
from engine.intake.arrivals import is_temporary
from engine.intake.durable import sync_folders
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
    name = name.lstrip(".")[:80] or "job"
    if is_temporary(name):
        name += "-job"
    draft = incoming / f".{name}.{secrets.token_hex(4)}.tmp"
    try:
        draft.mkdir()
    except OSError as error:
        raise VolleyError(
            f"cannot write into {incoming}: {error.strerror}; who drops jobs must be in the directory's group"
        ) from error
    try:
        _copy(folder, names, draft, progress)
        (draft / COMPLETE_NAME).touch()
        inspect(draft)
        find_manifest(draft)
        _hand_over(draft)
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


def _copy(folder: Path, names: list[str], draft: Path, progress: Progress | None) -> None:
    total = sum((folder / name).lstat().st_size for name in names if os.path.lexists(folder / name))
    copied = 0
    for name in names:
        target = draft / name
        with open_inside(folder, name, name) as source:
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("xb") as sink:
                while block := source.read(_BLOCK):
                    sink.write(block)
                    copied += len(block)
                    if progress is not None:
                        progress(copied, max(total, copied))
                sink.flush()
                os.fsync(sink.fileno())


def _hand_over(draft: Path) -> None:
    """Give the queue's group what the engine needs, whatever the umask took: it may run as somebody else of
    that group, and may move a folder only when it can write to it."""
    folders = [draft]
    for found in walk(draft):
        if found.is_folder:
            folders.append(draft / found.name)
        else:
            (draft / found.name).chmod(0o660)
    for folder in folders:
        folder.chmod(folder.stat().st_mode | 0o770)
    sync_folders(*folders)


def _rename_in(draft: Path, incoming: Path, name: str) -> Path:
    for target in chain([incoming / name], (incoming / f"{name}.{number}" for number in count(2))):
        try:
            os.rename(draft, target)
        except OSError as error:
            if error.errno in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
                continue
            raise
        sync_folders(incoming)
        return target
    raise AssertionError("the names never end")
