"""Whatever stands in a value: one line a fact, nothing that a terminal obeys, and no whole number where one is known to be."""

from __future__ import annotations

import json
import stat
from pathlib import Path

from engine.ops import log as events
from engine.ops.log import start

HOSTILE = (
    'x"}\n{"event":"campaign.completed","level":"info","campaign":"other"}',
    "\r\n\x00\x1b[2J\x1b]0;owned\x07",
    "\u2028\u2029\u202e\x85",
    "\udcff",
    "a" * 100_000,
)


def test_a_line_is_a_line_and_a_number_is_masked(tmp_path: Path) -> None:
    log, lines = start(tmp_path / "volley.log", "info", True)
    for value in HOSTILE:
        text = value.encode("utf-8", "replace").decode()
        log.warning(events.CAMPAIGN_REJECTED, job=text, problems=[text, {"deep": text}])
    log.info(events.CALL_ENDED, number="+33199001042", caller_id="+33162000001", note="x")
    assert lines is not None
    raw = (tmp_path / "volley.log").read_bytes()
    written = raw.decode("utf-8").split("\n")
    assert written.pop() == ""
    assert len(written) == len(HOSTILE) + 1
    assert not set(raw) & (set(range(32)) - {10} | {127})
    found = [json.loads(line) for line in written]
    assert {line["event"] for line in found} == {"campaign.rejected", "call.ended"}
    assert (found[-1]["number"], found[-1]["caller_id"]) == ("+3319900••42", "+3316200••01")
    assert stat.S_IMODE((tmp_path / "volley.log").stat().st_mode) & 0o007 == 0
