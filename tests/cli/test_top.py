"""`volley top` on a real terminal: beside a real engine process, and on the books alone."""

from __future__ import annotations

import json
import signal
import termios
from contextlib import closing

import pytest

from tests.cli.conftest import EngineProcess, Volley
from tests.cli.terminal import Terminal
from tests.ops.filled import Books, person


def last(frame: list[str]) -> str:
    return next((line for line in reversed(frame) if line.strip()), "")


@pytest.fixture
def filled(books: Books) -> Books:
    """Two campaigns, before any engine starts."""
    for at, name in enumerate(("shots", "zebra")):
        books.campaign(name, [person(one + 2, f"+33199001{at}{one:02d}") for one in range(5)])
    return books


def test_keys_steer_a_running_engine(filled: Books, engine: EngineProcess) -> None:
    volley = engine.volley
    with closing(Terminal(volley.config, "top", "--every", "0.2", "--by", "anna", NO_COLOR="1")) as screen:
        frame = screen.until(lambda frame: "q quit" in last(frame), "the screen")
        assert frame[0].startswith("Engine runs (")
        assert f"pid {engine.process.pid})" in frame[0]
        assert frame[0].rstrip().endswith("PBX lab DOWN")
        assert "ami.failed" in "".join(frame)
        assert (len(frame), max(map(len, frame)) <= 80) == (24, True)
        assert not screen.coloured
        screen.press("\x1b[B")
        screen.until(
            lambda frame: any(line.startswith("> zebra") for line in frame),
            "the second campaign to be chosen",
        )
        screen.press("p")
        frame = screen.until(lambda frame: "pause zebra: it is paused." in last(frame), "the engine's answer")
        screen.until(
            lambda frame: any(line.startswith("> zebra") and "paused" in line for line in frame), "its state"
        )
        screen.press("r")
        screen.until(lambda frame: "resume zebra: it is " in last(frame), "the engine's answer")
        screen.press("dy")
        screen.until(lambda frame: sum(" paused " in line for line in frame) == 2, "both to be paused")
        assert engine.end() == 0
        screen.until(lambda frame: "DOES NOT RUN" in frame[0], "the engine's end")
        screen.press("r")
        screen.until(
            lambda frame: "resume" in last(frame) and "no engine runs" in last(frame), "that nobody answers"
        )
        screen.press("q")
        assert screen.end() == 0
        assert termios.tcgetattr(screen.slave) == screen.before, "the terminal is as it was"
    trail = volley("audit", "list", "--json").stdout
    assert trail.count("drained from volley top") == 2
    assert '"anna' in trail


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_whatever_ends_it_leaves_the_terminal_as_it_was(
    filled: Books, volley: Volley, how: signal.Signals
) -> None:
    with closing(Terminal(volley.config, "top", columns=60, rows=12)) as screen:
        screen.until(lambda frame: "DOES NOT RUN" in frame[0] and "q quit" in last(frame), "the screen")
        assert screen.coloured
        screen.process.send_signal(how)
        assert screen.end() == (0 if how == signal.SIGINT else 128 + how)
        assert termios.tcgetattr(screen.slave) == screen.before


def test_without_a_terminal_it_is_printed_once(filled: Books, volley: Volley) -> None:
    text = volley("top").stdout
    assert "Engine DOES NOT RUN" in text
    assert "> shots" in text
    assert "q quit" not in text
    found = json.loads(volley("top", "--json").stdout)
    assert (found["pulse"], found["status"]["campaigns"][0]["name"], found["troubles"]) == (None, "shots", [])


def test_without_books_it_says_so(volley: Volley) -> None:
    assert "cannot read the database" in volley("top", code=1).stderr
