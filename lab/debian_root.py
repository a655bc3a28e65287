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
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from lab import mirror, packages
from lab.errors import LabError

SUITE = "forky"
"""Debian testing since 2025. Debian 12 and 13 have no asterisk package."""
SOUNDS = {"asterisk-core-sounds-fr-gsm": "usr/share/asterisk/sounds/fr_CA_f_June"}
"""Core sounds in other languages than English, which Asterisk's package brings: package -> its folder."""
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
    """Make `root`, or leave it as it is when it is complete, but for sounds that are not in it yet.

    Raises LabError when a mirror, a package or a right is missing, or debootstrap fails.
    """
    complete = is_complete(root)
    if complete and not os.access(root, os.W_OK):
        raise LabError(
            f"{root} belongs to another user: give VOLLEY_LAB_SHARED a directory of your own, where a root is made for you"
        )
    root.parent.mkdir(parents=True, exist_ok=True)
    for old in (*([] if complete else [root]), *root.parent.glob(f"{root.name}.work-*")):
        remove(old)
    if complete:
        name_the_host(root)
        _add(root, say)
        return
    say(f"making a Debian {SUITE} root with Asterisk in {root} (about a minute)")
    with _unpacked(root, ("asterisk", *SOUNDS), say) as making:
        _furnish(making)
        if not is_complete(making):
            raise LabError(
                f"Asterisk in the root that was made does not run (debootstrap's words: {_log(root)})"
            )
        making.chmod(0o755)
        making.rename(root)


def _add(root: Path, say: Say) -> None:
    """The sounds that a root of an earlier version has not. Nothing else in it is touched: an Asterisk may run there."""
    missing = [package for package, folder in SOUNDS.items() if not (root / folder).exists()]
    if not missing:
        return
    say(f"adding {', '.join(missing)} to {root}")
    try:
        with _unpacked(root, missing, say, all_of_them=False) as added:
            for package in missing:
                (added / SOUNDS[package]).rename(root / SOUNDS[package])
    except LabError as error:  # without a network the lab is as good as it was
        say(f"it goes on without {', '.join(missing)}: {error}")


@contextmanager
def _unpacked(root: Path, names: Collection[str], say: Say, all_of_them: bool = True) -> Iterator[Path]:
    """A directory beside `root` with these packages unpacked, and those that they and a minimal system need if `all_of_them`."""
    as_root = [] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--mount"]
    if subprocess.run([*as_root, "true"], capture_output=True, check=False).returncode:
        raise LabError("without root rights the lab needs user namespaces, which this system refuses (try: unshare --map-root-user"
                       " --mount true): run it as root, or put an asterisk of version 20 or newer on PATH, or let this user use"
                       " Docker")  # fmt: skip
    packages.need({"debootstrap": "debootstrap"}, say)
    uri = mirror.debian_mirror(mirror.sources())
    script = SCRIPTS / (SUITE if (SCRIPTS / SUITE).exists() else "sid")
    log = _log(root)
    # a name of its own: an earlier set-up that was killed may have left a debootstrap that still runs
    work = Path(tempfile.mkdtemp(prefix=f"{root.name}.work-", dir=root.parent))
    download, unpacked = work / "download", work / "root"
    included = f"--include={','.join(names)}"
    command = ["debootstrap", "--download-only", "--variant=minbase", included, SUITE, str(download), uri, str(script)]  # fmt: skip
    environment = {**os.environ, "TAR_OPTIONS": "--no-same-owner", "PATH": packages.SEARCH}
    with log.open("wb") as out:
        done = subprocess.run(
            [*as_root, *command], stdout=out, stderr=subprocess.STDOUT, env=environment, check=False
        )
        archives = sorted((download / "var/cache/apt/archives").glob("*.deb"))
        if not all_of_them:
            archives = [archive for archive in archives if archive.name.partition("_")[0] in names]
        unpacked.mkdir()
        failed = done.returncode != 0 or not archives
        for archive in archives if not failed else []:
            unpack = ["dpkg-deb", "--extract", str(archive), str(unpacked)]
            failed |= (
                subprocess.run(unpack, stdout=out, stderr=out, env=environment, check=False).returncode != 0
            )
    if failed:
        last = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-4:]
        raise LabError("debootstrap failed:\n  " + "\n  ".join(last) + f"\n  (all of it: {log})")
    yield unpacked
    remove(work)


def _log(root: Path) -> Path:
    """Where debootstrap's words are kept."""
    return root.with_name("debootstrap.log")


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
