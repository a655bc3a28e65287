"""`volley install`: the files that a PBX and its host get, laid out below a directory. Touches nothing that exists.

A file that is there already is kept; where it differs, the new one is written beside it (`.new`). The AMI secret is generated once: one
that is there is used. Knows plain Asterisk (Debian's layout) and FreePBX, whose ways Issabel shares.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import subprocess
import sys
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from engine.errors import Problem, SettingsError
from engine.ops.share import share

FAST_FILTERS = (22, 1)
"""From this version on Asterisk has eventfilter(action(include),...)."""
SECRET = "etc/volley/ami.secret"
_VERSION = re.compile(r"(\d+)\.(\d+)")


class Layout(StrEnum):
    """Who writes the PBX's files."""

    PLAIN = "plain"
    FREEPBX = "freepbx"
    ISSABEL = "issabel"


class Outcome(StrEnum):
    """What became of a file."""

    WRITTEN = "written"
    SAME = "same"
    """It is there, and just so."""
    BESIDE = "beside"
    """Another one is there and was kept; the new one lies beside it."""
    BLOCKED = "blocked"
    """Another one is there, and so is a different one beside it. Nothing was written."""


@dataclass(frozen=True, slots=True)
class File:
    """A file to lay out, by its path below the target."""

    path: str
    text: str
    mode: int = 0o644
    beside: str = ".new"
    """Ending of the new one beside one that is kept."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A file, where it is, and what became of it."""

    path: Path
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Installation:
    """What was laid out, and what is left to a person."""

    placed: tuple[Placed, ...]
    steps: tuple[str, ...]

    @property
    def whole(self) -> bool:
        """Every file was written, or is there."""
        return all(one.outcome != Outcome.BLOCKED for one in self.placed)


