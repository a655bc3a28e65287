"""What is counted from the log, and that the number of campaigns with counts of their own has an end."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from engine.dialing.disposition import Disposition
from engine.histogram import Histogram, quantile
from engine.ops import log
from engine.ops import log as events
from engine.ops.tally import LINGER, LONGEST, OTHER, TROUBLES, Tally


def ended(campaign: str, disposition: str = "BUSY", trunk: str = "carrier", **more: Any) -> dict[str, Any]:
    return {
        "event": events.CALL_ENDED, "level": "info", "time": "t", "campaign": campaign, "trunk": trunk, "talk": 0.0, "amd": "",
        "disposition": Disposition(disposition), **more,
    }  # fmt: skip


def tell(tally: Tally, *lines: dict[str, Any]) -> None:
    for line in lines:
        before = dict(line)
        assert tally(None, line["level"], line) is line
        assert line == before, "it counts and changes nothing"


def test_calls_are_counted_by_how_they_ended() -> None:
    tally = Tally(10)
    tell(
        tally,
        ended("a"),
        ended("a", "ANSWERED_HUMAN", talk=3.5, amd="HUMAN/HUMAN-700-420"),
        ended("b", "ANSWERED_MACHINE", "other", talk=2.0, amd="MACHINE/LONGGREETING-1500-1500"),
        ended("b", "ANSWERED_UNSURE", talk=1.0, amd="MINE/x"),
        ended("b", "ANSWERED_HUMAN", talk=1.0),
    )
    assert tally.ended == {
        ("carrier", "BUSY"): 1, ("carrier", "ANSWERED_HUMAN"): 2, ("other", "ANSWERED_MACHINE"): 1, ("carrier", "ANSWERED_UNSURE"): 1,
    }  # fmt: skip
    assert tally.by_campaign["a"] == {"BUSY": 1, "ANSWERED_HUMAN": 1}
    assert tally.talked == {"carrier": 5.5, "other": 2.0}
    assert tally.amd == {"HUMAN": 1, "MACHINE": 1, "other": 1, "none": 1}


def test_refusals_opt_outs_and_troubles() -> None:
    tally = Tally(10)
    for reason in ("outside_hours", "outside_hours", "suppressed"):
        word = events.CONTACT_SUPPRESSED if reason == "suppressed" else events.CONTACT_REFUSED
        tell(tally, {"event": word, "level": "info", "reason": reason})
    tell(tally, {"event": events.OPTOUT_RECORDED, "level": "info"})
    for at in range(TROUBLES + 5):
        tell(
            tally,
            {
                "event": events.AMI_LOST,
                "level": "error",
                "time": f"{at}",
                "why": "x" * 500,
                "exception": "Traceback",
            },
        )
    assert tally.refused == {"outside_hours": 2, "suppressed": 1}
    assert tally.events[events.OPTOUT_RECORDED] == 1
    assert tally.lines == {(events.AMI_LOST, "error"): TROUBLES + 5}
    assert [one.time for one in tally.troubles] == [f"{at}" for at in range(5, TROUBLES + 5)]
    assert all(len(one.text) == LONGEST and "Traceback" not in one.text for one in tally.troubles)


def test_campaigns_beyond_the_limit_are_told_together_and_make_room_when_they_are_over() -> None:
    tally = Tally(2)
    tell(tally, *(ended(name) for name in "abcd"), ended("c"))
    assert {name: count["BUSY"] for name, count in tally.by_campaign.items()} == {"a": 1, "b": 1, OTHER: 3}
    tally.refresh({"a": 2, "c": 5, "d": 1}, set("acd"), 0.0)
    assert tally.begun == {"a": 2, OTHER: 6}
    tell(tally, ended("c"), ended("b"))
    assert tally.by_campaign[OTHER]["BUSY"] == 4, "who was told with the others once stays with them"
    assert tally.by_campaign["b"]["BUSY"] == 2, "b is over, and told for a while"
    tell(tally, ended("e"))
    assert set(tally.by_campaign) == {"a", OTHER, "e"}, "unless another needs its room"
    tally.refresh({"c": 7, "e": 1}, {"e"}, 10.0)
    assert tally.begun == {"a": 2, OTHER: 8, "e": 1}, "what c made until its end counts"
    tally.refresh({}, {"a"}, 10.0 + LINGER)
    tally.refresh({}, set(), 11.0 + LINGER)
    assert set(tally.by_campaign) == {"a", OTHER, "e"}, "a was open again meanwhile"
    tally.refresh({}, set(), 12.0 + 2 * LINGER)
    assert (set(tally.by_campaign), set(tally.begun)) == ({OTHER}, {OTHER})


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.booleans()), max_size=60), st.integers(0, 4))
def test_no_count_goes_back_and_labels_have_an_end(steps: list[tuple[str, bool]], most: int) -> None:
    tally, begun = Tally(most), Counter[str]()
    open_now: set[str] = set()
    others = 0
    for at, (name, closes) in enumerate(steps):
        if closes:
            open_now.discard(name)
            begun.pop(name, None)
            tally.refresh(begun, open_now, float(at * LINGER / 3))
        else:
            open_now.add(name)
            begun[name] += 1
            tell(tally, ended(name))
            tally.refresh(begun, open_now, float(at * LINGER / 3))
        labels = set(tally.by_campaign) | set(tally.begun)
        assert len(labels - {OTHER}) <= most
        assert tally.begun[OTHER] == tally.by_campaign.get(OTHER, Counter())["BUSY"] >= others
        others = tally.begun[OTHER]


def test_it_counts_what_the_level_keeps_out_of_the_file(tmp_path: Path) -> None:
    tally = Tally(10)
    path = tmp_path / "volley.log"
    logger, _ = log.start(path, "error", True, tally)
    logger.debug(events.CALL_ANSWERED)
    line = ended("a", "ANSWERED_HUMAN")
    logger.info(
        line.pop("event"), **{key: value for key, value in line.items() if key not in ("level", "time")}
    )
    logger.warning(events.INBOUND_MUTE, pbx="main", number="+33199001042")
    logger.error(events.AMI_LOST, pbx="main", why="gone")
    assert [orjson.loads(line)["event"] for line in path.read_bytes().splitlines()] == [events.AMI_LOST]
    assert tally.events == {events.CALL_ENDED: 1, events.INBOUND_MUTE: 1, events.AMI_LOST: 1}
    assert [one.text for one in tally.troubles] == ["pbx=main number=+3319900••42", "why=gone pbx=main"]


def test_times_by_bound() -> None:
    times = Histogram((0.01, 0.1, 1.0))
    assert times.quantile(0.5) is None
    for seconds in (0.01, 0.002, 0.05, 0.5, 30.0, -0.1):
        times.observe(seconds)
    assert times.counts == [3, 1, 1, 1]
    assert times.total == 0.01 + 0.002 + 0.05 + 0.5 + 30.0
    assert [times.quantile(share) for share in (0.5, 0.6, 0.8, 1.0)] == [0.01, 0.1, 1.0, float("inf")]
    assert quantile((1.0,), (0, 0), 0.9) is None
