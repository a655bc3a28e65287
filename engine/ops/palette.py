"""The colours of dispositions and states, the same wherever they are shown. A terminal shows them; a file
gets the words alone."""

from __future__ import annotations

from collections.abc import Mapping

GOOD, FAIR, POOR, BAD, QUIET = "green", "cyan", "yellow", "red", "bright_black"

DISPOSITION: Mapping[str, str] = {
    "ANSWERED_HUMAN": GOOD,
    "ANSWERED_MACHINE": FAIR,
    "ANSWERED_UNSURE": FAIR,
    "BUSY": POOR,
    "NO_ANSWER": POOR,
    "REJECTED": POOR,
    "CONGESTION": "magenta",
    "INVALID_NUMBER": BAD,
    "FAILED": BAD,
    "UNKNOWN": BAD,
    "CANCELLED": QUIET,
    "SUPPRESSED": QUIET,
    "EXPIRED": QUIET,
    "NOT_SENT": QUIET,
    "NOT_DIALED": QUIET,
}

STATE: Mapping[str, str] = {
    "loading": FAIR,
    "scheduled": FAIR,
    "running": GOOD,
    "paused": POOR,
    "completed": QUIET,
    "cancelled": QUIET,
    "failed": BAD,
}

ORDER = tuple(DISPOSITION)
"""Dispositions as they are listed: answers first, what was never dialed last."""


def listed(counts: Mapping[str, int]) -> list[str]:
    """The dispositions in `counts`, in the order in which they are listed; unknown ones at the end."""
    return sorted(counts, key=lambda word: (ORDER.index(word) if word in ORDER else len(ORDER), word))
