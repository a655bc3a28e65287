"""The two seconds, exceeded on purpose: a campaign whose callees wait too long for the first word is slowed down, and then stopped."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise

import pytest

from tests.asterisk.harness import REPOSITORY, Engine, number
from tests.rules.book.places import OURS

pytestmark = pytest.mark.asterisk

# AMD decides for a person only when three seconds of silence have followed the greeting: the message begins a second too late.
TOO_LATE = """
message = { prompts = ["speak-now.wav"] }
max_channels = 1
menu = { repeats = 0, timeout = "1s" }
amd = { pause = "3s" }
retry = { BUSY = { delay = "1h", attempts = 1 } }
"""
PERSON, BUSY = 15, 40  # a person who answers at once


def explained(engine: Engine, callee: str) -> str:
    """What `volley explain` says of a number."""
    return subprocess.run(
        [sys.executable, "-m", "engine.cli", "explain", callee, "--config", str(engine.config)],
        cwd=REPOSITORY,
        check=True,
        capture_output=True,
        text=True,
        timeout=30,
    ).stdout


def test_a_campaign_that_keeps_people_waiting_is_slowed_down_and_stopped(engine: Engine) -> None:
    rules = engine.folder / "rules"
    rules.mkdir()
    # The law protects nobody at practice numbers, so a rule of the operator's does.
    (rules / "ours.toml").write_text(OURS, encoding="utf-8")
    with engine.config.open("a", encoding="utf-8") as settings:
        settings.write(f'\n[law]\nrules = "{rules}"\n')
    before, between, after = ([number(BUSY, 10 * part + at) for at in range(4)] for part in (1, 2, 3))
    people = [number(PERSON, at) for at in (1, 2, 3)]
    engine.start()
    engine.job(
        "late",
        [*before, *people[:2], *between, people[2], *after],
        TOO_LATE,
        prompts=("speak-now",),
        message=False,
    )
    engine.wait(
        lambda: any(line["word"] == "stopped" for line in engine.log("campaign.throttled")),
        "the stop",
        55,
    )
    attempts = engine.attempts("late")

    # What was measured: three seconds of silence, less nothing.
    for one in people:
        [row] = attempts[one]
        assert row["disposition"] == "ANSWERED_HUMAN"
        assert row["abandoned"] == 1
        assert 2.9 < row["wait"] < 4.0
    assert engine.rows("SELECT live, abandoned FROM abandonment") == [{"live": 3, "abandoned": 3}]

    # The pace: as fast as one channel allows, then one call a second, then none.
    def gaps(numbers: list[str]) -> list[float]:
        begun = [attempts[one][0]["created_at"] for one in numbers]
        return [later - earlier for earlier, later in pairwise(begun)]

    assert max(gaps(before)) < 0.9
    assert min(gaps([*between, people[2]])) > 0.99
    assert not set(after) & set(attempts), "nobody is called any more"

    # The log.
    slowed, stopped = engine.log("campaign.throttled")
    assert (slowed["word"], slowed["rule"]) == ("slowed", "ours-abandoned")
    assert "2 were abandoned, 2 %" in slowed["detail"]
    assert (stopped["word"], stopped["rule"]) == ("stopped", "ours-abandoned")
    assert (
        "3 were abandoned, 3 %: ours-abandoned slows down from 2 % on and stops from 2.5 % on"
        in stopped["detail"]
    )
    [refused] = engine.log("contact.refused")
    assert (refused["reason"], refused["final"]) == ("abandonment", False)
    contact = engine.contacts("late")[after[0]]
    assert refused["contact"] == contact["id"]
    assert refused["not_before"] == contact["due_at"]

    # The decisions, as they are kept for years.
    decisions = {
        row["e164"]: row
        for row in engine.rows("SELECT d.*, n.e164 FROM decisions d JOIN numbers n ON n.id = d.number_id")
    }
    assert {(decisions[one]["reason"], decisions[one]["rule"]) for one in [*before, *people[:2]]} == {
        ("allowed", "")
    }
    assert {(decisions[one]["reason"], decisions[one]["rule"]) for one in [*between, people[2]]} == {
        ("allowed", "ours-abandoned")
    }
    last = decisions[after[0]]
    assert (last["reason"], last["rule"], last["attempt_id"]) == ("abandonment", "ours-abandoned", None)
    assert last["not_before"] - last["at"] == pytest.approx(3600.0)

    # In words.
    told = explained(engine, after[0])
    assert "too many of the campaign's calls were abandoned lately" in told
    assert "3 were abandoned, 3 %" in told
    assert "slowed down by ours-abandoned" in explained(engine, between[0])
