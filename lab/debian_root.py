"""A Debian root with Asterisk in it, from debootstrap's download.

Knows debootstrap, its suites, and what a root needs beside packages. Refuses to know instances and ports.

debootstrap chooses, fetches and verifies the packages; we unpack them and configure none, since Asterisk needs no more than
their files. So it works without root rights too, in a user namespace. A root that is half made is never used: it is made in
a directory of its own, tried, and renamed into place.
"""

from __future__ import annotations

import os
import shutil
import socket
import stat
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from lab import mirror, packages
from lab.errors import LabError

SUITE = "forky"
"""Debian testing since 2025. Debian 12 and 13 have no asterisk package."""
SCRIPTS = Path("/usr/share/debootstrap/scripts")
DEVICES = {"null": (1, 3), "zero": (1, 5), "full": (1, 7), "random": (1, 8), "urandom": (1, 9)}
"""Linux's device numbers (Documentation/admin-guide/devices.txt)."""
Say = Callable[[str], None]


def is_complete(root: Path) -> bool:
    """Whether Asterisk in `root` runs."""
    if not (root / "usr/sbin/asterisk").exists():
        return False
    done = subprocess.run([*enter(root), "/usr/sbin/asterisk", "-V"], capture_output=True, check=False)
    return done.returncode == 0 and done.stdout.startswith(b"Asterisk ")


def enter(root: Path, user: int | None = None) -> list[str]:
    """The command prefix that runs something inside `root`: as user id `user` where we are root, else in a user namespace of our own."""
    if os.geteuid() == 0:
        return ["chroot", *([f"--userspec={user}:{user}"] if user is not None else []), str(root)]
    # a namespace of mounts goes with its last process, so the binding of /dev needs no cleaning up
    script = 'mount --rbind /dev "$1/dev" && root=$1 && shift && exec /usr/sbin/chroot "$root" "$@"'
    return ["unshare", "--map-root-user", "--mount", "sh", "-c", script, "sh", str(root)]


def make(root: Path, say: Say) -> None:
    """Make `root`, or leave it as it is when it is complete.

    Raises LabError when a mirror, a package or a right is missing, or debootstrap fails.
    """
    if is_complete(root):
        if not os.access(root, os.W_OK):
            raise LabError(
                f"{root} belongs to another user: give VOLLEY_LAB_SHARED a directory of your own, where a root is made for you"
            )
        name_the_host(root)
        return
    root.parent.mkdir(parents=True, exist_ok=True)
    for old in (root, *root.parent.glob(f"{root.name}.work-*")):
        remove(old)
    as_root = [] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--mount"]
    if subprocess.run([*as_root, "true"], capture_output=True, check=False).returncode:
        raise LabError("without root rights the lab needs user namespaces, which this system refuses (try: unshare --map-root-user"
                       " --mount true): run it as root, or put an asterisk of version 20 or newer on PATH, or let this user use"
                       " Docker")  # fmt: skip
    packages.need({"debootstrap": "debootstrap"}, say)
    uri = mirror.debian_mirror(mirror.sources())
    script = SCRIPTS / (SUITE if (SCRIPTS / SUITE).exists() else "sid")
    say(f"making a Debian {SUITE} root with Asterisk in {root} (about a minute)")
    log = root.with_name("debootstrap.log")
    # a name of its own: an earlier set-up that was killed may have left a debootstrap that still runs
    work = Path(tempfile.mkdtemp(prefix=f"{root.name}.work-", dir=root.parent))
    download, making = work / "download", work / "root"
    command = [
        "debootstrap",
        "--download-only",
        "--variant=minbase",
        "--include=asterisk",
        SUITE,
        str(download),
        uri,
        str(script),
    ]
    environment = {**os.environ, "TAR_OPTIONS": "--no-same-owner", "PATH": packages.SEARCH}
    with log.open("wb") as out:
        done = subprocess.run(
            [*as_root, *command], stdout=out, stderr=subprocess.STDOUT, env=environment, check=False
        )
        archives = sorted((download / "var/cache/apt/archives").glob("*.deb"))
        making.mkdir()
        failed = done.returncode != 0 or not archives
        for archive in archives if not failed else []:
            unpack = ["dpkg-deb", "--extract", str(archive), str(making)]
            failed |= (
                subprocess.run(unpack, stdout=out, stderr=out, env=environment, check=False).returncode != 0
            )
    if not failed:
        _furnish(making)
    if failed or not is_complete(making):
        last = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-4:]
        raise LabError(
            "debootstrap could not make the root:\n  " + "\n  ".join(last) + f"\n  (all of it: {log})"
        )
    making.chmod(0o755)
    making.rename(root)
    remove(work)


def name_the_host(root: Path) -> None:
    """Write the root's /etc/hosts: Asterisk looks up the host's own name in every SIP call, and waits 19 s where it does not resolve."""
    text = f"127.0.0.1 localhost\n127.0.0.1 {socket.gethostname()}\n"
    hosts = root / "etc/hosts"
    if not hosts.exists() or hosts.read_text(encoding="utf-8") != text:
        hosts.write_text(text, encoding="utf-8")


def _furnish(root: Path) -> None:
    """What package scripts would have made: users and, where no namespace brings the host's own, devices."""
    name_the_host(root)
    (root / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\n", encoding="utf-8")
    (root / "etc/group").write_text("root:x:0:\n", encoding="utf-8")
    if os.geteuid() != 0:
        return
    for name, (major, minor) in DEVICES.items():
        try:
            os.mknod(root / "dev" / name, stat.S_IFCHR | 0o666, os.makedev(major, minor))
        except PermissionError as error:
            raise LabError(
                f"cannot make the device {root}/dev/{name}: this container may not (CAP_MKNOD)"
            ) from error
        (root / "dev" / name).chmod(0o666)


def remove(root: Path) -> None:
    """Delete what is at `root`, after anything mounted under it is unmounted."""
    if not root.exists():
        return
    mounted = [line.split()[1] for line in Path("/proc/mounts").read_text(encoding="utf-8").splitlines()]
    for point in sorted((point for point in mounted if Path(point).is_relative_to(root)), reverse=True):
        if subprocess.run(["umount", point], capture_output=True, check=False).returncode:
            raise LabError(
                f"{point} is mounted inside the old root {root}, and cannot be unmounted; unmount it, then try again"
            )
    try:
        shutil.rmtree(root)
    except OSError as error:
        raise LabError(f"cannot delete the unfinished root {root}: {error}") from error
