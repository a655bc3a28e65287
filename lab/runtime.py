"""How an Asterisk is run on this machine: from PATH, in Docker, or in a Debian root; in that order.

Knows commands, users and paths. Refuses to know what the two instances are for. An instance has the same absolute path inside
and outside: a root keeps it under that very path, and the lab directory links there.
"""

from __future__ import annotations

import os
import pwd
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from lab import debian_root
from lab.errors import LabError
from lab.places import Places

OLDEST = 20
UNPRIVILEGED = 64321
"""User id of Asterisk inside the root: above the ids that Debian gives out (Debian policy 9.2.2), so nobody else's."""


class Runtime(Protocol):
    """One way to run Asterisk."""

    kind: str
    version: str
    """As `asterisk -V` prints it, without the first word."""
    runs_as: str
    """In words, for `status`."""
    user: int | None
    """User id that the instance's directories must belong to, None for our own."""

    def home(self, name: str) -> Path:
        """The real directory of instance `name`, as seen from outside; made if missing."""

    def documentation(self) -> str | None:
        """Asterisk's XML documentation as seen from inside; without it many modules refuse to load."""

    def command(self, name: str, arguments: list[str]) -> list[str]:
        """The command line that runs asterisk with `arguments` for instance `name`."""


def number(version: str) -> tuple[int, ...]:
    """`22.10.1+dfsg` as (22, 10, 1); a certified version such as `certified/20.7-cert1` as (20, 7)."""
    found = re.search(r"(\d+(?:\.\d+)*)", version)
    return tuple(map(int, found[1].split("."))) if found else ()


def version_of(command: list[str]) -> str | None:
    """What `asterisk -V` says, None when it does not run."""
    try:
        done = subprocess.run([*command, "-V"], capture_output=True, text=True, check=False, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return None
    said = done.stdout.strip()
    return said.removeprefix("Asterisk ") if done.returncode == 0 and said.startswith("Asterisk ") else None


@dataclass(frozen=True, slots=True)
class OnPath:
    """The asterisk of this machine. As root it runs as the user `asterisk`, if that user can reach the lab's directory."""

    places: Places
    program: str
    version: str
    kind: str = "path"

    @property
    def user(self) -> int | None:
        if os.geteuid() != 0:
            return None
        try:
            account = pwd.getpwnam("asterisk")
        except KeyError:
            return None
        reachable = all(parent.stat().st_mode & 0o001 for parent in [self.places.dir, *self.places.dir.parents])
        return account.pw_uid if reachable else None

    @property
    def runs_as(self) -> str:
        if os.geteuid() != 0:
            return f"user id {os.geteuid()}"
        return "user asterisk" if self.user is not None else "root: there is no user asterisk that can reach the lab's directory"

    def home(self, name: str) -> Path:
        return _directory(self.places.dir / name)

    def documentation(self) -> str | None:
        for base in ("/usr/share/asterisk", "/var/lib/asterisk", "/usr/local/share/asterisk", "/usr/local/var/lib/asterisk"):
            if Path(base, "documentation").is_dir():
                return f"{base}/documentation"
        return None

    def command(self, name: str, arguments: list[str]) -> list[str]:
        drop = ["chroot", f"--userspec={self.user}:{self.user}", "/"] if self.user is not None else []
        return [*drop, self.program, *arguments]


@dataclass(frozen=True, slots=True)
class InRoot:
    """The asterisk of a Debian root."""

    places: Places
    version: str
    kind: str = "root"

    @property
    def user(self) -> int | None:
        return UNPRIVILEGED if os.geteuid() == 0 else None

    @property
    def runs_as(self) -> str:
        return f"user id {UNPRIVILEGED}" if self.user else f"user id {os.geteuid()}, in a user namespace"

    def home(self, name: str) -> Path:
        """Inside the root under its own path; `<dir>/<name>` is a link to it."""
        link = self.places.dir / name
        inside = _directory(self.places.root / str(link).lstrip("/"))
        if link.is_symlink() and link.readlink() == inside:
            return inside
        if link.is_symlink():
            link.unlink()
        elif link.exists():
            raise LabError(f"{link} is a directory of another lab set-up (Asterisk from PATH or Docker); delete it, or take another directory")
        link.symlink_to(inside)
        return inside

    def documentation(self) -> str | None:
        return "/usr/share/asterisk/documentation"

    def command(self, name: str, arguments: list[str]) -> list[str]:
        return [*debian_root.enter(self.places.root, self.user), "/usr/sbin/asterisk", *arguments]


def on_path(places: Places) -> tuple[OnPath | None, str]:
    """The asterisk on PATH, or why there is none."""
    program = shutil.which("asterisk", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if not program:
        return None, "no asterisk on PATH"
    version = version_of([program])
    if version is None:
        return None, f"{program} does not run"
    if number(version)[:1] < (OLDEST,):
        return None, f"{program} is Asterisk {version}, older than {OLDEST}"
    return OnPath(places, program, version), ""


def in_root(places: Places) -> InRoot:
    """The asterisk of the root, which must be complete."""
    version = version_of([*debian_root.enter(places.root), "/usr/sbin/asterisk"])
    if version is None:
        raise LabError(f"Asterisk in {places.root} does not run; delete that directory and run `python -m lab prepare` again")
    return InRoot(places, version)


def _directory(path: Path) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    return path
