"""Single keys from a terminal, read without waiting for the end of a line."""

from __future__ import annotations

import os
import re
import select
import signal
import sys
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_ARROWS = {"A": "up", "B": "down", "C": "right", "D": "left"}
_KEY = re.compile(r"\x1b[\[O]([0-9;]*)([A-Za-z~])|\x1b|.", flags=re.DOTALL)


def keys(data: bytes) -> list[str]:
    """The keys in what a terminal sent: `up`, `down`, `left`, `right`, or the letter. Other sequences mean nothing here."""
    found = []
    for match in _KEY.finditer(data.decode("utf-8", errors="ignore")):
        if match[2] is None:
            found.append(match[0].lower())
        elif match[2] in _ARROWS and not match[1]:
            found.append(_ARROWS[match[2]])
    return found


class Keyboard:
    """The keys of standard input."""

    def wait(self, seconds: float) -> list[str]:
        """The keys pressed within so many seconds: as soon as there are some. Raises EOFError when the terminal is gone."""
        ready, _, _ = select.select([sys.stdin], [], [], seconds)
        if not ready:
            return []
        data = os.read(sys.stdin.fileno(), 1024)
        if not data:
            raise EOFError
        return keys(data)


@contextmanager
def keyboard() -> Iterator[Keyboard]:
    """Keys are read one by one and not shown. The terminal is as it was afterwards, also when the program is told to end."""
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    handlers = {number: signal.signal(number, _ended) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        tty.setcbreak(descriptor)
        yield Keyboard()
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
        for number, handler in handlers.items():
            signal.signal(number, handler)


def _ended(number: int, _: FrameType | None) -> None:
    raise SystemExit(128 + number)
