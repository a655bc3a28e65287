"""Where a lab keeps its things, and which addresses and ports it uses.

Knows the layout of the state directory. Refuses to know how Asterisk is run and what stands in the files.

    <dir>/pbx/, carrier/    one Asterisk each: etc log run db spool keys sounds (carrier: recordings too)
    <dir>/sounds/           prompts of a sample campaign, for job folders
    <dir>/engine/           state, queue and log of the engine that volley.toml describes
    <dir>/secrets/ami       the AMI secret, 0600
    <dir>/volley.toml       the engine's settings for this lab
    <shared>/root           the Debian root with Asterisk, where neither PATH nor Docker has one
    <shared>/prompts        rendered speech, by content

Labs in other directories share the root and the rendered speech of the default one.
"""

from __future__ import annotations

import json
import os
import socket
from dataclasses import asdict, dataclass
from pathlib import Path

from lab.errors import LabError

REPOSITORY = Path(__file__).resolve().parent.parent
PBX_ADDRESS = "127.0.0.1"
CARRIER_ADDRESS = "127.0.0.2"
BENCH_ADDRESS = "127.0.0.3"
SOCKET_PATH_LIMIT = 107
"""Longest path of a Unix socket (sun_path of unix(7), less the closing zero); Asterisk's console is one."""


@dataclass(frozen=True, slots=True)
class Ports:
    """The same numbers on every address: the PBX on 127.0.0.1, the carrier on .2, a sipp callee on .3."""

    sip: int = 25060
    ami: int = 25038
    rtp: int = 30000
    """First of 20,000 ports for media: the PBX takes the lower half, the carrier the upper."""

    def problems(self) -> list[str]:
        """What is wrong with these ports, in words; empty when nothing is."""
        found = [f"port {name} = {value} must lie between 1024 and 65535" for name, value in asdict(self).items()
                 if not 1024 <= value <= 65535]  # fmt: skip
        if self.sip == self.ami:
            found.append(f"ports sip and ami are both {self.sip}")
        if self.rtp + 19_999 > 65535 or self.rtp % 2:
            found.append(f"port rtp = {self.rtp} must be even, with 20,000 ports from there on")
        return found

    def taken(self, address: str) -> list[str]:
        """Which of the PBX's or carrier's ports on `address` another process holds, in words."""
        found = []
        for name, port, kind in (("SIP", self.sip, socket.SOCK_DGRAM), ("AMI", self.ami, socket.SOCK_STREAM)):
            with socket.socket(socket.AF_INET, kind) as probe:
                if kind is socket.SOCK_STREAM:
                    probe.setsockopt(
                        socket.SOL_SOCKET, socket.SO_REUSEADDR, 1
                    )  # connections that ended just now do not count
                try:
                    probe.bind((address, port))
                except OSError as error:
                    why = f"the {name} port {address}:{port} cannot be had ({error.strerror})"
                    found.append(f"{why}; choose another with --{name.lower()}-port")
        return found


@dataclass(frozen=True, slots=True)
class Note:
    """What one command tells the next."""

    ports: Ports
    kind: str
    """How Asterisk is run, see runtime.KINDS; empty when never prepared."""
    version: str


@dataclass(frozen=True, slots=True)
class Places:
    """The directories of one lab. Both paths are absolute and hold no symbolic link."""

    dir: Path
    shared: Path

    @property
    def root(self) -> Path:
        return self.shared / "root"

    @property
    def rendered(self) -> Path:
        return self.shared / "prompts"

    @property
    def secret(self) -> Path:
        return self.dir / "secrets" / "ami"

    @property
    def settings(self) -> Path:
        return self.dir / "volley.toml"

    @property
    def samples(self) -> Path:
        return self.dir / "sounds"

    @property
    def calls(self) -> Path:
        return self.dir / "carrier" / "log" / "calls.csv"

    @property
    def prompts(self) -> Path:
        """Where the engine puts prompts and the PBX finds them, the same path inside and outside."""
        return self.dir / "pbx" / "sounds" / "volley"

    @property
    def recordings(self) -> Path:
        """Where the PBX puts recorded answers."""
        return self.dir / "pbx" / "recordings"

    def note(self) -> Note:
        """What the last set-up noted, or the defaults."""
        path = self.dir / "lab.json"
        try:
            table = json.loads(path.read_text(encoding="utf-8"))
            return Note(Ports(**table["ports"]), table["kind"], table["version"])
        except FileNotFoundError:
            return Note(Ports(), "", "")
        except (ValueError, TypeError, KeyError) as error:
            raise LabError(f"{path}: not what the lab wrote ({error}); delete it") from error

    def keep(self, note: Note) -> None:
        """Write a note for the next command."""
        (self.dir / "lab.json").write_text(json.dumps(asdict(note), indent=1) + "\n", encoding="utf-8")


def places(directory: Path | str | None = None) -> Places:
    """The places of the lab in `directory`; default VOLLEY_LAB_DIR, then var/lab of the repository.

    Raises LabError when the path is too long for Asterisk's console socket.
    """
    default = REPOSITORY / "var" / "lab"
    found = Path(directory or os.environ.get("VOLLEY_LAB_DIR") or default).absolute()
    shared = Path(os.environ.get("VOLLEY_LAB_SHARED") or default).absolute()
    longest = found / "carrier" / "run" / "asterisk.ctl"
    if len(str(longest)) > SOCKET_PATH_LIMIT:
        raise LabError(f"{found}: this path is too long by {len(str(longest)) - SOCKET_PATH_LIMIT} characters: {longest} is a socket,"
                       f" and its path may have {SOCKET_PATH_LIMIT}; take a shorter directory (--dir or VOLLEY_LAB_DIR)")  # fmt: skip
    return Places(found.resolve(), shared.resolve())
