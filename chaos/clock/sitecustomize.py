# ruff: noqa: INP001 -- no package: Python imports it by this name alone
"""The wall clock of a program under test, set from outside: with this directory on PYTHONPATH, Python loads it before the program.

    VOLLEY_CHAOS_CLOCK   a file with the seconds by which the clock is off; it is looked at again and again

Processes that the program starts are off by as much. Monotonic clocks go on, and times of files are the machine's. (libfaketime
does it from further outside, but now and then its locks hang a process that is forked beside threads.)
"""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import time_machine

EVERY = 0.2
"""Seconds between two looks."""
_FILE = Path(os.environ["VOLLEY_CHAOS_CLOCK"])


def _wanted() -> float:
    return float(_FILE.read_text(encoding="ascii"))


def _follow(traveller: time_machine.Traveller, known: float) -> None:
    while True:
        time.sleep(EVERY)
        wanted = _wanted()
        if wanted != known:
            traveller.shift(wanted - known)
            known = wanted


_first = _wanted()
_traveller = time_machine.travel(time.time() + _first).start()
time.time()  # from the first look on, and not before, this clock goes
threading.Thread(target=_follow, args=(_traveller, _first), daemon=True).start()
