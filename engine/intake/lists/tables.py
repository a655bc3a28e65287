"""Lists of numbers in tables: CSV, TSV, XLSX, ODS, JSON Lines, by the readers that contacts have.

The column of the number is found by its usual heading (`engine.intake.headings`), by its looks, or by name. A row of a
register that gives preferences by category, such as the Indian NCPR, blocks whatever they are: a subscriber who lets
some categories through lets them through as messages, not as calls. Several columns of numbers, where they are named,
all block.

Column names of the official downloads of the NCPR, of Bloctel's answers and of the TPS's changes were not to be
verified; whatever they are, a heading that is not recognised is refused, and can be named.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from engine.errors import InputError, Problem
from engine.intake.columns import IN_MANIFEST, Mapping
from engine.intake.headings import fold
from engine.intake.lists.lines import ADDED, REMOVED, Change, instant
from engine.intake.lists.rows import Faults, NumberReader
from engine.intake.readers import open_rows
from engine.intake.rows import LIST_SIGN, RawRow
from engine.intake.source import Columns, ContactSource, Limits
from engine.rules.numbers import NumberError

BLOCK = 10_000
_KINDS = frozenset(
    fold(word)
    for word in [
        "action",
        "op",
        "operation",
        "ops_type",
        "opstype",
        "change",
        "change_type",
        "type",
        "status",
        "add_delete",
    ]
)
_INSTANTS = frozenset(
    fold(word)
    for word in [
        "date",
        "timestamp",
        "time",
        "datetime",
        "changed_at",
        "change_date",
        "date_changed",
        "effective_date",
    ]
)


def read_table(
    folder: Path,
    file: str,
    shown: str,
    numbers: NumberReader,
    faults: Faults,
    *,
    column: str | None = None,
    marked: bool = False,
) -> Iterator[tuple[list[Change], int]]:
    """Numbers of the table in `folder`/`file`, which people know as `shown`, and how many rows they come from, block by
    block.

    `marked`: each row says in a column whether its number was added or deleted; otherwise all are added. Raises
    InputError, which names the columns when they are not recognised.
    """
    position = int(column) if column is not None and column.isdecimal() else column
    source = ContactSource(
        file=file, columns=Columns() if position is None else Columns(phone_number=(position,)), fields=()
    )
    limits = Limits(rows=faults.limits.rows, file_bytes=faults.limits.file_bytes)
    try:
        with open_rows(source, folder, numbers.region, limits) as table:
            mapping = table.mapping(source, numbers.region)
            kind = _one(mapping, _KINDS, shown, "whether a number was added or deleted") if marked else None
            moment = _one(mapping, _INSTANTS, shown, "") if marked else None
            found: list[Change] = []
            rows = 0
            for row in table:
                rows += 1
                _read(row, mapping.phones, kind, moment, numbers, faults, shown, found)
                if rows >= BLOCK:
                    yield found, rows
                    found, rows = [], 0
            yield found, rows
    except InputError as error:
        raise InputError(
            Problem(
                one.where.replace("contacts.columns.phone_number", f"{file}: column"),
                one.what,
                one.todo.replace(IN_MANIFEST, ""),
            )
            for one in error.problems
        ) from error


def _one(mapping: Mapping, words: frozenset[str], file: str, needed: str) -> int | None:
    """The one column with such a heading. Raises InputError when it is needed and not to be told."""
    found = [at for at, heading in enumerate(mapping.headings) if fold(heading) in words]
    if len(found) == 1:
        return found[0]
    if needed:
        what = "several columns may say" if found else "no column says"
        raise InputError(
            [Problem(file, f"{what} {needed}", "call the one column `action`, with A and D in it")]
        )
    return None


def _read(
    row: RawRow,
    phones: tuple[int, ...],
    kind: int | None,
    moment: int | None,
    numbers: NumberReader,
    faults: Faults,
    file: str,
    found: list[Change],
) -> None:
    cells = row.cells
    if row.fault:
        faults.add(file, row.number, cells[0] if cells else "", row.fault)
        return
    wanted, when = True, 0
    texts = [part for at in phones if at < len(cells) for part in cells[at].split(LIST_SIGN) if part.strip()]
    try:
        if kind is not None:
            word = cells[kind].strip().casefold() if kind < len(cells) else ""
            if word not in ADDED and word not in REMOVED:
                raise ValueError(f"{word[:20]!r} says neither that the number was added (A) nor deleted (D)")
            wanted = word in ADDED
        if moment is not None and moment < len(cells) and cells[moment].strip():
            when = instant(cells[moment].strip())
        if not texts:
            raise NumberError("empty", "there is no phone number; fill it in or leave the row out")
    except ValueError as error:
        faults.add(file, row.number, " ".join(texts), str(error))
        return
    for text in texts:
        try:
            found.append((numbers.number(text), wanted, when))
        except NumberError as error:
            faults.add(file, row.number, text, str(error))
