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
    """The keys of standard input, and the signals that end the program."""

    def __init__(self, told: int) -> None:
        self._told = told
        """Where a byte comes for each signal: its number."""

    def wait(self, seconds: float) -> list[str]:
        """The keys pressed within so many seconds: as soon as there are some. Raises EOFError when the terminal is gone,
        KeyboardInterrupt at SIGINT, SystemExit at SIGTERM and SIGHUP."""
        ready, _, _ = select.select([sys.stdin, self._told], [], [], seconds)
        if self._told in ready:
            [number] = os.read(self._told, 1)
            if number == signal.SIGINT:
                raise KeyboardInterrupt
            raise SystemExit(128 + number)
        if not ready:
            return []
        data = os.read(sys.stdin.fileno(), 1024)
        if not data:
            raise EOFError
        return keys(data)


@contextmanager
def keyboard() -> Iterator[Keyboard]:
    """Keys are read one by one and not shown. The terminal is as it was afterwards, also when the program is told to end.

    A signal is told by `Keyboard.wait` alone: raised just anywhere, it may be lost (in a callback out of C, at the end of an object).
    """
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    told, telling = os.pipe()
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def signalled(number: int, _: FrameType | None) -> None:
        os.write(telling, bytes([number]))

    handlers = {number: signal.signal(number, signalled) for number in numbers}
    try:
        tty.setcbreak(descriptor)
        yield Keyboard(told)
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
        for number, handler in handlers.items():
            signal.signal(number, handler)
        os.close(told)
        os.close(telling)
