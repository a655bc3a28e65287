"""Whether an engine is well, for whoever starts it again when it is not: a container's health check, a monitor.

Looks from outside, at what is quick: the lock that a running engine holds, whether it answers, and its books. Refuses to judge PBXs and
campaigns: starting the engine again would help neither.
"""

from __future__ import annotations

from engine.config import Settings
from engine.errors import StoreError
from engine.ops import pulse
from engine.ops.books import engine_pid, reading


def problems(settings: Settings) -> list[str]:
    """What is wrong, in words; empty when the engine is well."""
    found = []
    if engine_pid(settings.engine.state) is None:
        found.append(f"no engine runs on {settings.engine.state}")
    elif (told := pulse.read(settings.engine.state)) is None:
        found.append(
            f"the engine on {settings.engine.state} does not answer within {pulse.PATIENCE:g} s (its own user and root may ask it)"
        )
    elif told.fault:
        found.append(f"the database cannot be written: {told.fault}")
    try:
        with reading(settings.database) as connection:
            connection.execute("SELECT id FROM campaigns LIMIT 1").fetchone()
    except StoreError as error:
        found.append(str(error))
    return found
