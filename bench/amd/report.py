"""The figures as a person reads them, and a table of every call."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

from bench.amd.callees import PERSON
from bench.amd.score import Figures, Result, percentile, share

COLUMNS = (
    "file",
    "label",
    "kind",
    "language",
    "part",
    "judged",
    "verdict",
    "cause",
    "decided_ms",
    "first_audio_ms",
    "wait_ms",
    "left",
)


def write(path: Path, results: Iterable[Result]) -> None:
    """One line a call."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as out:
        rows = csv.writer(out)
        rows.writerow(COLUMNS)
        for one in results:
            who = one.callee
            known = (
                one.decided,
                one.first_audio,
                one.wait,
                None if one.left is None else round(one.left.share, 3),
            )
            rows.writerow([who.path.name, who.label, who.kind, who.language, who.part, one.judged, one.verdict, one.cause,
                           *("" if value is None else value for value in known)])  # fmt: skip


def text(part: str, figures: Figures) -> str:
    """The figures of one part."""
    rows = [
        f"\n{part or 'recordings'}: {len(figures.results)} calls\n",
        f"{'':26}{'person':>8}{'unsure':>8}{'machine':>9}",
    ]
    kinds = dict.fromkeys((one.callee.label, one.callee.kind) for one in figures.results)
    for label, kind in kinds:
        counts = [figures.confusion[label, kind, judged] for judged in (PERSON, "unsure", "machine")]
        rows.append(
            f"{label + (f' / {kind}' if kind and kind != label else ''):26}{counts[0]:>8}{counts[1]:>8}{counts[2]:>9}"
        )
    rows.append("")
    rows += [
        f"people judged machines    {share(*figures.people_judged_machines)}",
        f"machines found            {share(*figures.machines_found)}",
        f"verdict, people           {_times(figures.decided(PERSON))}",
        f"verdict, machines         {_times(figures.decided('machine'))}",
        f"greeting to first audio   {_times(figures.waits)}",
        f"  within 1.2 s            {share(*figures.in_time(1200))}",
        f"  within 2.0 s            {share(*figures.in_time(2000))}",
        f"whole message left        {share(*figures.left((PERSON, 'unsure', 'machine')))} of all voicemails",
        f"                          {share(*figures.left(('machine',)))} of those found",
    ]
    return "\n".join(rows)


def _times(values: Sequence[int]) -> str:
    if not values:
        return "not known"
    told = (f"{percent} % {(percentile(values, percent) or 0) / 1000:.2f} s" for percent in (50, 90, 99))
    return ", ".join(told)
