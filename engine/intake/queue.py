"""The queue directory: where jobs come in, and where they go.

    incoming/     a job is a folder, or a manifest alone; renamed in, or copied in and then left alone
    processing/   <id>/ is a claimed job: always a folder, whatever was dropped
    accepted/     taken in; beside it <name>.rejects.csv when rows were rejected
    rejected/     not taken; beside it <name>.reason.txt for people and <name>.reason.json for programs
    control/      requests to the engine, and control/done/ with the answers

Moves by rename, and never deletes a job. Names that begin with a dot or end in `.tmp`, `.part`, `.filepart` or `~` are somebody's work in
progress. What was renamed in is complete and is taken at once where that can be told: by a file `.complete` in it (`volley submit` puts
it there), because it was seen under its temporary name, or because nothing in it was touched lately. Anything else may still be in the middle
of being copied, and is taken when its names, sizes and times have not changed for the settle time.

Knows names and moves. What a job says: `engine.intake.manifest`.
"""

from __future__ import annotations

import errno
import json
import os
import re
import secrets
import stat
import time
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from engine.errors import InputError, Problem, VolleyError
from engine.intake.inspection import COMPLETE_NAME, REJECTS_NAME, find_manifest, fingerprint, inspect, walk
from engine.intake.watch import watch

SETTLE_SECONDS = 3.0
UNFINISHED_SECONDS = 60.0
"""A folder without a manifest may be in the making by hand: it is given this long before it counts as a job without a manifest."""
QUIET_SECONDS = 10.0
"""What was last touched so long ago, by the file system's own clock, is not being copied."""

_SIGNATURE_ENTRIES = 2_000
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_ID = re.compile(r"\d{8}T\d{6}-[0-9a-f]{8}-(.+)")


@dataclass(frozen=True, slots=True)
class JobEntry:
    """A job that lies complete in incoming/."""

    name: str
    path: Path
    is_folder: bool


@dataclass(frozen=True, slots=True)
class Job:
    """A claimed job. `path` is its folder in processing/, `source` what it was called in incoming/ (made safe)."""

    id: str
    source: str
    path: Path

    @property
    def manifest(self) -> Path:
        """Its manifest. Raises InputError when there is none, or more than one."""
        return find_manifest(self.path)

    @property
    def rejects(self) -> Path:
        """Where its rejected rows are written; `accept` and `reject` put the file beside the job, as <name>.rejects.csv."""
        return self.path / REJECTS_NAME


@dataclass(slots=True)
class _Watched:
    """What incoming/ held at the look before. `stuck`: it could not be moved, and is left alone until it changes."""

    signature: tuple[object, ...]
    since: float
    inode: tuple[int, int]
    stuck: bool = False


def is_temporary(name: str) -> bool:
    """Is this name somebody's work in progress?"""
    return name.startswith(".") or name.endswith((".tmp", ".part", ".filepart", "~"))


