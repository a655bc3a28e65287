"""The carrier's own count of calls: one CSV line an INVITE, written by its dialplan as the call ends.

Knows that file. Refuses to know what Volley thinks happened; tests hold the two against each other.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

COLUMNS = ("time", "epoch_ms", "dialled", "number", "caller", "call_id", "behaviour", "spoken_ms", "keys")


@dataclass(frozen=True, slots=True)
class CarrierCall:
    """One call as the carrier saw it."""

    time: datetime
    """Arrival of the INVITE, UTC."""
    epoch_ms: int
    dialled: str
    """As it stood in the request."""
    number: str
    """E.164 with +, however it was dialled; as dialled if the call was cancelled before the carrier looked at it."""
    caller: str
    """The calling number shown; empty when none was."""
    call_id: str
    """SIP Call-ID."""
    behaviour: str
    """Two digits; empty for a number that the plan does not have."""
    answered: bool
    spoken_ms: int
    """From the answer to the end, in milliseconds; 0 when not answered."""
    keys: str
    """What the callee pressed, in order."""


def read(path: Path) -> list[CarrierCall]:
    """The calls in a calls.csv, in the order in which they ended; none when the file is not there."""
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as lines:
        rows = csv.DictReader(lines)
        return [
            CarrierCall(
                time=datetime.fromisoformat(row["time"]),
                epoch_ms=int(row["epoch_ms"]),
                dialled=row["dialled"],
                number=f"+{row['number'].lstrip('+')}",
                caller=row["caller"],
                call_id=row["call_id"],
                behaviour=row["behaviour"],
                answered=row["spoken_ms"] != "",
                spoken_ms=int(row["spoken_ms"] or 0),
                keys=row["keys"] or "",
            )
            for row in rows
        ]
