"""The process that makes sound: `python -m engine.speech.worker`.

Reads one order (JSON) from standard input, and writes a line of JSON for each item as it is made or refused. A process of
its own, so that reckoning with samples never takes the processor from the loop that dials, and a recording that breaks a
decoder ends nothing but itself. The asking side: `engine.speech.client`.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from engine.errors import SoundError
from engine.restrain import restrain
from engine.speech.order import Item, Made, Order, Refused
from engine.speech.render import render, write
from engine.speech.voice import spoken

MEMORY_BYTES = 16 << 30
"""Address space of this process, and of each command that it starts: neural voices reserve much."""
CPU_SECONDS = 3600


def answer(item: Item, order: Order, scratch: Path) -> Made | Refused:
    """Make one prompt."""
    target = Path(item.target)
    try:
        if isinstance(item.source, str):
            found = render(Path(item.source), target, order.forms, order.level, scratch)
        else:
            cache = None if order.cache is None else Path(order.cache)
            sound = spoken(item.source, scratch, cache, keeps=order.keeps)
            found = write(sound, target, order.forms, order.level, scratch)
    except SoundError as error:
        return Refused(item.key, error.what, error.todo)
    except OSError as error:
        return Refused(item.key, f"cannot be read or written: {error.strerror or error}", "")
    except MemoryError:
        return Refused(item.key, f"it takes more than {MEMORY_BYTES >> 30} GiB of memory", "make it shorter")
    return Made(item.key, found.seconds, found.level, found.warnings)


def main() -> int:
    """Carry out the one order. Returns the exit status."""
    order = Order.from_json(json.loads(sys.stdin.buffer.read()))
    restrain(MEMORY_BYTES, CPU_SECONDS, order.parent)
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a library prints must not get between the lines
    with tempfile.TemporaryDirectory(prefix="volley-sound-") as scratch:
        for item in order.items:
            told = answer(item, order, Path(scratch))
            word = "made" if isinstance(told, Made) else "refused"
            out.write(json.dumps({word: asdict(told)}) + "\n")
            out.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