class QueueDirs:
    """One queue directory. One engine reads it; a second one that claims from it takes nothing twice."""

    def __init__(self, root: Path, settle: float = SETTLE_SECONDS) -> None:
        self.root = root
        self.incoming = root / "incoming"
        self.processing = root / "processing"
        self.accepted = root / "accepted"
        self.rejected = root / "rejected"
        self.control = root / "control"
        self.done = self.control / "done"
        self._settle = settle
        self._watched: dict[str, _Watched] = {}
        self._temporary: set[tuple[int, int]] = set()

    def __repr__(self) -> str:
        return f"QueueDirs({str(self.root)!r}, waiting={len(self._watched)})"

    def ensure(self) -> None:
        """Make the directories that are missing, and leave those that are there as they are.

        Modes: incoming/ and control/ 2770 (who is in the directory's group may drop jobs and requests, and what they drop keeps that group), the
        others 0750 (the group may look). Raises VolleyError when a directory cannot be made or used.
        """
        for folder, mode in (
            (self.root, 0o750), (self.incoming, 0o2770), (self.processing, 0o750), (self.accepted, 0o750),
            (self.rejected, 0o750), (self.control, 0o2770), (self.done, 0o750),
        ):  # fmt: skip
            try:
                folder.mkdir(parents=True)
                # mkdir's own mode goes through the umask.
                folder.chmod(mode)
            except FileExistsError:
                if not folder.is_dir():
                    raise VolleyError(
                        f"{folder} is in the way: the queue needs a directory of that name"
                    ) from None
            except OSError as error:
                raise VolleyError(f"cannot make the queue directory {folder}: {error.strerror}") from error
        if (
            len(
                {
                    folder.stat().st_dev
                    for folder in (self.incoming, self.processing, self.accepted, self.rejected)
                }
            )
            > 1
        ):
            raise VolleyError(
                f"the directories in {self.root} lie on several file systems; jobs move by rename, so they must lie on one"
            )

    async def watch(self, tick: float) -> AsyncGenerator[None]:
        """Yields when incoming/ is worth a look: at once, after changes, and every `tick` seconds. See `engine.intake.watch`."""
        async with aclosing(watch([self.incoming], min(tick, max(self._settle / 2, 0.05)))) as changes:
            async for _ in changes:
                yield None

    def next_entry(self) -> JobEntry | None:
        """The complete job that has waited longest, or None."""
        return next(iter(self.scan()), None)

    def scan(self) -> list[JobEntry]:
        """Jobs that are complete, longest waiting first. Call it again and again: what settles is seen by comparing with the time before."""
        now = time.monotonic()
        quiet_before: float | None = None
        found: list[tuple[float, JobEntry]] = []
        watched: dict[str, _Watched] = {}
        temporary: set[tuple[int, int]] = set()
        for name in sorted(os.listdir(self.incoming)):
            path = self.incoming / name
            try:
                status = path.lstat()
            except FileNotFoundError:
                continue
            inode = (status.st_dev, status.st_ino)
            if is_temporary(name):
                temporary.add(inode)
                continue
            signature, newest = _signature(path, status)
            seen = self._watched.get(name)
            if seen is None or seen.signature != signature or seen.inode != inode:
                seen = _Watched(signature, now, inode)
                if quiet_before is None:
                    quiet_before = self._file_system_now() - QUIET_SECONDS
            watched[name] = seen
            if seen.stuck:
                continue
            is_folder = stat.S_ISDIR(status.st_mode)
            whole = not is_folder or _has_manifest(path)
            at_once = whole and (
                inode in self._temporary
                or (is_folder and (path / COMPLETE_NAME).exists())
                or (quiet_before is not None and newest < quiet_before)
            )
            if at_once or now - seen.since >= (
                self._settle if whole else max(self._settle, UNFINISHED_SECONDS)
            ):
                found.append((status.st_ctime, JobEntry(name, path, is_folder)))
        self._watched = watched
        # What has a temporary name now may have its final one at the next look.
        self._temporary = temporary
        return [entry for _, entry in sorted(found, key=lambda item: (item[0], item[1].name))]

    def _file_system_now(self) -> float:
        """The clock that sets the times of files: on a network file system another machine's."""
        probe = self.processing / ".clock"
        try:
            probe.touch()
            os.utime(probe)
            return probe.stat().st_mtime
        except OSError:
            return 0.0

    def claim(self, entry: JobEntry) -> Job | None:
        """Move a job to processing/ under an id of its own.

        None when somebody else has taken it, or when it cannot be moved: then its reasons lie in rejected/, and it is left alone until it changes.
        """
        name = _UNSAFE.sub("_", entry.name)[:80].strip(".") or "job"
        moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
        job = Job(f"{moment}-{secrets.token_hex(4)}-{name}", name, Path())
        target = self.processing / job.id
        try:
            if entry.is_folder:
                os.rename(entry.path, target)
            else:
                target.mkdir(mode=0o750)
                try:
                    os.rename(entry.path, target / entry.name)
                except OSError:
                    target.rmdir()
                    raise
        except FileNotFoundError:
            return None
        except OSError as error:
            self._leave(entry, job, error)
            return None
        self._watched.pop(entry.name, None)
        _sync(target, self.processing, self.incoming)
        return replace(job, path=target)

    def _leave(self, entry: JobEntry, job: Job, error: OSError) -> None:
        seen = self._watched.get(entry.name)
        if seen is not None:
            seen.stuck = True
        todo = f"{entry.path} is still there; let the engine's user write to it (a folder that is moved must be writable), or take it away"
        texts = _reasons(
            job, [Problem(entry.name, f"cannot be moved out of incoming/: {error.strerror}", todo)]
        )
        target = self._free(job, self.rejected, texts)
        for suffix, text in texts.items():
            _write(target.with_name(target.name + suffix), text)

    def in_processing(self) -> list[Job]:
        """Claimed jobs, oldest first: at the start, those that an engine had not finished when it ended."""
        found = []
        for name in sorted(os.listdir(self.processing)):
            match = _ID.fullmatch(name)
            path = self.processing / name
            # A folder without anything in it was made by a claim that came no further.
            if match and path.is_dir() and not path.is_symlink() and any(path.iterdir()):
                found.append(Job(name, match[1], path))
        return found

    def inspect(self, job: Job) -> None:
        """Raises InputError with all that makes it no job: links, special files, too much of anything (`engine.intake.inspection`)."""
        inspect(job.path)

    def fingerprint(self, job: Job) -> str:
        """SHA-256 of its content, whatever it is called. Raises InputError."""
        return fingerprint(job.path)

    def accept(self, job: Job) -> Path:
        """Move a job to accepted/. Returns where it lies now."""
        return self._move(job, self.accepted, {})

    def reject(self, job: Job, problems: Iterable[Problem]) -> Path:
        """Move a job to rejected/, with the reasons beside it. Returns where it lies now."""
        return self._move(job, self.rejected, _reasons(job, list(problems)))

    def _free(self, job: Job, folder: Path, beside: Mapping[str, str]) -> Path:
        """A name in `folder` that is nobody else's, for a job and what goes beside it."""
        for number in count(1):
            target = folder / (job.source if number == 1 else f"{job.source}.{number}")
            if not _taken(target, job.id, beside):
                break
        return target

    def _move(self, job: Job, folder: Path, beside: Mapping[str, str]) -> Path:
        while True:
            target = self._free(job, folder, beside)
            # The reasons first: a job that lies in rejected/ has them, whenever the power fails.
            for suffix, text in beside.items():
                _write(target.with_name(target.name + suffix), text)
            try:
                os.rename(job.path, target)
            except OSError as error:
                if error.errno in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
                    continue  # somebody put something there just now
                raise VolleyError(f"cannot move the job {job.path} to {target}: {error.strerror}") from error
            with suppress(FileNotFoundError):
                os.rename(target / REJECTS_NAME, target.with_name(target.name + ".rejects.csv"))
            _sync(target, folder, self.processing)
            return target


