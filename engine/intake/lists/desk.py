"""Does what requests about lists and people ask for: one after another, beside the control door, so that a pause never
waits behind a hundred million numbers.

Files are copied out of the queue first: whoever handed them in cannot change them any more while they are read. A
request that was begun lies in `control/` until it is answered, and is begun anew by the next engine when this one
ends; nothing is counted twice by that.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from engine.config import Settings
from engine.errors import InputError, Problem, StoreError
from engine.intake.durable import sync_folders
from engine.intake.lists.client import Built, work
from engine.intake.lists.handover import WORK, copies, digest, told_faults
from engine.intake.lists.housekeeping import FILES, clear_leftovers, prepare
from engine.intake.lists.people import Clock, People
from engine.intake.lists.requests import (
    DeskRequest,
    DropListRequest,
    ForgetRequest,
    ImportListRequest,
    SuppressFileRequest,
)
from engine.intake.lists.task import Task
from engine.ops import log as events
from engine.ops.log import Log
from engine.store import audited_lists, lists
from engine.store.list_file import file_name
from engine.store.lists import ListRow
from engine.store.writer import Writer

A_DAY = 86_400.0
"""A registry's date may be that of tomorrow: it is its own day, somewhere on the earth."""


class Desk:
    """Answers one engine's requests about lists and people."""

    def __init__(
        self,
        settings: Settings,
        writer: Writer,
        clock: Clock,
        log: Log,
        suppressed: Callable[[list[int]], None],
    ) -> None:
        """`suppressed(ids)` is told of numbers that were suppressed while they may have a call."""
        self._folder = settings.engine.state / "lists"
        self._files = settings.engine.queue / "control" / FILES
        self._region = settings.defaults.region
        self._writer = writer
        self._clock = clock
        self._log = log
        self._people = People(settings, writer, clock, log, suppressed)

    # -- at the start --------------------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Make the directories, and clear away what an interrupted import left."""
        rows = await self._writer.submit(lists.current)
        await asyncio.to_thread(prepare, self._folder, self._files)
        await asyncio.to_thread(clear_leftovers, self._folder, rows)

    async def check(self) -> None:
        """Read every list file whole, and mark those that are not what was written: they block from then on."""
        for row in await self._writer.submit(lists.current):
            why = await self._damage(row)
            changed = await self._writer.submit(
                partial(lists.mark_damaged, name=row.name, version=row.version, why=why)
            )
            found = await self._writer.submit(partial(lists.find, name=row.name))
            if found is None or found[0].version != row.version:
                continue  # it was swapped meanwhile
            if why:
                self._log.error(events.LIST_DAMAGED, list=row.name, version=row.version, error=why)
            elif changed:
                self._log.info(events.LIST_REPAIRED, list=row.name, version=row.version)

    async def _damage(self, row: ListRow) -> str:
        """What is wrong with the file of a list; empty when it is what was written."""
        path = self._folder / file_name(row.name, row.version)
        try:
            return "" if await digest(path) == row.sha256 else f"{path.name}: its SHA-256 is another"
        except OSError as error:
            return f"{path.name}: cannot be read: {error.strerror}"

    # -- requests ------------------------------------------------------------------------------------------------------

    async def do(self, request: DeskRequest, asker: str) -> dict[str, Any]:
        """Do it; returns the reply. `asker` goes into the audit log. Raises InputError with all that is wrong, StoreError
        when the disk or database refuses."""
        match request:
            case ImportListRequest():
                return await self._import(request, asker)
            case DropListRequest():
                return await self._drop(request, asker)
            case SuppressFileRequest():
                return await self._people.suppress(request, asker)
            case ForgetRequest():
                return await self._people.forget(request, asker)

    async def _import(self, request: ImportListRequest, asker: str) -> dict[str, Any]:
        if request.date.toordinal() > _day(self._clock.now() + A_DAY):
            raise InputError(
                [Problem("date", f"{request.date} is in the future", "give the date of the data")]
            )
        folder = self._folder / WORK
        async with copies(self._files, folder, request.files) as files:
            found = await self._writer.submit(partial(lists.find, name=request.list))
            before = found[0] if found is not None and found[1] == "current" else None
            version = 1 if found is None else found[0].version + 1
            whole = request.mode == "full" and not request.parts
            if before is not None and (problems := _unfit(request, before, whole)):
                raise InputError(problems)
            told = str(request.date)
            if before is not None and await self._writer.submit(
                partial(
                    lists.imported_before, name=request.list, sha256s=[one.sha256 for one in files], date=told
                )
            ):
                return {"list": request.list, "version": before.version, "count": before.count, "again": True}
            # A damaged file is no base: a full list takes its place, and nothing else is taken (see _unfit).
            base = (
                None
                if before is None or before.damaged
                else self._folder / file_name(before.name, before.version)
            )
            task = Task(
                files=tuple(str(one.path) for one in files),
                region=request.jurisdiction[:2] or self._region,
                folder=str(folder),
                format=request.format,
                mode=request.mode,
                column=request.column,
                name=request.list,
                kind=request.kind,
                jurisdiction=request.jurisdiction,
                version=version,
                base=None if base is None else str(base),
                parts=request.prefixes,
                date=told,
                at=self._clock.now(),
                actor=request.by,
                reason=request.reason,
                unreadable=request.unreadable,
                may_shrink=request.may_shrink,
            )
            built = await self._build(task)
            await self._install(folder, built, before, asker)
        made = built.description
        self._log.info(
            events.LIST_IMPORTED,
            list=made.name,
            kind=made.kind,
            version=made.version,
            how=made.how,
            date=made.date,
            count=made.count,
            added=made.added,
            removed=made.removed,
            unreadable=made.unreadable,
            by=made.actor,
            reason=made.reason,
        )
        return {
            "list": made.name,
            "version": made.version,
            "date": made.date,
            "count": made.count,
            "added": made.added,
            "removed": made.removed,
            "idle": built.idle,
            "rows": built.rows,
            **told_faults(built.unreadable, built.faults),
        }

    async def _build(self, task: Task) -> Built:
        async with contextlib.aclosing(work(task)) as told:
            async for piece in told:
                if isinstance(piece, Built):
                    return piece
        raise StoreError("the list process ended without its last word")

    async def _install(self, folder: Path, built: Built, before: ListRow | None, asker: str) -> None:
        """The new file gets its name, then it counts, then the old one goes."""
        made = built.description
        name = file_name(made.name, made.version)
        target = self._folder / name
        await asyncio.to_thread(_move, folder / name, target)
        try:
            await self._writer.submit(
                partial(
                    audited_lists.swap, made=made, size=built.bytes, sha256=built.sha256, recorded_as=asker
                )
            )
        except (InputError, StoreError):  # not when cancelled: the swap may still be committed after that
            target.unlink(missing_ok=True)
            raise
        if before is not None:
            # Who has it open goes on reading it until they see that another counts.
            (self._folder / file_name(before.name, before.version)).unlink(missing_ok=True)

    async def _drop(self, request: DropListRequest, asker: str) -> dict[str, Any]:
        row: ListRow = await self._writer.submit(
            partial(
                audited_lists.drop,
                name=request.list,
                actor=request.by,
                reason=request.reason,
                now=self._clock.now(),
                recorded_as=asker,
            )
        )
        (self._folder / file_name(row.name, row.version)).unlink(missing_ok=True)
        self._log.info(
            events.LIST_DROPPED,
            list=row.name,
            kind=row.kind,
            count=row.count,
            by=request.by,
            reason=request.reason,
        )
        return {"list": row.name, "count": row.count}


def _move(made: Path, target: Path) -> None:
    made.rename(target)
    sync_folders(target.parent)


def _unfit(request: ImportListRequest, before: ListRow, whole: bool) -> list[Problem]:
    """What forbids this import whatever the files hold, as far as the row of the list tells."""
    found = [
        Problem(
            f"{request.list}: {what}",
            f"this list has {theirs or 'none'}, not {ours or 'none'}",
            "use another name, or drop the list first",
        )
        for what, ours, theirs in (
            ("kind", request.kind, before.kind),
            ("jurisdiction", request.jurisdiction, before.jurisdiction),
        )
        if ours != theirs
    ]
    if before.damaged and not whole:
        found.append(
            Problem(request.list, f"its present file is damaged: {before.damaged}", "import the whole list")
        )
    if whole and str(request.date) < before.date:
        found.append(
            Problem(
                "date",
                f"{request.date} is before {before.date}, the date of what is there",
                "import newer data",
            )
        )
    return found


def _day(at: float) -> int:
    """The day (proleptic ordinal, UTC) of an instant in POSIX seconds."""
    return 719_163 + int(at // 86_400)  # 1970-01-01 is day 719163
