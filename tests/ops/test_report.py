"""A report's figures are those of the export, counted here once more, row by row."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from engine.errors import InputError, StoreError
from engine.ops import export
from engine.ops.report import read
from engine.ops.report.figures import Figures, Spread
from engine.ops.report.write import figures_of, write
from tests.ops.filled import NOON, Books, person, settings_in

ZONES = ("Europe/Paris", "America/New_York", "Asia/Kolkata", "Pacific/Auckland", "")
QUESTIONS = {
    "happy": {"kind": "question", "prompts": ["a.wav"], "answers": {"1": "yes", "2": "no"}, "then": "account"},
    "account": {"kind": "digits", "prompts": ["a.wav"], "min": 4, "max": 8, "then": "end"},
}  # fmt: skip
MENU = {"keys": {"1": "go:happy", "9": "never_again"}}


@pytest.fixture
def busy(tmp_path: Path) -> Iterator[Books]:
    """An engine with two trunks."""
    trunk = {"pbx": "lab", "dial": "PJSIP/{number}@carrier", "max_channels": 40, "cps": 10}
    found = Books(settings_in(tmp_path, trunk={"north": trunk, "south": trunk}))
    yield found
    found.close()


def played(books: Books, people: int, seed: int) -> None:
    """A campaign of several days in which all sorts of things happen."""
    dice = random.Random(seed)
    campaign = books.campaign(
        "spring",
        [
            person(at + 2, f"+331990{at:05d}", timezone=dice.choice(ZONES) or None, external_id=f"p{at}")
            for at in range(people)
        ],
        nodes=QUESTIONS,
        menu=MENU,
        retry={"max_attempts": 9},
    )
    books.campaign("other", [person(2, "+33199099999")])
    for _ in range(5):
        for claim in books.claim(campaign, people):
            books.now += dice.uniform(0, 900)
            finished(books, claim, dice)
        books.now += dice.uniform(3600, 86400)
    books.connection.execute("UPDATE numbers SET zones = 'America/Chicago,America/New_York' WHERE id % 2 = 0")


def finished(books: Books, claim: Any, dice: random.Random) -> None:
    word = dice.choice(
        ["ANSWERED_HUMAN", "ANSWERED_MACHINE", "ANSWERED_UNSURE", "BUSY", "NO_ANSWER", "CONGESTION", "NOT_SENT", "UNKNOWN"]
    )  # fmt: skip
    more: dict[str, Any] = {"after": dice.uniform(30, 60)}
    if word.startswith("ANSWERED"):
        more |= {"talk": dice.uniform(1, 20), "rang_at": books.now + dice.uniform(0.1, 9)}
        more["amd"] = {
            "ANSWERED_HUMAN": "HUMAN/HUMAN-800-800",
            "ANSWERED_MACHINE": "MACHINE/MAXWORDS-4-4",
        }.get(word, "")
        more["heard"] = dice.choice([None, dice.random()])
        more["result"] = dice.choice(["heard", "partial", "answered"])
        more["reports"] = [("key", f"{dice.choice('159')}@message")]
        if more["result"] == "answered":
            more["reports"] += [("key", "1@happy"), ("answer", f"happy={dice.choice(['yes', 'no'])}"), ("key", "7@account"),
                                ("answer", f"account={dice.randrange(10**6)}")]  # fmt: skip
    else:
        more |= {"BUSY": {"sip": 486, "cause": 17}, "CONGESTION": {"sip": 503, "cause": 34}}.get(word, {})
        more["sent_at"] = None if word == "NOT_SENT" else books.now
    if dice.random() < 0.7:
        more["next_at"] = books.now + 900
    if word == "ANSWERED_HUMAN" and dice.random() < 0.3:
        more |= {"next_at": books.now + 900, "next_callback": True, "result": "call_back"}
    books.finish(claim, word, **more)


def exported(books: Books, what: export.What) -> list[dict[str, Any]]:
    return list(export.sheet(books.settings.database, "spring", what).rows)


def sent(books: Books) -> list[dict[str, Any]]:
    return [row for row in exported(books, "attempts") if row["disposition"] not in (None, "NOT_SENT")]


def instant(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def left(row: dict[str, Any]) -> float:
    return instant(row["sent_at"] or row["created_at"])


@pytest.mark.parametrize("seed", range(3))
def test_every_number_is_the_exports(busy: Books, seed: int) -> None:
    played(busy, 40, seed)
    found = figures_of(busy.settings, "spring", busy.now)
    rows = sent(busy)
    assert len(rows) > 60
    assert found.summary.sent == len(rows)
    over_time(found, rows)
    by_hour(busy, found, rows)
    by_person(busy, found, rows)
    by_trunk(found, rows)
    by_key(busy, found)


def over_time(found: Figures, rows: list[dict[str, Any]]) -> None:
    assert found.width > 0
    for at, column in enumerate(found.columns):
        assert column.at == found.columns[0].at + at * found.width
        inside = [row for row in rows if column.at <= left(row) < column.at + found.width]
        assert column.attempts == Counter(row["disposition"] for row in inside)
    assert sum(sum(column.attempts.values()) for column in found.columns) == len(rows)
    assert len(found.columns) <= read.COLUMNS


def by_hour(books: Books, found: Figures, rows: list[dict[str, Any]]) -> None:
    timezones = {row["contact"]: row["timezone"] for row in exported(books, "contacts")}
    zones = dict(books.connection.execute("SELECT e164, zones FROM numbers"))
    hours: dict[tuple[int, int], list[int]] = {}
    placeless = 0
    for row in rows:
        names = (timezones[row["contact"]] or zones[row["phone_number"]]).split(",")
        clocks = {datetime.fromtimestamp(left(row), ZoneInfo(name)) for name in names}
        places = {(clock.weekday(), clock.hour) for clock in clocks}
        if len({datetime.fromtimestamp(left(row), ZoneInfo(name)).utcoffset() for name in names}) > 1:
            placeless += 1
            continue
        counts = hours.setdefault(places.pop(), [0, 0])
        counts[0] += 1
        counts[1] += row["answered_at"] is not None
    assert {(one.weekday, one.hour): [one.sent, one.answered] for one in found.hours} == hours
    assert found.placeless == placeless > 0


def by_person(books: Books, found: Figures, rows: list[dict[str, Any]]) -> None:
    people = exported(books, "contacts")
    attempts = Counter(row["contact"] for row in rows)
    reached = {row["contact"] for row in rows if row["disposition"] == "ANSWERED_HUMAN"}
    assert {one.attempts: one.contacts for one in found.rounds} == Counter(attempts.values())
    assert {one.attempts: one.reached for one in found.rounds if one.reached} == Counter(
        attempts[one] for one in reached
    )
    assert found.reached == len(reached)
    assert found.contacts == len(people)
    done = [row for row in people if row["state"] == "done"]
    assert found.summary.contacts == Counter(row["disposition"] or "NOT_DIALED" for row in done)
    assert found.summary.goals == Counter(row["goal"] for row in people if row["goal"])
    every = exported(books, "attempts")
    assert found.summary.callbacks == Counter(
        row["callback_state"] for row in every if row["callback_state"] is not None
    )


def by_trunk(found: Figures, rows: list[dict[str, Any]]) -> None:
    assert {one.name for one in found.trunks} == {"north", "south"}
    for trunk in found.trunks:
        mine = [row for row in rows if row["trunk"] == trunk.name]
        answered = [row for row in mine if row["answered_at"]]
        assert (trunk.sent, trunk.answered) == (len(mine), len(answered))
        assert trunk.talk == pytest.approx(sum(row["talk_seconds"] for row in answered), abs=0.1)
        assert trunk.congested == sum(row["disposition"] == "CONGESTION" for row in mine)
        delays = sorted(instant(row["rang_at"]) - instant(row["sent_at"]) for row in mine if row["rang_at"])
        assert trunk.delay is not None
        assert trunk.delay.count == len(delays)
        for told, share in ((trunk.delay.median, 0.5), (trunk.delay.most, 0.95)):
            assert sum(delay < told + read.STEP / 1.9 for delay in delays) >= share * len(delays)
            assert sum(delay < told - read.STEP / 1.9 for delay in delays) < share * len(delays)
    endings = {(one.trunk, one.disposition, one.sip, one.cause): one.attempts for one in found.endings}
    assert endings == Counter(
        (row["trunk"], row["disposition"], row["sip"], row["cause"]) for row in rows if not row["answered_at"]
    )
    verdicts = {f"{one.verdict}/{one.reason}".rstrip("/"): one.calls for one in found.verdicts}
    assert verdicts == Counter(row["amd"].partition("-")[0] for row in rows if row["answered_at"])
    heard = [row["heard"] for row in rows if row["heard"] is not None]
    assert found.heard == pytest.approx(sum(heard) / len(heard), abs=0.01)


def by_key(books: Books, found: Figures) -> None:
    events = exported(books, "events")
    presses = Counter(row["value"] for row in events if row["kind"] == "key")
    assert presses.pop("7@account") > 0
    assert {f"{one.key}@{one.node}": one.presses for one in found.keys} == presses
    answers = exported(books, "answers")
    assert found.summary.answers == {
        "happy": Counter(row["answer"] for row in answers if row["question"] == "happy")
    }
    assert found.typed == {"account": sum(row["question"] == "account" for row in answers)}


def test_an_answer_that_may_be_a_number_is_not_told(books: Books) -> None:
    """A dialplan of one's own reports what it likes."""
    campaign = books.campaign("own", [person(2, "+33199001001"), person(3, "+33199001002")])
    first, second = books.claim(campaign)
    books.finish(
        first,
        "ANSWERED_HUMAN",
        talk=3,
        result="r0612345678",
        reports=[("answer", "callme=0612345678"), ("answer", "age=42")],
    )
    books.finish(
        second,
        "ANSWERED_HUMAN",
        talk=3,
        result="maybe",
        reports=[("answer", "callme=no"), ("answer", "broken")],
    )
    found = figures_of(books.settings, "own", books.now)
    assert found.summary.answers == {"age": {"42": 1}, "callme": {"no": 1}}
    assert found.summary.goals == {"a number": 1, "maybe": 1}
    assert found.typed == {"callme": 1}


