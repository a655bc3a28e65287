"""The rejects file: rows that did not become contacts, for the person who has to mend them.

CSV in UTF-8 with a byte-order mark, which every spreadsheet opens as it is. A cell that a spreadsheet would
take for a formula gets an apostrophe in front; `engine.rules.numbers` takes it off a number again, and the
columns added here are no fields, so that a mended rejects file can be handed in as it is.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

from engine.contacts import Reject
from engine.intake.headings import REJECT_HEADINGS

HEADINGS = REJECT_HEADINGS

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def inert(cell: str) -> str:
    """`cell` so that no spreadsheet runs it as a formula (OWASP, "CSV Injection")."""
    return "'" + cell if cell.lstrip(" \u00a0").startswith(_FORMULA) else cell


class RejectsFile:
    """Written as the rejects come, and made with the first of them: no rejects, no file.

    What an interrupted reading left is replaced: a reading that is resumed goes through all rows again and
    finds the same ones.
    """

    def __init__(self, path: Path, headings: Sequence[str]) -> None:
        self._path = path
        self._headings = headings
        self._stream: TextIO | None = None
        path.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._stream is not None:
            self._stream.close()

    def write(self, reject: Reject) -> None:
        """Add a row."""
        if self._stream is None:
            # Not through a link that somebody put there, and not into a file of somebody else's.
            handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o640)
            self._stream = os.fdopen(handle, "w", encoding="utf-8-sig", newline="", errors="replace")
            self._writer = csv.writer(self._stream)
            self._writer.writerow([*HEADINGS, *(inert(heading) for heading in self._headings)])
        self._writer.writerow([reject.row, reject.code, reject.reason, *(inert(cell) for cell in reject.raw)])

    def flush(self) -> None:
        """Hand all that was written to the system."""
        if self._stream is not None:
            self._stream.flush()
