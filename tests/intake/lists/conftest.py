"""A build as the list process runs it, and the list files that come of it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from engine.intake.lists.builder import Build
from engine.intake.lists.rows import ListLimits
from engine.intake.lists.task import Task
from engine.store.list_file import open_list, read_blocks


@dataclass
class Lists:
    """List files in a folder, and builds that add to them."""

    folder: Path

    def file(self, name: str, content: str | bytes) -> str:
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return str(path)

    def build(
        self, *files: str, version: int = 1, limits: ListLimits | None = None, **given: Any
    ) -> dict[str, Any]:
        """Build a version of `registry`, on the one before it."""
        base = self.folder / f"registry.{version - 1}.list"
        table: dict[str, Any] = {
            "region": "US", "jurisdiction": "US", "name": "registry", "date": f"2026-11-0{version}",
            "base": str(base) if base.exists() else None, "actor": "anna", "reason": "monthly", "at": 1.0,
        }  # fmt: skip
        task = Task(files=files, folder=str(self.folder), version=version, **{**table, **given})
        return Build(task, limits or ListLimits(), lambda message: None).run()

    def plain(self, *files: str, **given: Any) -> tuple[list[int], dict[str, Any]]:
        """The numbers of files, one by one."""
        told: list[dict[str, Any]] = []
        task = Task(files=files, folder=str(self.folder), **{"region": "US", **given})
        done = Build(task, ListLimits(), told.append).run()
        return list(chain(*(one.get("numbers", ()) for one in told))), done

    def numbers(self, version: int = 1) -> list[int]:
        connection, _ = open_list(self.folder / f"registry.{version}.list")
        with closing(connection):
            return list(chain(*read_blocks(connection)))

    def left(self) -> list[str]:
        """What lies there beside the lists and what was handed in."""
        return sorted(path.name for path in self.folder.iterdir() if path.name.startswith("."))


@pytest.fixture
def made(tmp_path: Path) -> Lists:
    return Lists(tmp_path)


@pytest.fixture
def plain(made: Lists) -> Callable[..., tuple[list[int], dict[str, Any]]]:
    """Numbers of a file given by its name and content."""

    def read(name: str, content: str | bytes, **given: Any) -> tuple[list[int], dict[str, Any]]:
        return made.plain(made.file(name, content), **given)

    return read
