"""The log itself: numbers masked, one line a line whatever is in it, files that are rotated away, and every event's schema."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import orjson
import pytest

from engine.ops import log
from engine.ops.log_events import LINES
from tests import log_lines
from tests.docs.pages import EVENTS

SYSTEM = Path(__file__).resolve().parents[2] / "system"


def read(path: Path) -> list[dict[str, object]]:
    log_lines.hold(path.read_bytes().splitlines())
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


def refused(logger: log.Log, number: str = "+33199001042", detail: str = "") -> None:
    logger.info(
        log.CONTACT_REFUSED,
        campaign="a",
        contact=1,
        number=number,
        reason="outside_hours",
        detail=detail,
        not_before=None,
        final=False,
    )


@pytest.mark.parametrize(("masked", "shown"), [(True, "+3319900••42"), (False, "+33199001042")])
def test_numbers_are_masked_unless_somebody_says_otherwise(tmp_path: Path, masked: bool, shown: str) -> None:
    logger, _ = log.start(tmp_path / "volley.log", "info", masked)
    refused(logger)
    (line,) = read(tmp_path / "volley.log")
    assert line["number"] == shown


@pytest.mark.parametrize(
    ("number", "shown"),
    [("+33199001042", "+3319900••42"), ("+331990", "+33••90"), ("+33199", "••"), ("", "••")],
)
def test_masks(number: str, shown: str) -> None:
    assert log.mask(number) == shown


def test_nobody_forges_a_line(tmp_path: Path) -> None:
    logger, _ = log.start(tmp_path / "volley.log", "info", True)
    forged = 'x"}\n{"event":"engine.stopped","level":"info","time":"2026-11-24T00:00:00Z"}\r\x1b[2J\u2028'
    refused(logger, detail=forged)
    (line,) = read(tmp_path / "volley.log")
    assert line["detail"] == forged


@pytest.mark.parametrize(("level", "count"), [("debug", 4), ("info", 3), ("warning", 2), ("error", 1)])
def test_levels(tmp_path: Path, level: str, count: int) -> None:
    logger, _ = log.start(tmp_path / "volley.log", level, True)
    logger.debug(log.CALL_ANSWERED, campaign="a", contact=1, attempt="v0123456789abcdef")
    refused(logger)
    logger.warning(log.STORE_RECOVERED, seconds=1.5)
    logger.error(log.AMI_LOST, pbx="main", why="gone")
    assert len(read(tmp_path / "volley.log")) == count


def test_a_file_that_was_renamed_is_made_anew_and_no_line_is_lost(tmp_path: Path) -> None:
    path, old = tmp_path / "volley.log", tmp_path / "volley.log.1"
    logger, lines = log.start(path, "info", True)
    assert lines is not None
    logger.warning(log.STORE_RECOVERED, seconds=1.0)
    path.rename(old)
    logger.warning(log.STORE_RECOVERED, seconds=2.0)
    assert not path.exists()
    lines.reopen()
    lines.reopen()
    logger.warning(log.STORE_RECOVERED, seconds=3.0)
    path.unlink()
    lines.reopen()
    logger.warning(log.STORE_RECOVERED, seconds=4.0)
    assert [line["seconds"] for line in (*read(old), *read(path))] == [1.0, 2.0, 4.0], (
        "one was deleted with its file"
    )
    assert path.stat().st_mode & 0o777 == 0o640


@pytest.mark.skipif(shutil.which("logrotate") is None, reason="no logrotate on this machine")
def test_logrotate_rotates_as_our_file_says(tmp_path: Path) -> None:
    path = tmp_path / "volley.log"
    logger, lines = log.start(path, "info", True)
    assert lines is not None
    text = (
        (SYSTEM / "volley.logrotate")
        .read_text(encoding="utf-8")
        .replace("/var/log/volley/volley.log", str(path))
    )
    settings = tmp_path / "logrotate.conf"
    settings.write_text("\n".join(line for line in text.splitlines() if " su " not in line), encoding="utf-8")
    settings.chmod(0o644)
    for at in range(3):
        logger.warning(log.STORE_RECOVERED, seconds=float(at))
        done = subprocess.run(
            ["logrotate", "--force", "--state", str(tmp_path / "state"), str(settings)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        lines.reopen()
    logger.warning(log.STORE_RECOVERED, seconds=3.0)
    assert [one["seconds"] for name in ("volley.log.1", "volley.log") for one in read(tmp_path / name)] == [
        2.0,
        3.0,
    ]
    assert sorted(one.name for one in tmp_path.glob("volley.log.*")) == [
        "volley.log.1",
        "volley.log.2.gz",
        "volley.log.3.gz",
    ]


# --- schemas ------------------------------------------------------------------------------------------------------------


def test_every_event_has_its_line() -> None:
    assert set(LINES) == set(EVENTS.values()) == set(log_lines.SCHEMA["$defs"])
    for event, line in LINES.items():
        assert line.levels
        assert not line.always.keys() & line.sometimes.keys(), event
        assert not (line.always | line.sometimes).keys() & {"time", "level", "event"}, event


LOST = {
    "time": "2026-11-24T03:50:44.776188Z",
    "level": "error",
    "event": "ami.lost",
    "pbx": "lab",
    "why": "closed",
}


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({}, ""),
        ({"pbx": 1}, "ami.lost.pbx: 1 is not type 'string'"),
        ({"pbx": ""}, "ami.lost.pbx: '' is not minLength 1"),
        ({"level": "info"}, "ami.lost.level: 'info' is not enum ['error']"),
        ({"time": "today"}, "ami.lost.time: 'today' is not pattern"),
        ({"more": 1}, "ami.lost.more is not known"),
        ({"why": None}, "ami.lost.why: None is not type 'string'"),
        ({"event": "ami.found"}, "there is no event 'ami.found'"),
    ],
)
def test_a_line_that_is_not_as_told_is_found(change: dict[str, object], fault: str) -> None:
    found = log_lines.line_faults(LOST | change)
    assert [one.startswith(fault) for one in found] == ([True] if fault else [])


def test_what_is_missing_is_found() -> None:
    for name in LOST.keys() - {"event"}:
        line = {key: value for key, value in LOST.items() if key != name}
        assert log_lines.line_faults(line) == [f"ami.lost.{name} is missing: see engine/ops/log_events.py"]
    assert log_lines.line_faults({"event": "ami.lost", "level": "error", "why": "closed"}, part=True) == []
