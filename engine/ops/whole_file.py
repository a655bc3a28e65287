"""Files that appear when they are complete, readable by their owner alone: they hold what people said and when they were at home."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from engine.errors import VolleyError

STANDARD_OUTPUT = Path("-")
"""What the commands that write a file take for standard output, as POSIX utilities do (Utility Syntax Guidelines, 13)."""


@contextmanager
def whole(path: Path) -> Iterator[TextIO]:
    """A text file, mode 0600, that takes its name when it is complete; what was there before stays until then.
    `STANDARD_OUTPUT` is written as it comes.

    Raises VolleyError when it cannot be made."""
    if path == STANDARD_OUTPUT:
        yield sys.stdout
        return
    try:
        handle, name = tempfile.mkstemp(".tmp", f".{path.name}.", path.parent)
    except OSError as error:
        raise VolleyError(f"{path}: cannot be written: {error.strerror}") from error
    draft = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as out:
            yield out
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
