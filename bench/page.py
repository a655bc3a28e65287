"""`python -m bench.page`: docs/benchmarks.md and its plot, from the figures that are kept. Knows words and tables; measures nothing."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from bench import results
from bench.drawing import Bar, chart
from lab.places import REPOSITORY

PAGE = REPOSITORY / "docs" / "benchmarks.md"
PLOT = REPOSITORY / "docs" / "benchmarks.svg"
HEAD = """\
# Benchmarks

`make bench` runs all of it and writes this page; `make bench BENCH="--parts alone,pacing"` a part, `BENCH=--long` the large sizes.
Every figure is a count or a ratio of one run; what is compared was measured in turn, and the ratio is the median of the ratios within
a pair. Everything that the engine does for a call is on: the attempt durable before the Originate, the gate, the decision row, the
evidence in AstDB, the log line. A leg in which a number was not called exactly once is thrown away.

The machine matters, and so does what else it does: each part says how many processors there were and the load average at its end
(2 processors with a load of 6 have three programs waiting for each). Milliseconds of such a machine are not yours; ratios nearly are.

![Calls a second, and processor time a call](benchmarks.svg)
"""


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table of Markdown; the first column to the left, the others to the right."""
    lines = [f"| {' | '.join(head)} |", f"|{'|'.join(['---', *['---:'] * (len(head) - 1)])}|"]
    lines += [f"| {' | '.join(str(cell) for cell in row)} |" for row in rows]
    return "\n".join(lines)


def calls(found: dict[str, Any]) -> str:
    rows = [
        (
            one["caller"], f"{one['rate']:.0f}", f"{one['lowest']:.0f} to {one['highest']:.0f}",
            "-" if one["ratio"] is None else f"{one['ratio']:.2f}", f"{one['processor']:.3f}",
            "-" if not one["pbx"] else f"{one['pbx']:.2f}",
        )
        for one in found["summaries"]
    ]  # fmt: skip
    return (
        f"{found['calls']} calls a leg, {found['channels']} at a time, {found['pairs']} pairs, Asterisk fresh before each leg, the callee a"
        " sipp that counts INVITEs. `bare` is a script that sends the same Originate through the same dialplan and keeps nothing;"
        " `plainest` one whose Originate has no variable, no dialplan and no evidence; `call files` the same by Asterisk's spool;"
        " `sipp` calls the callee without any Asterisk.\n\n"
        + table(("caller", "calls/s", "range", "to bare", "own ms a call", "Asterisk's ms a call"), rows)
    )


def alone(found: dict[str, Any]) -> str:
    pairs = [(one["bare"], one["engine"]) for one in found["rounds"]]
    rows: list[tuple[object, ...]] = [
        (at, f"{engine['rate']:.0f}", f"{bare['rate']:.0f}", f"{engine['processor']:.3f}", f"{bare['processor']:.3f}",
         f"{engine['lag50']:.1f}", f"{engine['lag99']:.1f}", engine["most"])
        for at, (bare, engine) in enumerate(pairs, 1)
    ]  # fmt: skip
    text = (
        "A simulated PBX in another process says over a real socket what Asterisk 22 was recorded to say (tests/bench/"
        "recorded-asterisk.txt, and a test holds it to that). In turn with the engine the bare script calls through the same one:"
        " what this machine does at this moment.\n\n"
        + table(
            (
                "round",
                "calls/s",
                "script's",
                "ms a call",
                "script's",
                "loop late, ms",
                "p99",
                "calls at once",
            ),
            rows,
        )
    )
    if found["stages"]:
        stages = found["stages"]["stages"]
        rest = 1000 * found["stages"]["processor"] - sum(stages.values())
        text += (
            "\n\nProcessor time a call by stage, in a run of its own (the clock of each stage costs too), the SQLite thread in it:\n\n"
            + table(
                ("stage", "µs a call"),
                [(name, f"{took:.0f}") for name, took in sorted(stages.items(), key=lambda one: -one[1])]
                + [("loop, tasks, timers, sockets", f"{rest:.0f}")],
            )
        )
    if found["held"]:
        text += (
            "\n\nMemory while so many calls live, by what the process has grown since it was ready:\n\n"
            + table(
                ("live calls", "kB a call", "loop late p99, ms"),
                [
                    (f"{one['live']:,}", f"{one['memory']:.1f}", f"{one['lag99']:.1f}")
                    for one in found["held"]
                ],
            )
        )
    return text


def pacing(found: list[dict[str, Any]]) -> str:
    rows = [
        (
            f"{one['contract']:g}", f"{one['share'][0]:.1%} / {one['share'][1]:.1%}", f"{one['busiest'][0]} / {one['busiest'][1]}",
            " / ".join(f"{gap:g}" for gap in one["gaps"][0]), " / ".join(f"{gap:g}" for gap in one["gaps"][1]),
        )
        for one in found
    ]  # fmt: skip
    return (
        "Read twice: as the engine wrote them (first), and at the callee's end (second). The engine paces 5 % under the contract, so that"
        " no second there passes it. Times between calls: 1 %, half and 99 % of them are not longer.\n\n"
        + table(
            (
                "contract, calls/s",
                "of the pace",
                "busiest second",
                "ms between calls, written",
                "at the callee",
            ),
            rows,
        )
    )


