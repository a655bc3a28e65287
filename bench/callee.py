"""The callee of the benchmarks: sipp, which answers every INVITE at once and sends no media.

Knows sipp's command line and its log of INVITEs. Refuses to know who calls. It listens on the loopback
address that the lab's PBX knows as trunk `bench`.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import processor
from lab import process
from lab.places import BENCH_ADDRESS

SCENARIOS = Path(__file__).resolve().parent / "sipp"
ANSWER = SCENARIOS / "answer.xml"
"""Answers, and leaves the hanging up to the PBX."""
ANSWER_AND_HANG_UP = SCENARIOS / "answer-and-hang-up.xml"
SOCKET_BUFFER = 4 * 1024 * 1024
"""Bytes; a burst of INVITEs that overflows a small buffer would be measured as retransmissions half a second
later."""
WRITING_PATIENCE = 5.0


@dataclass(frozen=True, slots=True)
class Arrivals:
    """The INVITEs that reached the callee, retransmissions left out: moments in milliseconds, and the numbers
    called."""

    moments: tuple[int, ...]
    numbers: tuple[str, ...]

    @property
    def rate(self) -> float:
        """Calls a second between the first INVITE and the last; 0 for fewer than two."""
        span = max(self.moments) - min(self.moments) if self.moments else 0
        return (len(self.moments) - 1) * 1000 / span if span else 0.0

    @property
    def busiest_second(self) -> int:
        """The most INVITEs in any window of one second."""
        moments, most, first = sorted(self.moments), 0, 0
        for last, moment in enumerate(moments):
            while moment - moments[first] >= 1000:
                first += 1
            most = max(most, last - first + 1)
        return most


def read(lines: Iterable[str]) -> Arrivals:
    """The callee's log: `<milliseconds> <number>` a line."""
    pairs = [line.split() for line in lines if line.strip()]
    return Arrivals(tuple(int(moment) for moment, _ in pairs), tuple(number for _, number in pairs))


@dataclass(frozen=True, slots=True)
class Callee:
    """A running sipp."""

    pid: int
    log: Path

    def processor_time(self) -> float:
        """Seconds of processor time used so far."""
        return processor.used(self.pid)

    def arrived(self) -> int:
        """How many calls came so far, as far as they are written."""
        return self.log.read_bytes().count(b"\n") if self.log.exists() else 0

    def arrivals(self, expected: int) -> Arrivals:
        """What arrived. Waits a little for `expected` lines, as sipp writes behind."""
        deadline = time.monotonic() + WRITING_PATIENCE
        while True:
            found = read(self.log.read_text(encoding="utf-8").splitlines() if self.log.exists() else [])
            if len(found.numbers) >= expected or time.monotonic() > deadline:
                return found
            time.sleep(0.1)


@contextmanager
def callee(directory: Path, port: int, hold: int | None) -> Iterator[Callee]:
    """A sipp on `port` that writes into `directory`; it hangs up `hold` milliseconds after the answer, or
    never when None.

    Raises RuntimeError when sipp does not stay up. It is ended in any case, one that an earlier run has left
    too.
    """
    pid_file, output, log = directory / "sipp.pid", directory / "sipp.out", directory / "sipp.calls"
    process.stop(pid_file)
    for old in (output, log):
        old.unlink(missing_ok=True)
    command = [
        "sipp",
        "-sf",
        str(ANSWER if hold is None else ANSWER_AND_HANG_UP),
        "-i",
        BENCH_ADDRESS,
        "-p",
        str(port),
    ]
    command += ["-mi", BENCH_ADDRESS, "-d", str(hold or 0), "-nostdin", "-buff_size", str(SOCKET_BUFFER)]
    command += ["-trace_logs", "-log_file", str(log), "-deadcall_wait", "0", "-timer_resol", "1"]
    pid = process.start(command, pid_file, output)
    try:
        time.sleep(0.3)  # sipp does not say when it is ready; it ends at once when it cannot be
        if process.running(pid_file) is None:
            said = output.read_text(encoding="utf-8", errors="replace")
            raise RuntimeError(f"sipp did not start (is it installed, and the port free?):\n{said[-1000:]}")
        yield Callee(pid, log)
    finally:
        process.stop(pid_file)
