"""Who dropped a file: what the file system says, beside what the file itself says."""

from __future__ import annotations

import pwd
from pathlib import Path


def owner_of(path: Path) -> str:
    """The login name that a file belongs to, `uid <n>` where that has no name. Raises OSError when it is gone."""
    owner = path.stat().st_uid
    try:
        return pwd.getpwuid(owner).pw_name
    except KeyError:
        return f"uid {owner}"


def asker(path: Path, by: str) -> str:
    """Who asks, for the audit log: the name given in the request, which anybody can write, with the owner of its file,
    which only the system can."""
    owner = owner_of(path)
    return owner if by in ("", owner) else f"{by} (as {owner})"
