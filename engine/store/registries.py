"""Is a number on a suppression list? Asked in the claim's transaction, of every list that has a say.

Lives in one thread, that of the connection it is refreshed from. `refresh` compares one number in the database with
what was loaded last, so the answer is always that of the versions that count in this very transaction, and costs no
look at the file system. Small lists are held in memory, large ones are read through SQLite.

A list that should be there and is not, or that is damaged, is no empty list: it is told as unusable, and whoever asks
must take that for a no. Knows lists. Refuses to know what a hit means: `engine.rules.gate`.
"""

from __future__ import annotations

import sqlite3
from array import array
from bisect import bisect_left
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from engine.errors import ListUnusable
from engine.store import lists
from engine.store.list_file import Description, Kind, file_name, open_list, read_blocks
from engine.store.lists import ListRow

IN_MEMORY = 1 << 20
"""Lists of up to so many numbers are held as sorted arrays, 8 bytes a number: half a microsecond a look instead of three."""

PLANS = 4096
"""Different questions whose lists are remembered: jurisdictions times campaigns, and far more than an engine has."""

_Question = tuple[tuple[str, ...] | None, tuple[str, ...] | None]


@dataclass(frozen=True, slots=True)
class Hit:
    """A list that a number is on, and which edition of it said so; `date` is that of the data for this number."""

    list: str
    kind: Kind
    jurisdiction: str
    version: int
    date: str


@dataclass(frozen=True, slots=True)
class Age:
    """A registry that covers a number, and the date of its data for it (ISO 8601): what an age limit is judged by."""

    list: str
    jurisdiction: str
    date: str


@dataclass(frozen=True, slots=True)
class Unusable:
    """A list that would have to be asked and cannot be: what it might have said blocks."""

    list: str
    kind: Kind
    jurisdiction: str
    why: str


@dataclass(frozen=True, slots=True)
class Look:
    """All that the lists say of a number.

    `ages` has the registries of the jurisdictions asked for that cover the number: none means that nobody knows
    whether it is registered there. `unusable` has lists that had a say and cannot be asked.
    """

    hits: tuple[Hit, ...]
    ages: tuple[Age, ...]
    unusable: tuple[Unusable, ...]


