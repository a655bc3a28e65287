"""`python -m bench.amd.tune`: settings of `[amd]` tried on the tuning part, by the model of model.py.

Prints, for each value of one setting with the others at their defaults: people judged machines, machines found, and people who
wait longer than two seconds. What is chosen is then called for real, and reported on the other part: `python -m bench.amd`.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench.amd import audio, corpus, model
from engine.campaign import AmdSettings
from lab.places import REPOSITORY

TRIED: dict[str, tuple[float, ...]] = {
    "hush": (1.5, 2.0, 2.5),
    "pause": (0.5, 0.6, 0.7, 0.8, 1.0),
    "longest": (2.0, 2.5, 3.0, 3.5, 3.8, 4.1, 4.4, 4.7),
    "noise": (1.0, 1.5, 2.0, 2.5),
    "loudness": (300, 500, 700, 900, 1100),
}
LIMIT = 2000


@dataclass(frozen=True, slots=True)
class Heard:
    """A callee as the model hears it."""

    label: str
    frames: tuple[int, ...]
    greeting_end: int | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What some settings come to."""

    people: int
    wrong: int
    late: int
    machines: int
    found: int

    @property
    def text(self) -> str:
        """As a line of the table."""
        return (
            f"people judged machines {100 * self.wrong / self.people:4.1f} %, machines found"
            f" {100 * self.found / self.machines:4.1f} %, people who wait over {LIMIT / 1000:g} s {self.late}"
        )


def main(arguments: list[str] | None = None) -> int:
    """Try them; exit code 0."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.amd.tune", description=(__doc__ or "").split("\n\n")[1]
    )
    parser.add_argument("--dir", type=Path, default=REPOSITORY / "var" / "bench" / "amd" / "tune" / "speech")
    given = parser.parse_args(arguments)
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        callees = list(pool.map(partial(_heard, cache=given.dir), corpus.recipes("tune"), chunksize=8))
    for name, values in TRIED.items():
        for value in values:
            settings = AmdSettings.model_validate({name: value})
            mark = "*" if settings == AmdSettings() else " "
            print(f"{mark} {name:9}{value:6g}  {outcome(callees, settings).text}", flush=True)
    return 0


def outcome(callees: Iterable[Heard], settings: AmdSettings) -> Outcome:
    """Judge all of them with these settings."""
    people = wrong = late = machines = found = 0
    for one in callees:
        verdict = model.decide(one.frames, settings)
        if one.label == "person":
            people += 1
            wrong += verdict.status == "MACHINE"
            late += verdict.spoke is None or verdict.spoke - (one.greeting_end or 0) > LIMIT
        elif one.label != "silence":
            machines += 1
            found += verdict.status == "MACHINE"
    return Outcome(people, wrong, late, machines, found)


def _heard(recipe: corpus.Recipe, cache: Path) -> Heard:
    sound = audio.render(recipe, cache)
    frames: Sequence[int] = model.levels(sound.samples)
    return Heard(recipe.label, tuple(frames), sound.greeting_end)


if __name__ == "__main__":
    sys.exit(main())
