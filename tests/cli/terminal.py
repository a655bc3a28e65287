"""A terminal that a command runs on: a real pseudo-terminal, what it shows, and the keys that a test presses."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path

from tests.patience import PATIENCE

_CONTROL = re.compile(r"\x1b(?:\[[0-9;?]*[A-Za-z]|[()][A-Za-z0-9]|[=>])")


class Terminal:
    """`volley` on a terminal of this size."""

    def __init__(
        self, config: Path, *arguments: str, columns: int = 80, rows: int = 24, **environment: str
    ) -> None:
        self.master, self.slave = pty.openpty()
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.before = termios.tcgetattr(self.slave)
        self._sent = ""
        kept = {
            key: value for key, value in os.environ.items() if key not in ("COLUMNS", "LINES", "NO_COLOR")
        }
        self.process = subprocess.Popen(
            # Ctrl-C ends it as on a real terminal, also if these tests run in the background of a shell, which lets them ignore it.
            ["env", "--default-signal=INT", sys.executable, "-m", "engine.cli", *arguments, "--config", str(config)],
            stdin=self.slave, stdout=self.slave, stderr=self.slave, start_new_session=True,
            env={**kept, "TERM": "xterm-256color", **environment},
        )  # fmt: skip

    def frame(self) -> list[str]:
        """The lines that were drawn last."""
        return [line.rstrip("\r") for line in _CONTROL.sub("", self._sent.split("\x1b[H")[-1]).split("\n")]

    @property
    def coloured(self) -> bool:
        return re.search(r"\x1b\[[0-9;]*3[0-9][0-9;]*m", self._sent) is not None

    def press(self, keys: str) -> None:
        os.write(self.master, keys.encode())

    def until(self, seen: Callable[[list[str]], object], what: str) -> list[str]:
        """The frame in which something is seen."""
        deadline = time.monotonic() + PATIENCE
        while not seen(self.frame()):
            assert time.monotonic() < deadline, f"waited for {what}; it shows:\n" + "\n".join(self.frame())
            self._read(0.1)
        return self.frame()

    def end(self) -> int:
        """Wait for the command's end; its exit status."""
        deadline = time.monotonic() + PATIENCE
        while self.process.poll() is None:
            assert time.monotonic() < deadline, "\n".join(self.frame())
            self._read(0.1)
        self._read(0.0)
        return self.process.wait()

    def _read(self, seconds: float) -> None:
        if select.select([self.master], [], [], seconds)[0]:
            self._sent += os.read(self.master, 65536).decode("utf-8", errors="replace")

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.master)
        os.close(self.slave)
