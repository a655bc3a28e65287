"""`python -m bench.pbx_sim`: the simulated PBX as a process of its own. Ends at SIGTERM and writes what it counted."""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import signal
import sys
from pathlib import Path

import uvloop

from bench.pbx_sim.behaviour import mix
from bench.pbx_sim.pbx import Session, SimulatedPbx


async def serve(given: argparse.Namespace, secret: str, ways: tuple[str, ...]) -> None:
    """Serve until told to end."""
    loop = asyncio.get_running_loop()
    pbx = SimulatedPbx(secret, ways, given.ring, given.talk, given.spread)
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    server = await loop.create_server(lambda: Session(pbx), "127.0.0.1", given.port)
    print(server.sockets[0].getsockname()[1], flush=True)
    await ended.wait()
    server.close()
    counted = {
        "calls": pbx.serial,
        "most": pbx.most,
        "left": len(pbx.channels),
        "again": sum(times > 1 for times in pbx.dialed.values()),
        "problems": pbx.problems[:20],
        "arrivals": pbx.arrivals.tolist(),
    }
    given.counted.write_text(json.dumps(counted), encoding="utf-8")


def main() -> int:
    """Read the arguments and serve."""
    parser = argparse.ArgumentParser(prog="python -m bench.pbx_sim", description="A simulated PBX.")
    parser.add_argument("--port", type=int, default=0, help="0: any; the first line printed is the port")
    parser.add_argument("--secret-file", type=Path, required=True)
    parser.add_argument(
        "--ways", default="hangs-up-mid-message", help="`person=3,busy=1`: what callees do, in turn"
    )
    parser.add_argument("--ring", type=float, default=0.05, help="seconds from INVITE to answer or refusal")
    parser.add_argument("--talk", type=float, default=0.2, help="seconds from answer to hangup")
    parser.add_argument(
        "--spread", type=float, default=0.0, help="share of themselves by which ring and talk times vary"
    )
    parser.add_argument("--counted", type=Path, required=True, help="where the counts go at the end, as JSON")
    given = parser.parse_args()
    try:
        ways = mix(given.ways)
    except ValueError as error:
        parser.error(str(error))
    gc.freeze()
    uvloop.run(serve(given, given.secret_file.read_text(encoding="utf-8").strip(), ways))
    return 0


if __name__ == "__main__":
    sys.exit(main())
