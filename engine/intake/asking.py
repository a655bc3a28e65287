"""The asking side of the control door: a request is dropped into the queue directory, and its reply waited for."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any


def send(queue: Path, request: dict[str, Any], name: str) -> Path:
    """Drop a request into the queue directory; returns where its reply will be."""
    folder = queue / "control"
    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / f".{name}.tmp"
    draft.write_text(json.dumps(request, ensure_ascii=False), encoding="utf-8")
    with draft.open("rb") as handle:
        os.fsync(handle.fileno())
    draft.rename(folder / f"{name}.json")
    return folder / "done" / f"{name}.reply.json"


def wait_for(reply: Path, seconds: float) -> dict[str, Any] | None:
    """The reply to a request, or None when the engine did not answer in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if reply.exists():
            found: dict[str, Any] = json.loads(reply.read_text(encoding="utf-8"))
            return found
        time.sleep(0.05)
    return None
