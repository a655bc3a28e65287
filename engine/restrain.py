"""The bounds of a process of ours: set by itself, before it reads what somebody handed in."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys

NICE = 10
_PR_SET_PDEATHSIG = 1
"""linux/prctl.h"""


def restrain(memory_bytes: int, cpu_seconds: int, parent: int) -> None:
    """Bound this process: memory, processor time, priority, and a life no longer than that of its parent (a pid)."""
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    # At the soft limit comes SIGXCPU, which says why; at the hard one SIGKILL would.
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds + 5))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(NICE)
    end_with(parent)


def end_with(parent: int) -> None:
    """This process lives no longer than that of its parent (a pid)."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            # The parent ended before the kernel could be asked to tell.
            raise SystemExit(1)
