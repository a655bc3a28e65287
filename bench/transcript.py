"""`python -m bench.transcript`: what a real Asterisk says to Volley, word for word, for the simulated one to be held against.

A relay on loopback stands between the engine and the PBX's manager interface and writes down both directions. Three
campaigns of a few calls run through it: one as the benchmarks dial (no answering machine detection), with every way in
which a call fails; one with detection, keys and a callee who opts out; and one of which a call lives while the engine
is stopped and started again, so that its reconciliation is in it. Secrets are left out, and of AstDB only our own part
is there. Commit what it writes: tests/bench/recorded-asterisk.txt.
"""

from __future__ import annotations

import argparse
import re
import shutil
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import lab
from bench import drive
from bench.pbx import PORTS
from lab import process
from lab.places import REPOSITORY

RECORDED = REPOSITORY / "tests" / "bench" / "recorded-asterisk.txt"
PATIENCE = 120.0
PLAIN = ("13", "40", "42", "43", "44", "45", "46", "41")
"""Hangs up in the message; busy, rejects, unallocated, congestion, unavailable, server error, rings out."""
HEARD = ("10", "22", "20", "30")
"""A person, one that presses 1, one that presses 9, a voicemail."""
LIVING = ("10",)

MANIFEST = """
id = "{name}"
owner = "Benchmark, bench@example.com"
purpose = "informational"
caller_id = "+33162000001"
ring_timeout = "15s"
window = [{{ from = "00:00", to = "00:00" }}]
{amd}
message = {{ prompts = ["appointment.wav"] }}
{voicemail}
[menu]
repeats = 0
timeout = "3s"
[menu.keys]
1 = "confirm"
[retry]
max_attempts = 1
CONGESTION = {{ delay = "10s", attempts = 0 }}
[contacts]
file = "people.csv"
"""


class Relay:
    """Carries bytes between those who connect and the PBX, and keeps what it carried."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._address = address
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listening.getsockname()[1])
        self.chunks: list[tuple[int, str, bytes]] = []
        """(connection, `>` to the PBX or `<` from it, bytes), in the order in which they were carried."""
        self._lock = threading.Lock()
        self._connections = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listening.accept()
            except OSError:
                return
            far = socket.create_connection(self._address)
            self._connections += 1
            for direction, source, target in ((">", near, far), ("<", far, near)):
                threading.Thread(
                    target=self._carry, args=(self._connections, direction, source, target), daemon=True
                ).start()

    def _carry(self, connection: int, direction: str, source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                with self._lock:
                    self.chunks.append((connection, direction, data))
                target.sendall(data)
        except OSError:
            pass  # the engine ends its connection with a reset
        for end in (source, target):
            end.close()

    def messages(self) -> list[tuple[int, str, str]]:
        """Whole messages, in the order in which their last byte was carried."""
        found: list[tuple[int, str, str]] = []
        rest: dict[tuple[int, str], bytes] = {}
        for connection, direction, data in self.chunks:
            whole = rest.get((connection, direction), b"") + data
            if direction == "<" and whole.startswith(b"Asterisk Call Manager"):
                banner, _, whole = whole.partition(b"\r\n")
                found.append((connection, direction, banner.decode()))
            *messages, left = whole.split(b"\r\n\r\n")
            rest[connection, direction] = left
            found.extend((connection, direction, one.decode()) for one in messages)
        return found

    def said(self, what: bytes) -> bool:
        return any(what in data for _, direction, data in self.chunks if direction == "<")

    def close(self) -> None:
        self._listening.close()


def main(arguments: list[str] | None = None) -> int:
    """Record and write."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.transcript", description=(__doc__ or "").split("\n\n")[1]
    )
    parser.add_argument("--dir", type=Path, default=REPOSITORY / "var" / "bench")
    parser.add_argument("--out", type=Path, default=RECORDED)
    given = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that what was started is stopped
    folder: Path = given.dir.absolute() / "transcript"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    laboratory = given.dir.absolute() / "lab"
    lab.down(laboratory)
    practice = lab.up(laboratory, PORTS, print)
    relay = Relay((practice.pbx_address, practice.ports.ami))
    try:
        lab.reset(laboratory)
        _run(practice, folder, relay)
    finally:
        process.stop(folder / "engine.pid", patience=30.0)
        relay.close()
        lab.down(laboratory)
    secret = practice.secret_file.read_text(encoding="utf-8").strip()
    given.out.write_text(_text(relay.messages(), secret, folder), encoding="utf-8")
    print(f"{len(relay.messages())} messages in {given.out}")
    return 0


def _run(practice: lab.Lab, folder: Path, relay: Relay) -> None:
    settings = drive.settings(practice, folder, channels=20, cps=20)
    text = settings.read_text(encoding="utf-8")
    settings.write_text(
        text.replace(f"port = {practice.ports.ami}", f"port = {relay.port}"), encoding="utf-8"
    )
    log = folder / "volley.log"
    drive.start(folder, settings)

    def ended(name: str) -> Callable[[], bool]:
        word = f'"campaign":"{name}"'
        return lambda: any(
            '"campaign.completed"' in line and word in line
            for line in log.read_text(encoding="utf-8").splitlines()
        )

    _job(folder, practice, "plain", PLAIN, amd=False)
    _job(folder, practice, "heard", HEARD, amd=True)
    _until(lambda: log.exists() and ended("plain")() and ended("heard")(), "the first two campaigns")
    relay.chunks.append((0, "#", b"the engine is stopped in the middle of a call, and started again\r\n\r\n"))
    played = len(relay.messages())
    _job(folder, practice, "living", LIVING, amd=True)
    _until(
        lambda: any("Kind: play" in text for _, _, text in relay.messages()[played:]),
        "the call to be answered",
    )
    process.stop(folder / "engine.pid", patience=30.0)
    drive.start(folder, settings)
    _until(ended("living"), "the last campaign")


def _until(done: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not done():
        if time.monotonic() > deadline:
            raise SystemExit(f"waited {PATIENCE:.0f} s in vain for {what}")
        time.sleep(0.1)


def _job(folder: Path, practice: lab.Lab, name: str, codes: tuple[str, ...], *, amd: bool) -> None:
    job = folder / "queue" / "incoming" / f".{name}"
    job.mkdir(parents=True)
    for prompt in ("appointment", "voicemail"):
        shutil.copy(practice.samples / "en" / f"{prompt}.wav", job)
    instance = 2 if name == "living" else 1
    rows = [lab.number(code, instance, "fr") for code in codes]
    (job / "people.csv").write_text("\n".join(["phone_number", *rows]) + "\n", encoding="utf-8")
    manifest = MANIFEST.format(
        name=name,
        amd='amd = { machine = "voicemail" }' if amd else "amd = { enabled = false }",
        voicemail='voicemail = { prompts = ["voicemail.wav"] }' if amd else "",
    )
    (job / "campaign.toml").write_text(manifest, encoding="utf-8")
    (job / ".complete").touch()
    job.rename(job.with_name(name))


def _text(messages: list[tuple[int, str, str]], secret: str, folder: Path) -> str:
    """One message a paragraph, `>` before the lines to the PBX, `<` before those from it."""
    lines: list[str] = []
    for connection, direction, text in messages:
        clean = text.replace(secret, "SECRET").replace(str(folder.parent), "/DIR")
        clean = re.sub(r"/\S*/(pbx|transcript)/", r"/DIR/\1/", clean)
        lines.extend(f"{direction}{connection or ''} {line}" for line in clean.split("\r\n"))
        lines.append("")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
