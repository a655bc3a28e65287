"""Files that appear when they are complete, readable by their owner alone: they hold what people said and when they were at home."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from engine.errors import VolleyError


@contextmanager
def whole(path: Path) -> Iterator[TextIO]:
    """A text file, mode 0600, that takes its name when it is complete; what was there before stays until then.

    Raises VolleyError when it cannot be made."""
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
