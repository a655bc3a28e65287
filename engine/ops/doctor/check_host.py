"""Checks of this machine and of the engine's own files. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from engine.ops.doctor.check_ways import denied
from engine.ops.doctor.facts import Finding, Host, error, note, unknown, warning
from engine.ops.doctor.needs import lives_here

SLOW_LOOK_UP = 1.0
NEAR_FULL, FULL = 1 << 30, 100 << 20
"""Free bytes: below the first somebody should look, below the second dialing is about to stop."""
NETWORKED = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "glusterfs", "ceph", "fuse.sshfs", "9p"}
SQLITE = (3, 35)
"""RETURNING is of 3.35 (sqlite.org/lang_returning.html)."""


def own_name(host: Host) -> Iterable[Finding]:
    """The host's own name resolves: Asterisk looks it up in every SIP call."""
    todo = f"a line in /etc/hosts: 127.0.1.1 {host.hostname}"
    if not any(lives_here(pbx) for pbx in host.settings.pbx.values()):
        yield unknown(
            "whether the PBX's own name resolves there",
            'on the PBX: getent hosts "$(hostname)" answers at once',
        )
    elif host.resolves is None:
        yield error(
            f"the host's own name, {host.hostname}, does not resolve: Asterisk looks it up in each SIP call, and each waits 19 seconds",
            todo,
            "/etc/hosts",
        )
    elif host.resolves > SLOW_LOOK_UP:
        yield error(
            f"the host's own name takes {host.resolves:.1f} s to resolve: each SIP call waits for it",
            todo,
            "/etc/hosts",
        )


def directories(host: Host) -> Iterable[Finding]:
    """The engine may write where it must."""
    yield from denied(host.access)


def secrets(host: Host) -> Iterable[Finding]:
    """Secrets of AMI and of hooks are there, and for nobody else's eyes."""
    for name, why in host.secrets.items():
        yield error(why, "see docs/settings.md", name)


def open_files(host: Host) -> Iterable[Finding]:
    """Settings are not for others to write, secrets and database not for others to read."""
    for path, mode in host.modes.items():
        if path == host.config:
            if mode & 0o022:
                yield error(
                    f"others may write the settings (mode {mode:04o}): caller IDs, trunks, limits",
                    f"chmod 644 {path}",
                    str(path),
                )
        elif mode & 0o077:
            yield error(f"others may read it (mode {mode:04o})", f"chmod 600 {path}", str(path))


def disks(host: Host) -> Iterable[Finding]:
    """There is room to write."""
    for path, free in host.free.items():
        size = f"{free / (1 << 20):,.0f} MB are free"
        if free < FULL:
            yield error(f"{size}: a full disk stops dialing", "make room", str(path))
        elif free < NEAR_FULL:
            yield warning(f"{size}", "make room, or look at what grows", str(path))


def file_system(host: Host) -> Iterable[Finding]:
    """The state directory lies on a local disk."""
    where = str(host.settings.engine.state)
    if host.filesystem in NETWORKED:
        yield error(
            f"{host.filesystem}: SQLite's WAL does not work over a network",
            "a local disk for engine.state",
            where,
        )
    elif host.filesystem == "tmpfs":
        yield error("tmpfs: attempts and opt-outs are gone after a restart", "a disk for engine.state", where)


def sqlite(host: Host) -> Iterable[Finding]:
    """SQLite is new enough."""
    if host.sqlite < SQLITE:
        yield error(
            f"SQLite is {'.'.join(map(str, host.sqlite))}",
            "3.35 or newer: a newer Python, or a newer libsqlite3",
        )


def time_zones(host: Host) -> Iterable[Finding]:
    """Every callee's time zone is known."""
    if not host.zones:
        yield error(
            "the time zones are missing: calling hours cannot be told, and nobody is called", "install tzdata"
        )


def names(host: Host) -> Iterable[Finding]:
    """File names of jobs may be in any script."""
    if host.encoding.replace("-", "").lower() != "utf8":
        yield warning(f"file names are read as {host.encoding}", "LANG=C.UTF-8 for the engine")


def showable(host: Host) -> Iterable[Finding]:
    """There is a number to show, and a country to call."""
    if not host.settings.caller_id:
        yield error(
            "no [[caller_id]]: every call is refused",
            "list the numbers that are proven yours",
            str(host.config),
        )
    if not host.settings.law.countries:
        yield note(
            "law.countries is empty: practice numbers only are dialed",
            'countries = ["FR"], for example',
            str(host.config),
        )
