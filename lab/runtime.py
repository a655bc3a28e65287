"""How an Asterisk is run on this machine: from PATH, in Docker, or in a Debian root; in that order.

Knows commands, users and paths. Refuses to know what the two instances are for. An instance has the same absolute path inside
and outside: a root keeps it under that very path, and the lab's directory links there.
"""

from __future__ import annotations

import os
import pwd
import re
import shutil
import stat
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from lab import debian_root, docker
from lab.errors import LabError
from lab.places import Places

OLDEST = 20
UNPRIVILEGED = 64321
"""User id of Asterisk where we are root: among those that Debian policy 9.2.2 leaves unassigned, so nobody else's."""
KINDS = ("path", "docker", "root")
Say = Callable[[str], None]


class Runtime(Protocol):
    """One way to run Asterisk."""

    @property
    def kind(self) -> str:
        """One of KINDS."""

    @property
    def version(self) -> str:
        """As `asterisk -V` prints it, without the first word."""

    @property
    def user(self) -> int | None:
        """User id that Asterisk runs as and its directories belong to; None for our own."""

    def home(self, name: str) -> Path:
        """Make the directory of instance `name`, whatever its way, and return it."""

    def documentation(self) -> str | None:
        """Asterisk's XML documentation as seen from inside; without it many modules refuse to load."""

    def start(self, name: str, arguments: list[str]) -> list[str]:
        """The command line that runs asterisk as instance `name` until it ends."""

    def ask(self, name: str, arguments: list[str]) -> list[str]:
        """The command line that runs asterisk beside the running instance `name`."""

    def clear(self, name: str) -> None:
        """Remove what a killed instance `name` may have left running."""


def runs_as(found: Runtime) -> str:
    """In words, for people."""
    if found.user is not None:
        return f"user id {found.user}"
    if os.geteuid() == 0:
        return "root, since no other user can reach the lab's directory"
    return f"user id {os.geteuid()}" + (", in a user namespace" if found.kind == "root" else "")


def number(version: str) -> tuple[int, ...]:
    """`22.10.1+dfsg` as (22, 10, 1); `certified/20.7-cert1` as (20, 7)."""
    found = re.search(r"(\d+(?:\.\d+)*)", version)
    return tuple(map(int, found[1].split("."))) if found else ()


