"""A Debian root with Asterisk in it, made by debootstrap.

Knows debootstrap, its suites and what a root needs beside packages. Refuses to know instances and ports. A root that is
half made is never used: it is made under another name, tried, and renamed into place.
"""

from __future__ import annotations

import os
import platform
import shutil
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

from lab import mirror, packages
from lab.errors import LabError

SUITE = "forky"
"""Debian testing of 2025; Debian 12 and 13 have no asterisk package."""
SCRIPTS = Path("/usr/share/debootstrap/scripts")
Say = Callable[[str], None]


def is_complete(root: Path) -> bool:
    """Whether Asterisk in `root` runs."""
    if not (root / "usr/sbin/asterisk").exists():
        return False
    done = subprocess.run([*enter(root), "/usr/sbin/asterisk", "-V"], capture_output=True, check=False)
    return done.returncode == 0 and done.stdout.startswith(b"Asterisk ")


def enter(root: Path, uid: int | None = None) -> list[str]:
    """The command prefix that runs something inside `root`; as `uid` where we are root, else in a user namespace of our own."""
    if os.geteuid() == 0:
        return ["chroot", *([f"--userspec={uid}:{uid}"] if uid is not None else []), str(root)]
    return ["unshare", "--map-root-user", f"--root={root}", "--"]


def make(root: Path, say: Say) -> None:
    """Make `root`, or leave it as it is when it is complete.

    Raises LabError when a mirror, a right or a package is missing, or debootstrap fails.
    """
    if is_complete(root):
        name_the_host(root)
        return
    making = root.with_name(root.name + ".making")
    for old in (making, root):
        remove(old)
    if os.geteuid() != 0:
        raise LabError(f"there is no Debian root in {root}, and making one takes root rights: run `python -m lab prepare` once as root (the lab itself"
                       " then runs without), or put an asterisk of version 20 or newer on PATH, or let this user use Docker")  # fmt: skip
    packages.need({"debootstrap": "debootstrap"}, say)
    uri = mirror.debian_mirror(mirror.sources())
    script = SCRIPTS / (SUITE if (SCRIPTS / SUITE).exists() else "sid")
    say(f"making a Debian {SUITE} root with Asterisk in {root} (about a minute)")
    log = root.with_name("debootstrap.log")
    root.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as out:
        command = ["debootstrap", "--variant=minbase", "--include=asterisk", SUITE, str(making), uri, str(script)]
        done = subprocess.run(command, stdout=out, stderr=subprocess.STDOUT, check=False)
    if done.returncode or not is_complete(making):
        last = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-4:]
        raise LabError("debootstrap could not make the root:\n  " + "\n  ".join(last) + f"\n  (all of it: {log})")
    shutil.rmtree(making / "var/cache/apt/archives", ignore_errors=True)
    name_the_host(making)
    making.rename(root)


def name_the_host(root: Path) -> None:
    """Write the root's /etc/hosts. Asterisk looks up the host's own name in every SIP call; where it does not resolve, a call takes 19 s."""
    name = socket.gethostname() or platform.node() or "localhost"
    text = f"127.0.0.1 localhost\n127.0.0.1 {name}\n"
    hosts = root / "etc/hosts"
    if not hosts.exists() or hosts.read_text(encoding="utf-8") != text:
        try:
            hosts.write_text(text, encoding="utf-8")
        except PermissionError as error:
            raise LabError(f"{hosts} must name this host ({name}), and only root may write it: run `python -m lab prepare` once as root") from error


def remove(root: Path) -> None:
    """Delete a root, after anything that debootstrap left mounted under it."""
    if not root.exists():
        return
    mounted = [line.split()[1] for line in Path("/proc/mounts").read_text(encoding="utf-8").splitlines()]
    for point in sorted((point for point in mounted if Path(point).is_relative_to(root)), reverse=True):
        if subprocess.run(["umount", point], capture_output=True, check=False).returncode:
            raise LabError(f"{point} is mounted inside the old root {root}, and cannot be unmounted; unmount it, then try again")
    try:
        shutil.rmtree(root)
    except OSError as error:
        raise LabError(f"cannot delete the unfinished root {root}: {error}") from error
