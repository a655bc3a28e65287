"""A leg by the bare script: it runs as a process of its own, so that its processor time is its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import lab
from bench import originate, pbx
from bench.callee import Callee, callee
from bench.leg import Leg
from bench.meter import Meter
from engine.flow import compiled

PATIENCE = 600.0
"""Seconds for the whole leg."""


def bare(pair: int, directory: Path, numbers: list[str], channels: int) -> Leg:
    """The same Originate and dialplan as Volley's; the callee hangs up. Raises RuntimeError, lab.LabError."""
    with pbx.fresh_pbx(directory / "lab") as state, callee(directory, state.ports.sip, hold=0) as far:
        entries = originate.call_flow()
        version = compiled.version(entries)
        pbx.write_flow(state, version, entries)
        return _leg("bare", pair, state, far, directory, originate.same_as_volley(version), numbers, channels)


def plainest(pair: int, directory: Path, numbers: list[str], channels: int) -> Leg:
    """No variable, no dialplan; the PBX hangs up. Raises RuntimeError, lab.LabError."""
    with pbx.fresh_pbx(directory / "lab") as state, callee(directory, state.ports.sip, hold=None) as far:
        return _leg("plainest", pair, state, far, directory, originate.plainest(), numbers, channels)


def _leg(
    caller: str,
    pair: int,
    state: lab.Lab,
    far: Callee,
    directory: Path,
    template: bytes,
    numbers: list[str],
    channels: int,
) -> Leg:
    meter = Meter(state, far)
    tally = _script(state, directory, template, numbers, channels)
    found = []
    if tally["answered"] != len(numbers):
        missed = f"{tally['failed']} failed, {tally['refused']} refused"
        found.append(f"{tally['answered']} of {len(numbers)} calls answered, {missed}")
    return meter.leg(caller, pair, numbers, tally["calls"], tally["seconds"], tally["processor"], found)


def _script(
    state: lab.Lab, directory: Path, template: bytes, numbers: list[str], channels: int
) -> dict[str, Any]:
    template_file, numbers_file = directory / "originate.txt", directory / "numbers.txt"
    template_file.write_bytes(template)
    numbers_file.write_text("\n".join(numbers) + "\n", encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "bench.bare_ami",
        "--host",
        state.pbx_address,
        "--port",
        str(state.ports.ami),
        "--user",
        pbx.USER,
    ]
    command += [
        "--secret-file",
        str(state.secret_file),
        "--template",
        str(template_file),
        "--numbers",
        str(numbers_file),
    ]
    command += ["--channels", str(channels)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE)
    if done.returncode:
        raise RuntimeError(f"the bare script failed: {done.stderr.strip()[-1000:]}")
    result: dict[str, Any] = json.loads(done.stdout)
    return result
