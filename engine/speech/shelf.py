"""Where Asterisk takes sounds from: files appear there whole or not at all, and readable for it, which is another user."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def put(source: Path, target: Path) -> None:
    """Copy a file there. Raises OSError."""
    _make(target.parent)
    draft = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    draft.write_bytes(source.read_bytes())
    draft.chmod(0o644)
    draft.rename(target)


def _make(folder: Path) -> None:
    """Make a directory that is missing, and those above it. One that is there keeps its mode: it may be a group's."""
    if folder.is_dir():
        return
    _make(folder.parent)
    with suppress(FileExistsError):
        folder.mkdir()
        folder.chmod(0o755)  # mkdir's own mode goes through the umask, which a service has closed to others
