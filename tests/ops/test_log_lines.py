"""The engine's log as it stands in its file."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from engine.ops import log as logs


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def test_a_line(tmp_path: Path) -> None:
    log, _ = logs.start(tmp_path / "logs" / "volley.log", "info", mask_numbers=True)
    log.info(
        logs.CALL_ENDED,
        number="+33199001042",
        caller_id="+33162000001",
        note="two\nlines",
        trunk="a",
        at=Path("/x"),
    )
    log.debug(logs.CALL_ORIGINATED)
    [line] = lines(tmp_path / "logs" / "volley.log")
    said = datetime.fromisoformat(line.pop("time"))
    assert abs((datetime.now(UTC) - said).total_seconds()) < 60
    assert line == {
        "event": "call.ended", "level": "info", "number": "+3319900••42", "caller_id": "+3316200••01", "note": "two\nlines",
        "trunk": "a", "at": "/x",
    }  # fmt: skip


def test_numbers_as_they_are_and_a_bound_name(tmp_path: Path) -> None:
    log, _ = logs.start(tmp_path / "volley.log", "debug", mask_numbers=False)
    log.bind(pbx="a").warning(logs.AMI_LOST, number="+33199001042", why=None)
    [first] = lines(tmp_path / "volley.log")
    assert (first["level"], first["pbx"], first["number"], first["why"]) == (
        "warning",
        "a",
        "+33199001042",
        None,
    )


def test_an_exception_is_in_its_line(tmp_path: Path) -> None:
    log, _ = logs.start(tmp_path / "volley.log", "info", mask_numbers=True)
    try:
        raise ValueError("told so")
    except ValueError as error:
        log.exception(logs.ENGINE_FAULT, what="broke")
        log.error(logs.ENGINE_FAULT, exc_info=error)
    first, second = lines(tmp_path / "volley.log")
    assert first["level"] == second["level"] == "error"
    assert "ValueError: told so" in first["exception"]
    assert "ValueError: told so" in second["exception"]


async def test_a_round_of_the_loop_is_one_write_and_an_error_does_not_wait(tmp_path: Path) -> None:
    path = tmp_path / "volley.log"
    log, _ = logs.start(path, "info", mask_numbers=True)
    log.info("a")
    log.info("b")
    assert lines(path) == []
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert [line["event"] for line in lines(path)] == ["a", "b"]
    log.info("c")
    log.error("d")
    assert [line["event"] for line in lines(path)] == ["a", "b", "c", "d"]


def test_the_last_word_of_a_loop_is_written(tmp_path: Path) -> None:
    log, _ = logs.start(tmp_path / "volley.log", "info", mask_numbers=True)

    async def short() -> None:
        log.info("last")

    asyncio.run(short())
    assert [line["event"] for line in lines(tmp_path / "volley.log")] == ["last"]


async def test_a_rotated_file_is_followed(tmp_path: Path) -> None:
    path = tmp_path / "volley.log"
    log, found = logs.start(path, "info", mask_numbers=True)
    assert found is not None
    log.error("before")
    path.rename(tmp_path / "volley.log.1")
    log.error("still there")
    found.reopen()
    log.error("after")
    assert [line["event"] for line in lines(tmp_path / "volley.log.1")] == ["before", "still there"]
    assert [line["event"] for line in lines(path)] == ["after"]


def test_a_full_disk_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "volley.log").symlink_to("/dev/full")
    log, _ = logs.start(tmp_path / "volley.log", "info", mask_numbers=True)
    log.info("lost")
    log.error("lost too")
