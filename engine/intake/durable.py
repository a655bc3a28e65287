"""Makes names durable: a rename or a new file outlives a power failure only when its folder was synced too
(fsync(2))."""

from __future__ import annotations

import os
from pathlib import Path


def sync_folders(*folders: Path) -> None:
    """Wait until the names in these folders are on the disk."""
    for folder in folders:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def write_whole(path: Path, text: str) -> None:
    """A whole file or none. Its name is durable once its folder is synced."""
    draft = path.with_name(f".{path.name}.tmp")
    with draft.open("w", encoding="utf-8", errors="backslashreplace") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    draft.rename(path)
