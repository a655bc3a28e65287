"""One event by a command: its JSON on standard input, and the exit status is the answer.

The program is run without a shell, in a session of its own and with nothing of the engine's environment but PATH, the
locale and the time zone: the engine's environment may hold secrets. It has to end within the hook's time limit; what it
started and left running is killed with its end.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import threading
import time
from contextlib import suppress

from engine.hook_settings import HookSettings
from engine.hooks.answers import Answer, Meaning
from engine.hooks.worker import Parcel
from engine.ops.printable import line

TAIL = 200
"""Characters of what it wrote to standard error last, that are told when it fails."""
REFUSED = 65
"""EX_DATAERR (sysexits.h): it will not take this event, now or later."""
KEPT = ("PATH", "LANG", "LC_ALL", "TZ")
"""What it gets of the engine's environment."""


class Command:
    """Runs the command of one hook. `send` is called in a thread, one at a time; `abort` from any other."""

    def __init__(self, settings: HookSettings) -> None:
        self._command = list(settings.command)
        self._timeout = settings.timeout
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        """While it is there and its pid is its own: not yet waited for."""

    def send(self, parcel: Parcel) -> Answer:
        """Run it once; returns what came of it."""
        environment = {name: os.environ[name] for name in KEPT if name in os.environ}
        told = {"VOLLEY_HOOK": parcel.hook, "VOLLEY_EVENT": parcel.event, "VOLLEY_ID": parcel.id}
        try:
            with open(os.memfd_create("volley-event"), "w+b") as event:
                event.write(parcel.body)
                event.seek(0)
                process = subprocess.Popen(
                    self._command,
                    stdin=event,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.PIPE,
                    cwd="/",
                    env=environment | told,
                    start_new_session=True,
                )
        except OSError as error:
            return Answer(Meaning.LATER, error=f"cannot be started: {error.strerror or error}")
        self._process = process
        with process:
            said, ended = self._follow(process)
            with self._lock:
                self._process = None
                _kill_all_of(process)
                status = process.wait()
        if not ended:
            return Answer(Meaning.LATER, error="did not end in time")
        if status == 0:
            return Answer(Meaning.TAKEN)
        how = f"killed by signal {-status}" if status < 0 else f"exit status {status}"
        meaning = Meaning.REFUSED if status == REFUSED else Meaning.LATER
        return Answer(meaning, error=f"{how}: {said}" if said else how)

    def _follow(self, process: subprocess.Popen[bytes]) -> tuple[str, bool]:
        """Wait for its end, reading what it says; the last of that, and whether it ended in time. It is not waited for yet,
        so its pid is nobody else's."""
        assert process.stderr is not None
        deadline = time.monotonic() + self._timeout
        said, ended = b"", False
        watch = os.pidfd_open(process.pid)
        try:
            heard: list[int] = [process.stderr.fileno(), watch]
            while not ended and (left := deadline - time.monotonic()) > 0:
                ready = select.select(heard, [], [], left)[0]
                if process.stderr.fileno() in ready:
                    piece = os.read(process.stderr.fileno(), 65536)
                    said = (said + piece)[-4 * TAIL :]
                    if not piece:
                        heard = [watch]
                elif watch in ready:
                    ended = True
        finally:
            os.close(watch)
        return " ".join(line(said.decode("utf-8", "replace")).split())[-TAIL:], ended

    def abort(self) -> None:
        """Kill it, and all that it started: `send` returns at once."""
        with self._lock:
            if self._process is not None:
                _kill_all_of(self._process)

    def close(self) -> None:
        """Nothing is kept between two events."""


def _kill_all_of(process: subprocess.Popen[bytes]) -> None:
    """Everything in its process group, whose id is the pid that it still has."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
