"""`volley top`: the screen at several sizes, from real books; what its keys ask for; what can only be seen over time."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import pytest
from rich.console import Console

from engine.cli.keyboard import keys
from engine.ops import log_tail, outlook
from engine.ops.figures import TrunkStatus
from engine.ops.outlook import Outlook
from engine.ops.pulse import STATES, CampaignPulse, PbxPulse, Pulse, Times, TrunkPulse, of_json
from engine.ops.tally import Trouble
from engine.ops.top import DRAIN_REASON, History, Picture, Top
from engine.ops.top_view import KEYS, short, view
from tests.ops.filled import NOON, Books, person

SIZES = [(80, 24), (80, 12), (132, 50), (60, 20), (40, 10)]


def fill(books: Books, campaigns: int = 3) -> None:
    """Campaigns with calls that ended in the last minute; the first has a long name, the second is paused."""
    books.connection.execute("PRAGMA synchronous = OFF")  # nobody's books
    for at in range(campaigns):
        name = "flu-shots-of-the-autumn-2026" if at == 0 else f"campaign-{at}"
        numbers = [f"+3319900{at:02d}{one:02d}" for one in range(12)]
        people = [person(one + 2, number, external_id=f"{at}-{one}") for one, number in enumerate(numbers)]
        campaign = books.campaign(name, people, priority=90 - at)
        claims = books.claim(campaign, 9)
        for one, claim in enumerate(claims[:7]):
            if one < 2:
                books.finish(claim, "BUSY", next_at=books.now + 600)
            else:
                books.finish(claim, "ANSWERED_MACHINE" if one < 4 else "ANSWERED_HUMAN", talk=5)
    books.connection.execute("UPDATE campaigns SET state = 'paused' WHERE name = 'campaign-1'")


def told(at: float = NOON, begun: int = 0, **changes: Any) -> Pulse:
    """What an engine tells."""
    times = Times((0.005, 0.05, 1.0), (90, 9, 1, 0), 1.0)
    found = Pulse(
        at=at, version="1", started=NOON - 11520, calls=dict(zip(STATES, (3, 20, 180, 209), strict=True)), live=412, max_channels=1000,
        cps=50.0, begun=begun, trunks=(TrunkPulse("carrier", "lab", "up", 412, 500, 3, 50.0, begun),), pbxs=(PbxPulse("lab", True, 4),),
        campaigns=(CampaignPulse("campaign-1", "paused", 0, "free"),), acknowledged=times, committed=times, lagged=times, unstored=0,
        fault="", troubles=(),
    )  # fmt: skip
    return replace(found, **changes)


@dataclass(slots=True)
class Tripped(TrunkStatus):
    """A trunk of which the books know more."""

    breaker: str = "closed"


class Session(Top):
    """One whose requests are kept."""

    def __init__(self, books: Books) -> None:
        self.sent: list[dict[str, Any]] = []
        super().__init__(books.settings, "anna", self.sent.append)


def shown(top: Top, picture: Picture, width: int, height: int | None, problem: str = "") -> list[str]:
    """The lines of the screen, as a terminal without colours gets them."""
    console = Console(width=width, color_system=None, highlight=False)
    with console.capture() as capture:
        console.print(view(top, picture, width, height, problem))
    return capture.get().splitlines()


@pytest.mark.parametrize("campaigns", [0, 1, 20])
def test_it_fills_the_screen_and_never_more(books: Books, campaigns: int) -> None:
    fill(books, campaigns)
    top = Session(books)
    picture = top.look(books.now + 20)
    troubles = [
        Trouble("2026-11-24T11:00:01.5Z", "error", f"ami.lost{at}", "why=" + "x" * 300) for at in range(9)
    ]
    running = replace(picture, pulse=told(), troubles=troubles, times={"commit": (0.005, float("inf"))})
    for one, (width, height) in product((picture, running), SIZES):
        lines = shown(top, one, width, height)
        assert len(lines) == height
        assert max(map(len, lines)) <= width
        assert lines[-1].startswith(KEYS[: width - 1]), "what the keys do can always be read"
        assert "Calls" in lines[1]
        chosen = [line for line in lines if line.startswith("> flu-shots")]
        assert len(chosen) == (campaigns > 0), "the campaign that keys speak of is shown"
    whole = shown(top, running, 80, None)
    assert len(whole) == 5 + 3 + max(1, campaigns + bool(campaigns)) + 1 + len(troubles) + 2


def test_what_the_screen_says(books: Books) -> None:
    fill(books)
    top = Session(books)
    picture = top.look(books.now + 60)
    lines = shown(top, picture, 80, 24)
    assert lines[0] == "Engine DOES NOT RUN: its books as they stand, 11:01:00 UTC"
    assert lines[1] == "Calls  6 of 100 in the books"
    assert lines[2] == "Rate   0.5/s of 10, minute 0.5/s   Answered 71 % of 21 ended in 5 min"
    assert lines[3] == "Who    human 60 %, machine 40 %, unsure 0 % of 15 answered in 5 min"
    assert lines[6].split() == ["carrier", "-", "6", "40", "0.5", "10", "71", "%"]
    assert lines[9].startswith("> flu-shots-of-th… running   ")
    assert lines[9].split()[-9:] == ["━━━", "41", "%", "7", "2", "9", "71", "%", "1m"]
    assert lines[10].split()[:2] == ["campaign-1", "paused"]
    assert lines[10].split()[-1] == "paused"


def test_what_the_screen_says_of_a_running_engine(books: Books) -> None:
    fill(books)
    top = Session(books)
    picture = top.look(books.now + 60)
    running = replace(
        picture,
        status=replace(picture.status, engine_pid=4711),
        pulse=told(),
        rate=42.14,
        trunk_rates={"carrier": 42.14},
        times={"acknowledgement": (0.005, 0.05), "loop lag": (0.001, float("inf"))},
        troubles=[
            Trouble("2026-11-24T10:59:50.1Z", "warning", "engine.fault", "first"),
            Trouble("2026-11-24T10:59:51.1Z", "warning", "engine.fault", "second"),
            Trouble("2026-11-24T10:59:58.1Z", "error", "ami.lost", "why=a\x1b[2Jb"),
        ],
    )
    lines = shown(top, running, 80, 24)
    assert lines[0] == "Engine runs (3h12m, pid 4711)  11:01:00 UTC  PBX lab up"
    assert lines[1] == "Calls  412 of 100: 3 claimed, 20 sent, 180 ringing, 209 up"
    assert lines[2].startswith("Rate   42.1/s of 10, minute 0.5/s")
    assert lines[4] == "Times  acknowledgement 5/50, loop lag 1/long ms (half/95 %)"
    assert lines[7].split() == ["carrier", "up", "6", "40", "42.1", "10", "71", "%"]
    assert "10:59:58 error ami.lost why=a�[2Jb" in lines
    assert "10:59:51 warning engine.fault 2 times second" in lines
    assert shown(top, replace(running, pulse=None), 80, 24)[0].startswith(
        "Engine runs but tells nothing (busy, or not yours; pid 4711)"
    )
    down = replace(
        told(), pbxs=(PbxPulse("lab", False, 0),), trunks=(replace(told().trunks[0], state="half-open"),)
    )
    lines = shown(top, replace(running, pulse=down), 80, 24)
    assert lines[0].endswith("PBX lab DOWN")
    assert lines[7].split()[1] == "half-open", "whatever word a trunk's state has"
    tripped = Tripped("carrier", 6, 40, 10.0, picture.status.trunks[0].minute, breaker="half_open")
    lines = shown(top, replace(running, status=replace(running.status, trunks=[tripped])), 80, 24)
    assert lines[7].split()[:6] == ["carrier", "breaker", "half", "open", "6", "40"]
    refused = replace(running, pulse=told(fault="disk full"))
    assert shown(top, refused, 80, 24)[0] == "DATABASE REFUSES, nothing is dialed: disk full"
    assert (
        shown(top, running, 80, 24, "volley.db: cannot read")[0]
        == "volley.db: cannot read; as of 11:01:00 UTC"
    )


# --- keys ---------------------------------------------------------------------------------------------------------------


def test_keys_ask_for_what_they_mean(books: Books) -> None:
    fill(books)
    top = Session(books)
    top.look(books.now)
    top.press("p")
    assert top.sent == [
        {"action": "pause", "campaign": "flu-shots-of-the-autumn-2026", "reason": "", "by": "anna"}
    ]
    top.press("r")
    assert top.note == "flu-shots-of-the-autumn-2026 is running.", "the books do not say otherwise yet"
    for key in ("down", "r", "down", "j", "k", "up", "up"):
        top.press(key)
    assert [(one["action"], one["campaign"]) for one in top.sent[1:]] == [("resume", "campaign-1")]
    top.press("x")
    assert (len(top.sent), top.over) == (2, False)
    top.press("q")
    assert top.over


def test_a_drain_is_asked_about_first(books: Books) -> None:
    fill(books)
    top = Session(books)
    picture = top.look(books.now)
    top.press("d")
    assert shown(top, picture, 80, 24)[-1].startswith(
        "Drain: pause all 2 campaigns? Calls that live run to their end. y yes"
    )
    top.press("p")
    assert (top.sent, top.note) == ([], "Nothing was changed."), (
        "any other key says no, and does nothing else"
    )
    top.press("d")
    top.press("y")
    assert [(one["campaign"], one["reason"]) for one in top.sent] == [
        ("flu-shots-of-the-autumn-2026", DRAIN_REASON), ("campaign-2", DRAIN_REASON),
    ]  # fmt: skip
    books.connection.execute("UPDATE campaigns SET state = 'paused'")
    top.look(books.now)
    top.press("d")
    assert top.note == "No campaign is running: there is nothing to drain."


def test_without_campaigns_keys_say_so(books: Books) -> None:
    top = Session(books)
    assert "volley submit" in "".join(shown(top, top.look(books.now), 80, 24))
    top.press("down")
    top.press("p")
    assert (top.sent, top.note) == ([], "There is no open campaign.")


@pytest.mark.parametrize(
    ("reply", "runs", "note"),
    [
        ({"ok": True, "state": "paused"}, True, "pause x: it is paused."),
        ({"ok": False, "problems": [{"what": "x is over"}]}, True, "pause x: x is over"),
        (None, True, "pause x: queued, the engine has not answered yet."),
        (None, False, "pause x: queued, no engine runs; it is done when one does."),
    ],
)
def test_answers_are_told(books: Books, reply: dict[str, Any] | None, runs: bool, note: str) -> None:
    top = Session(books)
    top.answered({"action": "pause", "campaign": "x"}, reply, runs)
    assert top.note == note


def test_what_a_terminal_sends() -> None:
    sent = b"\x1b[A\x1bOBq\x1b[1;5Apd\x1b[5~\xc3\xa9J"
    assert keys(sent) == ["up", "down", "q", "p", "d", "é", "j"]


# --- over time ----------------------------------------------------------------------------------------------------------


def test_rates_and_times_are_of_what_was_told_lately() -> None:
    history = History()
    assert (history.rates(), history.times()) == (None, {})
    history.add(told(NOON, 1000))
    assert history.rates() is None
    assert history.times()["commit"] == (0.005, 0.05), "since the start, while there is nothing else"
    history.add(told(NOON + 2, 1100))
    assert history.rates() == (50.0, {"carrier": 50.0})
    assert history.times() == {}, "nothing was committed meanwhile"
    slow = Times((0.005, 0.05, 1.0), (90, 9, 11, 10), 1.0)
    history.add(told(NOON + 10, 1900, committed=slow))
    assert history.rates() is None, "nothing was told in the five seconds before"
    assert history.times() == {"commit": (1.0, float("inf"))}
    history.add(told(NOON + 12, 0, started=NOON + 11))
    assert history.rates() is None, "another engine"
    history.add(None)
    assert history.times() == {}


def test_a_pulse_comes_through_as_it_was() -> None:
    assert of_json(told().json()) == told()
    table = json.loads(told().json())
    del table["trunks"]
    with pytest.raises(KeyError):
        of_json(json.dumps(table).encode())


def test_the_end_at_the_present_pace(books: Books) -> None:
    fill(books, 1)
    found = outlook.look(books.settings.database, books.now + 60)
    assert found.answered == {"ANSWERED_MACHINE": 2, "ANSWERED_HUMAN": 3}
    assert found.pace == {"flu-shots-of-the-autumn-2026": pytest.approx(5 / 60)}
    assert found.ends_in("flu-shots-of-the-autumn-2026", 7) == pytest.approx(84)
    assert found.ends_in("another", 7) is None
    assert outlook.look(books.settings.database, books.now + 5).pace == {}, "too early to tell"
    assert outlook.look(books.settings.database, books.now + 400) == Outlook({}, {})


def test_until_when_nobody_is_due(books: Books) -> None:
    campaign = books.campaign("later", [person(2, "+33199001001")])
    (claim,) = books.claim(campaign)
    top = Session(books)
    assert shown(top, top.look(books.now + 60), 80, 24)[9].split()[-1] == "-", "a call, and no pace yet"
    books.finish(claim, "BUSY", next_at=books.now + 7260)
    assert shown(top, top.look(books.now + 60), 80, 24)[9].split()[-1] == "+2h00m"
    books.connection.execute("UPDATE campaigns SET state = 'scheduled', start_at = ?", (books.now + 90060,))
    assert shown(top, top.look(books.now + 60), 80, 24)[9].split()[-1] == "+1d1h"


def test_troubles_from_the_log_of_an_engine_that_is_gone(books: Books) -> None:
    path = books.settings.engine.state / "volley.log"
    assert log_tail.troubles(None) == log_tail.troubles(path) == []
    good = '{"time":"t","level":"error","event":"ami.lost","pbx":"lab","why":"gone"}'
    info = '{"time":"t","level":"info","event":"call.ended"}'
    path.write_text(f"cut off at the beg\n{info}\n[1]\n{{}}\nnoise\n{good}\n{info}\n", encoding="utf-8")
    assert log_tail.troubles(path) == [Trouble("t", "error", "ami.lost", "why=gone pbx=lab")]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (59.4, "59s"),
        (60, "1m"),
        (3599, "59m"),
        (12000, "3h20m"),
        (86400, "1d0h"),
        (270000, "3d3h"),
        (9e7, "1041d"),
    ],
)
def test_lengths_of_time(seconds: float, text: str) -> None:
    assert short(seconds) == text
