"""The audit log: who changed what, when and why, in rows that are chained by their hashes.

`append` is called with the connection of the change that it records, inside the same transaction: there is no
change without its entry, and no entry of a change that was rolled back. The table refuses UPDATE and DELETE; who
gets round that (another program, another schema) breaks the chain, which `engine.ops.audit` walks. A tail that was
cut off breaks nothing; it shows against a head (last id and hash) that was written down elsewhere, so the engine
logs its head.

Knows rows and hashes. Refuses to know people: an entry cannot be erased, so it must not name anybody who may ask
for that. Numbers stand by their id, and what looks like one in a text is masked.
"""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Action(StrEnum):
    """What can be recorded. Stable: stored, and asked for by `volley audit list --action`."""

    CAMPAIGN_ACCEPTED = "campaign.accepted"
    CAMPAIGN_STARTED = "campaign.started"
    CAMPAIGN_PAUSED = "campaign.paused"
    CAMPAIGN_RESUMED = "campaign.resumed"
    CAMPAIGN_CANCELLED = "campaign.cancelled"
    CAMPAIGN_COMPLETED = "campaign.completed"
    CAMPAIGN_STOPPED = "campaign.stopped"
    """By a rule, such as too many abandoned calls."""
    CAMPAIGN_CHANGED = "campaign.changed"
    """Its rate, channels, hours or priority, while it was there."""
    CAMPAIGN_TESTED = "campaign.tested"
    """A test call was asked for."""
    DIALING_STOPPED = "dialing.stopped"
    DIALING_QUIET = "dialing.quiet"
    """Nothing is dialed until an instant."""
    DIALING_RESUMED = "dialing.resumed"
    CONTACTS_ADDED = "contacts.added"
    CONTACTS_REMOVED = "contacts.removed"
    SUPPRESSION_ADDED = "suppression.added"
    SUPPRESSION_REMOVED = "suppression.removed"
    LIST_IMPORTED = "list.imported"
    LIST_DROPPED = "list.dropped"
    NUMBER_FORGOTTEN = "number.forgotten"
    CONTACTS_PURGED = "contacts.purged"
    NUMBERS_PURGED = "numbers.purged"
    JOBS_PURGED = "jobs.purged"
    HOOK_RESENT = "hook.resent"
    SETTINGS_CHANGED = "settings.changed"
    TRUNK_DRAINED = "trunk.drained"
    TRUNK_RESUMED = "trunk.resumed"
    EMERGENCY_APPROVED = "emergency.approved"
    ENGINE_STARTED = "engine.started"
    ENGINE_STOPPED = "engine.stopped"
    ENGINE_UNCLEAN = "engine.unclean"
    """The run before this one did not end in order: killed, or the machine went down."""
    AUDIT_VERIFIED = "audit.verified"


ENGINE = "engine"
"""The actor of what nobody asked for: starts, ends, completions."""
CALLEE = "callee"
"""The actor of an opt-out."""

_FIXED = struct.Struct(">qd")
_LENGTH = struct.Struct(">I")
GENESIS = bytes(32)
"""What the first row has in place of a previous hash."""


@dataclass(frozen=True, slots=True)
class Head:
    """The newest row: its id and hash. Written down elsewhere, it proves that no row up to it is missing."""

    id: int
    hash: bytes

    def __str__(self) -> str:
        return f"{self.id}:{self.hash.hex()}"


EMPTY = Head(0, GENESIS)
"""The head of a log without rows."""


def digest(previous: bytes, row: int, at: float, *texts: bytes) -> bytes:
    """A row's hash: SHA-256 over the previous hash, the id (8 bytes), the instant (IEEE 754, 8 bytes), and actor,
    action, subject and details, each in UTF-8 with its length in bytes (4 bytes) before it; all big-endian. No two
    rows have the same encoding."""
    parts = [previous, _FIXED.pack(row, at)]
    for text in texts:
        parts += (_LENGTH.pack(len(text)), text)
    return hashlib.sha256(b"".join(parts)).digest()


def append(
    connection: sqlite3.Connection,
    action: Action,
    now: float,
    *,
    actor: str,
    subject: str,
    details: Mapping[str, Any] | None = None,
) -> Head:
    """Add an entry within the caller's transaction; returns the new head. `details` is anything that JSON takes.

    Raises sqlite3.IntegrityError when the table does not take it as its next row.
    """
    last = head(connection)
    row = last.id + 1
    texts = [clean(actor), str(action), clean(subject), canonical(details or {})]
    new = Head(row, digest(last.hash, row, float(now), *(text.encode() for text in texts)))
    connection.execute(
        "INSERT INTO audit (id, at, actor, action, subject, details, previous, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (row, float(now), *texts, last.hash, new.hash),
    )
    return new


def head(connection: sqlite3.Connection) -> Head:
    """The newest row; id 0 while there is none."""
    found = connection.execute("SELECT id, hash FROM audit ORDER BY id DESC LIMIT 1").fetchone()
    return EMPTY if found is None else Head(*found)


def canonical(details: Mapping[str, Any]) -> str:
    """`details` as JSON with sorted keys and no blanks, telephone numbers masked: the same content gives the same
    text."""
    return clean(
        json.dumps(details, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    )


_E164 = re.compile(r"\+[1-9][0-9]{6,14}(?![0-9])")
_NUMBER = re.compile(r"(?:\+|\b)[0-9](?:[ ./()\-]{0,2}[0-9]){6,16}\b")
_DATE = re.compile(r"[12][0-9]{3}-[01][0-9]-[0-3][0-9]")


def masked(text: str) -> str:
    """What a person wrote, with everything that looks like a telephone number masked; a date stays. Not for texts
    with identifiers in them."""
    return _NUMBER.sub(lambda found: found[0] if _DATE.fullmatch(found[0]) else _mask(found), text)


def _mask(found: re.Match[str]) -> str:
    digits = "".join(sign for sign in found[0] if sign.isdigit())
    return f"{'+' if found[0][0] == '+' else ''}{digits[:3]}••{digits[-2:]}"


def clean(text: str) -> str:
    """`text` as it can be stored for good: E.164 numbers masked, half characters (lone surrogates) replaced."""
    return _E164.sub(_mask, text.encode("utf-8", "replace").decode())
