"""Two seconds from the end of the greeting to the first audio."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.channel import Report
from engine.rules.abandonment import LIMIT, NOT_LIVE, Measured, measure

ANSWERED = 100.25


def call(*lines: tuple[str, str, float]) -> list[Report]:
    """Reports of one call: kind, value, seconds after the answer."""
    return [Report(1, seq, kind, value, ANSWERED + at) for seq, (kind, value, at) in enumerate(lines, 1)]


HUMAN, UNSURE, MACHINE = "HUMAN/HUMAN-815-800", "NOTSURE/TOOLONG-5000-5000", "MACHINE/MAXWORDS-7-6"
ROWS: list[tuple[str, list[tuple[str, str, float]], float, Measured]] = [
    ("message at once", [("amd", HUMAN, 2.0), ("play", "message", 2.0)], 20, Measured(True, 0.815)),
    ("message in time", [("amd", HUMAN, 2.0), ("play", "message", 3.0)], 20, Measured(True, 1.815)),
    ("message too late", [("amd", HUMAN, 2.0), ("play", "message", 3.5)], 20, Measured(True, 2.315, True)),
    ("unsure is a person", [("amd", UNSURE, 5.0), ("play", "message", 5.25)], 20, Measured(True, 0.25)),
    ("unsure and too late", [("amd", UNSURE, 5.0), ("play", "message", 7.5)], 20, Measured(True, 2.5, True)),
    ("a machine", [("amd", MACHINE, 3.0), ("play", "voicemail", 9.0)], 20, NOT_LIVE),
    ("a machine that is hung up on", [("amd", MACHINE, 3.0), ("result", "hung_up_on", 3.0)], 3, NOT_LIVE),
    ("a machine after all", [("amd", HUMAN, 2.0), ("play", "message", 2.0), ("amd", "MACHINE/TALKED-4000", 8.0)], 30, NOT_LIVE),
    ("a machine that pressed a key", [("amd", MACHINE, 6.0), ("play", "voicemail", 7.5), ("amd", "KEY/LATE", 9.0)], 30,
     Measured(True, 1.5)),
    ("and heard nothing for long", [("amd", MACHINE, 6.0), ("play", "voicemail", 8.5), ("amd", "KEY/LATE", 9.0)], 30,
     Measured(True, 2.5, True)),
    ("hung up during the detection", [("amd", "HANGUP/", 1.0)], 1, NOT_LIVE),
    ("hung up and no word of it", [("amd", "/", 1.0)], 1, NOT_LIVE),
    ("hung up before any report", [], 1, NOT_LIVE),
    ("no detection", [("play", "message", 0.5)], 20, Measured(True, 0.5)),
    ("no detection and too late", [("play", "message", 2.25)], 20, Measured(True, 2.25, True)),
    ("the person hangs up in time", [("amd", HUMAN, 2.0)], 3, Measured(True)),
    ("nothing was said", [("amd", HUMAN, 2.0)], 5, Measured(True, None, True)),
    ("the flow was missing", [("amd", HUMAN, 2.0), ("result", "flow_missing", 2.1)], 2.2, Measured(True, None, True)),
    ("the flow was missing at once", [("result", "flow_missing", 0.1)], 0.2, Measured(True, None, True)),
    ("a key during the detection", [("amd", "KEY/EARLY", 1.0), ("key", "9@message", 1.0), ("optout", "message", 1.0)], 9, Measured(True)),
    ("a key, then the message late", [("amd", "KEY/EARLY", 1.0), ("key", "5@message", 1.0), ("play", "message", 4.0)], 9,
     Measured(True, 3.0)),
]  # fmt: skip


@pytest.mark.parametrize(("lines", "ended", "found"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_table(lines: list[tuple[str, str, float]], ended: float, found: Measured) -> None:
    seen = measure(call(*lines), ANSWERED, ANSWERED + ended)
    assert (seen.live, seen.abandoned) == (found.live, found.abandoned)
    assert seen.wait == (None if found.wait is None else pytest.approx(found.wait))


def test_a_call_that_was_not_answered() -> None:
    assert measure([], None, 5.0) == NOT_LIVE


def test_whole_seconds_tell_too_little() -> None:
    """What AstDB kept while the engine was away."""
    reports = [Report(1, 1, "amd", HUMAN, 102.0), Report(1, 2, "play", "message", 105.0)]
    assert measure(reports, 100.0, 120.0) == Measured(True)
    assert measure(reports[:1], 100.0, 120.0) == Measured(True, None, True)


@given(
    st.lists(
        st.builds(
            Report, st.just(1), st.integers(1, 9), st.sampled_from(["amd", "play", "key", "optout", "callback", "result", "odd"]),
            st.sampled_from([HUMAN, UNSURE, MACHINE, "KEY/EARLY", "", "/", "HUMAN", "HUMAN/HUMAN-9999999-1", "flow_missing", "x"]),
            st.floats(0, 100),
        ),
        max_size=6,
    ),
    st.one_of(st.none(), st.floats(0, 100)), st.floats(0, 200),
)  # fmt: skip
def test_whatever_is_reported(reports: list[Report], answered: float | None, ended: float) -> None:
    found = measure(reports, answered, ended)
    assert found.live or found == NOT_LIVE
    assert found.wait is None or found.wait >= 0
    if found.abandoned:
        assert found.live
        assert found.wait is None or found.wait > LIMIT
