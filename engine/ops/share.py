"""Where the files lie that a PBX and its host get: `asterisk-config`, `dialplans`, `system`.

In an installed package they are `engine/share/<name>`, in a checkout `<name>` beside the package.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
MARK = re.compile(r"^exten => ([0-9a-f]{8}),1,NoOp\(\)\n", re.MULTILINE)
"""The version mark of a dialplan: the only extension of its context `<file>-version`."""


def share(name: str) -> Path:
    """The folder of that name."""
    installed = PACKAGE / "share" / name
    return installed if installed.is_dir() else PACKAGE.parent / name


def dialplan_marks() -> dict[str, str]:
    """The dialplans of this version: name of the file, without its ending -> the mark that is in it."""
    found = {}
    for path in sorted(share("dialplans").glob("*.conf")):
        if (mark := MARK.search(path.read_text(encoding="utf-8"))) is not None:
            found[path.stem] = mark[1]
    return found


def mark_of(text: str) -> str:
    """The mark that a dialplan with this text ought to have: of all that is in it but the mark."""
    return hashlib.sha256(MARK.sub("", text).encode()).hexdigest()[:8]
