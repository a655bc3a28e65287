"""The carrier's count is read as it was written."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from lab.calls import COLUMNS, CarrierCall, read


def test_lines_become_calls(tmp_path: Path) -> None:
    path = tmp_path / "calls.csv"
    path.write_text(
        ",".join(COLUMNS)
        + "\n2026-11-24T03:48:10.250Z,1795492090250,0033199002001,33199002001,+33162000001,ab-1@x,20,7653,9\n"
        + "2026-11-24T03:48:11.000Z,1795492091000,+33199004000,+33199004000,,ab-2@x,,,\n"
    )
    answered, cancelled = read(path)
    when = datetime(2026, 11, 24, 3, 48, 10, 250_000, tzinfo=UTC)
    assert answered == CarrierCall(
        when, 1795492090250, "0033199002001", "+33199002001", "+33162000001", "ab-1@x", "20", True, 7653, "9"
    )
    assert (cancelled.number, cancelled.caller, cancelled.behaviour) == ("+33199004000", "", "")
    assert (cancelled.answered, cancelled.spoken_ms, cancelled.keys) == (False, 0, "")


def test_no_file_is_no_calls(tmp_path: Path) -> None:
    assert read(tmp_path / "calls.csv") == []
