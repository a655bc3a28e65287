"""The asking side of the process that makes sound: gives what it tells types."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from pathlib import Path

import orjson

from engine.child import child, how
from engine.errors import VolleyError
from engine.speech.order import Item, Made, Order, Refused

SILENCE = 900.0
"""Longest wait, in seconds, for the next prompt."""
_LAST_WORDS = 2_000


async def made(
    items: Sequence[Item],
    forms: Sequence[str],
    level: float | None,
    *,
    cache: Path | None = None,
    keeps: bool = False,
) -> AsyncGenerator[Made | Refused]:
    """Each prompt, as it is made or refused. `cache` has what was spoken before; `keeps`: and takes what is spoken now.
    Raises VolleyError when the process broke.

    Close the generator (`contextlib.aclosing`): the process ends with it.
    """
    if not items:
        return
    held = None if cache is None else str(cache)
    order = Order(tuple(items), tuple(forms), level, os.getpid(), held, keeps)
    missing = {item.key for item in items}
    async with child("engine.speech.worker", orjson.dumps(order.to_json())) as process:
        try:
            async with aclosing(process.messages(SILENCE)) as messages:
                async for message in messages:
                    told = _told(message)
                    missing.discard(told.key)
                    yield told
        except TimeoutError as error:
            raise VolleyError(f"the process that makes sound said nothing for {SILENCE:g} seconds") from error
        status, words = await process.ended()
    if status or missing:
        raise VolleyError(
            f"the process that makes sound {how(status)} before it was done"
            + (f"; its last words:\n{words[-_LAST_WORDS:]}" if words else "")
        )


def _told(message: dict[str, dict[str, object]]) -> Made | Refused:
    if "made" in message:
        found = Made(**message["made"])  # type: ignore[arg-type]
        return Made(found.key, found.seconds, found.level, tuple(found.warnings))
    return Refused(**message["refused"])  # type: ignore[arg-type]
