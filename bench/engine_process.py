"""`python -m bench.engine_process`: `volley run` with a probe in its event loop, which notes how late the loop is.

What the probe costs (50 timers a second) counts as the engine's. With `--stages` it also notes how much processor time
each stage of a call takes, which costs more than the stages themselves are worth at times: never for the other figures.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from array import array
from contextlib import suppress
from pathlib import Path

import uvloop

from bench.stages import Stages
from engine.app import Engine
from engine.cli.options import settings_of
from engine.cli.run import collect_seldom
from engine.ops import log
from engine.ops.tally import Tally

EVERY = 0.020
"""Seconds between two looks."""


class Probe:
    """Moments (monotonic) and how late the loop came to them, in seconds."""

    def __init__(self) -> None:
        self.moments = array("d")
        self.late = array("d")

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            asked = time.monotonic()
            await asyncio.sleep(EVERY)
            now = time.monotonic()
            self.moments.append(now)
            self.late.append(now - asked - EVERY)


async def run(given: argparse.Namespace) -> None:
    """The engine, as `volley run` has it, until it is told to stop."""
    settings = settings_of(given.config)
    tally = Tally(settings.metrics.campaigns)
    logger, lines = log.start(settings.log.file, settings.log.level, settings.log.mask_numbers, tally)
    probe, stages = Probe(), Stages() if given.stages else None
    if stages is not None:
        stages.install()
    task = asyncio.create_task(probe.run())
    try:
        await Engine(settings, logger, lines, tally).run()
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        found: dict[str, object] = {"moments": probe.moments.tolist(), "late": probe.late.tolist()}
        if stages is not None:
            found["stages"] = stages.figures()
        given.probe.write_text(json.dumps(found), encoding="utf-8")


def main() -> int:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(prog="python -m bench.engine_process", description=__doc__)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--probe", type=Path, required=True, help="where the probe's notes go, as JSON")
    parser.add_argument("--stages", action="store_true")
    given = parser.parse_args()
    collect_seldom()
    uvloop.run(run(given))
    return 0


if __name__ == "__main__":
    sys.exit(main())
