"""Who runs what on this machine, and what they may do with a path: by owner, group and others, as the kernel decides it.

Access control lists and mandatory access control (AppArmor, SELinux) are not looked at.
"""

from __future__ import annotations

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path

from engine.ops.doctor.conf import Conf

MISSING = "it is not there"


@dataclass(frozen=True, slots=True)
class User:
    """A user of this machine."""

    uid: int
    groups: frozenset[int]
    root: Path = Path("/")
    """What its process has for `/`: an Asterisk may run in a chroot, and passes through nothing above it."""

    @property
    def name(self) -> str:
        try:
            return pwd.getpwuid(self.uid).pw_name
        except KeyError:
            return f"user id {self.uid}"


def myself() -> User:
    """Who runs the doctor."""
    return User(os.geteuid(), frozenset({os.getegid(), *os.getgroups()}))


def engine_user(state: Path) -> User:
    """Who the engine runs as: the owner of the state directory, or whoever runs the doctor where there is none yet."""
    try:
        owner = state.stat()
    except OSError:
        return myself()
    return myself() if owner.st_uid == os.geteuid() else _named(owner.st_uid, owner.st_gid)


def asterisk_user(conf: Conf | None, pid: int | None) -> User | None:
    """Who Asterisk runs as: the owner of its process, `runuser` of asterisk.conf, the user `asterisk`; None when nothing tells."""
    if pid is not None:
        try:
            lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
        except OSError:
            lines = []
        words = {line.partition(":")[0]: line.partition(":")[2].split() for line in lines}
        if words.get("Uid"):
            groups = {int(words["Gid"][1]), *map(int, words.get("Groups", ()))}
            return User(int(words["Uid"][1]), frozenset(groups), _root(pid))
    for name in ("" if conf is None else conf.get("options", "runuser"), "asterisk"):
        try:
            entry = pwd.getpwnam(name) if name else None
        except KeyError:
            continue
        if entry is not None:
            return _named(entry.pw_uid, entry.pw_gid)
    return None


def asterisk_pid(conf: Conf | None) -> int | None:
    """The process of a running Asterisk, by its pid file."""
    folder = (conf.get("directories", "astrundir") if conf is not None else "") or "/var/run/asterisk"
    try:
        pid = int((Path(folder) / "asterisk.pid").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
    return pid if Path(f"/proc/{pid}").exists() else None


def descriptors(pid: int) -> int | None:
    """The limit of open files of a process."""
    try:
        text = Path(f"/proc/{pid}/limits").read_text(encoding="utf-8")
    except OSError:
        return None
    for line in text.splitlines():
        if line.startswith("Max open files"):
            soft = line.split()[3]
            return int(soft) if soft.isdecimal() else None
    return None


def obstacle(user: User, path: Path, need: str) -> str | None:
    """What keeps `user` from reading (or writing into, or making) `path`; empty when nothing does. None when that cannot be seen from
    here."""
    bits = {"read": 4, "write": 2}[need]
    try:
        path = _seen(user, path)
        for parent in reversed([one for one in path.parents if one.is_relative_to(user.root)]):
            if not _may(user, parent.stat(), 1):
                return f"{user.name} may not pass {parent} (mode {_mode(parent)}, owner {_owner(parent)})"
        there = path.stat()
    except PermissionError:
        return None
    except OSError as error:
        return MISSING if isinstance(error, FileNotFoundError) else f"{path}: {error.strerror}"
    if not _may(user, there, bits | (1 if stat.S_ISDIR(there.st_mode) else 0)):
        return f"{user.name} may not {need} it (mode {_mode(path)}, owner {_owner(path)})"
    return ""


def _root(pid: int) -> Path:
    """The root directory of a process; ours where it may not be asked, or lies in another mount namespace."""
    try:
        return Path(f"/proc/{pid}/root").readlink()
    except OSError:
        return Path("/")


def _seen(user: User, path: Path) -> Path:
    """Where a path of ours, or one that the user's process would name, lies for us."""
    ours = path.resolve()
    return (
        ours if ours.is_relative_to(user.root) else (user.root / path.absolute().relative_to("/")).resolve()
    )


def _named(uid: int, gid: int) -> User:
    try:
        groups = os.getgrouplist(pwd.getpwuid(uid).pw_name, gid)
    except KeyError:
        groups = [gid]
    return User(uid, frozenset(groups))


def _may(user: User, there: os.stat_result, bits: int) -> bool:
    if user.uid == 0:
        return True
    shift = 6 if there.st_uid == user.uid else 3 if there.st_gid in user.groups else 0
    return (there.st_mode >> shift) & bits == bits


def _mode(path: Path) -> str:
    return f"{stat.S_IMODE(path.stat().st_mode):04o}"


def _owner(path: Path) -> str:
    there = path.stat()
    return User(there.st_uid, frozenset({there.st_gid})).name
