"""What a receiver gets: every event there is, as the schema has it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import ValidationError

from engine.channel import Report
from engine.hook_settings import Event
from engine.hooks import payload
from engine.store import audited, hook_facts, hooks
from engine.store.hooks import Subscription
from tests.store.conftest import Books, contact, number


def test_every_event_has_its_model() -> None:
    models = get_args(get_args(payload.AnyEvent)[0])
    words = [word for model in models for word in get_args(model.model_fields["event"].annotation)]
    assert sorted(words) == sorted(Event)


def told(books: Books, *, masked: bool) -> dict[str, dict[str, Any]]:
    """Everything that waits, as it is sent: event -> the last one of it."""
    found = {}
    for row in hooks.waiting_rows(books.connection, 1, 0, 1000):
        facts = hook_facts.facts(books.connection, 1, row)
        assert facts is not None
        sent = payload.body(row.event, row.key, row.at, facts, masked=masked)
        found[row.event] = json.loads(sent)
        assert found[row.event]["id"] == row.key.hex()
        assert found[row.event]["at"] == row.at
    return found


@pytest.fixture
def full(tmp_path: Path) -> Books:
    """Books of which every event is told, but for a campaign's failure."""
    books = Books(tmp_path / "volley.db")
    books.unit(hooks.follow, hooks={"crm": Subscription(sorted(Event), ["*"])}, now=lambda: books.now)
    found = books.campaign("spring", *(contact(at, external_id=f"A-{at}") for at in range(1, 5)))
    one, two, three, four = books.claim(found).claims
    for claim in (one, two, three):
        books.finish(claim, "ANSWERED_HUMAN", next_at=books.now + 5, next_callback=True)
    books.now += 10
    kept, missed, gone = books.claim(found).claims
    reports = [
        Report(kept.attempt, 1, "key", "1@message", books.now),
        Report(kept.attempt, 2, "answer", "message=confirmed", books.now),
        Report(kept.attempt, 3, "answer", "account=4711", books.now),
    ]
    books.finish(kept, "ANSWERED_HUMAN", reports=reports, result="confirmed")
    books.finish(missed, "NO_ANSWER")
    books.suppress(number(3))
    books.finish(gone, "CONGESTION", next_at=books.now)
    books.claim(found)
    books.opt_out(four)
    books.finish(four, "ANSWERED_HUMAN")
    for state in ("paused", "running"):
        books.unit(audited.set_state, campaign_id=found, state=state, now=books.now)
    books.unit(audited.complete, campaign_id=found, now=books.now)
    books.unit(audited.set_state, campaign_id=books.campaign("late"), state="cancelled", now=books.now)
    books.check()
    return books


def test_every_event_can_be_put_together(full: Books) -> None:
    found = told(full, masked=False)
    assert set(found) == set(Event) - {Event.CAMPAIGN_FAILED}
    assert found["call.key"]["key"] == "1"
    assert found["optout.recorded"]["contacts"] == [
        {"campaign": "spring", "contact": 4, "external_id": "A-4"}
    ]
    assert found["campaign.completed"]["dispositions"] == {
        "ANSWERED_HUMAN": 2,
        "NO_ANSWER": 1,
        "SUPPRESSED": 1,
    }
    assert found["callback.withdrawn"]["external_id"] == "A-3"
    full.connection.close()


def test_numbers_are_masked_unless_they_are_wanted(full: Books) -> None:
    masked, plain = told(full, masked=True), told(full, masked=False)
    assert plain["call.ended"]["number"].startswith("+3319900100")
    assert plain["call.ended"]["caller_id"] == "+33162000001"
    assert masked["call.ended"]["caller_id"] == "+3316200••01"
    assert "+33199001" not in json.dumps(masked)
    assert (plain["call.answer"]["answer"], masked["call.answer"]["answer"]) == ("4711", "****")
    assert all(
        masked[event]["number"].startswith("+3319900••") for event in masked if "number" in masked[event]
    )
    full.connection.close()


def test_what_is_no_event_is_not_sent() -> None:
    with pytest.raises(ValidationError):
        payload.body("call.begun", b"x", 0.0, {}, masked=True)
    with pytest.raises(ValidationError):
        payload.body("call.key", b"x", 0.0, {"campaign": "spring"}, masked=True)
