"""A secret: read when it is needed, from the environment or from a file of mode 0600.

Settings name where a secret is and never hold it, so that it is in no settings, no log and no database.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from engine.errors import Problem, SettingsError


def read_secret(variable: str | None, file: Path | None, what: str) -> str:
    """The secret in that environment variable, else in that file; `what` it is, for a message.

    Raises SettingsError when the variable is empty, or the file is missing, empty or readable by others.
    """
    if variable is not None:
        value = os.environ.get(variable, "")
        if not value:
            told = f"this environment variable holds {what} and is empty"
            raise SettingsError([Problem(variable, told, "set it, or use secret_file")])
        return value
    assert file is not None
    try:
        mode = file.stat().st_mode
        value = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError([Problem(str(file), f"cannot read {what}: {error}")]) from error
    if not value:
        raise SettingsError([Problem(str(file), f"this file holds {what} and is empty")])
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        told = f"others may read this secret (mode {stat.S_IMODE(mode):04o})"
        raise SettingsError([Problem(str(file), told, f"chmod 600 {file}")])
    return value
