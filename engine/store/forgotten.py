"""People who were forgotten: their data is gone from every row, and their number stays suppressed by a keyed hash.

What is left of a number is the first 16 bytes of its HMAC-SHA-256 (RFC 2104, truncated as its section 5 allows), under
a key that lies beside the database in a file of its own. Without that key nobody can try numbers against the hashes;
so it must be kept as long as the database, and backed up apart from it. A key that is missing or is another one is an
error, never an empty list: the first entry is the hash of no number at all, by which the key is known again.

Knows hashes. What is erased: `engine.store.erasure`.
"""

from __future__ import annotations

import hmac
import os
import secrets
import sqlite3
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path

from engine.errors import KeyMissing

KEY_FILE = "forget.key"
KEY_BYTES = 32
"""As many as SHA-256 gives: RFC 2104, section 3."""
DIGEST_BYTES = 16
_PROOF = ""
"""What the entry that proves the key is the hash of."""

_keys: dict[Path, tuple[tuple[int, int, int], bytes]] = {}


def digest(key: bytes, e164: str) -> bytes:
    """What is left of a number (+ and digits)."""
    return hmac.digest(key, e164.encode("ascii"), "sha256")[:DIGEST_BYTES]


def make_key(state: Path) -> None:
    """Make the key of this state directory durable, if there is none. Raises OSError."""
    path = state / KEY_FILE
    draft = state / f".{KEY_FILE}.tmp"
    if path.exists():
        return
    draft.unlink(missing_ok=True)
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "wb") as stream:
        stream.write(secrets.token_bytes(KEY_BYTES))
        stream.flush()
        os.fsync(handle)
    draft.rename(path)
    folder = os.open(state, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _key(connection: sqlite3.Connection) -> bytes:
    """The key beside this database, proven. Raises KeyMissing."""
    (file,) = connection.execute("SELECT file FROM pragma_database_list WHERE name = 'main'").fetchone()
    path = Path(file).with_name(KEY_FILE) if file else Path(KEY_FILE)
    try:
        status = path.stat()
        mark = (status.st_ino, status.st_mtime_ns, status.st_mode)
        held = _keys.get(path)
        key = held[1] if held is not None and held[0] == mark else path.read_bytes()
    except OSError as error:
        raise KeyMissing(
            f"{path}: the key that people who were forgotten are known by cannot be read ({error.strerror});"
            " put it back from its backup: no new number is taken without it"
        ) from error
    if status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise KeyMissing(f"{path}: others may read this key; chmod 600 {path}")
    proof = connection.execute("SELECT 1 FROM forgotten WHERE digest = ?", (digest(key, _PROOF),)).fetchone()
    if len(key) != KEY_BYTES or (proof is None and any_forgotten(connection)):
        raise KeyMissing(
            f"{path}: this is not the key that people were forgotten with; put that one back from its backup"
        )
    _keys[path] = (mark, key)
    return key


def any_forgotten(connection: sqlite3.Connection) -> bool:
    """Was anybody ever forgotten?"""
    return connection.execute("SELECT 1 FROM forgotten LIMIT 1").fetchone() is not None


def is_forgotten(connection: sqlite3.Connection, e164: str) -> bool:
    """Is this the number of somebody who was forgotten? Raises KeyMissing."""
    if not any_forgotten(connection):
        return False
    wanted = digest(_key(connection), e164)
    return connection.execute("SELECT 1 FROM forgotten WHERE digest = ?", (wanted,)).fetchone() is not None


def remember(connection: sqlite3.Connection, e164: str, actor: str, reason: str, now: float) -> None:
    """Keep the hash of this number. The key must have been made (`make_key`). Raises KeyMissing."""
    key = _key(connection)
    connection.executemany(
        "INSERT OR IGNORE INTO forgotten (digest, at, actor, reason) VALUES (?, ?, ?, ?)",
        [(digest(key, _PROOF), now, "", "proof of the key"), (digest(key, e164), now, actor, reason)],
    )


def born(connection: sqlite3.Connection, numbers: Mapping[str, int]) -> None:
    """Numbers (e164 -> id) have come into the database: those whose person was forgotten are suppressed from the start. Raises
    KeyMissing."""
    if not numbers or not any_forgotten(connection):
        return
    key = _key(connection)
    connection.executemany(
        "INSERT OR IGNORE INTO suppression (number_id, since, reason, source, actor)"
        " SELECT ?, at, 'forgotten', 'forgotten', actor FROM forgotten WHERE digest = ?",
        [(found, digest(key, e164)) for e164, found in numbers.items()],
    )


def lift(connection: sqlite3.Connection, e164: Sequence[str]) -> int:
    """These people may be called again: drop their hashes. Returns how many there were. Raises KeyMissing."""
    if not any_forgotten(connection):
        return 0
    key = _key(connection)
    return sum(
        connection.execute("DELETE FROM forgotten WHERE digest = ?", (digest(key, one),)).rowcount
        for one in e164
    )