class _Open:
    """One list that can be asked."""

    def __init__(self, row: ListRow, connection: sqlite3.Connection, description: Description) -> None:
        self.row = row
        self.description = description
        self._connection: sqlite3.Connection | None = connection
        self._cursor = connection.cursor()
        self._held: array[int] | None = None
        if row.count <= IN_MEMORY:
            try:
                self._held = array("Q")
                for block in read_blocks(connection):
                    self._held.extend(block)
            finally:
                self.close()
            if len(self._held) != row.count:
                raise ListUnusable(f"{row.name}: has {len(self._held)} numbers instead of {row.count}")
        # What is told of a number depends on its area alone: it is made once.
        self._told = {
            part.prefix: (
                Hit(row.name, row.kind, row.jurisdiction, row.version, part.date),
                Age(row.name, row.jurisdiction, part.date),
            )
            for part in description.parts
        }
        self._elsewhere = Hit(row.name, row.kind, row.jurisdiction, row.version, row.date)
        self._lengths = sorted({len(prefix) for prefix in self._told}, reverse=True)

    def has(self, number: int) -> bool:
        """Raises sqlite3.Error when the file is damaged."""
        held = self._held
        if held is not None:
            at = bisect_left(held, number)
            return at < len(held) and held[at] == number
        return self._cursor.execute("SELECT 1 FROM numbers WHERE e164 = ?", (number,)).fetchone() is not None

    def tell(self, digits: str) -> tuple[Hit, Age | None]:
        """What a hit of this number is, and how old the data for it is; None when the list does not cover it."""
        for length in self._lengths:
            found = self._told.get(digits[:length])
            if found is not None:
                return found
        return self._elsewhere, None

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class Registries:
    """All lists of one state directory, as of the last `refresh`."""

    def __init__(self, folder: Path) -> None:
        """`folder` is where the list files lie, `<state>/lists`."""
        self._folder = folder
        self._revision = -1
        self._open: dict[str, _Open] = {}
        self._unusable: dict[str, Unusable] = {}
        self._plans: dict[_Question, tuple[tuple[_Open, ...], tuple[Unusable, ...]]] = {}

    def __repr__(self) -> str:
        return (
            f"Registries({len(self._open)} usable, {len(self._unusable)} unusable, revision {self._revision})"
        )

    def refresh(self, connection: sqlite3.Connection) -> bool:
        """See what `connection` sees. True when something had changed. Costs one tiny query when nothing has."""
        revision = lists.revision(connection)
        if revision == self._revision:
            return False
        wanted = {row.name: row for row in lists.current(connection)}
        for name in [name for name, one in self._open.items() if wanted.get(name) != one.row]:
            self._open.pop(name).close()
        self._unusable.clear()
        self._plans.clear()
        for name, row in wanted.items():
            if name not in self._open:
                self._load(row)
        self._revision = revision
        return True

    def _load(self, row: ListRow) -> None:
        if row.damaged:
            self._refuse(row, row.damaged)
            return
        path = self._folder / file_name(row.name, row.version)
        try:
            connection, description = open_list(path)
            told = (description.name, description.kind, description.jurisdiction)
            if (*told, description.version, description.count) != (
                row.name, row.kind, row.jurisdiction, row.version, row.count,
            ) or path.stat().st_size != row.bytes:  # fmt: skip
                connection.close()
                raise ListUnusable(f"{path.name}: is not the file that was made for this version")
            self._open[row.name] = _Open(row, connection, description)
        except (ListUnusable, OSError) as error:
            self._refuse(row, str(error))

    def _refuse(self, row: ListRow, why: str) -> None:
        self._unusable[row.name] = Unusable(row.name, row.kind, row.jurisdiction, why)
        self._plans.clear()

    def look(
        self, e164: str, jurisdictions: Collection[str] | None = None, names: Collection[str] | None = ()
    ) -> Look:
        """What the lists say of `e164` (+ and digits).

        Registries are asked for `jurisdictions` (None: all there are), campaign lists by `names` (None: all; a
        registry may be named too), litigators always. A name that no list has is unusable. Raises nothing for a
        damaged file: it becomes unusable.
        """
        digits = e164[1:]
        number = int(digits)
        hits: list[Hit] = []
        ages: list[Age] = []
        asked, unusable = self._asked(jurisdictions, names)
        for one in asked:
            row = one.row
            try:
                found = one.has(number)
            except sqlite3.Error as error:
                self._open.pop(row.name).close()
                self._refuse(row, f"{row.name}: cannot be read: {error}")
                return self.look(e164, jurisdictions, names)
            if not found and row.kind != "registry":
                continue
            hit, age = one.tell(digits)
            if found:
                hits.append(hit)
            if age is not None and row.kind == "registry":
                ages.append(age)
        return Look(tuple(hits), tuple(ages), unusable)

    def _asked(
        self, jurisdictions: Collection[str] | None, names: Collection[str] | None
    ) -> tuple[tuple[_Open, ...], tuple[Unusable, ...]]:
        """The lists that have a say, usable and not. Few questions are asked again and again: their answers are
        kept."""
        key = (
            None if jurisdictions is None else tuple(jurisdictions),
            None if names is None else tuple(names),
        )
        known = self._plans.get(key)
        if known is not None:
            return known
        usable = tuple(
            one
            for one in self._open.values()
            if _has_say(one.row.name, one.row.kind, one.row.jurisdiction, jurisdictions, names)
        )
        unusable = [
            one
            for one in self._unusable.values()
            if _has_say(one.list, one.kind, one.jurisdiction, jurisdictions, names)
        ]
        unusable += [
            Unusable(name, "campaign", "", f"there is no list {name!r}")
            for name in names or ()
            if name not in self._open and name not in self._unusable
        ]
        if len(self._plans) >= PLANS:
            self._plans.clear()
        self._plans[key] = usable, tuple(unusable)
        return self._plans[key]

    def contains(
        self, e164: str, jurisdictions: Collection[str] | None = None, names: Collection[str] | None = ()
    ) -> tuple[Hit, ...]:
        """The hits of `look` alone. Raises ListUnusable when a list that has a say cannot be asked."""
        found = self.look(e164, jurisdictions, names)
        if found.unusable:
            raise ListUnusable("; ".join(one.why for one in found.unusable))
        return found.hits

    def unusable(self) -> tuple[Unusable, ...]:
        """Every list that cannot be asked."""
        return tuple(self._unusable.values())

    def close(self) -> None:
        """Let go of all files. `refresh` loads them again."""
        for one in self._open.values():
            one.close()
        self._open.clear()
        self._unusable.clear()
        self._plans.clear()
        self._revision = -1


def _has_say(
    name: str,
    kind: str,
    jurisdiction: str,
    jurisdictions: Collection[str] | None,
    names: Collection[str] | None,
) -> bool:
    if kind == "litigators" or (names is not None and name in names):
        return True
    return jurisdictions is None or jurisdiction in jurisdictions if kind == "registry" else names is None
