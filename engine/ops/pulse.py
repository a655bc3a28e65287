"""How a running engine fares at one moment, as it tells by itself: what is in no book, because it lasts a second.

Plain values, and their way from the engine to whoever looks: a socket in the state directory (0600), on which each connection is
answered with one JSON document and closed. Nothing is made while nobody asks. Gathered by `engine.meter`.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

SOCKET = "pulse.sock"
PATIENCE = 1.0
"""Seconds that an engine has to answer; one that is busier than that is not asked again and again."""
MOST_BYTES = 16 << 20
STATES = ("claimed", "sent", "ringing", "up")
"""What a call that lives can be."""


@dataclass(frozen=True, slots=True)
class TrunkPulse:
    """A trunk at work."""

    name: str
    pbx: str
    state: str
    """`up`; `down`: no link to its PBX; or what stands against dialing by it."""
    live: int
    max_channels: int
    queued: int
    """Claimed and not yet written."""
    cps: float
    begun: int
    """Calls claimed for it since the start."""


@dataclass(frozen=True, slots=True)
class PbxPulse:
    """The link to a PBX."""

    name: str
    up: bool
    unacknowledged: int
    """Originates of which nothing was heard yet."""


@dataclass(frozen=True, slots=True)
class CampaignPulse:
    """A campaign that is not over."""

    name: str
    state: str
    live: int
    throttle: str
    """What its share of abandoned calls means for it: `free`, `slowed`, `stopped`."""


@dataclass(frozen=True, slots=True)
class Times:
    """A histogram: counts by upper bound in seconds, the last one without a bound."""

    bounds: tuple[float, ...]
    counts: tuple[int, ...]
    total: float


@dataclass(frozen=True, slots=True)
class Pulse:
    """Everything at one moment. Counts are since the start."""

    at: float
    version: str
    started: float
    calls: dict[str, int]
    """Live calls by state."""
    live: int
    max_channels: int
    cps: float
    begun: int
    trunks: tuple[TrunkPulse, ...]
    pbxs: tuple[PbxPulse, ...]
    campaigns: tuple[CampaignPulse, ...]
    acknowledged: Times
    """From the writing of an Originate to the first that was heard of it."""
    committed: Times
    lagged: Times
    """By how much the event loop woke too late."""
    unstored: int
    """Ends of calls that are not committed yet."""
    fault: str
    """Why the database cannot be written; empty while all is well."""
    troubles: tuple[dict[str, str], ...]
    """The last lines of level warning and error: time, level, event, text."""

    def json(self) -> bytes:
        return json.dumps(asdict(self), ensure_ascii=False, separators=(",", ":")).encode()


def of_json(text: bytes) -> Pulse:
    """A pulse as it was told. Raises ValueError, KeyError or TypeError where it is of another version."""
    table: dict[str, Any] = json.loads(text)
    for key in ("acknowledged", "committed", "lagged"):
        one = table[key]
        table[key] = Times(tuple(one["bounds"]), tuple(one["counts"]), one["total"])
    table["trunks"] = tuple(TrunkPulse(**one) for one in table["trunks"])
    table["pbxs"] = tuple(PbxPulse(**one) for one in table["pbxs"])
    table["campaigns"] = tuple(CampaignPulse(**one) for one in table["campaigns"])
    table["troubles"] = tuple(table["troubles"])
    return Pulse(**table)


def read(state: Path) -> Pulse | None:
    """What the engine on this state directory tells now; None when none runs, it does not answer, or may not be asked."""
    try:
        with _address(state) as address, socket.socket(socket.AF_UNIX) as link:
            link.settimeout(PATIENCE)
            link.connect(address)
            found = bytearray()
            while piece := link.recv(1 << 16):
                found += piece
                if len(found) > MOST_BYTES:
                    return None
        return of_json(bytes(found))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def listen(state: Path) -> socket.socket:
    """The socket on which an engine tells; only its own user may ask. Raises OSError."""
    link = socket.socket(socket.AF_UNIX)
    try:
        with _address(state) as address:
            (state / SOCKET).unlink(missing_ok=True)  # of an engine that was killed; the state's lock is ours
            os.fchmod(link.fileno(), 0o600)  # before it has a name: nobody gets in between
            link.bind(address)
        link.listen(8)
        link.setblocking(False)
    except OSError:
        link.close()
        raise
    return link


@contextmanager
def _address(state: Path) -> Iterator[str]:
    """A name of the socket that is short enough, however long the state directory's is: 108 bytes are all (unix(7))."""
    folder = os.open(state, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{SOCKET}"
    finally:
        os.close(folder)
