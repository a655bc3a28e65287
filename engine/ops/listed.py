"""Suppression lists as they are read beside the engine: what there is, how old it is, and every list a number is on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from engine.errors import InputError, ListUnusable, Problem
from engine.ops import suppressed
from engine.ops.books import reading, snapshot
from engine.ops.suppressed import Suppressed
from engine.store import forgotten, lists
from engine.store.list_file import file_name, open_list, read_blocks, verify
from engine.store.registries import Hit, Registries, Unusable


@dataclass(frozen=True, slots=True)
class Listed:
    """A list that counts. `age_days` is that of its oldest data; `unusable` says why it cannot be asked, empty when it
    can."""

    name: str
    kind: str
    jurisdiction: str
    date: str
    age_days: int
    count: int
    version: int
    versions: int
    """How many there have been, those that were dropped too."""
    parts: dict[str, str]
    """Areas (E.164 prefixes, empty: everything) and the dates of their data."""
    imported_at: float
    actor: str
    reason: str
    unusable: str


@dataclass(frozen=True, slots=True)
class Check:
    """All that keeps a number from being called as far as lists go."""

    number: str
    entry: Suppressed | None
    """On the engine's own list."""
    forgotten: bool
    hits: tuple[Hit, ...]
    unusable: tuple[Unusable, ...]
    """Lists that might have said something and cannot be asked."""

    @property
    def listed(self) -> bool:
        """Is it on any list?"""
        return self.entry is not None or self.forgotten or bool(self.hits)


def folder_of(state: Path) -> Path:
    """Where list files lie."""
    return state / "lists"


def everything(database: Path, state: Path, today: date, *, whole: bool = False) -> list[Listed]:
    """Every list, by name; `whole`: each file is read to its end and compared with what was written. Raises
    StoreError."""
    with snapshot(database) as connection:
        rows = lists.current(connection)
        told = {
            row.name: (
                connection.execute(
                    "SELECT parts, at, actor, reason FROM list_versions WHERE name = ? AND version = ?",
                    (row.name, row.version),
                ).fetchone(),
                connection.execute(
                    "SELECT count(*) FROM list_versions WHERE name = ?", (row.name,)
                ).fetchone()[0],
            )
            for row in rows
        }
        with closing(Registries(folder_of(state))) as registries:
            registries.refresh(connection)
            broken = {one.list: one.why for one in registries.unusable()}
    found = []
    for row in rows:
        last, versions = told[row.name]
        why = broken.get(row.name, "")
        if whole and not why:
            try:
                verify(folder_of(state) / file_name(row.name, row.version), row.bytes, row.sha256)
            except ListUnusable as error:
                why = str(error)
        age = (today - date.fromisoformat(row.date)).days
        found.append(
            Listed(
                row.name, row.kind, row.jurisdiction, row.date, age, row.count, row.version, versions,
                json.loads(last["parts"]), last["at"], last["actor"], last["reason"], why,
            )
        )  # fmt: skip
    return found


def check(database: Path, state: Path, e164: str) -> Check:
    """Every list that this number is on. Raises StoreError, also when it cannot be told who was forgotten."""
    entry = suppressed.find(database, e164)
    with reading(database) as connection, closing(Registries(folder_of(state))) as registries:
        registries.refresh(connection)
        found = registries.look(e164, None, None)
        if found.unusable and registries.refresh(connection):  # swapped between the row and the file
            found = registries.look(e164, None, None)
        return Check(e164, entry, forgotten.is_forgotten(connection, e164), found.hits, found.unusable)


def numbers(database: Path, state: Path, name: str) -> Iterator[str]:
    """The numbers of a list, ascending, in E.164. Raises InputError when there is no such list, StoreError."""
    with reading(database) as connection:
        found = lists.find(connection, name)
    if found is None or found[1] != "current":
        raise InputError([Problem("--list", f"there is no list {name!r}", "see `volley dnc lists`")])
    row = found[0]
    opened, _ = open_list(folder_of(state) / file_name(row.name, row.version))
    with closing(opened):
        for block in read_blocks(opened):
            yield from (f"+{number}" for number in block)
