"""What the list process is to read and to make of it, and what it refuses to make of it.

Pure. The rules here keep a list from looking fresher, or wider, than it is: an area is covered by a full list of it
and by nothing less, a date never goes back, and only a full list or a change list brings data up to date.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from engine.errors import Problem
from engine.intake.lists.formats import Format, Mode
from engine.store.list_file import Description, Kind, Part

SHRUNK = 0.8
"""A new edition with less than this share of what it replaces is more likely a broken download than a registry that shrank.
Ours to choose: the monthly sizes of the CTPS, the only ones that are published, moved by less than a tenth in all but a few months."""


@dataclass(frozen=True, slots=True)
class Task:
    """What to read, and what to make of it. Paths are absolute; `at` in POSIX seconds, `date` in ISO 8601."""

    files: tuple[str, ...]
    region: str | None
    folder: str
    """Where list files lie, and where temporary files go."""
    format: Format = "auto"
    mode: Mode = "full"
    column: str | None = None
    name: str = ""
    """Empty: no list is built; the numbers themselves are wanted."""
    kind: Kind = "registry"
    jurisdiction: str = ""
    version: int = 1
    base: str | None = None
    """The list file that counts now; None when there is none."""
    parts: tuple[str, ...] = ()
    """Prefixes of the areas that the files are about (E.164 digits); empty: the whole list."""
    date: str = ""
    at: float = 0.0
    actor: str = ""
    reason: str = ""
    unreadable: int = 0
    """How many rows may be unreadable."""
    may_shrink: bool = False
    parent: int = 0

    @classmethod
    def from_json(cls, text: bytes) -> Task:
        table: dict[str, Any] = orjson.loads(text)
        return cls(**{**table, "files": tuple(table["files"]), "parts": tuple(table["parts"])})


def problems_before(task: Task, base: Description | None) -> list[Problem]:
    """What forbids this import whatever the files hold, all of it."""
    found: list[Problem] = []
    if base is None:
        if task.mode in ("change", "remove") or (task.mode == "add" and task.kind == "registry"):
            found.append(
                Problem(task.name, "there is no such list to change yet", "import a full list first")
            )
        return found
    for what, ours, theirs in (
        ("kind", task.kind, base.kind),
        ("jurisdiction", task.jurisdiction, base.jurisdiction),
    ):
        if ours != theirs:
            found.append(
                Problem(
                    f"{task.name}: {what}",
                    f"this list has {theirs or 'none'}, not {ours or 'none'}",
                    "use another name, or drop the list first",
                )
            )
    if task.mode == "change":
        found += [
            Problem(
                f"{task.name}: part",
                f"the list does not cover +{part}",
                "import a full list of that area first",
            )
            for part in task.parts
            if not any(part.startswith(one.prefix) for one in base.parts)
        ]
    if task.mode in ("full", "change"):
        newest = max((one.date for one in base.parts if _touched(one.prefix, task.parts)), default="")
        if task.date < newest:
            found.append(
                Problem(
                    f"{task.name}: date",
                    f"{task.date} is before {newest}, the date of what is there",
                    "import newer data",
                )
            )
    return found


def _touched(prefix: str, parts: tuple[str, ...]) -> bool:
    return not parts or prefix.startswith(parts)


def parts_after(task: Task, base: Description | None) -> tuple[Part, ...]:
    """The areas of the list after this import, and the dates of their data.

    A full list of everything starts afresh; one of areas gives them its date, and takes the place of smaller areas in
    them. A change list brings what it is about to its date. Numbers added or taken off by hand make nothing newer.
    """
    before = base.parts if base else ()
    if task.mode in ("add", "remove") and before:
        return before
    if task.parts:
        kept = {one.prefix: one.date for one in before if not _touched(one.prefix, task.parts)}
        kept |= dict.fromkeys(task.parts, task.date)
    elif task.mode == "change":
        kept = {one.prefix: task.date for one in before}
    else:
        kept = {"": task.date}
    return tuple(Part(prefix, kept[prefix]) for prefix in sorted(kept))


def problems_after(task: Task, made: Description, base: Description | None, read: int) -> list[Problem]:
    """What looks like a broken download; `read` is how many different numbers the files held."""
    found: list[Problem] = []
    if made.count == 0 or read == 0:
        found.append(Problem(task.name, "there would be no number on it", "is it the right file?"))
    lost, left = (made.removed, made.added) if made.how == "part" else (base.count if base else 0, made.count)
    if not task.may_shrink and left < SHRUNK * lost:
        found.append(
            Problem(
                task.name,
                f"{lost:,} numbers would become {left:,}, as when a download broke off",
                "if that is right, say so (--may-shrink)",
            )
        )
    return found
