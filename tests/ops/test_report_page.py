"""The page: well-formed, self-contained, shows the figures, and whatever stands in the books stays text."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest

from engine.ops.report import drawing, story, words
from engine.ops.report.figures import Abandonment, Column, Figures, Hour, Limit, Round, Trunk
from engine.ops.report.page import render
from engine.ops.report.write import figures_of
from engine.ops.summary import Summary
from tests.ops.filled import Books, person

X = "{http://www.w3.org/1999/xhtml}"


def page(books: Books, name: str) -> ET.Element:
    """The campaign's page, parsed as XML, which forgives nothing."""
    return parsed(render(figures_of(books.settings, name, books.now)))


def parsed(text: str) -> ET.Element:
    assert text.startswith("<!DOCTYPE html>\n")
    return ET.fromstring(text.partition("\n")[2])


def words_of(element: ET.Element) -> str:
    return " ".join("".join(element.itertext()).split())


def tables(root: ET.Element, heading: str) -> list[list[list[str]]]:
    """The tables of the part with that heading: rows of cells as text."""
    for part in root.iter(f"{X}section"):
        if any(words_of(one) == heading for one in part.iter(f"{X}h2")):
            return [
                [[words_of(cell) for cell in row if cell.tag in (f"{X}th", f"{X}td")] for row in one.iter(f"{X}tr")]
                for one in part.iter(f"{X}table")
            ]  # fmt: skip
    raise AssertionError(f"no part {heading!r}")


def called(books: Books) -> None:
    campaign = books.campaign(
        "shots", [person(at, f"+331990010{at:02d}") for at in range(2, 8)], title="Flu shots"
    )
    first = books.claim(campaign)
    books.finish(
        first[0], "ANSWERED_HUMAN", talk=30, after=40, result="confirmed", rang_at=books.now + 2, amd="HUMAN/HUMAN-800-800",
        reports=[("key", "1@message"), ("answer", "message=confirmed")],
    )  # fmt: skip
    books.finish(
        first[1], "ANSWERED_MACHINE", talk=10, after=20, result="voicemail_left", amd="MACHINE/MAXWORDS-4-4"
    )
    books.finish(first[2], "BUSY", sip=486, cause=17, next_at=books.now + 1000, after=1)
    books.finish(
        first[3], "ANSWERED_HUMAN", talk=20, result="call_back", next_at=books.now + 900, next_callback=True
    )
    books.finish(first[4], "NOT_SENT", counted=False)
    books.now += 1000
    for claim in books.claim(campaign):
        books.finish(
            claim,
            "ANSWERED_HUMAN",
            talk=20,
            after=30,
            result="opted_out" if claim.kind == "retry" else "heard",
        )


