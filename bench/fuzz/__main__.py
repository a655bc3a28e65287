"""`python -m bench.fuzz`, `make fuzz`."""

from __future__ import annotations

import argparse
import sys
import time

from bench.fuzz import asterisk, offline
from bench.fuzz.offline import Smuggled


def main() -> int:
    """Run, and print the tally. 1 when something came through that nobody meant."""
    parser = argparse.ArgumentParser(prog="python -m bench.fuzz", description=__doc__)
    parser.add_argument("--fields", type=int, default=1_000_000, help="how many to make up")
    parser.add_argument("--asterisk", action="store_true", help="on the lab's PBX (python -m lab up)")
    parser.add_argument("--calls", type=int, default=3000, help="with --asterisk: how many Originates")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="for the same run again")
    given = parser.parse_args()
    begun = time.monotonic()
    try:
        tally = (
            asterisk.run(given.calls, given.seed) if given.asterisk else offline.run(given.fields, given.seed)
        )
    except Smuggled as error:
        print(f"seed {given.seed}: {str(error)!a}", file=sys.stderr)
        return 1
    print(
        f"seed {given.seed}: {tally.fields:,} fields in {tally.calls:,} Originates, {tally.refused:,} of them refused;"
        f" {tally.arrived:,} fields of contacts came through as they were, and nothing beside them"
        f" ({time.monotonic() - begun:.1f} s)"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
