"""`python -m bench`: the whole suite, one part after another, and the page that shows it (docs/benchmarks.md).

    python -m bench [--parts alone,pacing] [--long]

Each part is a module of its own with options of its own (`python -m bench.alone --help`). A part that fails is told of, and the
others run all the same. `--long`: a million contacts to take in, and ten million in the database, which needs 10 GB of disk
and half an hour.
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import time
from pathlib import Path

from bench import page, results
from lab.places import REPOSITORY

SHORT: dict[str, list[str]] = {
    "calls": ["--calls", "3000", "--pairs", "5"],
    "alone": ["--calls", "30000", "--rounds", "3", "--stages", "--concurrent", "1000,10000,20000"],
    "pacing": [],
    "intake": ["--sizes", "10000,100000"],
    "size": ["--sizes", "10000,1000000"],
    "startup": ["--contacts", "1000000"],
}
LONG: dict[str, list[str]] = {
    **SHORT,
    "intake": ["--sizes", "10000,100000,1000000"],
    "size": ["--sizes", "10000,1000000,10000000"],
    "startup": ["--contacts", "10000000"],
}


def main(arguments: list[str] | None = None) -> int:
    """Run the parts. Exit code 1 when one of them failed."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--parts", default=",".join(results.PARTS), help="some of them")
    parser.add_argument("--long", action="store_true", help="the sizes that take long")
    parser.add_argument("--dir", type=Path, default=REPOSITORY / "var" / "bench")
    given = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that what was started is stopped
    parts = given.parts.split(",")
    if unknown := set(parts) - set(results.PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(results.PARTS)}")
    failed = []
    for part in parts:
        options = (LONG if given.long else SHORT)[part]
        print(f"\n{part}: python -m bench.{part} {' '.join(options)}", flush=True)
        began = time.monotonic()
        command = [sys.executable, "-m", f"bench.{part}", *options, "--dir", str(given.dir)]
        if subprocess.run(command, check=False, cwd=REPOSITORY).returncode:
            failed.append(part)
        print(f"{part}: {time.monotonic() - began:.0f} s", flush=True)
    page.write(given.dir)
    if failed:
        print(f"failed or worthless: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