def intake(found: dict[str, Any]) -> str:
    text = (
        "From a job that lies there to `campaign.accepted`, against what phonenumbers alone takes for the same numbers on one core.\n\n"
        + table(
            ("contacts", "seconds", "phonenumbers alone", "ratio"),
            [
                (
                    f"{one['contacts']:,}",
                    f"{one['seconds']:.1f}",
                    f"{one['floor']:.1f}",
                    f"{one['ratio']:.2f}",
                )
                for one in found["taken"]
            ],
        )
    )
    if found["beside"]:
        one = found["beside"]
        text += (
            f"\n\nA campaign at {one['cps']:g} calls a second made {one['alone']:.1f}; with {one['contacts']:,} contacts taken in beside it"
            f" {one['beside']:.1f}: {one['beside'] / one['alone']:.3f} of it."
        )
    return text


def size(found: dict[str, Any]) -> str:
    return (
        "A claim and an end, both committed, in a database of 200 campaigns where one in ten was called before and one in ten is suppressed"
        f" (American marketing law), beside a suppression list of {found['listed']:,} numbers. The ratio is within a round.\n\n"
        + table(
            ("contacts", "database", "µs of processor a call", "µs a call", "to the smallest"),
            [
                (f"{one['contacts']:,}", f"{one['bytes'] / 1e6:,.0f} MB", f"{one['cpu']:.0f}", f"{one['wall']:.0f}", f"{one['ratio']:.2f}")
                for one in found["sizes"]
            ],
        )
    )  # fmt: skip


def startup(found: dict[str, Any]) -> str:
    return (
        f"Seconds from the start of the process until it is ready to dial, with {found['contacts']:,} contacts in the database"
        f" ({found['bytes'] / 1e6:,.0f} MB, in the machine's cache).\n\n"
        + table(
            ("start", "seconds"),
            [
                ("after an orderly end", f"{found['first']:.1f}"),
                ("of these, until the program is loaded and says its first word", f"{found['loading']:.1f}"),
                (
                    f"after a kill with {found['calls']} live calls, {found['taken_up']:.0f} of them taken up",
                    f"{found['killed']:.1f}",
                ),
                ("after an orderly end again", f"{found['again']:.1f}"),
            ],
        )
    )


SECTIONS: dict[str, tuple[str, Callable[[Any], str]]] = {
    "calls": ("Through the real PBX", calls),
    "alone": ("The engine alone", alone),
    "pacing": ("Pacing", pacing),
    "intake": ("Taking contacts in", intake),
    "size": ("A large database", size),
    "startup": ("Starting", startup),
}


def render(found: dict[str, Any], remarks: dict[str, str]) -> str:
    """The page. `remarks`: what a person says to a part, kept from the page that is there."""
    parts = [HEAD]
    for part, (title, words) in SECTIONS.items():
        if part not in found:
            continue
        whole = found[part]
        parts.append(f"## {title}\n\n{words(whole['figures'])}\n")
        parts.append(f"Measured {whole['at']}; {whole['machine']}, load {whole['load']}.\n")
        parts.append(f"<!-- {part}: what follows is kept -->\n{remarks.get(part, '')}<!-- end -->\n")
    return "\n".join(parts)


def kept_remarks(text: str) -> dict[str, str]:
    """What stands between the marks of each part."""
    found = {}
    for part in SECTIONS:
        _, mark, rest = text.partition(f"<!-- {part}: what follows is kept -->\n")
        if mark:
            found[part] = rest.partition("<!-- end -->")[0]
    return found


def plot(found: dict[str, Any]) -> str:
    """Calls a second by caller, and where the engine's time goes."""
    groups: list[tuple[str, list[Bar]]] = []
    if "calls" in found:
        groups.append(
            (
                "Calls a second through the real PBX (ratio to the bare script)",
                [
                    Bar(
                        one["caller"],
                        one["rate"],
                        f"{one['rate']:.0f}" + ("" if one["ratio"] is None else f" ({one['ratio']:.2f})"),
                        one["caller"] == "volley",
                    )
                    for one in found["calls"]["figures"]["summaries"]
                ],
            )
        )
    if "alone" in found:
        figures = found["alone"]["figures"]
        for title, field, form in (
            ("Calls a second against the simulated PBX", "rate", "{:.0f}"),
            ("Processor time a call there, ms", "processor", "{:.3f}"),
        ):
            both = [("bare script", "bare", False), ("volley", "engine", True)]
            values = [median(one[who][field] for one in figures["rounds"]) for _, who, _ in both]
            groups.append(
                (
                    title,
                    [
                        Bar(name, value, form.format(value), ours)
                        for (name, _, ours), value in zip(both, values, strict=True)
                    ],
                )
            )
        if figures["stages"]:
            stages = sorted(figures["stages"]["stages"].items(), key=lambda one: -one[1])
            groups.append(
                (
                    "Volley's by stage, µs a call",
                    [Bar(name, took, f"{took:.0f}", True) for name, took in stages],
                )
            )
    return chart(groups)


def write(directory: Path) -> None:
    """Gather the figures, write page and plot."""
    found = results.gather(directory)
    old = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    PAGE.write_text(render(found, kept_remarks(old)), encoding="utf-8")
    PLOT.write_text(plot(found), encoding="utf-8")
    print(f"{PAGE.relative_to(REPOSITORY)}, {PLOT.relative_to(REPOSITORY)}: {', '.join(found)}")


def main() -> int:
    """Write the page."""
    parser = argparse.ArgumentParser(prog="python -m bench.page", description="Write docs/benchmarks.md.")
    parser.add_argument("--dir", type=Path, default=REPOSITORY / "var" / "bench")
    write(parser.parse_args().dir)
    return 0


if __name__ == "__main__":
    sys.exit(main())