def test_the_tables_show_the_figures(books: Books) -> None:
    called(books)
    root = page(books, "shots")
    assert words_of(next(root.iter(f"{X}h1"))) == "Flu shots"
    [endings] = tables(root, "How it ended")
    assert endings[0] == ["Disposition", "People", "Share", "Attempts"]
    assert ["A person answered ANSWERED_HUMAN", "3", "50.0 %", "4"] in endings
    assert ["Busy BUSY", "0", "", "1"] in endings
    assert ["Void: nothing was dialed NOT_SENT", "0", "", "1"] in endings
    assert endings[-1] == ["All", "6", "", "7"]
    [over_time] = tables(root, "Attempts over time")
    assert over_time[0] == ["From", "ANSWERED_HUMAN", "ANSWERED_MACHINE", "BUSY", "All"]
    assert over_time[1][1:] == ["2", "1", "1", "4"]
    assert over_time[2][1:] == ["2", "0", "0", "2"]
    shares, counts = tables(root, "When people answer")
    assert shares[0] == ["", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
    assert shares[1] == ["12:00", "", "83", "", "", "", "", ""]
    assert counts[1] == ["12:00", "", "5 of 6", "", "", "", "", ""]
    [trunks] = tables(root, "Trunks")
    assert trunks[1] == ["carrier", "6", "83.3 %", "0.0 %", "2.0 s", "2.0 s", "20.0 s"]
    [causes] = tables(root, "Why calls were not answered")
    assert causes[1:] == [["carrier"], ["SIP 486 Busy Here, cause 17 user busy BUSY", "1", "100.0 %"]]
    [rounds] = tables(root, "Attempts per person")
    assert rounds[1:] == [
        ["1 attempt", "2", "50.0 %", "1", "50.0 %"],
        ["2 attempts", "2", "50.0 %", "2", "100.0 %"],
    ]
    [verdicts] = tables(root, "Person or machine")
    assert ["An answering machine: many words MACHINE/MAXWORDS", "1", "20.0 %"] in verdicts
    assert tables(root, "Keys")[0][1:] == [["message"], ["Key 1", "1", "100.0 %"]]
    assert tables(root, "Answers")[0][1:] == [["message"], ["confirmed", "1", "100.0 %"]]
    assert tables(root, "Callbacks")[0][1:] == [["Kept: called back, and answered kept", "1", "100.0 %"]]
    results = tables(root, "What came of it")[0]
    assert ["asked never to be called again", "1", "16.7 %"] in results


def test_plots_have_words_and_no_two_fills_look_alike(books: Books) -> None:
    called(books)
    root = page(books, "shots")
    for plot in root.iter(f"{X}svg"):
        assert plot.get("aria-hidden") == "true" or plot.get("aria-label", "").startswith(
            "Attempts over time"
        )
    for table in root.iter(f"{X}table"):
        assert table.find(f"{X}caption") is not None
    for cell in root.iter(f"{X}th"):
        assert cell.get("scope") in ("row", "col", "rowgroup")
    patterns = {one.get("id") for one in root.iter(f"{X}pattern")}
    used = {one.get("fill") for one in root.iter(f"{X}rect")} - {None}
    assert used <= {f"url(#{one})" for one in patterns}
    shown = [drawing.FILLS[word] for word in words.DISPOSITIONS]
    assert len(set(shown)) == len(shown)


def test_the_page_loads_and_runs_nothing(books: Books) -> None:
    called(books)
    root = page(books, "shots")
    tags = {one.tag.removeprefix(X) for one in root.iter()}
    assert not tags & {
        "script",
        "link",
        "img",
        "iframe",
        "object",
        "embed",
        "a",
        "base",
        "form",
        "image",
        "use",
    }
    for one in root.iter():
        assert not {"src", "href", "srcset", "onclick", "onload", "style"} & set(one.attrib)
    [style] = root.iter(f"{X}style")
    assert not re.search(r"url\(|@import|expression", style.text or "")
    policy = [one.get("content") for one in root.iter(f"{X}meta") if one.get("http-equiv")]
    assert policy == ["default-src 'none'; style-src 'unsafe-inline'"]


HOSTILE = (
    "</title></style><script>alert(1)</script>\"'`&amp;{{7*7}}{% raw %}\x1b[31m\u202e]]><img src=x onerror=y>"
)


def test_whatever_stands_in_the_books_stays_text(books: Books) -> None:
    campaign = books.campaign("own", [person(2, "+33199001001")], title=HOSTILE)
    (claim,) = books.claim(campaign)
    books.finish(
        claim, "ANSWERED_HUMAN", talk=3, result=HOSTILE, amd=f"{HOSTILE}/{HOSTILE}",
        reports=[("key", f"5@{HOSTILE}"), ("answer", f"{HOSTILE}={HOSTILE}")],
    )  # fmt: skip
    books.connection.execute("UPDATE trunks SET name = ?", (HOSTILE,))
    books.connection.execute("UPDATE attempts SET disposition = ?", (HOSTILE,))
    books.connection.execute("UPDATE contacts SET disposition = ?, state = 'done'", (HOSTILE,))
    root = page(books, "own")
    tags = {one.tag.removeprefix(X) for one in root.iter()}
    assert not tags & {"script", "img"}
    text = "".join(root.itertext())
    assert text.count("<script>alert(1)</script>") >= 8
    assert "{{7*7}}{% raw %}" in text
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\u202e]", text)
    for one in root.iter():
        assert not {"onerror", "src"} & set(one.attrib)


def test_no_number_of_anybody_is_on_it(books: Books) -> None:
    called(books)
    text = render(figures_of(books.settings, "shots", books.now))
    for row in books.connection.execute("SELECT e164 FROM numbers"):
        assert row[0].lstrip("+")[2:] not in text
    assert "+33" not in text


def test_a_campaign_of_which_nothing_was_dialed(books: Books) -> None:
    books.campaign("idle", [person(2, "+33199001001"), person(3, "+33199001002")])
    root = page(books, "idle")
    assert "The list has 2 people. Nothing was dialed." in words_of(root)
    assert "2 people are not done yet." in words_of(root)
    assert tables(root, "How it ended")[0][1:] == [
        ["Not done yet", "2", "100.0 %", ""],
        ["All", "2", "", "0"],
    ]
    with pytest.raises(AssertionError):
        tables(root, "Attempts over time")


