"""Why somebody was called, was not, and what comes next: the gate's own answers in words."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from engine.dialing.follower import EARLY_SEQ
from engine.ops import history, reasons
from engine.ops.books import snapshot
from engine.ops.explain import Next, grounds, timeline, what_next
from engine.ops.history import History
from engine.rules.abandonment import Measured
from engine.rules.book import standard_book
from engine.rules.gate import Reason
from engine.store import abandonment, decisions
from engine.store.decisions import DecisionRecord
from tests.ops.filled import CALLER, NOON, Books, person, settings_in
from tests.rules.book.places import OURS

OFFICE = [{"days": ["mon-fri"], "from": "09:00", "to": "17:00"}]
BUSY_TWICE = {"max_attempts": 3, "min_gap": "60s", "BUSY": {"delay": "600s", "attempts": 1}}


def story(books: Books, key: str = "+33199001001") -> History:
    with snapshot(books.settings.database) as connection:
        (contact,) = history.contacts_of(connection, "number", key, None)
        return history.read(connection, contact)


def coming(books: Books) -> Next:
    return what_next(story(books), books.settings, books.now)


def one(books: Books, **manifest: Any) -> int:
    return books.campaign("shots", [person(2, "+33199001001", external_id="a")], **manifest)


def test_every_reason_has_a_sentence() -> None:
    assert set(Reason) <= reasons.SENTENCES.keys()
    assert reasons.sentence("of_another_version") == "of another version"
    assert reasons.result("tuesday") == "answered: tuesday"


def test_a_first_call_that_is_due(books: Books) -> None:
    one(books)
    found = coming(books)
    assert (found.called, found.at, found.reason) == (True, NOON, "allowed")
    assert found.text.startswith("Due now, the first call:")


def test_outside_hours(books: Books) -> None:
    one(books, window=[{"days": ["sat"], "from": "09:00", "to": "17:00"}])
    found = coming(books)
    assert found.called
    assert found.reason == "outside_hours"
    assert "not before 2026-11-28 09:00:00+01:00: it is outside the calling hours" in found.text


def test_a_retry_waits_for_its_delay(books: Books) -> None:
    campaign = one(books, retry=BUSY_TWICE)
    books.finish(books.claim(campaign)[0], "BUSY", cause=17, sip=486, next_at=NOON + 600)
    books.now += 10
    found = coming(books)
    assert (found.called, found.at) == (True, NOON + 600)
    assert found.text == "Next: another try after BUSY, at 2026-11-24 12:10:00+01:00."


def test_a_callback_comes(books: Books) -> None:
    campaign = one(books)
    books.finish(
        books.claim(campaign)[0], "ANSWERED_HUMAN", talk=5, result="call_back", next_at=NOON + 90, next_callback=True,
        reports=[("key", "2@message"), ("callback", "90")],
    )  # fmt: skip
    assert coming(books).text == "Next: the callback that was asked for, at 2026-11-24 12:01:30+01:00."
    texts = [what for _, what, _ in timeline(story(books))]
    assert texts[1] == "callback promised for 2026-11-24 12:01:30+01:00: still to come"
    assert timeline(story(books))[0][2][1:] == ["pressed 2 in message", "asked to be called back in 1m30s"]


def test_never_again_is_told_once_though_dialplan_and_engine_note_it(books: Books) -> None:
    (claim,) = books.claim(one(books))
    books.opt_out(claim, seq=2)
    books.opt_out(claim, seq=EARLY_SEQ)
    books.finish(claim, "ANSWERED_HUMAN", talk=5, result="opted_out", reports=[("key", "9@message")])
    [(_, _, within), _] = timeline(story(books))
    assert within[1:] == ["pressed 9 in message", "asked never to be called again"]


def test_a_call_tells_what_allowed_it(books: Books) -> None:
    books.claim(one(books))
    [(_, _, within)] = timeline(story(books))
    assert within == [
        f"allowed: rules {standard_book().version}; a number reserved for fiction; 12:00 in Europe/Paris; showing +33162000001"
    ]


def test_a_decision_is_told_as_it_was_then(books: Books) -> None:
    """Years later: rules, lists and zones of today say nothing about it."""
    campaign = one(books)
    contact, number = books.connection.execute("SELECT id, number_id FROM contacts").fetchone()
    decisions.insert(
        books.connection,
        DecisionRecord(
            at=NOON, contact_id=contact, number_id=number, campaign_id=campaign, reason="suppressed",
            zones=("America/New_York", "America/Chicago", "Mars/Phobos"), rules="2026-11-24.abc", country="US",
            subdivisions=("US-IN", "US-KY"), rule="us-registry", consent="form 4711", lists=(("us-dnc", "2026-11-01"),),
        ),
    )  # fmt: skip
    [refusal] = story(books).refusals
    assert grounds(refusal) == (
        "rules 2026-11-24.abc, rule us-registry; in US-IN or US-KY; 06:00 in America/New_York; 05:00 in America/Chicago;"
        " unknown time in Mars/Phobos; consent form 4711; us-dnc of 2026-11-01"
    )
    [(_, what, within)] = timeline(story(books))
    assert what.startswith("not dialed to +33199001001: the number is on the list")
    assert within == [grounds(refusal)]


def test_a_decision_of_an_older_database(books: Books) -> None:
    books.claim(one(books))
    books.connection.execute("UPDATE decisions SET local = '', caller_id = ''")
    assert timeline(story(books))[0][2] == [
        f"allowed: rules {standard_book().version}; a number reserved for fiction; in Europe/Paris"
    ]


def test_a_live_call(books: Books) -> None:
    books.claim(one(books))
    assert coming(books).reason == "in_call"
    assert timeline(story(books))[0][1].endswith("by trunk carrier: lives")


def test_a_line_that_is_in_use_now_is_free_when_the_retry_is_due(books: Books) -> None:
    one(books)
    other = books.campaign("other", [person(2, "+33199001001")])
    books.claim(1)
    assert books.claim(other) == []
    with snapshot(books.settings.database) as connection:
        waiting = history.read(connection, 2)
    found = what_next(waiting, books.settings, books.now + 5)
    assert (found.called, found.at) == (True, NOON + 20)
    assert found.text.endswith("until then the number has a live call.")
    assert what_next(waiting, books.settings, books.now + 21).reason == "line_in_use"


def test_only_the_campaign_s_own_trunks_count(tmp_path: Path) -> None:
    trunk = {"pbx": "lab", "dial": "PJSIP/{number}@carrier"}
    ours = {"number": CALLER, "owner": "Test", "proof": "2026-01-01", "trunks": ["b"]}
    with closing(Books(settings_in(tmp_path, trunk={"a": trunk, "b": trunk}, caller_id=[ours]))) as books:
        one(books, trunks=["a"])
        assert coming(books).reason == "no_caller_id"


def test_a_trunk_that_does_not_serve_the_number_is_none(tmp_path: Path) -> None:
    trunk = {"pbx": "lab", "dial": "PJSIP/{number}@carrier"}
    trunks = {"a": {**trunk, "areas": ["US"]}, "b": {**trunk, "areas": ["+331990010"]}}
    with closing(Books(settings_in(tmp_path, trunk=trunks))) as books:
        one(books, trunks=["a"])
        found = coming(books)
        assert (found.reason, found.at) == ("no_trunk", books.now + 3600)
        assert "none of the campaign's trunks serves" in found.text
        books.campaign("served", [person(2, "+33199001002", external_id="b")])
        with snapshot(books.settings.database) as connection:
            other = history.read(connection, 2)
        assert what_next(other, books.settings, books.now).reason == "allowed"


def test_abandoned_calls_are_told(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "ours.toml").write_text(OURS, encoding="utf-8")
    with closing(Books(settings_in(tmp_path, law={"rules": tmp_path / "rules"}))) as books:
        campaign = one(books)

        def abandon() -> str:
            measured = Measured(True, 3.0, True)
            abandonment.count(books.connection, campaign, measured, books.now)
            return coming(books).text

        assert abandon().endswith("a free channel.")
        assert "; the campaign makes one call a second (of the 2 calls" in abandon()
        stopped = abandon()
        assert "too many of the campaign's calls were abandoned lately (of the 3 calls of 30 days" in stopped
        assert "ours-abandoned slows down from 2 % on and stops from 2.5 % on" in stopped


@pytest.mark.parametrize("state", ["paused", "cancelled", "failed", "loading"])
def test_a_campaign_that_does_not_run(books: Books, state: str) -> None:
    one(books)
    books.connection.execute("UPDATE campaigns SET state = ?", (state,))
    found = coming(books)
    assert (found.called, found.at) == (False, None)
    assert state in found.text


def test_a_scheduled_campaign_tells_its_start(books: Books) -> None:
    one(books, start="2026-11-25T10:00:00+01:00")
    found = coming(books)
    assert found.reason == "campaign_not_started"
    assert "not before 2026-11-25 10:00:00+01:00" in found.text


def test_a_number_on_the_list(books: Books) -> None:
    one(books)
    books.suppress("+33199001001")
    found = coming(books)
    assert (found.called, found.reason) == (False, "suppressed")
    assert "will not be called" in found.text
    assert timeline(story(books))[0][1].endswith("never to be called: complaint (command by anna)")


def test_what_the_gate_refused_is_told(books: Books) -> None:
    campaign = one(books, window=[{"days": ["sat"], "from": "09:00", "to": "17:00"}])
    assert books.claim(campaign) == []
    (refused,) = timeline(story(books))
    assert refused[1].startswith("not dialed to +33199001001: it is outside the calling hours")
    assert refused[1].endswith("not before 2026-11-28 09:00:00+01:00")


@pytest.mark.parametrize(
    ("ends", "retry", "text"),
    [
        (["REJECTED"], {}, "this campaign does not try again after REJECTED"),
        (["BUSY", "BUSY"], BUSY_TWICE, "after BUSY this campaign tries once more, and it has"),
        (
            ["BUSY", "NO_ANSWER"],
            {"max_attempts": 2, "min_gap": "60s", "NO_ANSWER": {"delay": "60s", "attempts": 3}},
            "all 2 attempts of the campaign are used",
        ),
        (["ANSWERED_HUMAN"], {}, "this campaign does not try again after ANSWERED_HUMAN"),
    ],
)
def test_why_a_contact_is_done(books: Books, ends: list[str], retry: dict[str, Any], text: str) -> None:
    campaign = one(books, retry=retry)
    for at, word in enumerate(ends):
        (claim,) = books.claim(campaign)
        books.finish(claim, word, next_at=books.now + 1000 if at + 1 < len(ends) else None)
        books.now += 2000
    found = coming(books)
    assert (found.called, found.at) == (False, None)
    assert found.text == f"No further call: {text}."


def test_an_opt_out_is_the_reason(books: Books) -> None:
    (claim,) = books.claim(one(books))
    books.opt_out(claim)
    books.finish(claim, "ANSWERED_HUMAN", talk=4, result="opted_out")
    assert coming(books).text == "No further call: the person asked never to be called again."


def test_a_contact_of_a_cancelled_campaign(books: Books) -> None:
    campaign = one(books)
    from engine.store import campaigns

    campaigns.set_state(books.connection, campaign, "cancelled", books.now)
    campaigns.close_pending(books.connection, campaign, "CANCELLED", "campaign_cancelled", 10)
    assert coming(books).text == "No further call: the campaign was cancelled."


def test_codes_of_an_attempt_are_told(books: Books) -> None:
    campaign = one(books)
    books.finish(
        books.claim(campaign)[0], "CONGESTION", counted=False, cause=34, sip=503, after=0.5, note="full"
    )
    (told,) = timeline(story(books))
    assert told[1] == (
        "first call to +33199001001 from +33162000001 by trunk carrier: CONGESTION, after 0.5 s"
        " (cause 34; SIP 503; did not count as an attempt) - full"
    )


def test_contacts_are_found_by_number_id_and_external_id(books: Books) -> None:
    one(books)
    books.campaign("second", [person(2, "+33199001002", "+33199001001", external_id="a")])
    with snapshot(books.settings.database) as connection:
        assert history.contacts_of(connection, "number", "+33199001001", None) == [1, 2]
        assert history.contacts_of(connection, "number", "+33199001001", "second") == [2]
        assert history.contacts_of(connection, "external_id", "a", None) == [1, 2]
        assert history.contacts_of(connection, "external_id", "a", "shots") == [1]
        assert history.contacts_of(connection, "id", 2, None) == [2]
        assert history.contacts_of(connection, "id", 2, "shots") == []
        assert history.number(connection, "+33199001009") is None
