"""The practice lab: `prepare`, `up`, `down`, `status`, `reset`.

Knows the order of things: find an Asterisk, render speech, configure, start both, wait until they see each other; and the
reverse. Refuses to know details of any of it. Traffic stays on loopback.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from lab import calls, packages, process, prompts, render, runtime, settings
from lab.calls import CarrierCall
from lab.errors import LabError
from lab.instance import Asterisk, pid_file
from lab.places import BENCH_ADDRESS, CARRIER_ADDRESS, PBX_ADDRESS, Places, Ports, places

Say = Callable[[str], None]
NAMES = ("carrier", "pbx")
SEE_PATIENCE = 15.0
"""Seconds until the PBX must have an answer to its OPTIONS from the carrier; a running pair takes milliseconds."""


@dataclass(frozen=True, slots=True)
class Lab:
    """The state of a lab, up or not."""

    dir: Path
    running: bool
    """Both Asterisks run."""
    pids: dict[str, int | None]
    asterisk: str
    """Version, as Asterisk prints it; empty when never prepared."""
    found_in: str
    """`path`, `docker` or `root`; empty when never prepared."""
    runs_as: str
    ports: Ports
    settings: Path
    """volley.toml for the engine."""
    secret_file: Path
    sounds_dir: Path
    """Where the engine puts prompts, readable by others: Asterisk is another user."""
    sounds_path: str
    """The same directory as Asterisk sees it."""
    recordings_dir: Path
    """Where the PBX puts recorded answers."""
    samples: Path
    """Prompts of a sample campaign: <language>/<name>.wav, .alaw and .ulaw."""
    calls_file: Path
    pbx_address: str = PBX_ADDRESS
    carrier_address: str = CARRIER_ADDRESS
    bench_address: str = BENCH_ADDRESS


def _quiet(_: str) -> None:
    """Say nothing."""


def prepare(directory: Path | str | None = None, say: Say = _quiet) -> Lab:
    """Set up all that takes time, start nothing: an Asterisk, speech, directories, secrets. Instant when done already.

    Raises LabError when something is missing that cannot be had.
    """
    here = places(directory)
    with _locked(here.dir / ".lock", say):
        _prepare(here, say)
    return status(directory)


def up(directory: Path | str | None = None, ports: Ports | None = None, say: Say = _quiet) -> Lab:
    """Prepare, start what does not run, and return when the PBX reaches the carrier. A lab that is up is brought up to date.

    `ports`: default those of the last time. Raises LabError; then nothing that was started here is left running.
    """
    here = places(directory)
    with _locked(here.dir / ".lock", say):
        wanted = ports or here.note().ports
        if problems := wanted.problems():
            raise LabError("; ".join(problems))
        found = _prepare(here, say)
        started: list[Asterisk] = []
        try:
            for name in NAMES:
                asterisk = Asterisk(name, here, found)
                if _bring_up_to_date(asterisk, wanted, say):
                    started.append(asterisk)
            for asterisk in started:
                asterisk.wait_until_booted()
            _wait_until_qualified(Asterisk("pbx", here, found))
        except BaseException:
            for asterisk in started:
                asterisk.stop()
            raise
        here.keep(replace(here.note(), ports=wanted))
        settings.write(here, wanted)
    return status(directory)


def down(directory: Path | str | None = None, say: Say = _quiet) -> bool:
    """End both Asterisks of this lab and nothing else; returns whether one ran."""
    here = places(directory)
    if not here.dir.exists():
        return False
    with _locked(here.dir / ".lock", say):
        found = _remembered(here)
        if found is None:
            ended = [process.stop(pid_file(here, name)) for name in NAMES]
        else:
            ended = [Asterisk(name, here, found).stop() for name in NAMES]
        return any(ended)


def remove(directory: Path | str, say: Say = _quiet) -> None:
    """End a lab and delete all of it but what it shares: the root and the rendered speech."""
    here = places(directory)
    if not (here.dir / "lab.json").exists():
        raise LabError(f"{here.dir} holds no lab, so nothing is deleted")
    down(directory, say)
    for name in NAMES:
        link = here.dir / name
        if link.is_symlink():  # into a Debian root
            shutil.rmtree(link.readlink(), ignore_errors=True)
            with suppress(OSError):  # not empty yet
                link.readlink().parent.rmdir()
    shutil.rmtree(here.dir)


def status(directory: Path | str | None = None) -> Lab:
    """What runs now. Starts and changes nothing."""
    here = places(directory)
    note, found = here.note(), _remembered(here)
    pids = {name: process.running(pid_file(here, name)) for name in NAMES}
    return Lab(
        dir=here.dir,
        running=all(pids.values()),
        pids=pids,
        asterisk=note.version,
        found_in=note.kind,
        runs_as=runtime.runs_as(found) if found else "",
        ports=note.ports,
        settings=here.settings,
        secret_file=here.secret,
        sounds_dir=here.prompts,
        sounds_path=str(here.prompts),
        recordings_dir=here.recordings,
        samples=here.samples,
        calls_file=here.calls,
    )


def reset(directory: Path | str | None = None) -> None:
    """Forget what the carrier counted: calls.csv, and how often each number was called. The lab must be up."""
    carrier = _running("carrier", places(directory))
    carrier.ask("database deltree calls")
    carrier.empty_calls()


def record(on: bool, directory: Path | str | None = None) -> None:
    """Whether voicemails record what they hear after the beep, to carrier/recordings/<number>-<call>.wav. The lab must be up."""
    _running("carrier", places(directory)).ask(f"dialplan set global RECORD {int(on)}")


def console(name: str, command: str, directory: Path | str | None = None) -> str:
    """What the console of `pbx` or `carrier` answers to `command`. The lab must be up."""
    return _running(name, places(directory)).ask(command)


def carrier_calls(directory: Path | str | None = None) -> list[CarrierCall]:
    """The carrier's own count: every call that has ended, in the order of their ends."""
    return calls.read(places(directory).calls)


