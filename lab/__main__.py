"""`python -m lab up|down|status|prepare|reset [--dir D] [--json]`."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict

from lab import Lab, LabError, Ports, down, prepare, reset, status, up


def main(arguments: list[str] | None = None) -> int:
    """Run one command; exit code 0 done (status: both run), 1 failed (status: not both run), 2 usage."""
    parser = argparse.ArgumentParser(
        prog="python -m lab", description="The practice PBX and carrier, on loopback."
    )
    parser.add_argument("command", choices=("up", "down", "status", "prepare", "reset"))
    parser.add_argument(
        "--dir", help="the lab's directory (default: VOLLEY_LAB_DIR, then var/lab of the repository)"
    )
    parser.add_argument("--json", action="store_true", help="print the state as JSON")
    for name in ("sip", "ami", "rtp"):
        parser.add_argument(f"--{name}-port", type=int, help=f"up: default {getattr(Ports(), name)}")
    given = parser.parse_args(arguments)

    def say(text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    try:
        if given.command == "prepare":
            state = prepare(given.dir, say)
        elif given.command == "up":
            chosen = {
                name: value
                for name in ("sip", "ami", "rtp")
                if (value := getattr(given, f"{name}_port")) is not None
            }
            state = up(given.dir, Ports(**chosen) if chosen else None, say)
        else:
            if given.command == "down" and not down(given.dir, say):
                say("nothing was running")
            elif given.command == "reset":
                reset(given.dir)
            state = status(given.dir)
    except LabError as error:
        say(f"lab: {error}")
        return 1
    print(json.dumps(asdict(state), default=str, indent=2) if given.json else shown(state))
    return 1 if given.command == "status" and not state.running else 0


def shown(state: Lab) -> str:
    """The state for a person."""
    pids = ", ".join(
        f"{name} {f'runs (pid {pid})' if pid else 'is down'}" for name, pid in state.pids.items()
    )
    return f"""lab in {state.dir}: {pids}
Asterisk {state.asterisk or "(none prepared)"} from {state.found_in or "-"}, as {state.runs_as or "-"}
AMI {state.pbx_address}:{state.ports.ami}, secret in {state.secret_file}; trunk `carrier` {state.carrier_address}:{state.ports.sip}, \
trunk `bench` {state.bench_address}:{state.ports.sip}
engine settings {state.settings}"""


if __name__ == "__main__":
    sys.exit(main())
