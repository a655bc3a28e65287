"""The process that hears, as the engine runs it, beside the benchmark's PBX; and what it costs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from bench import processor
from lab.errors import LabError
from lab.places import REPOSITORY


@dataclass(slots=True)
class Running:
    """A running detector."""

    address: str
    pid: int
    heard: int = 0
    """Calls that got their verdict from it."""
    refused: int = 0
    late: Callable[[str, str], None] | None = None
    """Told, in a thread of its own, of a channel that turned out to be a machine while its message played, with the cause."""
    seconds: float = 0.0
    """Its processor time, once the block is over."""

    @property
    def text(self) -> str:
        """As a line of the report."""
        each = f", {1000 * self.seconds / self.heard:.1f} ms of processor time each" if self.heard else ""
        return f"heard by the detector: {self.heard} calls{each}"


@contextmanager
def running(most: int) -> Iterator[Running]:
    """For at most so many calls at a time. Raises LabError."""
    request = {"host": "127.0.0.1", "port": 0, "allow": [], "most": most, "parent": os.getpid()}
    command = [sys.executable, "-m", "engine.detection.process"]
    with subprocess.Popen(command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(json.dumps(request).encode())
            process.stdin.close()
            line = process.stdout.readline()
            if not line:
                raise LabError("the detector ended at once; what it said stands above")
            found = Running(json.loads(line)["address"], process.pid)
            counting = threading.Thread(target=_count, args=(process, found))
            counting.start()
            try:
                before = processor.used(process.pid)
                yield found
                found.seconds = processor.used(process.pid) - before
            finally:
                process.kill()
                counting.join()
        finally:
            process.kill()


def _count(process: subprocess.Popen[bytes], found: Running) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        told = json.loads(line)
        if "late" not in told:
            found.heard, found.refused = told["heard"], told["refused"]
        elif found.late is not None:
            found.late(told["late"], told["cause"])
