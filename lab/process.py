"""A process that outlives us: started detached, known by a pid file, ended by pid.

Knows pid files and /proc. A pid counts as ours only when the process started at the noted moment: pids are used again.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

_children: dict[int, subprocess.Popen[bytes]] = {}
"""What this very process started and has not reaped."""


def started_at(pid: int) -> str | None:
    """When a live process started, in clock ticks since boot (field 22 of /proc/PID/stat, proc(5)); None when it is gone or a zombie.

    Where only the main thread has ended and others (field 20) still hold the sockets, the state is a zombie's too: that is alive.
    """
    try:
        fields = (
            Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        )
    except OSError:
        return None
    ended = fields[0] in "ZX" and int(fields[17]) <= 1
    return None if ended else fields[19]


def start(command: list[str], pid_file: Path, output: Path) -> int:
    """Start `command` in a session of its own with as many descriptors as we may have; returns its pid, which the pid file keeps."""
    raised = ["sh", "-c", 'ulimit -n "$(ulimit -Hn)"; exec "$@"', "sh", *command]
    with output.open("ab") as out:
        child = subprocess.Popen(
            raised, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, start_new_session=True
        )
    _children[child.pid] = child
    pid_file.write_text(f"{child.pid} {started_at(child.pid)}\n", encoding="utf-8")
    return child.pid


def running(pid_file: Path) -> int | None:
    """The pid of our live process, None when there is none."""
    try:
        pid, start_time = pid_file.read_text(encoding="utf-8").split()
    except (OSError, ValueError):
        return None
    reap(int(pid))
    return int(pid) if started_at(int(pid)) == start_time else None


def stop(pid_file: Path, patience: float = 5.0) -> bool:
    """End our process: SIGTERM, and SIGKILL after `patience` seconds. Returns whether one was running."""
    pid = running(pid_file)
    if pid is None:
        pid_file.unlink(missing_ok=True)
        return False
    for number, seconds in ((signal.SIGTERM, patience), (signal.SIGKILL, 5.0)):
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            break
        deadline = time.monotonic() + seconds
        while running(pid_file) and time.monotonic() < deadline:
            time.sleep(0.02)
        if not running(pid_file):
            break
    pid_file.unlink(missing_ok=True)
    return True


def reap(pid: int) -> None:
    """Take the exit status of a child of this very process, which otherwise stays as a zombie."""
    child = _children.get(pid)
    if child is not None and child.poll() is not None:
        del _children[pid]
