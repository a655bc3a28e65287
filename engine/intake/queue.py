"""The queue directory: where jobs come in, and where they go.

    incoming/     a job is a folder, or a manifest alone; renamed in, or copied in and then left alone
    processing/   <id>/ is a claimed job: always a folder, whatever was dropped
    accepted/     taken in; beside it <name>.rejects.csv when rows were rejected
    rejected/     not taken; beside it <name>.reason.txt for people and <name>.reason.json for programs
    control/      requests to the engine, and control/done/ with the answers

Moves by rename, makes each move durable, and never deletes a job. When a job is complete:
`engine.intake.arrivals`; what it may consist of: `engine.intake.inspection`; what it says:
`engine.intake.manifest`.
"""

from __future__ import annotations

import errno
import json
import os
import re
import secrets
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import chain, count
from pathlib import Path

from engine.errors import InputError, Problem, VolleyError
from engine.intake.arrivals import SETTLE_SECONDS, Arrivals, JobEntry
from engine.intake.durable import sync_folders, write_whole
from engine.intake.inspection import REJECTS_NAME, find_manifest, fingerprint, inspect
from engine.intake.owner import owner_of
from engine.intake.watch import watch

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_ID = re.compile(r"\d{8}T\d{6}-[0-9a-f]{8}-(.+)")


__all__ = ["Job", "JobEntry", "QueueDirs"]


@dataclass(frozen=True, slots=True)
class Job:
    """A claimed job. `path` is its folder in processing/, `source` what it was called in incoming/ (made
    safe)."""

    id: str
    source: str
    path: Path

    @property
    def manifest(self) -> Path:
        """Its manifest. Raises InputError when there is none, or more than one."""
        return find_manifest(self.path)

    @property
    def rejects(self) -> Path:
        """Where its rejected rows are written; `accept` and `reject` put the file beside the job, as
        <name>.rejects.csv."""
        return self.path / REJECTS_NAME

    @property
    def handed_in_by(self) -> str:
        """Who handed it in: the login name that its manifest belongs to, `uid <n>` where that has no name."""
        return owner_of(self.manifest)


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
        self._arrivals = Arrivals(self.incoming, self.processing, settle)

    def __repr__(self) -> str:
        return f"QueueDirs({str(self.root)!r}, {self._arrivals!r})"

    def ensure(self) -> None:
        """Make the directories that are missing, and leave those that are there as they are.

        Modes: incoming/ and control/ 2770 (who is in the directory's group may drop jobs and requests, and
        what they drop keeps that group), the others 0750 (the group may look). Raises VolleyError when a
        directory cannot be made or used.
        """
        for folder, mode in (
            (self.root, 0o750),
            (self.incoming, 0o2770),
            (self.processing, 0o750),
            (self.accepted, 0o750),
            (self.rejected, 0o750),
            (self.control, 0o2770),
            (self.done, 0o750),
        ):
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
        """Yields when incoming/ is worth a look: at once, after changes, and every `tick` seconds. See
        `engine.intake.watch`."""
        async with aclosing(watch([self.incoming], min(tick, max(self._settle / 2, 0.05)))) as changes:
            async for _ in changes:
                yield None

    def next_entry(self) -> JobEntry | None:
        """The complete job that has waited longest, or None."""
        return next(iter(self.scan()), None)

    def scan(self) -> list[JobEntry]:
        """Jobs that are complete, longest waiting first. What settles is seen by comparing with the look
        before: call it again and again."""
        return self._arrivals.scan()

    def claim(self, entry: JobEntry) -> Job | None:
        """Move a job to processing/ under an id of its own.

        None when somebody else has taken it. Raises InputError when it cannot be moved: then its reasons lie in
        rejected/, and it is left alone until it changes.
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
            raise self._leave(entry, job, error) from error
        sync_folders(target, self.processing, self.incoming)
        return replace(job, path=target)

    def _leave(self, entry: JobEntry, job: Job, error: OSError) -> InputError:
        self._arrivals.leave_alone(entry.name)
        todo = f"{entry.path} is still there; let the engine's user write to it (a folder that is moved must be writable), or take it away"
        problems = [Problem(entry.name, f"cannot be moved out of incoming/: {error.strerror}", todo)]
        texts = _reasons(job, problems)
        target = self._free(job, self.rejected, texts)
        for suffix, text in texts.items():
            write_whole(target.with_name(target.name + suffix), text)
        return InputError(problems)

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
        """Raises InputError with all that makes it no job: links, special files, too much of anything
        (`engine.intake.inspection`)."""
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
        names = chain([job.source], (f"{job.source}.{number}" for number in count(2)))
        return next(target for name in names if not _taken(target := folder / name, job.id, beside))

    def _move(self, job: Job, folder: Path, beside: Mapping[str, str]) -> Path:
        while True:
            target = self._free(job, folder, beside)
            # The reasons first: a job that lies in rejected/ has them, whenever the power fails.
            for suffix, text in beside.items():
                write_whole(target.with_name(target.name + suffix), text)
            try:
                os.rename(job.path, target)
            except OSError as error:
                if error.errno in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
                    continue  # somebody put something there just now
                raise VolleyError(f"cannot move the job {job.path} to {target}: {error.strerror}") from error
            with suppress(FileNotFoundError):
                os.rename(target / REJECTS_NAME, target.with_name(target.name + ".rejects.csv"))
            sync_folders(target, folder, self.processing)
            return target


def _reasons(job: Job, problems: Sequence[Problem]) -> dict[str, str]:
    """The reason files of a rejected job, by their suffix."""
    reason = {
        "job": job.id,
        "name": job.source,
        "rejected_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "problems": [{"where": one.where, "what": one.what, "todo": one.todo} for one in problems],
    }
    lines = [
        f"{job.source} was not accepted:",
        "",
        *(f"- {_one_line(str(one))}" for one in problems),
        "",
        "Nothing of it was called. Mend it and drop it into incoming/ again.",
        "",
    ]
    return {
        ".reason.txt": "\n".join(lines),
        ".reason.json": json.dumps(reason, ensure_ascii=True, indent=1) + "\n",
    }


def _taken(target: Path, job_id: str, beside: Mapping[str, str]) -> bool:
    """Does the name belong to another job? Reasons that an interrupted `reject` of the same job left are its
    own."""
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


def _one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text)
