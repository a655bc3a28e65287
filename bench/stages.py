"""Where the engine's processor time goes, by stage of a call: entry points of the engine, timed from outside.

Each stage is what its functions take less what stages within them take, by the clock of the thread that they run in
(so waiting for the interpreter's lock or the disk is not in it). What no stage has is the event loop's: tasks, timers,
sockets. The clock costs about a microsecond a function, so these are shares rather than sums.
"""

from __future__ import annotations

import functools
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from engine.ami.client import AmiClient
from engine.ami.encode import Originate
from engine.ami.protocol import Protocol
from engine.dialing.dispatcher import Dispatcher
from engine.dialing.ends import Ends
from engine.dialing.follower import Follower
from engine.dialing.sender import Sender
from engine.store import claims, endings, writer

ENTRIES: tuple[tuple[str, Any, str], ...] = (
    ("claim", claims, "claim"),
    ("claim", Dispatcher, "_take"),
    ("send", Sender, "_originate"),
    ("send", Originate, "encode"),
    ("send", AmiClient, "write"),
    ("event parse", Protocol, "data_received"),
    ("follow", Follower, "take"),
    ("finish", endings, "finish_all"),
    ("log", Ends, "_stored"),
    ("commit", writer, "_transaction"),
)
"""Stage, where, and which function. `commit` is what a transaction takes beside the units in it."""


class Stages:
    """Processor time by stage, all threads together."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = defaultdict(float)
        self._times: dict[str, int] = defaultdict(int)
        self._local = threading.local()

    def install(self) -> None:
        """From now on every entry is timed. Before the engine is made."""
        for stage, where, name in ENTRIES:
            setattr(where, name, self._timed(stage, getattr(where, name)))

    def _timed(self, stage: str, work: Callable[..., Any]) -> Callable[..., Any]:
        clock = time.thread_time

        @functools.wraps(work)
        def timed(*args: Any, **kwargs: Any) -> Any:
            outer = getattr(self._local, "inner", 0.0)
            self._local.inner = 0.0
            began = clock()
            try:
                return work(*args, **kwargs)
            finally:
                took = clock() - began
                self._seconds[stage] += took - self._local.inner
                self._times[stage] += 1
                self._local.inner = outer + took

        return timed

    def figures(self) -> dict[str, dict[str, float]]:
        """Stage -> seconds and number of times."""
        return {
            stage: {"seconds": self._seconds[stage], "times": self._times[stage]} for stage in self._seconds
        }
