"""The clock that the chaos harness sets, in a program that knows nothing of it and in one that it starts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from chaos.engine import CLOCK
from tests.patience import PATIENCE

PROGRAM = """
import subprocess, sys, time
from datetime import UTC, datetime
import time_machine

def off():
    real = time_machine.escape_hatch.time.time
    clocks = (time.time, lambda: datetime.now(UTC).timestamp())
    return [round(max(now() - real() for _ in range(20)), 2) for now in clocks]  # between the two another may have its turn

print(*off(), flush=True)
if len(sys.argv) > 1:
    sys.stdin.readline()
    began, first = time.monotonic(), off()
    while off() == first and time.monotonic() < began + float(sys.argv[1]):
        time.sleep(0.01)
    print(*off(), flush=True)
    subprocess.run([sys.executable, "-c", sys.stdin.read()], check=True)
"""


def test_the_clock_is_off_by_what_the_file_says(tmp_path: Path) -> None:
    file = tmp_path / "clock"
    file.write_text("3600.25")
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(PATIENCE)],
        env={**os.environ, "PYTHONPATH": str(CLOCK), "VOLLEY_CHAOS_CLOCK": str(file)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdin
        assert child.stdout
        assert child.stdout.readline().split() == ["3600.25", "3600.25"]
        file.with_suffix(".tmp").write_text("-86400.5")
        file.with_suffix(".tmp").rename(file)
        child.stdin.write("\n")
        child.stdin.flush()
        assert child.stdout.readline().split() == ["-86400.5", "-86400.5"]
        child.stdin.write(PROGRAM)  # to the program that it starts
        child.stdin.close()
        assert child.stdout.read().split() == ["-86400.5", "-86400.5"]
