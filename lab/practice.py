"""The practice lab: `prepare`, `up`, `down`, `status`, `reset`.

Knows the order of things: find an Asterisk, render speech, configure, start both, wait until they see each other; and the
reverse. Refuses to know details of any of it. Traffic stays on loopback.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lab import calls, debian_root, packages, prompts, render, runtime
from lab.calls import CarrierCall
from lab.errors import LabError
from lab.instance import Asterisk
from lab.places import BENCH_ADDRESS, CARRIER_ADDRESS, PBX_ADDRESS, Places, Ports, places

Say = Callable[[str], None]
NAMES = ("carrier", "pbx")
SEE_PATIENCE = 15.0


@dataclass(frozen=True, slots=True)
class Lab:
    """A lab that is up, or the state of one that may not be."""

    dir: Path
    running: bool
    """Both Asterisks run."""
    pids: dict[str, int | None]
    asterisk: str
    """Version, as Asterisk prints it; empty when never prepared."""
    found_in: str
    """`path`, `docker` or `root`."""
    runs_as: str
    ports: Ports
    settings: Path
    """volley.toml for the engine."""
    secret_file: Path
    sounds_dir: Path
    """Where the engine puts prompts."""
    sounds_path: str
    """The same directory as Asterisk sees it."""
    samples: Path
    """Prompts of a sample campaign: <language>/<name>.wav."""
    calls_file: Path
    pbx_address: str = PBX_ADDRESS
    carrier_address: str = CARRIER_ADDRESS
    bench_address: str = BENCH_ADDRESS


def _quiet(_: str) -> None:
    pass


def prepare(directory: Path | str | None = None, say: Say = _quiet) -> Lab:
    """Set up all that takes time, start nothing: an Asterisk, speech, directories, secrets. Instant when done already.

    Raises LabError when something is missing that cannot be had.
    """
    here = places(directory)
    here.dir.mkdir(parents=True, exist_ok=True)
    with _locked(here.dir / ".lock", say):
        found = _prepare(here, say)
    return _state(here, found)


def up(directory: Path | str | None = None, ports: Ports | None = None, say: Say = _quiet) -> Lab:
    """Prepare, start what does not run, and return when the PBX reaches the carrier. A lab that is up is brought up to date.

    `ports`: default those of the last time. Raises LabError; then nothing that was started here is left running.
    """
    here = places(directory)
    here.dir.mkdir(parents=True, exist_ok=True)
    with _locked(here.dir / ".lock", say):
        wanted = ports or here.ports()
        if problems := wanted.problems():
            raise LabError("; ".join(problems))
        found = _prepare(here, say)
        here.keep_ports(wanted)
        secret = here.secret.read_text(encoding="utf-8").strip()
        started: list[Asterisk] = []
        try:
            for asterisk in _asterisks(here, found):
                changed = asterisk.configure(render.Instance(asterisk.name, asterisk.home, wanted, secret, runtime.number(found.version)))
                alive = asterisk.running()
                if alive and changed and not all(name.startswith(("dialplans/", "extensions.conf")) for name in changed):
                    say(f"settings of the {asterisk.name} changed: starting it again")
                    asterisk.stop()
                    alive = None
                if not alive:
                    say(f"starting the {asterisk.name}, Asterisk {found.version}, as {found.runs_as}")
                    asterisk.start()
                    started.append(asterisk)
                elif changed:
                    asterisk.ask("dialplan reload")
            for asterisk in started:
                asterisk.wait_until_booted()
            _wait_until_qualified(here, found)
        except BaseException:
            for asterisk in started:
                asterisk.stop()
            raise
        _write_settings(here, wanted)
    return _state(here, found)


def down(directory: Path | str | None = None, say: Say = _quiet) -> bool:
    """End both Asterisks of this lab and nothing else; returns whether one ran."""
    here = places(directory)
    if not here.dir.exists():
        return False
    with _locked(here.dir / ".lock", say):
        found = _known_runtime(here)
        if found is None:
            return False
        return any([asterisk.stop() for asterisk in _asterisks(here, found)])


def status(directory: Path | str | None = None) -> Lab:
    """What runs now. Starts and changes nothing."""
    here = places(directory)
    return _state(here, _known_runtime(here))


def reset(directory: Path | str | None = None) -> None:
    """Forget what the carrier counted: calls.csv, and how often each number was called. The lab must be up."""
    here = places(directory)
    found = _known_runtime(here)
    carrier = Asterisk("carrier", here, found) if found else None
    if carrier is None or not carrier.running():
        raise LabError(f"no carrier runs in {here.dir}; `python -m lab up` starts it")
    carrier.ask("database deltree calls")
    _empty_calls(carrier)


def carrier_calls(directory: Path | str | None = None) -> list[CarrierCall]:
    """The carrier's own count of calls that ended, in that order."""
    return calls.read(places(directory).dir / "carrier" / "log" / "calls.csv")


