"""Legs by what people use where there is no engine: Asterisk's call files, and a SIP load generator without Asterisk.

Both know nothing of the calls that they make. A call file is a text in Asterisk's spool directory; all of a leg's are
moved there at once, and each starts a thread of Asterisk's own, so the number of calls at a time is not theirs to choose.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import time
from pathlib import Path

from bench import originate, pbx
from bench.callee import SCENARIOS, SOCKET_BUFFER, Callee, callee
from bench.leg import Leg
from bench.meter import Meter
from lab.places import BENCH_ADDRESS

PATIENCE = 300.0
QUIET = 3.0
"""Seconds without a further call after which a leg of call files is over."""
CALLER_PORT = 25290
CALL_FILE = """\
Channel: PJSIP/{number}@{trunk}
CallerID: <{caller_id}>
WaitTime: {wait:.0f}
MaxRetries: 0
Application: Hangup
"""


def call_files(pair: int, directory: Path, numbers: list[str], channels: int) -> Leg:
    """A file a call, as the plainest script's: an answer, and the PBX hangs up. Raises RuntimeError, lab.LabError."""
    with pbx.fresh_pbx(directory / "lab") as state, callee(directory, state.ports.sip, hold=None) as far:
        spool = state.dir / "pbx" / "spool" / "outgoing"
        made = spool.with_name("made")  # beside it: a rename must not leave the file system
        shutil.rmtree(made, ignore_errors=True)
        made.mkdir()
        owner = spool.stat()
        for number in numbers:
            path = made / f"{number}.call"
            path.write_text(
                CALL_FILE.format(
                    number=number,
                    trunk=originate.TRUNK,
                    caller_id=originate.CALLER_ID,
                    wait=originate.RING_TIMEOUT,
                ),
                encoding="ascii",
            )
            os.chown(path, owner.st_uid, owner.st_gid)
        meter, began, own = Meter(state, far), time.monotonic(), _own()
        for (
            number
        ) in numbers:  # by rename, as Asterisk wants it: a file that is being written would be read half
            (made / f"{number}.call").rename(spool / f"{number}.call")
        own = _own() - own
        seconds = _until_quiet(far, len(numbers)) - began
        return meter.leg("call files", pair, numbers, len(numbers), seconds, own, ())


def sipp(pair: int, directory: Path, numbers: list[str], channels: int) -> Leg:
    """No Asterisk at all: sipp calls sipp, which hangs up. Raises RuntimeError, lab.LabError."""
    with pbx.fresh_pbx(directory / "lab") as state, callee(directory, state.ports.sip, hold=0) as far:
        listed = directory / "numbers.csv"
        listed.write_text("\n".join(["SEQUENTIAL", *numbers]) + "\n", encoding="ascii")
        command = [
            "sipp", f"{BENCH_ADDRESS}:{state.ports.sip}", "-sf", str(SCENARIOS / "call.xml"), "-inf", str(listed),
            "-i", state.pbx_address, "-p", str(CALLER_PORT), "-mi", state.pbx_address, "-m", str(len(numbers)),
            "-l", str(channels), "-r", "20000", "-nostdin", "-buff_size", str(SOCKET_BUFFER), "-timer_resol", "1",
            "-deadcall_wait", "0",
        ]  # fmt: skip
        meter, began = Meter(state, far), time.monotonic()
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode:
            raise RuntimeError(f"sipp failed ({done.returncode}): {done.stderr.strip()[-600:]}")
        used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return meter.leg("sipp", pair, numbers, len(numbers), time.monotonic() - began, used, ())


def _own() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _until_quiet(far: Callee, expected: int) -> float:
    """When the last call had come: all of them, or none for a while."""
    deadline = time.monotonic() + PATIENCE
    seen, last = 0, time.monotonic()
    while time.monotonic() < deadline:
        now = far.arrived()
        if now != seen:
            seen, last = now, time.monotonic()
        if seen >= expected:
            time.sleep(1.0)  # the last ones are still being hung up
            return last
        if seen and time.monotonic() - last > QUIET:
            return last
        time.sleep(0.05)
    raise RuntimeError(f"{seen} of {expected} calls came within {PATIENCE:.0f} s")
