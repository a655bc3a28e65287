"""`volley lab`: a thin door to the lab, which may not be there."""

from __future__ import annotations

import json
import os
import site
import subprocess
import sys
from pathlib import Path

import engine
from tests.cli.conftest import Volley


def test_status_of_a_lab_that_was_never_made(volley: Volley, tmp_path: Path) -> None:
    found = volley("lab", "status", "--dir", str(tmp_path / "lab"), code=1)
    assert "pbx is down" in found.stdout
    table = json.loads(volley("lab", "status", "--dir", str(tmp_path / "lab"), "--json", code=1).stdout)
    assert table["running"] is False


def test_errors_of_the_lab_are_plain(volley: Volley, tmp_path: Path) -> None:
    found = volley("lab", "status", "--dir", str(tmp_path / ("x" * 120)), code=1)
    assert found.stderr.startswith("lab: ")
    assert "this path is too long" in found.stderr


def test_stopping_nothing(volley: Volley, tmp_path: Path) -> None:
    assert "nothing was running" in volley("lab", "down", "--dir", str(tmp_path / "lab")).stderr


def test_without_the_lab_package(tmp_path: Path) -> None:
    """An installation that has only `engine`: the message says where the lab comes from."""
    repository = Path(engine.__file__).parents[1]
    (tmp_path / "engine").symlink_to(repository / "engine")
    code = f"import sys\nsys.path[:] = [{str(tmp_path)!r}] + [p for p in sys.path if p not in ('', {str(repository)!r})]\n"
    code += "from engine.cli import main; main()"
    paths = site.getsitepackages()
    found = subprocess.run(
        [sys.executable, "-S", "-P", "-c", code, "lab", "status"], capture_output=True, text=True, check=False, cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
    )  # fmt: skip
    assert found.returncode == 1
    assert "the practice lab is not installed here" in found.stderr
    assert "Traceback" not in found.stderr
