"""The tables at a campaign's end."""

from __future__ import annotations

from typing import Any

from engine.ops import summary
from engine.ops.books import reading
from tests.ops.filled import Books, person


def finished(books: Books) -> int:
    campaign = books.campaign(
        "shots", [person(at + 2, f"+331990010{at:02d}") for at in range(6)], title="Flu\x1b shots"
    )
    first = books.claim(campaign)
    books.finish(first[0], "ANSWERED_HUMAN", talk=30, result="confirmed", after=40)
    books.finish(first[1], "ANSWERED_MACHINE", talk=10, result="voicemail_left", after=20)
    books.finish(first[2], "BUSY", next_at=books.now + 1000, after=1)
    books.finish(
        first[3], "ANSWERED_HUMAN", talk=20, result="call_back", next_at=books.now + 900, next_callback=True
    )
    books.finish(first[4], "NOT_SENT", counted=False, next_at=books.now + 1000)
    books.finish(first[5], "ANSWERED_HUMAN", talk=20, result="yes", after=30)
    books.now += 1000
    for claim in books.claim(campaign):
        books.finish(
            claim,
            "ANSWERED_HUMAN",
            talk=20,
            result="opted_out" if claim.kind == "retry" else "heard",
            after=30,
        )
    return campaign


def test_the_numbers(books: Books) -> None:
    campaign = finished(books)
    with reading(books.settings.database) as connection:
        found = summary.read(connection, campaign)
    assert found.contacts == {"ANSWERED_HUMAN": 5, "ANSWERED_MACHINE": 1}
    assert found.attempts == {"ANSWERED_HUMAN": 6, "ANSWERED_MACHINE": 1, "BUSY": 1, "NOT_SENT": 1}
    assert (found.sent, found.answered, found.talk) == (8, 7, 140.0)
    assert found.answer_seizure_ratio == 7 / 8
    assert found.kinds == {"first": 6, "retry": 1, "callback": 1}
    assert found.callbacks == {"kept": 1}
    assert found.goals == {"confirmed": 1, "voicemail_left": 1, "yes": 1, "opted_out": 1, "heard": 2}
    assert found.ended_at is not None
    assert found.began_at is not None
    assert found.ended_at - found.began_at == 1030
    assert summary.dispositions(books.settings.database, campaign) == found.contacts


def test_the_file_is_plain(books: Books) -> None:
    path = summary.write(books.settings, finished(books))
    text = path.read_text(encoding="utf-8")
    assert path == books.settings.engine.state / "reports" / "shots.txt"
    assert "\x1b" not in text
    assert "Campaign shots - Flu\N{REPLACEMENT CHARACTER} shots" in text
    for words in (
        "ANSWERED_HUMAN                           5      83.3 %           6",
        "asked never to be called again              1      16.7 %",
        "answered: yes",
        "Answer-seizure ratio             87.5 % (7 answered)",
        "2m20s in all, 20.0 s an answered call",
        "8 (6 first calls, 1 retries, 1 callbacks)",
        "1 (1 kept)",
    ):
        assert words in text


def answered(books: Books, *told: tuple[str, ...], **manifest: Any) -> int:
    """Calls in which these answers were given."""
    campaign = books.campaign(
        "survey", [person(at + 2, f"+33199001{at:03d}") for at in range(len(told))], **manifest
    )
    for claim, values in zip(books.claim(campaign), told, strict=True):
        books.finish(
            claim,
            "ANSWERED_HUMAN",
            talk=9,
            result="answered",
            reports=[("answer", value) for value in values],
        )
    return campaign


def answers(books: Books, campaign: int) -> dict[str, dict[str, int]]:
    with reading(books.settings.database) as connection:
        return summary.read(connection, campaign).answers


def test_answers_are_counted_question_by_question(books: Books) -> None:
    campaign = answered(
        books,
        ("rating=5", "satisfied=yes"),
        ("rating=5", "satisfied=no", "story=recorded"),
        ("rating=1",),
        ("satisfied=yes", "story=refused"),
        (),
    )
    assert answers(books, campaign) == {
        "rating": {"5": 2, "1": 1},
        "satisfied": {"yes": 2, "no": 1},
        "story": {"recorded": 1, "refused": 1},
    }
    text = summary.write(books.settings, campaign).read_text(encoding="utf-8")
    lines = [line.split() for line in text.splitlines()]
    for words in (
        "Question and answer Calls Share", "rating: 5 2 66.7 %", "satisfied: no 1 33.3 %", "story: recorded 1 50.0 %",
    ):  # fmt: skip
        assert words.split() in lines


def test_what_was_typed_is_not_in_it(books: Books) -> None:
    """However few there are: it is nobody's business at a campaign's end. The export has it."""
    flow = {
        "menu": {"keys": {"1": "go:account"}},
        "nodes": {"account": {"kind": "digits", "prompts": ["a.wav"], "then": "end"}},
    }
    campaign = answered(books, ("account=407", "color=red"), ("account=19", "code=75011"), **flow)
    assert answers(books, campaign) == {"color": {"red": 1}}
    text = summary.write(books.settings, campaign).read_text(encoding="utf-8")
    assert not any(digits in text for digits in ("407", "account", "75011"))


def test_a_question_with_too_many_answers_is_left_to_the_export(books: Books) -> None:
    most = [(f"month=m{at}", "satisfied=yes") for at in range(summary.MOST_ANSWERS)]
    campaign = answered(books, *most)
    assert len(answers(books, campaign)["month"]) == summary.MOST_ANSWERS
    one_more = books.campaign("more", [person(900, "+33199009000")])
    books.connection.execute("UPDATE attempts SET campaign_id = ?", (one_more,))
    (claim,) = books.claim(one_more)
    books.finish(
        claim, "ANSWERED_HUMAN", talk=9, reports=[("answer", "month=m99"), ("answer", "satisfied=yes")]
    )
    assert answers(books, one_more) == {"satisfied": {"yes": summary.MOST_ANSWERS + 1}}


def test_answers_of_somebody_who_was_forgotten_do_not_count(books: Books) -> None:
    campaign = answered(books, ("rating=5",), ("rating=1",))
    books.connection.execute("UPDATE call_events SET value = '' WHERE value = 'rating=1'")
    assert answers(books, campaign) == {"rating": {"5": 1}}


def test_without_questions_there_is_no_such_table(books: Books) -> None:
    assert "Question and answer" not in summary.write(books.settings, answered(books, ())).read_text(
        encoding="utf-8"
    )


def test_a_campaign_that_dialed_nothing(books: Books) -> None:
    campaign = books.campaign("idle", [person(2, "+33199001001")])
    text = summary.write(books.settings, campaign).read_text(encoding="utf-8")
    assert "nothing was dialed" in text
    assert "not done yet" in text
