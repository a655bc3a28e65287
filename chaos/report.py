"""`python -m chaos.report run-*.json`: what several runs came to together, as the tables of docs/chaos.md."""

from __future__ import annotations

import json
import statistics
import sys
from collections import Counter
from pathlib import Path
from typing import Any


def tables(runs: list[dict[str, Any]]) -> str:
    """Markdown: faults by kind with the times until calls left again, totals, and every violation."""
    seen = [one for run in runs for one in run["seen"]]
    books = [run["books"] for run in runs]
    lines = [
        f"{len(seen)} faults in {len(runs)} runs, {sum(run['seconds'] for run in runs) / 3600:.1f} hours.",
        "",
        "| fault | times | calls in flight, median | again after, median | 95 % | most | within 5 s |",
        "|---|---|---|---|---|---|---|",
    ]
    for kind, count in sorted(Counter(one["kind"] for one in seen).items()):
        of_kind = [one for one in seen if one["kind"] == kind]
        again = sorted(one["again"] for one in of_kind if one["again"] is not None)
        flight = statistics.median(one["in_flight"] for one in of_kind)
        if again:
            late = again[min(len(again) - 1, int(len(again) * 0.95))]
            soon = sum(one <= 5.0 for one in again)
            times = f"{statistics.median(again):.2f} s | {late:.2f} s | {again[-1]:.2f} s | {soon} of {count}"
        else:
            times = "- | - | - | 0"
        lines.append(f"| {kind} | {count} | {flight:.0f} | {times} |")
    attempts: Counter[str] = Counter()
    for one in books:
        attempts.update(one["attempts"])
    killed = sum(one["in_flight"] for one in seen if one["kind"] == "Asterisk kill")
    lines += [
        "",
        "| | |",
        "|---|---|",
        f"| INVITEs at the callee | {sum(one['invites'] for one in books):,} to {sum(one['numbers'] for one in books):,} numbers |",
        f"| attempts | {', '.join(f'{word} {count:,}' for word, count in attempts.most_common())} |",
        f"| `UNKNOWN`, and calls in flight when Asterisk was killed | {attempts['UNKNOWN']:,} and {killed:,} |",
        f"| keys pressed; opt-outs listed | {sum(one['keys'] for one in books):,}; {sum(one['opt_outs'] for one in books):,} |",
        f"| keys lost within 1.5 s before a kill of Asterisk, or pressed to a dead one | {sum(one['excused'] for one in books):,} |",
        f"| closest INVITEs to one number (the gap is 4 s) | {min(one['closest'] for one in books):.2f} s |",
        f"| runs without a violation | {sum(not one['violations'] for one in books)} of {len(books)} |",
        "",
        "Violations:",
        "",
    ]
    wrong = [f"- run {run['run']}: {told}" for run in runs for told in run["books"]["violations"]]
    return "\n".join([*lines, *(wrong or ["none"])]) + "\n"


if __name__ == "__main__":
    sys.stdout.write(tables([json.loads(Path(name).read_text(encoding="utf-8")) for name in sys.argv[1:]]))
