"""How the hooks fare: what waits for each receiver, what it took, and what was given up."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from engine.config import Settings
from engine.errors import InputError, Problem
from engine.hook_settings import HookSettings
from engine.ops.books import snapshot

State = Literal["ok", "failing", "gone", "not in settings", "new"]


@dataclass(frozen=True, slots=True)
class Hook:
    """One hook. Instants in POSIX seconds."""

    name: str
    target: str
    """Where its events go; empty when it is not in the settings any more."""
    state: State
    pending: int
    oldest_at: float | None
    """When the oldest event that waits came to be."""
    delivered: int
    failed: int
    """Given up."""
    dropped: int
    """Never told: too many waited, or it had waited too long."""
    delivered_at: float | None
    error: str
    """The last one."""
    error_at: float | None


@dataclass(frozen=True, slots=True)
class Failed:
    """An event that was given up."""

    id: str
    event: str
    subject: int
    """The attempt, contact, callback, number or campaign that it told of: an id of the database."""
    at: float
    tries: int
    failed_at: float
    error: str


_LIST = """
SELECT h.name, h.id, (SELECT count(*) FROM hook_outbox WHERE hook_id = h.id),
       (SELECT at FROM hook_outbox WHERE hook_id = h.id ORDER BY id LIMIT 1),
       h.delivered, h.failed, h.dropped, h.delivered_at, h.error, h.error_at, h.gone_at
FROM hooks h ORDER BY h.name
"""
_FAILED = """
SELECT lower(hex(f.key)), f.event, f.subject, f.at, f.tries, f.failed_at, f.error
FROM hook_failed f JOIN hooks h ON h.id = f.hook_id WHERE h.name = ? ORDER BY f.failed_at DESC, f.id DESC LIMIT ?
"""


def look(settings: Settings) -> list[Hook]:
    """Every hook of the settings, and those that left them and of which something is known. Raises StoreError."""
    with snapshot(settings.database) as connection:
        rows = connection.execute(_LIST).fetchall()
    known = [_hook(row, settings.hook.get(row[0])) for row in rows]
    new = [
        Hook(name, target(hook), "new", 0, None, 0, 0, 0, None, "", None)
        for name, hook in settings.hook.items()
        if name not in {one.name for one in known}
    ]
    return sorted([*known, *new], key=lambda one: one.name)


def _hook(row: sqlite3.Row, settings: HookSettings | None) -> Hook:
    name, _, pending, oldest, delivered, failed, dropped, delivered_at, error, error_at, gone_at = row
    state: State = "ok"
    if settings is None:
        state = "not in settings"
    elif gone_at is not None:
        state = "gone"
    elif error_at is not None and error_at > (delivered_at or 0.0):
        state = "failing"
    aim = "" if settings is None else target(settings)
    return Hook(name, aim, state, pending, oldest, delivered, failed, dropped, delivered_at, error, error_at)


def failed(database: Path, name: str, limit: int) -> list[Failed]:
    """What was given up of a hook, the latest first. Raises StoreError, and InputError when no such hook is known."""
    with snapshot(database) as connection:
        if connection.execute("SELECT 1 FROM hooks WHERE name = ?", (name,)).fetchone() is None:
            raise InputError([Problem("hook", f"there is no hook {name!r}", "see `volley hooks`")])
        return [Failed(*row) for row in connection.execute(_FAILED, (name, limit)).fetchall()]


def target(hook: HookSettings) -> str:
    """Where events go: the address without its path, which may be as good as a password; or the program."""
    return f"{hook.address.scheme}://{hook.address.netloc}" if hook.url is not None else hook.command[0]
