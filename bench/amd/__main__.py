"""`python -m bench.amd`: answering-machine detection on labelled callees, through the real carrier and the real PBX.

Each callee is called with Volley's own Originate and dialplan. Reported are, for each part: what people and machines were
taken for, with 95 % intervals; the time to the verdict; the time from the end of the greeting to the first audio, and
whether a voicemail has the whole message, both measured on the carrier's recording of what it heard.

    python -m bench.amd                        both parts of the project's own set
    python -m bench.amd --part test --every 8  every eighth callee of one part
    python -m bench.amd --recordings DIR       recordings of your own: DIR/recordings.csv with the columns file,label
    python -m bench.amd --set detector=false   without the detector: by Asterisk's AMD() alone
    python -m bench.amd --set longest=3s       with another setting of [amd]
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

from bench.amd import audio, callees, report, stage
from bench.amd.callees import Callee
from bench.amd.calls import Call
from bench.amd.corpus import PARTS, recipes
from bench.amd.detector import Running, running
from bench.amd.heard import Recording
from bench.amd.score import Figures, Result, result
from lab import packages
from lab.errors import LabError
from lab.places import REPOSITORY

HEARD_EACH = 4
"""Places at the detector for each call: that it hears on is given up when it is half full."""
SETTLING = 1.0
"""Seconds for MixMonitor to finish the last files."""


def main(arguments: list[str] | None = None) -> int:
    """Run; exit code 0 done, 1 failed."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.amd", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--part", choices=(*PARTS, "all"), default="all", help="of the project's own set")
    parser.add_argument(
        "--recordings", type=Path, help=f"a folder with {callees.TABLE} and the files that it names"
    )
    parser.add_argument("--every", type=int, default=1, metavar="N", help="call only every N-th callee")
    parser.add_argument("--channels", type=int, default=40, help="calls at a time")
    parser.add_argument("--cps", type=float, default=8.0, help="new calls a second")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a setting of [amd]")
    parser.add_argument("--dir", type=Path, default=REPOSITORY / "var" / "bench")
    given = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that what was started is stopped
    try:
        packages.need({"espeak-ng": "espeak-ng", "sox": "sox"}, lambda text: print(text, file=sys.stderr))
        chosen = _callees(given)
        with running(HEARD_EACH * given.channels) as detector:
            results = run(
                chosen,
                given.dir.absolute(),
                dict(one.split("=", 1) for one in given.set),
                given.channels,
                given.cps,
                detector,
            )
    except (
        audio.AudioError,
        callees.TableError,
        LabError,
        ConnectionError,
        TimeoutError,
        ValueError,
    ) as error:
        print(f"bench.amd: {error}", file=sys.stderr)
        return 1
    report.write(given.dir.absolute() / "amd" / "calls.csv", results)
    for part in dict.fromkeys(one.callee.part for one in results):
        print(report.text(part, Figures(tuple(one for one in results if one.callee.part == part))))
    print(detector.text)
    print(f"each call: {given.dir / 'amd' / 'calls.csv'}")
    return 0


def run(
    chosen: Sequence[Callee],
    directory: Path,
    amd: dict[str, str],
    channels: int,
    each_second: float,
    detector: Running,
) -> list[Result]:
    """Call all of them and judge what was heard. Raises LabError, AudioError, ConnectionError, TimeoutError, ValueError."""
    prompts = [stage.prompt(name, directory / "prompts") for name in ("message", "voicemail")]
    with stage.stage(directory, list(chosen), amd, detector) as (state, version, recordings):
        calls = stage.play(state, version, len(chosen), channels, each_second, detector)
        time.sleep(SETTLING)
        jobs = [(chosen[call.number], call, recordings / f"{call.number:06d}.raw", prompts) for call in calls]
        with ProcessPoolExecutor(os.cpu_count()) as pool:
            return list(pool.map(_judged, jobs, chunksize=4))


def _judged(job: tuple[Callee, Call, Path, list[audio.Samples]]) -> Result:
    callee, call, path, prompts = job
    return result(callee, call, Recording.of(path.read_bytes() if path.exists() else b""), prompts)


def _callees(given: argparse.Namespace) -> list[Callee]:
    folder = given.dir.absolute() / "amd"
    if given.recordings is None:
        parts = PARTS if given.part == "all" else (given.part,)
        return [one for part in parts for one in stage.render(recipes(part)[:: given.every], folder / part)]
    converted = folder / "recordings"
    shutil.rmtree(converted, ignore_errors=True)
    converted.mkdir(parents=True)
    found = callees.read(given.recordings / callees.TABLE)[:: given.every]
    return [
        replace(one, path=_as_a_line(one.path, converted / f"{at:06d}.wav")) for at, one in enumerate(found)
    ]


def _as_a_line(path: Path, target: Path) -> Path:
    """A recording of any form as 8 kHz, 16 bit, one channel."""
    audio.run(
        "sox", str(path), "-r", str(audio.RATE), "-c", "1", "-b", "16", "-e", "signed-integer", str(target)
    )
    return target


if __name__ == "__main__":
    sys.exit(main())
