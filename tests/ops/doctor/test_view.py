"""What a person reads, and what the whole comes to."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from engine.ops.doctor.examine import Checked, Report, judge_host, judge_pbx
from engine.ops.doctor.facts import error, note, unknown, warning
from engine.ops.doctor.view import view
from tests.ops.doctor.wellness import well_host, well_pbx


def text(report: Report, everything: bool = False) -> str:
    console = Console(width=120, no_color=True)
    with console.capture() as capture:
        console.print(view(report, everything))
    return "\n".join(line.rstrip() for line in capture.get().splitlines())


FOUND = Report(
    (
        Checked("own_name", "The host's own name resolves.", "this machine", ()),
        Checked("clock", "The clock is right.", "pbx main", (note("it is slow", "look at it"),)),
        Checked(
            "modules",
            "All are loaded.",
            "pbx main",
            (error("app_amd is not loaded", "load it", "modules.conf"),),
        ),
        Checked(
            "silence", "Silence is sent.", "pbx main", (unknown("whether it is on", "core show settings"),)
        ),
        Checked("rtp_ports", "They are enough.", "pbx main", (warning("too \x1b[31mfew", "more"),)),
    )
)


def test_the_worst_comes_first_and_tells_what_to_do() -> None:
    assert text(FOUND) == (
        "pbx main\n"
        "error    modules.conf: app_amd is not loaded\n"
        "         load it [modules]\n"
        "warning  too \N{REPLACEMENT CHARACTER}[31mfew\n"
        "         more [rtp_ports]\n"
        "note     it is slow\n"
        "         look at it [clock]\n"
        "unknown  whether it is on\n"
        "\n"
        "5 checks: 1 error, 1 warning, 1 note, 1 unknown. --all tells where to look for what is unknown."
    )
    assert not FOUND.well


def test_everything_tells_what_is_well_too() -> None:
    found = text(FOUND, everything=True)
    assert "ok  The host's own name resolves." in found
    assert "core show settings [silence]" in found


def test_a_clean_bill(tmp_path: Path) -> None:
    report = Report((*judge_host(well_host(tmp_path)), *judge_pbx(well_pbx(tmp_path))))
    assert report.well
    assert text(report) == "35 checks: 0 errors, 0 warnings, 0 notes, 0 unknown."
    assert all(check.asks.endswith(".") for check in report.checks)


def test_notes_and_what_is_unknown_are_no_failure() -> None:
    assert Report((FOUND.checks[1], FOUND.checks[3])).well
    assert not Report((FOUND.checks[4],)).well
