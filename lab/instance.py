"""One Asterisk of the lab: its directory, its files, its process, its console.

Knows how an instance is laid out, started, asked and ended. Refuses to know how many there are and what they say to each other.
"""

from __future__ import annotations

import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from lab import calls, process, render
from lab.errors import LabError
from lab.places import Places
from lab.runtime import Runtime

WRITTEN_BY_ASTERISK = ("log", "run", "db", "spool", "cache", "keys", "recordings")
WRITTEN_BY_US = ("etc", "sounds", "agi")
CORE_SOUNDS = {
    "en": "/usr/share/asterisk/sounds/en_US_f_Allison",
    "fr": "/usr/share/asterisk/sounds/fr_CA_f_June",
}
"""Language -> digits, months and the like, as Debian's packages asterisk-core-sounds-en-gsm and -fr-gsm have them; where they are not,
the say applications are silent."""
START_PATIENCE = 60.0
"""Seconds until an instance must be fully booted; it takes one or two."""


def pid_file(places: Places, name: str) -> Path:
    """Where the process of an instance is noted."""
    return places.dir / f"{name}.pid"


@dataclass(frozen=True, slots=True)
class Asterisk:
    """An instance by its name in a lab, run by `runtime`."""

    name: str
    places: Places
    runtime: Runtime

    @property
    def home(self) -> Path:
        """As Asterisk sees it, and by a link as we do."""
        return self.places.dir / self.name

    @property
    def settings(self) -> Path:
        return self.home / "etc" / "asterisk.conf"

    def lay_out(self) -> None:
        """Make the directories, and give those that Asterisk writes to its user."""
        home = self.runtime.home(self.name)
        for name in WRITTEN_BY_ASTERISK + WRITTEN_BY_US:
            (home / name).mkdir(exist_ok=True)
        if (user := self.runtime.user) is not None:
            for name in WRITTEN_BY_ASTERISK:
                os.chown(home / name, user, user)
            os.chown(home / "etc", -1, user)
        (home / "etc").chmod(0o750)
        link, target = home / "documentation", self.runtime.documentation()
        if target and not (link.is_symlink() and str(link.readlink()) == target):
            link.unlink(missing_ok=True)
            link.symlink_to(target)
        for language, sounds in CORE_SOUNDS.items():
            spoken = home / "sounds" / language
            if not spoken.is_symlink():
                spoken.symlink_to(sounds)
        if self.name == "carrier" and not self.places.calls.exists():
            self.empty_calls()

    def empty_calls(self) -> None:
        """Begin the carrier's count anew."""
        self.places.calls.write_text(",".join(calls.COLUMNS) + "\n", encoding="utf-8")
        if (user := self.runtime.user) is not None:
            os.chown(self.places.calls, user, user)

    def configure(self, instance: render.Instance) -> list[str]:
        """Bring the configuration files up to date; returns what changed."""
        etc = self.home / "etc"
        changed = render.write(etc, render.files(instance))
        for name in changed:
            path = etc / name
            if path.exists():
                path.chmod(0o640)  # manager.d holds the secret
                if (user := self.runtime.user) is not None:
                    os.chown(path, -1, user)
        for folder in etc.rglob("*"):
            if folder.is_dir():
                folder.chmod(0o755)
        return changed

    def running(self) -> int | None:
        """The pid, None when it does not run."""
        return process.running(pid_file(self.places, self.name))

    def start(self) -> None:
        """Start it, without waiting. Raises LabError when the program cannot be started."""
        for left in ("asterisk.ctl", "asterisk.pid"):
            (self.home / "run" / left).unlink(missing_ok=True)
        output = self.home / "log" / "console"
        try:
            self.runtime.clear(self.name)
            process.start(
                self.runtime.start(self.name, ["-f", "-C", str(self.settings)]),
                pid_file(self.places, self.name),
                output,
            )
        except OSError as error:
            raise LabError(f"cannot start Asterisk {self.runtime.version}: {error}") from error

    def wait_until_booted(self) -> None:
        """Return when all modules are loaded. Raises LabError with the end of its log when it dies or takes too long."""
        deadline = time.monotonic() + START_PATIENCE
        while time.monotonic() < deadline:
            if self.running() is None:
                raise LabError(f"the {self.name} ended while starting:\n{self.last_words()}")
            if (self.home / "run" / "asterisk.ctl").exists() and "fully booted" in self.ask(
                "core waitfullybooted"
            ).lower():
                return
            time.sleep(0.05)
        raise LabError(f"the {self.name} is not ready after {START_PATIENCE:.0f} s:\n{self.last_words()}")

    def ask(self, command: str) -> str:
        """What the console answers to `command`; empty when Asterisk does not answer."""
        line = self.runtime.ask(self.name, ["-C", str(self.settings), "-rx", command])
        try:
            return subprocess.run(
                line, capture_output=True, text=True, errors="replace", check=False, timeout=30
            ).stdout
        except subprocess.TimeoutExpired:
            return ""

    def stop(self) -> bool:
        """End it; returns whether it ran."""
        stopped = process.stop(pid_file(self.places, self.name))
        self.runtime.clear(self.name)
        return stopped

    def last_words(self) -> str:
        """The end of its console output and of its log, for an error message."""
        said: list[str] = []
        for name in ("console", "messages"):
            path = self.home / "log" / name
            if path.exists():
                said.extend(path.read_text(encoding="utf-8", errors="replace").splitlines()[-8:])
        return "\n".join(f"  {line}" for line in said) or "  (it wrote nothing)"
