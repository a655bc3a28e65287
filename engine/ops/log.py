"""Structured logs: one JSON object a line, constant event names, numbers masked.

On a terminal the lines are pretty; in a file or a pipe they are JSON (orjson). A file that was rotated away is
opened again at the next line. Line breaks inside values are escaped by JSON, so nobody's data can forge a line.

What is logged in one round of the event loop is written at its end, together: the ends of some dozen calls that shared a
commit are one write. An error is written at once, and so is what is logged outside of the loop.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import logging
import os
import sys
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import orjson
import structlog

CAMPAIGN_ACCEPTED: Final = "campaign.accepted"
CAMPAIGN_REJECTED: Final = "campaign.rejected"
CAMPAIGN_STARTED: Final = "campaign.started"
CAMPAIGN_PAUSED: Final = "campaign.paused"
CAMPAIGN_RESUMED: Final = "campaign.resumed"
CAMPAIGN_THROTTLED: Final = "campaign.throttled"
CAMPAIGN_CHANGED: Final = "campaign.changed"
CAMPAIGN_CANCELLED: Final = "campaign.cancelled"
CAMPAIGN_COMPLETED: Final = "campaign.completed"
DIALING_STOPPED: Final = "dialing.stopped"
DIALING_QUIET: Final = "dialing.quiet"
DIALING_RESUMED: Final = "dialing.resumed"
TTS_FAILED: Final = "tts.failed"
CONTACT_UNSPOKEN: Final = "contact.unspoken"
SOUNDS_MISSING: Final = "sounds.missing"
SOUNDS_REFUSED: Final = "sounds.refused"
PROMPT_POOR: Final = "prompt.poor"
CONTACTS_ADDED: Final = "contacts.added"
CONTACTS_REMOVED: Final = "contacts.removed"
CONTACT_SUPPRESSED: Final = "contact.suppressed"
CONTACT_REFUSED: Final = "contact.refused"
CONTROL_DONE: Final = "control.done"
CONTROL_REJECTED: Final = "control.rejected"
CALL_REQUESTED: Final = "call.requested"
CALL_ORIGINATED: Final = "call.originated"
CALL_ANSWERED: Final = "call.answered"
CALL_ENDED: Final = "call.ended"
CALL_TAKEN_UP: Final = "call.taken_up"
QUEUE_STAFFED: Final = "queue.staffed"
OPTOUT_RECORDED: Final = "optout.recorded"
CALLBACK_SCHEDULED: Final = "callback.scheduled"
RECORDINGS_DELETED: Final = "recordings.deleted"
RECORDINGS_KEPT: Final = "recordings.kept"
CONTACTS_PURGED: Final = "contacts.purged"
NUMBERS_PURGED: Final = "numbers.purged"
JOBS_PURGED: Final = "jobs.purged"
JOBS_KEPT: Final = "jobs.kept"
CALLBACK_MISSED: Final = "callback.missed"
OPTOUT_UNREADABLE: Final = "optout.unreadable"
INBOUND_MUTE: Final = "inbound.mute"
SUPPRESSION_CHANGED: Final = "suppression.changed"
LIST_IMPORTED: Final = "list.imported"
LIST_DROPPED: Final = "list.dropped"
LIST_DAMAGED: Final = "list.damaged"
LIST_REPAIRED: Final = "list.repaired"
PERSON_FORGOTTEN: Final = "person.forgotten"
TRUNK_OPENED: Final = "trunk.breaker_opened"
TRUNK_HALF_OPEN: Final = "trunk.breaker_half_open"
TRUNK_CLOSED: Final = "trunk.breaker_closed"
TRUNK_DRAINED: Final = "trunk.drained"
TRUNK_RESUMED: Final = "trunk.resumed"
SETTINGS_CHANGED: Final = "settings.changed"
HOOK_DELIVERED: Final = "hook.delivered"
HOOK_FAILED: Final = "hook.failed"
HOOK_DROPPED: Final = "hook.dropped"
HOOK_RECOVERED: Final = "hook.recovered"
AUDIT_HEAD: Final = "audit.head"
AUDIT_BROKEN: Final = "audit.broken"
DETECTOR_STARTED: Final = "detector.started"
DETECTOR_LOST: Final = "detector.lost"
AMI_CONNECTED: Final = "ami.connected"
AMI_LOST: Final = "ami.lost"
AMI_FAILED: Final = "ami.failed"
AMI_RECONCILED: Final = "ami.reconciled"
STORE_FAILED: Final = "store.failed"
STORE_RECOVERED: Final = "store.recovered"
STORE_OLDER: Final = "store.older_than_pbx"
CLOCK_JUMPED: Final = "clock.jumped"
ENGINE_STARTED: Final = "engine.started"
ENGINE_UNCLEAN: Final = "engine.unclean"
ENGINE_STOPPING: Final = "engine.stopping"
ENGINE_STOPPED: Final = "engine.stopped"
ENGINE_FAULT: Final = "engine.fault"

Log = Any
"""A bound structlog logger: `log.info(EVENT, key=value)`."""
Processor = Callable[[Any, str, dict[str, Any]], dict[str, Any]]
"""What sees a line on its way: (logger, method, line) -> line."""

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
_LEVEL_NAMES = {"warn": "warning", "exception": "error"}
_NUMBERS = ("number", "caller_id")


class Lines:
    """Appends lines to a file, opened again when it was renamed or removed (logrotate without copytruncate)."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._fd = 1 if path is None else self._open(path)
        self._inode = os.fstat(self._fd).st_ino
        self._waiting: deque[bytes] = deque()

    @staticmethod
    def _open(path: Path) -> int:
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)

    def reopen(self) -> None:
        """Follow a rotation: cheap, called once a second by the engine."""
        if self._path is None:
            return
        try:
            if self._path.stat().st_ino == self._inode:
                return
        except FileNotFoundError:
            pass
        old, self._fd = self._fd, self._open(self._path)
        self._inode = os.fstat(self._fd).st_ino
        os.close(old)

    def msg(self, line: bytes) -> None:
        """Write one line, at the end of this round of the event loop."""
        self._waiting.append(line)
        if len(self._waiting) == 1:
            try:
                asyncio.get_running_loop().call_soon(self.flush)
            except RuntimeError:  # no loop runs here
                self.flush()

    def at_once(self, line: bytes) -> None:
        """Write one line now, behind those that wait."""
        self._waiting.append(line)
        self.flush()

    def flush(self) -> None:
        """Write what waits. A full disk must not stop a call: what cannot be written is dropped."""
        lines: list[bytes] = []
        with contextlib.suppress(IndexError):
            while True:
                lines.append(self._waiting.popleft())
        if lines:
            lines.append(b"")
            with contextlib.suppress(OSError):
                os.write(self._fd, b"\n".join(lines))

    log = debug = info = warning = msg
    error = critical = exception = at_once


