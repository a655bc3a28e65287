"""Who may reach the engine through its directories: looked at once, before anything in them is believed.

A queue that everybody may write to is a telephone that everybody may use; a folder of it that is a link leads to wherever its
maker wants requests and replies to go. Files of single jobs and requests: `engine.intake.inspection`, `engine.intake.job_files`.
"""

from __future__ import annotations

import stat
from pathlib import Path

from engine.errors import Problem, SettingsError

CLOSED = ("", "incoming", "processing", "accepted", "rejected", "control", "control/done", "control/files")
"""Folders of the queue that not everybody may write to."""
NO_LINK = ("control", "control/done", "control/files", "processing")
"""Those that must be what they are called: the engine puts its replies and its work there."""


def guard(queue: Path, state: Path) -> None:
    """Raises SettingsError with every directory of these that others could use against the engine. What is not there yet is made
    with the right mode later."""
    problems = []
    for where in (*(queue / name for name in CLOSED), state):
        try:
            linked = where.is_symlink()
            mode = where.stat().st_mode
        except FileNotFoundError:
            continue
        if linked and str(where.relative_to(queue) if where != state else "") in NO_LINK:
            what = "is a symbolic link: the engine's own files would go to where it leads"
            problems.append(Problem(str(where), what, "make it a directory"))
        elif mode & stat.S_IWOTH:
            what = f"everybody on this machine may write to it (mode {stat.S_IMODE(mode):04o})"
            problems.append(Problem(str(where), what, f"chmod o-w {where}"))
    if problems:
        raise SettingsError(problems)