def test_questions_with_too_many_answers_are_only_counted(books: Books) -> None:
    campaign = books.campaign("own", [person(at, f"+33199001{at:03d}") for at in range(2, 22)])
    for at, claim in enumerate(books.claim(campaign)):
        books.finish(
            claim, "ANSWERED_HUMAN", talk=3, reports=[("answer", f"age={at}"), ("answer", f"odd={at % 2}")]
        )
    found = figures_of(books.settings, "own", books.now)
    assert found.summary.answers == {"odd": {"0": 10, "1": 10}}
    assert found.typed == {"age": 20}


def test_abandoned_calls_and_the_laws_limit(books: Books) -> None:
    campaign = books.campaign("offer", [person(at, f"+33199001{at:03d}") for at in range(2, 7)])
    for at, claim in enumerate(books.claim(campaign)):
        reports = [("amd", "HUMAN/HUMAN-0-800"), *([("play", "message")] if at else [])]
        books.finish(claim, "ANSWERED_HUMAN", talk=20, after=21, reports=reports)
    books.connection.execute("UPDATE numbers SET region = 'US'")
    books.connection.execute("UPDATE campaigns SET manifest = json_set(manifest, '$.purpose', 'marketing')")
    told = figures_of(books.settings, "offer", books.now).abandonment
    assert (told.live, told.abandoned, told.share) == (5, 1, 0.2)
    assert [(day.live, day.abandoned) for day in told.days] == [(5, 1)]
    assert [(limit.region, limit.rule, limit.percent, limit.stop) for limit in told.limits] == [
        ("US", "us-abandon", 3, 2.5)
    ]


