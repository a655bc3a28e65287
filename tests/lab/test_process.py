"""Processes are started detached, known again, and ended by pid; never one that is not ours."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from lab import process
from tests.patience import PATIENCE


def test_start_know_and_stop(tmp_path: Path) -> None:
    pid_file = tmp_path / "it.pid"
    pid = process.start(["sleep", "60"], pid_file, tmp_path / "out")
    assert process.running(pid_file) == pid
    assert os.getsid(pid) == pid
    assert process.stop(pid_file) is True
    assert process.started_at(pid) is None
    assert process.stop(pid_file) is False
    assert not pid_file.exists()


def test_a_process_that_ended_by_itself_does_not_run(tmp_path: Path) -> None:
    pid_file = tmp_path / "it.pid"
    process.start(["sh", "-c", "echo said; exit 3"], pid_file, tmp_path / "out")
    deadline = time.monotonic() + PATIENCE
    while process.running(pid_file) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert process.running(pid_file) is None
    assert (tmp_path / "out").read_text() == "said\n"


def test_a_pid_used_again_is_not_ours(tmp_path: Path) -> None:
    pid_file = tmp_path / "it.pid"
    with subprocess.Popen(["sleep", "60"]) as other:
        pid_file.write_text(f"{other.pid} 1\n")  # started at another moment than the noted one
        assert process.running(pid_file) is None
        assert process.stop(pid_file) is False
        assert other.poll() is None
        other.kill()


def test_one_that_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    pid_file = tmp_path / "it.pid"
    process.start(
        ["sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.05; done"], pid_file, tmp_path / "out"
    )
    deadline = time.monotonic() + PATIENCE
    while not (tmp_path / "out").read_text() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert process.stop(pid_file, patience=0.2) is True
    assert process.running(pid_file) is None


def test_one_whose_main_thread_ended_still_runs(tmp_path: Path) -> None:
    """As Asterisk while it shuts down: the state is a zombie's, the sockets are held."""
    code = (
        "import ctypes, threading, time\n"
        "threading.Thread(target=time.sleep, args=(60,)).start()\n"
        "print('ready', flush=True)\n"
        "ctypes.CDLL(None).pthread_exit(None)\n"
    )
    pid_file = tmp_path / "it.pid"
    pid = process.start([sys.executable, "-c", code], pid_file, tmp_path / "out")
    deadline = time.monotonic() + PATIENCE
    stat = Path(f"/proc/{pid}/stat")
    while ") Z " not in stat.read_text() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert ") Z " in stat.read_text()
    assert process.running(pid_file) == pid
    assert process.stop(pid_file) is True


def test_nonsense_in_the_pid_file_is_nothing(tmp_path: Path) -> None:
    pid_file = tmp_path / "it.pid"
    pid_file.write_text("what\n")
    assert process.running(pid_file) is None
