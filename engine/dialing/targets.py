"""Transfer targets as entries of AstDB family `volleytransfer`, read by the dialplan (volley-connect). Knows settings alone."""

from __future__ import annotations

from engine.config import Settings, TransferSettings
from engine.rules.numbers import dial_format

FAMILY = "volleytransfer"


def entries(settings: Settings, pbx: str) -> dict[str, str]:
    """The entries for this PBX. A number whose trunk is on another PBX has none there: nobody is free."""
    found: dict[str, str] = {}
    for name, target in settings.transfer.items():
        values = _way(settings, pbx, target)
        if values is None:
            continue
        values |= {
            "places": str(target.places),
            "waiting": str(target.max_waiting),
            "ring": str(round(target.ring)),
            "max": str(round(target.max_talk + target.ring)),
        }
        found |= {f"{name}/{key}": value for key, value in values.items()}
    return found


def _way(settings: Settings, pbx: str, target: TransferSettings) -> dict[str, str] | None:
    if target.queue is not None:
        return {"queue": target.queue}
    if target.dial is not None:
        return {"dial": target.dial}
    assert target.number is not None
    assert target.trunk is not None
    assert target.caller_id is not None
    trunk = settings.trunk[target.trunk]
    if trunk.pbx != pbx:
        return None
    dialed = trunk.dial.replace("{number}", dial_format(target.number, trunk.number_format))
    return {"dial": dialed, "caller": target.caller_id}