def test_one_attempt_and_one_that_lives(books: Books) -> None:
    campaign = books.campaign("tiny", [person(2, "+33199001001"), person(3, "+33199001002")])
    first, _ = books.claim(campaign)
    books.finish(first, "NO_ANSWER", cause=19)
    root = page(books, "tiny")
    assert "1 of 2 people were called, in 1 attempt. 0 people (0.0 %) answered in person." in words_of(root)
    [over_time] = tables(root, "Attempts over time")
    assert over_time == [["From", "NO_ANSWER", "All"], [over_time[1][0], "1", "1"]]
    assert tables(root, "Attempts per person")[0][1:] == [["1 attempt", "1", "100.0 %", "0", "0.0 %"]]


# --- drawing and words --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("most", "marks"),
    [(0, [0, 1]), (1, [0, 1]), (5, [0, 1, 2, 3, 4, 5]), (6, [0, 2, 4, 6]), (23, [0, 5, 10, 15, 20, 25]), (101, [0, 50, 100, 150]),
     (1_234_567, [0, 500_000, 1_000_000, 1_500_000])],
)  # fmt: skip
def test_a_scale_is_round_and_holds_the_highest(most: int, marks: list[int]) -> None:
    assert drawing.scale(most) == marks


def test_columns_stand_on_each_other() -> None:
    stacks = [[("BUSY", 3, "3 BUSY"), ("FAILED", 1, "1 FAILED")], [], [("BUSY", 4, "4 BUSY")]]
    text = drawing.columns(stacks, [drawing.Tick(0.5, "noon")], "Calls", "Look.")
    root = ET.fromstring(text)
    rects = list(root.iter("rect"))
    assert [one.findtext("title") for one in rects] == ["3 BUSY", "1 FAILED", "4 BUSY"]
    tops = [float(one.get("y", "")) for one in rects]
    heights = [float(one.get("height", "")) for one in rects]
    assert tops[1] + heights[1] == pytest.approx(tops[0])
    assert heights[2] == pytest.approx(heights[0] + heights[1], abs=0.11)
    assert tops[0] + heights[0] == pytest.approx(drawing.HEIGHT)


def test_a_bar_shows_even_one_of_a_million() -> None:
    root = ET.fromstring(drawing.bar([("BUSY", 0.000001), ("FAILED", 0.0), ("plain", 0.5)], mark=0.25))
    assert [one.get("width") for one in root.iter("rect")] == ["0.40%", "50.00%"]
    assert [one.get("x1") for one in root.iter("line")] == ["25.00%"]


def figures() -> Figures:
    summary = Summary(
        "x", "", "completed", 0.0, 90_000.0, attempts={"ANSWERED_HUMAN": 700, "CONGESTION": 300}
    )
    summary.sent, summary.answered = 1000, 700
    return Figures(0.0, summary, rounds=[Round(1, 1000, 700)])


def test_what_is_worth_a_look() -> None:
    assert [one for one in story.hints(figures()) if "no room for 300 attempts (30.0\xa0%)" in one]
    quiet = figures()
    quiet.summary.attempts = {"ANSWERED_HUMAN": 1000}
    assert story.hints(quiet) == []
    north = Trunk("north", 500, 400)
    slow = replace(north, name="south", answered=300)
    quiet.trunks = [north, slow, replace(slow, name="rare", sent=99, answered=0)]
    assert story.hints(quiet) == ["Trunk south had 60.0\xa0% of its calls answered, trunk north 80.0\xa0%."]
    quiet.trunks = []
    quiet.summary.callbacks = {"missed": 1, "kept": 3}
    quiet.abandonment = Abandonment(
        live=100, abandoned=2, limits=[Limit("US", "us-abandon", 3, 2, 2.5), Limit("CA", "ca", 5, 4, 4.5)]
    )
    missed, abandoned = story.hints(quiet)
    assert missed == "1 promised callback was missed."
    assert abandoned.startswith(
        "2.0\xa0% of the calls that live people answered were abandoned; in US the campaign slows"
    )


def test_only_hours_with_enough_calls_are_compared() -> None:
    found = figures()
    found.columns = [Column(0.0, {"ANSWERED_HUMAN": 700})]
    found.hours = [Hour(0, 9, 100, 20), Hour(1, 17, 100, 80), Hour(2, 3, 29, 29)]
    assert story.told(found)[-1] == (
        "People answered most on Tuesdays between 17:00 and 18:00 (80.0\xa0% of 100 calls), and least on Mondays between 09:00 and"
        " 10:00 (20.0\xa0% of 100), by the clock at their place."
    )
