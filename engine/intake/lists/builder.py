"""The list process: `python -m engine.intake.lists.builder`.

Reads one request (JSON) from standard input and answers with lines of JSON: `progress` (rows so far), `numbers`
(when they are wanted one by one), and at the end `done` or `error`. A process of its own, so that a hundred million
numbers never take the processor from the loop that dials.

Builds a new version of a list beside the one that counts: files are read and sorted, areas replaced or changes made,
the list file written, made durable and digested. Knows files. Refuses to know the database: whether the new version
counts is decided by who asked (`engine.intake.lists.client`).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from engine.errors import InputError, ListUnusable, Problem, VolleyError
from engine.intake.durable import sync_folders
from engine.intake.lists import changes, formats
from engine.intake.lists.archives import sha256_of
from engine.intake.lists.changes import Tally
from engine.intake.lists.rows import Faults, ListLimits, NumberReader
from engine.intake.lists.sorting import Sorter
from engine.intake.lists.task import Task, parts_after, problems_after, problems_before
from engine.intake.refused import Refused
from engine.restrain import restrain
from engine.store.list_file import (
    Description,
    Source,
    digest,
    file_name,
    open_list,
    read_blocks,
    write_list,
)

BATCH = 2_000
"""Numbers in one line of `numbers`."""
PROGRESS_ROWS = 1_000_000


class Build:
    """One reading of files."""

    def __init__(self, task: Task, limits: ListLimits, tell: Callable[[dict[str, Any]], None]) -> None:
        """`tell(message)` takes what is to be told on the way."""
        self._task = task
        self._tell = tell
        self.faults = Faults(limits)
        self._limits = limits
        self._folder = Path(task.folder)
        self._numbers = NumberReader(task.region)
        self.sources: list[Source] = []
        self.rows = 0

    def run(self) -> dict[str, Any]:
        """Returns what `done` tells. Raises InputError with all that is wrong, OSError when the disk is full."""
        formats.check_country(self._task.format, self._task.region)
        return self._list() if self._task.name else self._plain()

    def _pieces(self) -> Iterator[formats.Piece]:
        task = self._task
        told = 0
        for file in task.files:
            path = Path(file)
            sha256, size = sha256_of(path, self._limits)
            before = self.rows
            for plain, marked, rows in formats.read(
                path, self._folder, task.format, task.mode, self._numbers, self.faults, task.column
            ):
                self.rows += rows
                if self.rows > self._limits.rows:
                    raise Refused(path.name, f"has over {self._limits.rows} rows")
                yield plain, marked, rows
                if self.rows - told >= PROGRESS_ROWS:
                    told = self.rows
                    self._tell({"progress": self.rows})
            self.sources.append(Source(path.name, sha256, size, self.rows - before))

    # -- numbers as such -----------------------------------------------------------------------------------------------

    def _plain(self) -> dict[str, Any]:
        """Every number that can be read, at once; the rest is told at the end."""
        pending: list[int] = []
        count = 0
        for plain, marked, _ in self._pieces():
            pending += plain
            pending += [number for number, _, _ in marked]
            while len(pending) >= BATCH:
                self._tell({"numbers": pending[:BATCH]})
                count += BATCH
                del pending[:BATCH]
        if pending:
            self._tell({"numbers": pending})
        return {
            "rows": self.rows,
            "numbers": count + len(pending),
            "unreadable": self.faults.count,
            "faults": [asdict(one) for one in self.faults.kept],
        }

    # -- a list --------------------------------------------------------------------------------------------------------

    def _list(self) -> dict[str, Any]:
        task = self._task
        draft = self._folder / f".{task.name}.{task.version}.tmp"
        draft.unlink(missing_ok=True)
        tally = Tally()
        try:
            with ExitStack() as stack:
                base = self._base(stack)
                if problems := problems_before(task, base[1] if base else None):
                    raise InputError(problems)
                sorter = stack.enter_context(Sorter(self._folder, wide=task.mode == "change"))
                self._collect(sorter)
                blocks = self._changed(base, sorter, tally)
                made = write_list(draft, blocks, lambda count: self._describe(count, base, tally))
            if problems := problems_after(task, made, base[1] if base else None, tally.read):
                raise InputError(problems)
            target = self._folder / file_name(task.name, task.version)
            sha256, size = digest(draft), draft.stat().st_size
            draft.rename(target)
            sync_folders(self._folder)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
        return {
            "description": asdict(made),
            "bytes": size,
            "sha256": sha256,
            "idle": tally.idle,
            "rows": self.rows,
            "unreadable": self.faults.count,
            "faults": [asdict(one) for one in self.faults.kept],
        }

    def _base(self, stack: ExitStack) -> tuple[Any, Description] | None:
        if self._task.base is None:
            return None
        try:
            connection, description = open_list(Path(self._task.base))
        except ListUnusable:
            if self._task.mode == "full" and not self._task.parts:
                return None  # all of it is replaced: this is how a damaged list is mended
            raise
        stack.callback(connection.close)
        return connection, description

    def _collect(self, sorter: Sorter) -> None:
        """Read everything, and refuse what is unreadable beyond what is allowed."""
        task = self._task
        ranges = changes.areas(task.parts) if task.parts else []
        place = 0
        outside = 0
        example = 0
        for plain, marked, _ in self._pieces():
            if task.mode == "change":
                sorter.add(
                    changes.key(number, add, when, place + at)
                    for at, (number, add, when) in enumerate(marked)
                )
                place += len(marked)
            else:
                if any(not add for _, add, _ in marked):
                    raise Refused(
                        task.files[0],
                        "marks numbers as deleted: it is a change list",
                        "hand it in as one (--change)",
                    )
                sorter.add(plain)
                sorter.add(number for number, _, _ in marked)
            if ranges:
                beyond = changes.outside(sorted(plain + [number for number, _, _ in marked]), ranges)
                if beyond:
                    outside += len(beyond)
                    example = example or beyond[0]
        if outside:
            raise Refused(
                "part",
                f"{outside} numbers, such as +{example}, do not lie in {', '.join('+' + one for one in task.parts)}",
                "name all areas that the files are about",
            )
        if self.faults.count > task.unreadable:
            raise InputError(_too_many(self.faults, task.unreadable))

    def _changed(
        self, base: tuple[Any, Description] | None, sorter: Sorter, tally: Tally
    ) -> Iterator[list[int]]:
        task = self._task
        stored = iter(()) if base is None else read_blocks(base[0])
        match task.mode:
            case "full" if not task.parts:
                return changes.replace(sorter.blocks(), tally)
            case "full":
                return changes.replace_areas(stored, sorter.blocks(), changes.areas(task.parts), tally)
            case "change":
                return changes.apply(stored, sorter.blocks(), tally)
            case _:
                add = task.mode == "add"
                keys = ([changes.key(number, add, 0, 0) for number in block] for block in sorter.blocks())
                return changes.apply(stored, keys, tally)

    def _describe(self, count: int, base: tuple[Any, Description] | None, tally: Tally) -> Description:
        task = self._task
        before = base[1].count if base else 0
        if task.mode == "full" and not task.parts:
            added, removed = count, before
        elif task.mode == "full":
            added, removed = tally.read, tally.removed
        else:
            added, removed = tally.added, tally.removed
        return Description(
            name=task.name,
            kind=task.kind,
            jurisdiction=task.jurisdiction,
            version=task.version,
            how="change" if task.mode != "full" else "part" if task.parts else "full",
            at=task.at,
            actor=task.actor,
            reason=task.reason,
            parts=parts_after(task, base[1] if base else None),
            count=count,
            added=added,
            removed=removed,
            unreadable=self.faults.count,
            sources=tuple(self.sources),
        )


def _too_many(faults: Faults, allowed: int) -> list[Problem]:
    shown = [Problem(f"{one.file}, row {one.row}", f"{one.text!r}: {one.why}") for one in faults.kept]
    more = faults.count - len(shown)
    what = f"{faults.count:,} rows cannot be read" + (f", and {allowed:,} may" if allowed else "")
    last = Problem(
        "rows",
        what + (f"; {more:,} more like these" if more > 0 else ""),
        "mend them; or, when they are no numbers of people, say how many may be left out (--unreadable)",
    )
    return [*shown, last]


def main() -> int:
    """Answer the one request. Returns the exit status."""
    # What a library prints must not get between the lines of the protocol.
    out = os.fdopen(os.dup(1), "wb", buffering=1 << 16)
    os.dup2(2, 1)
    task = Task.from_json(sys.stdin.buffer.read())
    limits = ListLimits()
    restrain(limits.memory_bytes, limits.cpu_seconds, task.parent)
    try:
        try:
            done = Build(task, limits, lambda message: _write(out, message)).run()
        except InputError as error:
            problems = list(error.problems)
        except (VolleyError, OSError) as error:
            _write(out, {"broken": str(error)})
            return 1
        except MemoryError:
            problems = [
                Problem("files", f"reading them needs over {limits.memory_bytes >> 20} MiB", "hand in text")
            ]
        else:
            _write(out, {"done": done})
            return 0
        found = [{"where": one.where, "what": one.what, "todo": one.todo} for one in problems]
        _write(out, {"error": {"problems": found}})
        return 1
    except BrokenPipeError:
        # The asking side is gone, and nobody is left to tell.
        with suppress(OSError):
            out.close()
        return 1


def _write(out: BinaryIO, message: dict[str, Any]) -> None:
    out.write(orjson.dumps(message, option=orjson.OPT_APPEND_NEWLINE))
    out.flush()


if __name__ == "__main__":
    sys.exit(main())
