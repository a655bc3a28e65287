"""The process that hears: `python -m engine.detection.process`.

Reads one request (JSON) from standard input: where to listen, who may ask, how many calls at a time, and whose child it is. Writes
its address as a line of JSON once it listens, its counts every second (a detector that is stuck is known by its silence), and each channel
that turned out to be a machine while its message played. A process of
its own, so that reckoning with samples never takes the processor from the loop that dials. The asking side: `engine.detection.keeper`.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from ipaddress import ip_network
from typing import Any

import uvloop

from engine.detection.server import Detector
from engine.restrain import end_with

TELL_EVERY = 1.0


async def hear(request: dict[str, Any]) -> None:
    """Listen until the end of the process."""
    detector = Detector(
        [ip_network(one) for one in request["allow"]],
        request["most"],
        lambda channel, cause: _tell({"late": channel, "cause": cause}),
    )
    await detector.open(request["host"], request["port"])
    _tell({"address": detector.address})
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(detector.watch())
        while True:
            await asyncio.sleep(TELL_EVERY)
            _tell({"live": detector.live, "heard": detector.heard, "refused": detector.refused})


def main() -> int:
    """Hear. Returns the exit status."""
    request = json.loads(sys.stdin.buffer.read())
    end_with(request["parent"])
    try:
        uvloop.run(hear(request))
    except OSError as error:
        where = f"{request['host']}:{request['port']}"
        sys.stderr.write(f"cannot listen at {where}: {error.strerror or error}\n")
    return 1


def _tell(what: dict[str, Any]) -> None:
    os.write(1, json.dumps(what).encode() + b"\n")


if __name__ == "__main__":
    sys.exit(main())