def version_of(command: list[str]) -> str:
    """What `asterisk -V` says, run by `command`; empty when it does not run."""
    try:
        done = subprocess.run([*command, "-V"], capture_output=True, text=True, check=False, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    said = done.stdout.strip()
    return said.removeprefix("Asterisk ") if done.returncode == 0 and said.startswith("Asterisk ") else ""


@dataclass(frozen=True, slots=True)
class OnPath:
    """The asterisk of this machine. As root it runs as the user `asterisk`, if that one can reach the lab's directory."""

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
        return account.pw_uid if _reachable(self.places.dir) else None

    def home(self, name: str) -> Path:
        return _own_directory(self.places.dir / name)

    def documentation(self) -> str | None:
        for base in (
            "/usr/share/asterisk",
            "/var/lib/asterisk",
            "/usr/local/share/asterisk",
            "/usr/local/var/lib/asterisk",
        ):
            if Path(base, "documentation").is_dir():
                return f"{base}/documentation"
        return None

    def start(self, name: str, arguments: list[str]) -> list[str]:
        drop = ["chroot", f"--userspec={self.user}:{self.user}", "/"] if self.user is not None else []
        return [*drop, self.program, *arguments]

    def ask(self, name: str, arguments: list[str]) -> list[str]:
        return self.start(name, arguments)

    def clear(self, name: str) -> None:
        """Nothing is left behind."""


@dataclass(frozen=True, slots=True)
class InDocker:
    """The asterisk of a container. A directory below /root is closed to others in the image as it is here: there it runs as root."""

    places: Places
    version: str
    kind: str = "docker"

    @property
    def user(self) -> int | None:
        return UNPRIVILEGED if os.geteuid() == 0 and _reachable(self.places.dir) else None

    def home(self, name: str) -> Path:
        return _own_directory(self.places.dir / name)

    def documentation(self) -> str | None:
        return "/usr/share/asterisk/documentation"

    def start(self, name: str, arguments: list[str]) -> list[str]:
        return docker.container(self.places.dir, name, self.user).run(["/usr/sbin/asterisk", *arguments])

    def ask(self, name: str, arguments: list[str]) -> list[str]:
        return docker.container(self.places.dir, name, self.user).inside(["/usr/sbin/asterisk", *arguments])

    def clear(self, name: str) -> None:
        docker.container(self.places.dir, name, self.user).remove()


@dataclass(frozen=True, slots=True)
class InRoot:
    """The asterisk of a Debian root."""

    places: Places
    version: str
    kind: str = "root"

    @property
    def user(self) -> int | None:
        return UNPRIVILEGED if os.geteuid() == 0 else None

    def home(self, name: str) -> Path:
        """Inside the root under its own path; `<dir>/<name>` is a link to it."""
        link = self.places.dir / name
        inside = self.places.root / str(link).lstrip("/")
        inside.mkdir(parents=True, exist_ok=True)
        _open_way(inside.parent, self.places.root)
        if not (link.is_symlink() and link.readlink() == inside):
            if link.is_dir() and not link.is_symlink():
                shutil.rmtree(link)  # of Asterisk from PATH or Docker
            link.unlink(missing_ok=True)
            link.symlink_to(inside)
        return inside

    def documentation(self) -> str | None:
        return "/usr/share/asterisk/documentation"

    def start(self, name: str, arguments: list[str]) -> list[str]:
        return [*debian_root.enter(self.places.root, self.user), "/usr/sbin/asterisk", *arguments]

    def ask(self, name: str, arguments: list[str]) -> list[str]:
        return self.start(name, arguments)

    def clear(self, name: str) -> None:
        """Nothing is left behind."""


def find(places: Places, say: Say, only: str | None = None) -> Runtime:
    """The first way that works, built or downloaded if need be; `only` restricts to one of KINDS (default: VOLLEY_LAB_ASTERISK).

    Raises LabError when none works.
    """
    only = only or os.environ.get("VOLLEY_LAB_ASTERISK") or None
    if only is not None and only not in KINDS:
        raise LabError(f"VOLLEY_LAB_ASTERISK is {only}; it may be {', '.join(KINDS)}")
    why_not: list[str] = []
    for kind in KINDS if only is None else (only,):
        if kind == "path":
            found, reason = _on_path(places)
        elif kind == "docker":
            found, reason = _docker(places, say)
        else:
            found, reason = _in_root(places, say), ""
        if found:
            return found
        why_not.append(reason)
        say(reason)
    raise LabError("; ".join(why_not))


def remembered(places: Places, kind: str, version: str) -> Runtime | None:
    """What an earlier `find` found, without looking whether it still runs; None for an unknown kind."""
    if kind == "path" and (program := _program()):
        return OnPath(places, program, version)
    if kind == "docker":
        return InDocker(places, version)
    return InRoot(places, version) if kind == "root" else None


def _program() -> str | None:
    return shutil.which("asterisk", path=f"{os.environ.get('PATH', '')}:/usr/local/sbin:/usr/sbin")


def _on_path(places: Places) -> tuple[Runtime | None, str]:
    program = _program()
    if not program:
        return None, "no asterisk on PATH"
    version = version_of([program])
    if not version:
        return None, f"{program} does not run"
    if number(version)[:1] < (OLDEST,):
        return None, f"{program} is Asterisk {version}, older than {OLDEST}"
    return OnPath(places, program, version), ""


def _docker(places: Places, say: Say) -> tuple[Runtime | None, str]:
    if reason := docker.unreachable():
        return None, reason
    if not docker.have_image():
        say("building the Docker image with Asterisk (once)")
        if reason := docker.build_image(places.shared / "docker-build.log"):
            return None, reason
    kept = (
        places.shared / f"{docker.image_name().replace(':', '-')}.version"
    )  # asking a container takes seconds
    version = (
        kept.read_text(encoding="utf-8")
        if kept.exists()
        else version_of(docker.in_image(["/usr/sbin/asterisk"]))
    )
    if not version:
        return None, f"Asterisk in the Docker image {docker.image_name()} does not run"
    kept.write_text(version, encoding="utf-8")
    return InDocker(places, version), ""


def _in_root(places: Places, say: Say) -> Runtime:
    debian_root.make(places.root, say)
    version = version_of([*debian_root.enter(places.root), "/usr/sbin/asterisk"])
    if not version:
        raise LabError(
            f"Asterisk in {places.root} does not run; delete that directory and run `python -m lab prepare` again"
        )
    return InRoot(places, version)


def _reachable(folder: Path) -> bool:
    """May every user pass through to it? Its parents are looked at, as far as they are there."""
    return all(one.stat().st_mode & 0o001 for one in [folder, *folder.parents] if one.exists())


def _open_way(folder: Path, root: Path) -> None:
    """Let everybody pass through the directories of our own Debian root down to `folder`: its /root, where a checkout of root's lies,
    is closed to all others as a host's is."""
    while folder != root:
        mode = stat.S_IMODE(folder.stat().st_mode)
        if not mode & 0o001:
            folder.chmod(mode | 0o011)
        folder = folder.parent


def _own_directory(path: Path) -> Path:
    if path.is_symlink():  # of a Debian root
        path.unlink()
    path.mkdir(parents=True, exist_ok=True)
    return path