def mask(number: str) -> str:
    """`+33199001042` -> `+3319900••42`: enough to recognise, not enough to call."""
    return f"{number[:-4]}••{number[-2:]}" if len(number) > 6 else "••"


def _mask_numbers(_: Any, __: str, event: dict[str, Any]) -> dict[str, Any]:
    for name in _NUMBERS:
        value = event.get(name)
        if isinstance(value, str):
            event[name] = mask(value)
    return event


def _json(mask_numbers: bool, tally: Processor | None, floor: int) -> Callable[[Any, str, Any], bytes]:
    """The last and only processor of a line of JSON: a call's end is logged thousands of times a second, and a chain of small ones
    costs as much as the rest of it. What is below `floor` is counted and not written."""

    def render(logger: Any, method: str, event: Any) -> bytes:
        if "exc_info" in event:
            event = dict(structlog.processors.format_exc_info(logger, method, event))
        level = event["level"] = _LEVEL_NAMES.get(method, method)
        event["time"] = datetime.now(UTC)
        if mask_numbers:
            _mask_numbers(logger, method, event)
        if tally is not None:
            tally(logger, method, event)
            if _LEVELS[level] < floor:
                raise structlog.DropEvent
        return orjson.dumps(event, default=str, option=orjson.OPT_UTC_Z)

    return render


class Above:
    """Drops what is below the level that was asked for, after it was counted."""

    def __init__(self, level: str) -> None:
        self._floor = _LEVELS[level]

    def __call__(self, _: Any, __: str, event: dict[str, Any]) -> dict[str, Any]:
        if _LEVELS[event["level"]] < self._floor:
            raise structlog.DropEvent
        return event


def start(
    path: Path | None, level: str, mask_numbers: bool, tally: Processor | None = None
) -> tuple[Log, Lines | None]:
    """The engine's logger, and its file to follow rotations with (None on a terminal). `tally` sees every line from `info`
    up, also those that the level keeps out of the file."""
    floor = _LEVELS[level]
    wrapper = structlog.make_filtering_bound_logger(floor if tally is None else min(floor, logging.INFO))
    if path is None and sys.stdout.isatty():
        processors: list[Any] = [
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
            structlog.processors.format_exc_info,
        ]
        if mask_numbers:
            processors.append(_mask_numbers)
        if tally is not None:
            processors += [tally, Above(level)]
        structlog.configure(
            processors=[*processors, structlog.dev.ConsoleRenderer()],
            wrapper_class=wrapper,
            cache_logger_on_first_use=True,
        )
        return structlog.get_logger().bind(), None
    lines = Lines(path)
    atexit.register(lines.flush)
    structlog.configure(
        processors=[_json(mask_numbers, tally, floor)],
        wrapper_class=wrapper,
        logger_factory=lambda *args: lines,
        cache_logger_on_first_use=True,
    )
    return structlog.get_logger().bind(), lines