def _prepare(here: Places, say: Say) -> runtime.Runtime:
    """Everything but configuration, which depends on the ports."""
    with _locked(here.shared / ".lock.shared", say):
        found = runtime.find(here, say)
        for name in NAMES:
            Asterisk(name, here, found).lay_out()
        packages.need({"espeak-ng": "espeak-ng", "sox": "sox"}, say)
        made = prompts.install("system", here.prompts, here.rendered)
        made += prompts.install("carrier", here.dir / "carrier" / "sounds" / "carrier", here.rendered)
        made += prompts.install("campaign", here.samples, here.rendered)
    if made:
        say(f"rendered {made} prompts")
    here.secret.parent.mkdir(mode=0o700, exist_ok=True)
    if not here.secret.exists():
        with os.fdopen(os.open(here.secret, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
            out.write(secrets.token_hex(24) + "\n")
    for part in ("state", "queue"):
        (here.dir / "engine" / part).mkdir(parents=True, exist_ok=True)
    here.keep(replace(here.note(), kind=found.kind, version=found.version))
    return found


def _bring_up_to_date(asterisk: Asterisk, ports: Ports, say: Say) -> bool:
    """Configure and start, reload or start again as needed; returns whether it was started."""
    here, found = asterisk.places, asterisk.runtime
    secret = here.secret.read_text(encoding="utf-8").strip()
    changed = asterisk.configure(
        render.Instance(asterisk.name, asterisk.home, ports, secret, runtime.number(found.version))
    )
    if asterisk.running():
        if not changed:
            return False
        if all(name.startswith(("dialplans/", "extensions.conf")) for name in changed):
            asterisk.ask("dialplan reload")
            return False
        say(f"settings of the {asterisk.name} changed: starting it again")
        asterisk.stop()
    if taken := ports.taken(PBX_ADDRESS if asterisk.name == "pbx" else CARRIER_ADDRESS):
        raise LabError("; ".join(taken))
    say(f"starting the {asterisk.name}, Asterisk {found.version}, as {runtime.runs_as(found)}")
    asterisk.start()
    return True


def _wait_until_qualified(pbx: Asterisk) -> None:
    deadline = time.monotonic() + SEE_PATIENCE
    while time.monotonic() < deadline:
        if any(
            "carrier/sip:" in line and " Avail " in line
            for line in pbx.ask("pjsip show contacts").splitlines()
        ):
            return
        pbx.ask("pjsip qualify carrier")
        time.sleep(0.1)
    raise LabError(f"the PBX does not reach the carrier after {SEE_PATIENCE:.0f} s:\n{pbx.last_words()}")


def _remembered(here: Places) -> runtime.Runtime | None:
    note = here.note()
    return runtime.remembered(here, note.kind, note.version)


def _running(name: str, here: Places) -> Asterisk:
    found = _remembered(here)
    asterisk = Asterisk(name, here, found) if found else None
    if asterisk is None or not asterisk.running():
        raise LabError(f"no {name} runs in {here.dir}; `python -m lab up` starts it")
    return asterisk


@contextmanager
def _locked(path: Path, say: Say) -> Iterator[None]:
    """Hold a lock file, so that two set-ups do not collide; freed by the system however we end."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"another set-up holds {path}; waiting for it")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