def _prepare(here: Places, say: Say) -> runtime.Runtime:
    here.shared.mkdir(parents=True, exist_ok=True)
    with _locked(here.shared / ".lock.shared", say):
        found = _find_asterisk(here, say)
        for asterisk in _asterisks(here, found):
            asterisk.lay_out()
        packages.need({"espeak-ng": "espeak-ng", "sox": "sox"}, say)
        made = prompts.install("system", here.dir / "pbx" / "sounds" / "volley", here.rendered)
        made += prompts.install("carrier", here.dir / "carrier" / "sounds" / "carrier", here.rendered)
        made += prompts.install("campaign", here.samples, here.rendered)
    if made:
        say(f"rendered {made} prompts")
    carrier = Asterisk("carrier", here, found)
    if not (carrier.home / "log" / "calls.csv").exists():
        _empty_calls(carrier)
    here.secret.parent.mkdir(mode=0o700, exist_ok=True)
    if not here.secret.exists():
        with os.fdopen(os.open(here.secret, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
            out.write(secrets.token_hex(24) + "\n")
    for part in ("state", "queue"):
        (here.dir / "engine" / part).mkdir(parents=True, exist_ok=True)
    return found


def _find_asterisk(here: Places, say: Say) -> runtime.Runtime:
    found, why_not = runtime.on_path(here)
    if found:
        return found
    say(why_not)
    debian_root.make(here.root, say)
    return runtime.in_root(here)


def _known_runtime(here: Places) -> runtime.Runtime | None:
    found, _ = runtime.on_path(here)
    if found:
        return found
    return runtime.in_root(here) if debian_root.is_complete(here.root) else None


def _asterisks(here: Places, found: runtime.Runtime) -> Iterator[Asterisk]:
    for name in NAMES:
        yield Asterisk(name, here, found)


def _empty_calls(carrier: Asterisk) -> None:
    path = carrier.home / "log" / "calls.csv"
    path.write_text(",".join(calls.COLUMNS) + "\n", encoding="utf-8")
    if (user := carrier.runtime.user) is not None:
        os.chown(path, user, user)


def _wait_until_qualified(here: Places, found: runtime.Runtime) -> None:
    pbx = Asterisk("pbx", here, found)
    deadline = time.monotonic() + SEE_PATIENCE
    while time.monotonic() < deadline:
        if any("/sip:" in line and " Avail " in line for line in pbx.ask("pjsip show contacts").splitlines() if "carrier" in line):
            return
        pbx.ask("pjsip qualify carrier")
        time.sleep(0.1)
    raise LabError(f"the PBX does not reach the carrier after {SEE_PATIENCE:.0f} s:\n{pbx.last_words()}")


def _write_settings(here: Places, ports: Ports) -> None:
    engine = here.dir / "engine"
    text = f'''# Written by `lab up`: the engine's settings for this practice lab.
[engine]
state = "{engine}/state"
queue = "{engine}/queue"

[limits]
max_channels = 500
cps = 50

[log]
file = "{engine}/volley.log"

[pbx.lab]
host = "{PBX_ADDRESS}"
port = {ports.ami}
username = "volley"
secret_file = "{here.secret}"
sounds_dir = "{_sounds(here)}"
sounds_path = "{_sounds(here)}"

[trunk.carrier]
pbx = "lab"
dial = "PJSIP/{{number}}@carrier"
number_format = "+E.164"
codecs = ["alaw", "ulaw"]
max_channels = 500
cps = 50

[[caller_id]]
number = "+33162000001"
owner = "Practice lab"
proof = 2026-01-01
'''
    if not here.settings.exists() or here.settings.read_text(encoding="utf-8") != text:
        here.settings.write_text(text, encoding="utf-8")


def _sounds(here: Places) -> Path:
    return here.dir / "pbx" / "sounds" / "volley"


def _state(here: Places, found: runtime.Runtime | None) -> Lab:
    pids = {asterisk.name: asterisk.running() for asterisk in _asterisks(here, found)} if found else dict.fromkeys(NAMES)
    return Lab(
        dir=here.dir,
        running=all(pids.values()),
        pids=pids,
        asterisk=found.version if found else "",
        found_in=found.kind if found else "",
        runs_as=found.runs_as if found else "",
        ports=here.ports(),
        settings=here.settings,
        secret_file=here.secret,
        sounds_dir=_sounds(here),
        sounds_path=str(_sounds(here)),
        samples=here.samples,
        calls_file=here.dir / "carrier" / "log" / "calls.csv",
    )


@contextmanager
def _locked(path: Path, say: Say) -> Iterator[None]:
    """Hold a lock file, so that two set-ups do not collide; freed by the system however we end."""
    with path.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"another set-up holds {path}; waiting for it")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
