"""Programs of this machine that the set-up needs, installed by apt-get where we may."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping

from lab.errors import LabError

SEARCH = f"{os.environ.get('PATH', '')}:/usr/local/sbin:/usr/sbin:/sbin"
"""PATH, and where system programs are: an ordinary user's PATH lacks those on Debian."""


def need(programs: Mapping[str, str], say: Callable[[str], None]) -> None:
    """Make sure that each program (key) is there, by installing its Debian package (value).

    Raises LabError, with the command to run, when it is not and we cannot.
    """
    missing = sorted(
        {package for program, package in programs.items() if not shutil.which(program, path=SEARCH)}
    )
    if not missing:
        return
    by_hand = f"apt-get install --no-install-recommends {' '.join(missing)}"
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise LabError(f"missing on this machine: {', '.join(missing)}; as root run: {by_hand}")
    say(f"installing {', '.join(missing)}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "-y", "-q", "--no-install-recommends", *missing]
    done = subprocess.run(install, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:  # most often the package lists are missing or old
        subprocess.run(["apt-get", "update", "-q"], env=environment, capture_output=True, check=False)
        done = subprocess.run(install, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise LabError(f"`{by_hand}` failed: {(done.stderr or done.stdout).strip()[-600:]}")
