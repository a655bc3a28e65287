"""Where Asterisk takes sounds from: files appear there whole or not at all, and readable for it, which is another user."""

from __future__ import annotations

import os
from pathlib import Path


def put(source: Path, target: Path) -> None:
    """Copy a file there. Raises OSError."""
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    draft.write_bytes(source.read_bytes())
    draft.chmod(0o644)
    draft.rename(target)
