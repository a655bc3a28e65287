"""The directories of lists: made when they are missing, and cleared of what an interrupted import left."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from engine.errors import VolleyError
from engine.store.list_file import file_name
from engine.store.lists import ListRow

FILES = "files"
"""Below `control/`: where files are handed over that a request names."""


def prepare(folder: Path, files: Path) -> None:
    """Make them. Mode 0700 for the lists, 2770 for what is handed over, as for `control/` itself. Raises
    VolleyError."""
    for path, mode in ((folder, 0o700), (files, 0o2770)):
        try:
            path.mkdir(parents=True)
            path.chmod(mode)  # mkdir's own goes through the umask
        except FileExistsError:
            if not path.is_dir():
                raise VolleyError(f"{path} is in the way: a directory of that name is needed") from None
        except OSError as error:
            raise VolleyError(f"cannot make the directory {path}: {error.strerror}") from error


def clear_leftovers(folder: Path, rows: Sequence[ListRow]) -> None:
    """Remove list files that no list counts, and what was being made when an engine was killed."""
    counted = {file_name(row.name, row.version) for row in rows}
    for path in folder.iterdir():
        if path.name in counted:
            continue
        if path.name == ".work":
            shutil.rmtree(path, ignore_errors=True)
        elif path.suffix in (".list", ".tmp"):
            with suppress(OSError):
                path.unlink()