def _reasons(job: Job, problems: Sequence[Problem]) -> dict[str, str]:
    """The reason files of a rejected job, by their suffix."""
    reason = {
        "job": job.id,
        "name": job.source,
        "rejected_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "problems": [{"where": one.where, "what": one.what, "todo": one.todo} for one in problems],
    }
    lines = [f"{job.source} was not accepted:", "", *(f"- {_one_line(str(one))}" for one in problems), "",
             "Nothing of it was called. Mend it and drop it into incoming/ again.", ""]  # fmt: skip
    return {
        ".reason.txt": "\n".join(lines),
        ".reason.json": json.dumps(reason, ensure_ascii=True, indent=1) + "\n",
    }


def _taken(target: Path, job_id: str, beside: Mapping[str, str]) -> bool:
    """Does the name belong to another job? Reasons that an interrupted `reject` of the same job left are its own."""
    if os.path.lexists(target) or os.path.lexists(target.with_name(target.name + ".rejects.csv")):
        return True
    reason = target.with_name(target.name + ".reason.json")
    if not os.path.lexists(reason):
        return False
    if not beside:
        return True
    try:
        return bool(json.loads(reason.read_text(encoding="utf-8"))["job"] != job_id)
    except (OSError, ValueError, KeyError, TypeError):
        return True


def _has_manifest(folder: Path) -> bool:
    try:
        find_manifest(folder)
    except InputError as error:
        # Several manifests are a finished mistake; none may be a folder in the making.
        return "several" in error.problems[0].what
    except OSError:
        return True  # unreadable: a mistake that should be told, not waited for
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


def _one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def _write(path: Path, text: str) -> None:
    """A whole file or none, durable."""
    draft = path.with_name(f".{path.name}.tmp")
    with draft.open("w", encoding="utf-8", errors="backslashreplace") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    draft.rename(path)


def _sync(*folders: Path) -> None:
    """Make the names in these folders durable."""
    for folder in folders:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
