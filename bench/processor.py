"""How much processor time a live process has used, all its threads together, its children left out.

Knows /proc/PID/stat (proc(5)) and nothing else.
"""

from __future__ import annotations

import os
from pathlib import Path

TICK = 1.0 / os.sysconf("SC_CLK_TCK")
"""Seconds in a unit of the kernel's accounting: 10 ms on Linux, so measure over thousands of calls."""


def used(pid: int) -> float:
    """Seconds of processor time, user and system, that process `pid` has used. Raises ProcessLookupError when
    it is gone."""
    try:
        fields = (
            Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        )
    except FileNotFoundError:
        raise ProcessLookupError(f"process {pid} is gone") from None
    return (
        int(fields[11]) + int(fields[12])
    ) * TICK  # utime, stime: fields 14 and 15, and the first two are cut off
