"""This machine and the engine's files: each thing that can be wrong, one at a time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine.ops.doctor.facts import Access, Severity
from tests.ops.doctor.wellness import of_host, settings, the_one

ERROR, WARNING, NOTE, UNKNOWN = Severity.ERROR, Severity.WARNING, Severity.NOTE, Severity.UNKNOWN


def test_all_is_well(tmp_path: Path) -> None:
    assert of_host(tmp_path) == {}


@pytest.mark.parametrize(
    ("changes", "check", "severity", "words"),
    [
        ({"resolves": None}, "own_name", ERROR, "19 seconds"),
        ({"resolves": 3.2}, "own_name", ERROR, "3.2 s"),
        ({"filesystem": "nfs4"}, "file_system", ERROR, "nfs4"),
        ({"filesystem": "tmpfs"}, "file_system", ERROR, "opt-outs"),
        ({"sqlite": (3, 34, 1)}, "sqlite", ERROR, "3.34.1"),
        ({"zones": False}, "time_zones", ERROR, "time zones"),
        ({"encoding": "ascii"}, "names", WARNING, "ascii"),
        ({"secrets": {"pbx.lab": "the file is empty"}}, "secrets", ERROR, "empty"),
    ],
)
def test_a_fact(tmp_path: Path, changes: dict[str, Any], check: str, severity: Severity, words: str) -> None:
    assert words in the_one(of_host(tmp_path, **changes), check, severity).what


@pytest.mark.parametrize(("free", "severity"), [(10 << 20, ERROR), (500 << 20, WARNING)])
def test_a_disk_that_is_full(tmp_path: Path, free: int, severity: Severity) -> None:
    assert "MB are free" in the_one(of_host(tmp_path, free={tmp_path: free}), "disks", severity).what


@pytest.mark.parametrize(
    ("name", "mode"),
    [("volley.toml", 0o664), ("volley.toml", 0o646), ("secret", 0o640), ("volley.db", 0o604)],
)
def test_files_that_stand_open(tmp_path: Path, name: str, mode: int) -> None:
    assert (
        f"{mode:04o}" in the_one(of_host(tmp_path, modes={tmp_path / name: mode}), "open_files", ERROR).what
    )


def test_a_directory_that_the_engine_may_not_write(tmp_path: Path) -> None:
    access = Access("engine.queue", tmp_path, "the engine (volley)", "write", False, "mode 0755, owner root")
    assert "owner root" in the_one(of_host(tmp_path, access=(access,)), "directories", ERROR).what


def test_nothing_to_show_and_nowhere_to_call(tmp_path: Path) -> None:
    found = of_host(tmp_path, settings=settings(tmp_path, caller_id=[], law={}))
    assert [one.severity for one in found["showable"]] == [ERROR, NOTE]


def test_the_name_of_a_pbx_elsewhere_is_unknown(tmp_path: Path) -> None:
    pbx = {"lab": {"host": "192.0.2.7", "secret_env": "X", "sounds_dir": tmp_path}}
    assert (
        "getent" in the_one(of_host(tmp_path, settings=settings(tmp_path, pbx=pbx)), "own_name", UNKNOWN).todo
    )
