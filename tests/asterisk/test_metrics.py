"""What a running engine tells of its calls, by HTTP and on a terminal, is what stands in its books."""

from __future__ import annotations

import re
import socket
import urllib.request
from contextlib import closing

import pytest

from engine.ops import pulse
from tests.asterisk.harness import Engine, number
from tests.cli.terminal import Terminal

pytestmark = pytest.mark.asterisk


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def scrape(port: int) -> dict[str, float]:
    """Series -> value."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    return {
        series: float(value)
        for series, value in re.findall(r"^(\w+(?:\{.*\})?) (\S+)$", text, flags=re.MULTILINE)
    }


def test_the_figures_are_those_of_the_books(engine: Engine) -> None:
    port = free_port()
    with engine.config.open("a", encoding="utf-8") as handle:
        handle.write(f'\n[metrics]\nlisten = "127.0.0.1:{port}"\n')
    engine.start()
    engine.wait(lambda: engine.log("ami.connected"), "the PBX", 20)
    with closing(Terminal(engine.config, "top", "--every", "0.2")) as screen:
        screen.until(lambda frame: "up" in frame[0].split("PBX ")[-1], "the PBX on the screen")
        numbers = [number(42, 60 + at) for at in range(4)] + [number(12, 60), number(40, 60)]
        engine.job("measured", numbers, "retry = { max_attempts = 1 }\n")
        seen = pulse.read(engine.state)
        assert seen is not None
        engine.wait(lambda: (told := pulse.read(engine.state)) is not None and told.live, "a live call")
        screen.until(
            lambda frame: any(line.startswith("> measured") for line in frame), "the campaign on the screen"
        )
        engine.completed("measured")
        screen.press("q")
        assert screen.end() == 0
    found = scrape(port)
    books = {
        row["disposition"]: row["count"]
        for row in engine.rows("SELECT disposition, count(*) AS count FROM attempts GROUP BY 1")
    }
    assert books == {"REJECTED": 4, **{word: books[word] for word in books if word != "REJECTED"}}
    for disposition, count in books.items():
        assert found[f'volley_calls_ended_total{{disposition="{disposition}",trunk="carrier"}}'] == count
        assert (
            found[f'volley_campaign_calls_ended_total{{campaign="measured",disposition="{disposition}"}}']
            == count
        )
    assert found['volley_calls_started_total{trunk="carrier"}'] == 6
    assert found['volley_ami_up{pbx="lab"}'] == 1
    assert found['volley_trunk_channels{trunk="carrier"}'] == found['volley_calls{state="up"}'] == 0
    assert found["volley_acknowledgement_seconds_count"] == 6
    assert found["volley_commit_seconds_count"] > 6
    answered = sum(count for word, count in books.items() if word.startswith("ANSWERED_"))
    verdicts = {
        series: value for series, value in found.items() if series.startswith("volley_amd_verdicts_total")
    }
    assert sum(verdicts.values()) == answered
    (talk,) = engine.rows(
        "SELECT sum(ended_at - answered_at) AS talk FROM attempts WHERE answered_at IS NOT NULL"
    )
    if answered:
        assert found['volley_talk_seconds_total{trunk="carrier"}'] == pytest.approx(talk["talk"], abs=0.1)
