"""Figures of many calls, and their intervals."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.amd import report
from bench.amd.callees import Callee
from bench.amd.calls import Call, Report
from bench.amd.heard import Left, Recording
from bench.amd.score import Figures, Result, percentile, result, share, wilson


def callee(label: str, kind: str = "", end: int | None = 1000, beep: int | None = None) -> Callee:
    return Callee(Path("x.wav"), label, kind, "en", "test", end, beep)


def called(label: str, verdict: str, first: int | None = 1700, left: float | None = None) -> Result:
    recorded = None if left is None else Left(left, left == 1.0)
    return Result(callee(label), verdict, "", 1650, first, recorded)


PEOPLE = (
    [called("person", "HUMAN")] * 96
    + [called("person", "MACHINE", None), called("person", "KEY", 3500)]
    + [called("person", "NOTSURE", 800)] * 2
)
MACHINES = [called("voicemail", "MACHINE", left=1.0)] * 9 + [
    called("voicemail", "HUMAN", left=0.9),
    called("fax", "MACHINE", None),
]
ALL = Figures((*PEOPLE, *MACHINES, called("silence", "NOTSURE")))


def test_the_confusion_and_the_shares() -> None:
    assert ALL.people_judged_machines == (1, 100)
    assert ALL.machines_found == (10, 11)
    assert ALL.confusion["person", "", "unsure"] == 2
    assert ALL.confusion["silence", "", "unsure"] == 1
    assert ALL.left(("person", "unsure", "machine")) == (9, 10)
    assert ALL.left(("machine",)) == (9, 9)


def test_whoever_hears_nothing_was_not_in_time() -> None:
    assert ALL.in_time(1200) == (98, 100)
    assert ALL.in_time(2000) == (98, 100)
    assert (len(ALL.waits), min(ALL.waits), max(ALL.waits)) == (99, 0, 2500)
    assert len(ALL.unheard) == 1


@pytest.mark.parametrize(
    ("hits", "count", "low", "high"),
    [(0, 248, 0.0, 0.01525), (5, 248, 0.00863, 0.04633), (10, 10, 0.72246, 1.0), (0, 0, 0.0, 1.0), (50, 100, 0.40383, 0.59617)],
)  # fmt: skip
def test_wilson(hits: int, count: int, low: float, high: float) -> None:
    assert wilson(hits, count) == pytest.approx((low, high), abs=5e-5)


def test_percentiles() -> None:
    assert percentile([], 50) is None
    assert percentile([5, 1, 3, 2, 4], 50) == 3
    assert percentile(range(1, 101), 99) == 99
    assert percentile([7], 99) == 7


def test_the_last_verdict_counts_and_a_key_is_a_person() -> None:
    call = Call(
        0, reports=[Report("amd", "HUMAN/HUMAN-700-300", 1.5), Report("amd", "MACHINE/TALKED-4000", 6.25)]
    )
    found = result(callee("voicemail", end=None), call, Recording.of(b""), [])
    assert (found.verdict, found.judged, found.decided, found.left) == ("MACHINE", "machine", 6250, None)
    assert found.cause == "HUMAN-700-300 then TALKED-4000"
    call.reports.append(Report("amd", "KEY/LATE", 9.0))
    assert result(callee("person"), call, Recording.of(b""), []).judged == "person"
    assert result(callee("person"), Call(0), Recording.of(b""), []).judged == "unsure"


def test_the_report_has_every_figure(tmp_path: Path) -> None:
    told = report.text("test", ALL)
    assert f"people judged machines    {share(1, 100)}" in told
    assert f"machines found            {share(10, 11)}" in told
    assert "voicemail" in told
    assert "not known" in report.text(
        "", Figures((Result(callee("person", end=None), "none", "", None, None, None),))
    )
    report.write(tmp_path / "amd" / "calls.csv", ALL.results)
    assert len((tmp_path / "amd" / "calls.csv").read_text().splitlines()) == 1 + len(ALL.results)
