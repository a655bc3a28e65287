"""Figures of the benchmarks, as they are kept: one JSON file a part, with the machine and how busy it was.

A part that was measured writes var/bench/<part>.json; `bench.page` gathers them into docs/benchmarks.json, where the
figures of parts that were measured earlier stay.
"""

from __future__ import annotations

import json
import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lab.places import REPOSITORY

KEPT = REPOSITORY / "docs" / "benchmarks.json"
PARTS = ("calls", "alone", "pacing", "intake", "size", "startup")


def keep(directory: Path, part: str, figures: Any) -> Path:
    """Write the figures of a part; returns where."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{part}.json"
    whole = {
        "at": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "machine": f"{os.cpu_count()} processors, Python {platform.python_version()}",
        "load": round(os.getloadavg()[1], 1),
        "figures": figures,
    }
    path.write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")
    return path


def gather(directory: Path) -> dict[str, Any]:
    """All parts: those in `directory`, and for the others what was kept. They are kept from now on."""
    found: dict[str, Any] = json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.exists() else {}
    for part in PARTS:
        path = directory / f"{part}.json"
        if path.exists():
            found[part] = json.loads(path.read_text(encoding="utf-8"))
    KEPT.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return found
