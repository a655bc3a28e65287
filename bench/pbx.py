"""The PBX of the benchmarks: a lab of their own, fresh for each run.

Knows how to start the lab anew with an empty AstDB, and how to write a call flow into it. A rate measured on
an Asterisk that has run for a while is not the rate of a fresh one (one sitting: 741 to 1,125 calls a
second), so nothing is compared across starts that did not have the same history.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import lab
from bench import processor
from lab.places import PBX_ADDRESS

PORTS = lab.Ports(sip=25260, ami=25238, rtp=40000)
"""Apart from the lab that a person or a test may have up at the same time."""
USER = "volley"


@contextmanager
def fresh_pbx(directory: Path) -> Iterator[lab.Lab]:
    """A lab that has just started, with nothing in its AstDB; it is down afterwards in any case. Raises
    lab.LabError."""
    lab.down(directory)
    for left in directory.glob("pbx/db/astdb*"):
        left.unlink()
    deadline = time.monotonic() + 10.0
    while PORTS.taken(PBX_ADDRESS) and time.monotonic() < deadline:
        time.sleep(0.05)  # the sockets of a process that has just ended may outlast it
    state = lab.up(directory, PORTS)
    try:
        yield state
    finally:
        lab.down(directory)


def processor_time(state: lab.Lab) -> float | None:
    """Seconds of processor time that the PBX's Asterisk has used; None where its process is not ours to see
    (Docker)."""
    pid = state.pids["pbx"]
    if pid is None or Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip() != "asterisk":
        return None
    return processor.used(pid)


def write_flow(state: lab.Lab, version: str, entries: Mapping[str, str]) -> None:
    """Write a call flow into AstDB, as the engine does when a campaign starts. Raises ConnectionError when
    Asterisk refuses."""
    write_family(state, f"volleyflow/{version}", entries)


def write_family(state: lab.Lab, family: str, entries: Mapping[str, str]) -> None:
    """Write entries of an AstDB family. Raises ConnectionError when Asterisk refuses."""
    secret = state.secret_file.read_text(encoding="utf-8").strip()
    actions = [f"Action: Login\r\nUsername: {USER}\r\nSecret: {secret}\r\nEvents: off\r\n\r\n"]
    actions += [
        f"Action: DBPut\r\nFamily: {family}\r\nKey: {key}\r\nVal: {value}\r\n\r\n"
        for key, value in entries.items()
    ]
    with socket.create_connection((state.pbx_address, state.ports.ami), timeout=5.0) as connection:
        connection.sendall("".join([*actions, "Action: Logoff\r\n\r\n"]).encode())
        answer = b""
        while more := connection.recv(65536):
            answer += more
    if (done := answer.count(b"Response: Success")) != len(actions):
        raise ConnectionError(
            f"Asterisk took {done} of {len(actions)} actions that write {family}: {answer.decode(errors='replace')[-300:]}"
        )
