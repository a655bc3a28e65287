"""`python -m bench.amd.tune`: settings of `[amd]` tried on the tuning part, by the model of model.py.

With `--by amd` as without the detector. Prints, for each value of one setting with the others at their defaults: people judged
machines, machines found, and people who wait longer than two seconds. What is chosen is then called for real, and reported on the
other part: `python -m bench.amd`.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable
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
    "longest": (2.0, 2.5, 3.0, 3.5, 4.0, 4.2, 4.4, 4.6, 4.8),
    "noise": (1.0, 1.5, 2.0, 2.5),
    "beep": (0.7, 1.0, 1.3, 1.5, 1.7),
    "loudness": (300, 500, 700, 900, 1100),
}
ALONE = {"detector": ("beep",), "amd": ("loudness",)}
"""Settings that say something only by the one way or the other."""
LIMIT = 2000


@dataclass(frozen=True, slots=True)
class Heard:
    """A callee as the model hears it."""

    label: str
    samples: audio.Samples
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
    parser.add_argument("--by", choices=tuple(ALONE), default="detector")
    given = parser.parse_args(arguments)
    (other,) = (one for one in ALONE if one != given.by)
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        callees = list(pool.map(partial(_heard, cache=given.dir), corpus.recipes("tune"), chunksize=8))
        for name, values in TRIED.items():
            for value in values if name not in ALONE[other] else ():
                settings = AmdSettings.model_validate({"detector": given.by == "detector", name: value})
                mark = "*" if value == getattr(AmdSettings(), name) else " "
                verdicts = pool.map(partial(judged, settings=settings), callees, chunksize=16)
                text = outcome(zip(callees, verdicts, strict=True)).text
                print(f"{mark} {name:9}{value:6g}  {text}", flush=True)
    return 0


def judged(callee: Heard, settings: AmdSettings) -> model.Verdict:
    """One of them, with these settings."""
    if settings.detector:
        return model.hear(callee.samples, settings)
    return model.decide(model.levels(callee.samples), settings)


def outcome(judged: Iterable[tuple[Heard, model.Verdict]]) -> Outcome:
    """All of them, counted."""
    people = wrong = late = machines = found = 0
    for one, verdict in judged:
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
    return Heard(recipe.label, sound.samples, sound.greeting_end)


if __name__ == "__main__":
    sys.exit(main())
