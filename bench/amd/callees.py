"""A labelled callee: a sound file, and what is true of it.

Knows the table that lists them (CSV). Refuses to know how a file was made: an operator's own recordings are callees
as good as the project's.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

PERSON = "person"
SILENCE = "silence"
MACHINES = ("voicemail", "network", "screening", "fax", "machine")
LABELS = (PERSON, SILENCE, *MACHINES)
TABLE = "recordings.csv"
"""The table's name in a folder of recordings."""
COLUMNS = ("file", "label", "kind", "language", "part", "greeting_end_ms", "beep_end_ms")


class TableError(Exception):
    """A table of recordings that cannot be used; the message has every reason, with its line."""


@dataclass(frozen=True, slots=True)
class Callee:
    """One labelled recording of a callee, from the answer on."""

    path: Path
    label: str
    kind: str = ""
    language: str = ""
    part: str = ""
    greeting_end: int | None = None
    """Milliseconds from the answer; None when nobody has measured it."""
    beep_end: int | None = None

    @property
    def truth(self) -> str:
        """`person`, `silence` or `machine`."""
        return self.label if self.label in (PERSON, SILENCE) else "machine"


def write(path: Path, callees: Iterable[Callee]) -> None:
    """The table of callees whose files lie beside it."""
    with path.open("w", encoding="utf-8", newline="") as out:
        rows = csv.writer(out)
        rows.writerow(COLUMNS)
        for one in callees:
            ends = ["" if end is None else end for end in (one.greeting_end, one.beep_end)]
            rows.writerow([one.path.name, one.label, one.kind, one.language, one.part, *ends])


def read(table: Path) -> list[Callee]:
    """The callees of a table; of its columns only `file` and `label` must be there. Raises TableError."""
    found: list[Callee] = []
    wrong: list[str] = []
    with table.open(encoding="utf-8-sig", newline="") as lines:
        rows = csv.DictReader(lines)
        if missing := {"file", "label"} - set(rows.fieldnames or ()):
            raise TableError(f"{table}: the first line must name the columns {' and '.join(sorted(missing))}")
        for line, row in enumerate(rows, 2):
            values = {key: (value or "").strip() for key, value in row.items() if isinstance(key, str)}
            path = table.parent / values["file"]
            ends = [values.get(name, "") for name in ("greeting_end_ms", "beep_end_ms")]
            if not path.is_file():
                wrong.append(f"line {line}: there is no file {path}")
            if values["label"] not in LABELS:
                wrong.append(f"line {line}: {values['label']!r} is no label; those are {', '.join(LABELS)}")
            if not all(end == "" or end.isdecimal() for end in ends):
                wrong.append(
                    f"line {line}: greeting_end_ms and beep_end_ms are whole milliseconds from the answer, or empty"
                )
            if wrong:
                continue
            greeting, beep = (int(end) if end else None for end in ends)
            kind, language, part = (values.get(name, "") for name in ("kind", "language", "part"))
            found.append(Callee(path, values["label"], kind, language, part, greeting, beep))
    if wrong or not found:
        raise TableError(f"{table}: " + ("; ".join(wrong) or "it lists no recordings"))
    return found