def test_nothing_was_dialed(books: Books) -> None:
    books.campaign("idle", [person(2, "+33199001001")])
    found = figures_of(books.settings, "idle", books.now)
    assert (found.contacts, found.reached, found.columns, found.hours) == (1, 0, [], [])
    with pytest.raises(InputError, match="there is no campaign 'nope'"):
        figures_of(books.settings, "nope", books.now)


@pytest.mark.parametrize(
    ("span", "width"),
    [
        (0, 1),
        (94, 1),
        (95, 5),
        (3600, 60),
        (86400, 3600),
        (3 * 86400, 3600),
        (30 * 86400, 86400),
        (9e9, 604800),
    ],
)
def test_a_column_is_as_wide_as_it_must_be(span: float, width: int) -> None:
    assert read.width_for(span) == width


def test_a_spread() -> None:
    assert read.spread([]) is None
    assert read.spread([(0, 0)]) is None
    assert read.spread([(4, 1)]) == Spread(1, pytest.approx(0.225), pytest.approx(0.225))
    assert read.spread([(0, 50), (1, 45), (9, 5)]) == Spread(100, pytest.approx(0.025), pytest.approx(0.075))


def test_counting_ends_when_the_engine_does(books: Books) -> None:
    campaign = books.campaign("big", [person(2, "+33199001001")])
    (claim,) = books.claim(campaign)
    books.finish(claim, "BUSY")
    names = [row[1] for row in books.connection.execute("PRAGMA table_info(attempts)")]
    copied = ", ".join("n" if name == "id" else name for name in names)
    books.connection.execute(
        f"WITH RECURSIVE many(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM many WHERE n < 60000)"
        f" INSERT INTO attempts SELECT {copied} FROM many, (SELECT * FROM attempts LIMIT 1)"
    )
    asked: list[None] = []

    def stopped() -> bool:
        asked.append(None)
        return True

    with pytest.raises(StoreError, match="interrupted"):
        write(books.settings, campaign, NOON, stopped)
    assert len(asked) == 1
    assert not list(books.settings.engine.state.glob("reports/*"))
    path = write(books.settings, campaign, NOON, lambda: False)
    assert path == books.settings.engine.state / "reports" / "big.html"
    assert "60,001" in path.read_text(encoding="utf-8")