def asterisk_version() -> str:
    """What `asterisk -V` says on this machine; empty where there is none."""
    program = shutil.which("asterisk", path=f"{os.environ.get('PATH', '')}:/usr/local/sbin:/usr/sbin")
    if program is None:
        return ""
    try:
        done = subprocess.run([program, "-V"], capture_output=True, text=True, check=False, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()


def install(target: Path, layout: Layout, asterisk: str, dry: bool = False) -> Installation:
    """Lay the files out below `target`, or with `dry` only tell. `asterisk`: its version; the newest form of files when empty.

    Raises SettingsError for a version that is none, OSError where nothing can be written.
    """
    placed = tuple(_place(target, file, dry) for file in files(target, layout, asterisk))
    return Installation(placed, steps(layout, placed))


def files(target: Path, layout: Layout, asterisk: str) -> list[File]:
    """Every file, with the secret that is there or a new one."""
    secret = _secret(target / SECRET)
    manager = (share("asterisk-config") / _manager(asterisk)).read_text(encoding="utf-8")
    manager = manager.replace("@VOLLEY_AMI_SECRET@", secret)
    volley = str(Path(sys.executable).with_name("volley"))
    service = _system("volley.service").replace("@VOLLEY@", volley)
    found = [
        File(SECRET, f"{secret}\n", 0o600),
        File("etc/volley/volley.toml", _system("volley.toml")),
        File("etc/systemd/system/volley.service", service),
        File("etc/sysusers.d/volley.conf", _system("volley.sysusers")),
        File("etc/tmpfiles.d/volley.conf", _system("volley.tmpfiles")),
        # logrotate reads every file of its directory but those with such an ending (logrotate(8), tabooext).
        File("etc/logrotate.d/volley", _system("volley.logrotate"), beside=".dpkg-new"),
        *(
            File(f"etc/volley/monitoring/{path.name}", path.read_text(encoding="utf-8"))
            for path in sorted((share("system") / "monitoring").iterdir())
        ),
        File(
            "etc/asterisk/asterisk.conf.d/volley-options.conf", _config("asterisk.conf.d/volley-options.conf")
        ),
        *(
            File(f"etc/asterisk/volley/{path.name}", path.read_text(encoding="utf-8"))
            for path in sorted(share("dialplans").glob("*.conf"))
        ),
    ]
    if layout == Layout.PLAIN:
        found += [
            File("etc/asterisk/manager.d/volley.conf", manager, 0o640),
            File("etc/asterisk/extensions.d/volley.conf", _config("extensions.d/volley.conf")),
            File("etc/asterisk/pjsip.d/volley-trunk.conf.sample", _config("pjsip.d/volley-trunk.conf")),
        ]
    else:
        found.append(File("etc/asterisk/volley-manager.conf", manager, 0o640))
    return found


def steps(layout: Layout, placed: tuple[Placed, ...]) -> tuple[str, ...]:
    """What is left to do, in order."""
    kept = [one for one in placed if one.outcome in {Outcome.BESIDE, Outcome.BLOCKED}]
    manager = "manager.d/volley.conf" if layout == Layout.PLAIN else "volley-manager.conf"
    found = (
        [f"compare what was kept with the new one: {', '.join(str(one.path) for one in kept)}"]
        if kept
        else []
    )
    found += [
        "systemd-sysusers volley.conf && systemd-tmpfiles --create volley.conf",
        f"chown root:asterisk /etc/asterisk/{manager}",
    ]
    if layout == Layout.PLAIN:
        found += [
            'manager.conf: enabled=yes and bindaddr=127.0.0.1 in [general]; at its end #include "manager.d/*.conf" (Debian has it)',
            'extensions.conf, at its end: #include "extensions.d/*.conf"',
            'asterisk.conf, at its end: #include "/etc/asterisk/asterisk.conf.d/volley-options.conf"',
            'no trunk yet? fill in pjsip.d/volley-trunk.conf.sample, name it .conf; pjsip.conf, at its end: #include "pjsip.d/*.conf"',
        ]
    else:
        found += [
            "manager_custom.conf: #include volley-manager.conf",
            "extensions_custom.conf, at its end: #include volley/*.conf",
            "asterisk.conf, at its end: #include /etc/asterisk/asterisk.conf.d/volley-options.conf (and again where it is written anew)",
            "make the trunk in the web interface, with direct media off",
        ]
    return (
        *found,
        "systemctl restart asterisk, when no call lives",
        "/etc/volley/volley.toml: your trunk, the numbers that are proven yours, the countries",
        "volley doctor, and do what it says",
        "systemctl daemon-reload && systemctl enable --now volley",
    )


def _manager(asterisk: str) -> str:
    if not asterisk:
        return "manager.d/volley.conf"
    found = _VERSION.search(asterisk)
    if found is None:
        raise SettingsError(
            [Problem("--asterisk", f"{asterisk!r} is no version of Asterisk", "such as 22.10 or 20.15")]
        )
    fast = (int(found[1]), int(found[2])) >= FAST_FILTERS
    return "manager.d/volley.conf" if fast else "manager.d/volley-asterisk20.conf"


def _secret(path: Path) -> str:
    try:
        there = path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        there = ""
    return there or secrets.token_hex(24)


def _system(name: str) -> str:
    return (share("system") / name).read_text(encoding="utf-8")


def _config(name: str) -> str:
    return (share("asterisk-config") / name).read_text(encoding="utf-8")


def _place(target: Path, file: File, dry: bool) -> Placed:
    path = target / file.path
    if not _there(path):
        return Placed(path, _write(path, file, dry, Outcome.WRITTEN))
    if _holds(path, file.text):
        return Placed(path, Outcome.SAME)
    beside = path.with_name(path.name + file.beside)
    if not _there(beside):
        return Placed(beside, _write(beside, file, dry, Outcome.BESIDE))
    return Placed(beside, Outcome.BESIDE if _holds(beside, file.text) else Outcome.BLOCKED)


def _there(path: Path) -> bool:
    return os.path.lexists(path)


def _holds(path: Path, text: str) -> bool:
    try:
        return path.read_text(encoding="utf-8") == text
    except (OSError, UnicodeDecodeError):
        return False


def _write(path: Path, file: File, dry: bool, outcome: Outcome) -> Outcome:
    """Make the file with its mode from the first byte on; never one that is there."""
    if not dry:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, file.mode)
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            os.fchmod(out.fileno(), file.mode)
            out.write(file.text)
    return outcome
