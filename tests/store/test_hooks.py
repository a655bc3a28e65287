"""The outbox of hooks: one row an event and hook, in the transaction of what it tells of."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.channel import InboundOptOut, Report, channel_id
from engine.hook_settings import Event
from engine.store import audited, campaigns, erasure, forgotten, hook_facts, hooks, inbound, jobs, outcomes
from engine.store.hooks import Result, Row, Subscription
from tests.store.conftest import Books

Make = Callable[..., Any]
ALL = Subscription(sorted(Event), ["*"])


def follow(books: Books, **subscriptions: Subscription) -> dict[str, int]:
    found: dict[str, int] = books.unit(hooks.follow, hooks=subscriptions, now=lambda: books.now)
    return found


def told(books: Books, hook: str = "crm") -> list[tuple[Any, ...]]:
    """What waits for a hook: event and subject."""
    return books.rows(
        "SELECT o.event, o.subject FROM hook_outbox o JOIN hooks h ON h.id = o.hook_id WHERE h.name = ? ORDER BY o.id",
        hook,
    )


def rows(books: Books, hook_id: int = 1) -> list[Row]:
    return hooks.waiting_rows(books.connection, hook_id, 0, 1000)


def facts(books: Books, event: str, hook_id: int = 1) -> dict[str, Any]:
    """The facts of the one event of that name that waits."""
    [row] = [row for row in rows(books, hook_id) if row.event == event]
    found = hook_facts.facts(books.connection, hook_id, row)
    assert found is not None
    return found


# -- what is written ---------------------------------------------------------------------------------------------------


def test_without_hooks_nothing_is_written(books: Books, person: Make) -> None:
    assert follow(books) == {}
    claim = books.claim_one(books.campaign("spring", person(1)))
    books.finish(claim, "ANSWERED_HUMAN")
    books.opt_out(claim)
    assert books.rows("SELECT * FROM hook_outbox") == []
    assert books.rows("SELECT name FROM temp.sqlite_master") == []


def test_the_way_of_a_campaign(books: Books, person: Make) -> None:
    follow(books, crm=ALL)
    found = books.campaign("spring", person(1), person(2), person(3))
    assert told(books) == [("campaign.accepted", found), ("campaign.started", found)]
    first, second, third = books.claim(found).claims
    keys = [Report(first.attempt, 1, "amd", "HUMAN/X", books.now), Report(first.attempt, 2, "key", "1@message", books.now)]  # fmt: skip
    books.finish(first, "ANSWERED_HUMAN", reports=keys, result="confirmed")
    books.finish(second, "BUSY", next_at=books.now + 60)
    books.finish(third, "NOT_SENT", next_at=books.now)
    assert told(books)[2:] == [
        ("call.key", first.attempt),
        ("call.ended", first.attempt),
        ("contact.done", first.contact_id),
        ("call.ended", second.attempt),
    ]
    assert [(row.lane, row.part) for row in rows(books)[2:4]] == [
        (first.contact_id, 2),
        (first.contact_id, 0),
    ]
    assert len({row.key for row in rows(books)}) == 6
    assert all(row.at == books.now and len(row.key) == 16 for row in rows(books))


def test_a_report_that_comes_twice_is_told_once(books: Books, person: Make) -> None:
    follow(books, crm=Subscription(["call.key", "optout.recorded"], ["*"]))
    claim = books.claim_one(books.campaign("spring", person(1)))
    press = Report(claim.attempt, 2, "key", "1@message", books.now)
    for _ in range(2):
        books.unit(outcomes.keep_known_reports, [press])
        books.opt_out(claim)
        books.opt_out(claim, seq=7)  # the engine's own, of a key during the detection
    assert told(books) == [("call.key", claim.attempt), ("optout.recorded", claim.number_id)]
    books.finish(claim, "ANSWERED_HUMAN", reports=[press])
    assert len(told(books)) == 2


def test_what_is_rolled_back_is_not_told(books: Books, person: Make) -> None:
    follow(books, crm=ALL)
    claim = books.claim_one(books.campaign("spring", person(1)))
    before = told(books)

    def broken(connection: sqlite3.Connection) -> None:
        connection.execute("UPDATE attempts SET disposition = 'BUSY' WHERE id = ?", (claim.attempt,))
        raise KeyError

    with pytest.raises(KeyError):
        books.unit(broken)
    assert told(books) == before


def test_a_whole_campaign_that_ends_is_one_event(books: Books, person: Make) -> None:
    follow(books, crm=ALL)
    found = books.campaign("spring", *(person(at) for at in range(1, 6)))
    live = books.claim_one(found)
    books.unit(audited.set_state, campaign_id=found, state="cancelled", now=books.now)
    books.unit(campaigns.close_pending, campaign_id=found, disposition="CANCELLED", reason="campaign_cancelled", limit=10)  # fmt: skip
    books.finish(live, "ANSWERED_HUMAN")
    assert told(books)[2:] == [
        ("campaign.cancelled", found),
        ("call.ended", live.attempt),
        ("contact.done", live.contact_id),
    ]


def test_a_contact_that_the_gate_ends_is_done(books: Books, person: Make, phone: Make) -> None:
    follow(books, crm=ALL)
    found = books.campaign("spring", person(1, external_id="A-1"))
    books.suppress(phone(1))
    assert books.claim(found).claims == ()
    done = facts(books, "contact.done")
    assert (done["disposition"], done["reason"], done["external_id"]) == ("SUPPRESSED", "suppressed", "A-1")


def test_every_state_of_a_campaign(books: Books, person: Make) -> None:
    follow(books, crm=ALL)
    found = books.campaign("spring", person(1))
    for state in ("paused", "paused", "scheduled", "running", "failed"):
        books.unit(audited.set_state, campaign_id=found, state=state, now=books.now)
    books.campaign("empty")
    books.unit(audited.complete, campaign_id=2, now=books.now)
    assert [event for event, subject in told(books) if subject == found] == [
        "campaign.accepted", "campaign.started", "campaign.paused", "campaign.resumed", "campaign.started", "campaign.failed",
    ]  # fmt: skip
    assert told(books)[-1] == ("campaign.completed", 2)


def test_a_promise_and_what_becomes_of_it(books: Books, person: Make) -> None:
    follow(books, crm=ALL)
    found = books.campaign("spring", person(1), person(2))
    first, second = books.claim(found).claims
    for claim in (first, second):
        books.finish(claim, "ANSWERED_HUMAN", next_at=books.now + 5, next_callback=True)
    books.now += 10
    again = {claim.contact_id: claim for claim in books.claim(found).claims}
    books.finish(again[first.contact_id], "ANSWERED_HUMAN")
    books.finish(again[second.contact_id], "NO_ANSWER")
    assert [event for event, _ in told(books) if event.startswith("callback")] == [
        "callback.scheduled", "callback.scheduled", "callback.kept", "callback.missed",
    ]  # fmt: skip
    kept = facts(books, "callback.kept")
    assert kept["attempt"] == channel_id(first.attempt)
    assert kept["kept_by"] == channel_id(again[first.contact_id].attempt)
    assert (kept["asked_at"], kept["due_at"]) == (books.now - 10, books.now - 5)


# -- who hears of it ---------------------------------------------------------------------------------------------------


def test_a_hook_hears_of_its_campaigns_and_events_only(books: Books, person: Make) -> None:
    follow(
        books,
        crm=Subscription(["call.ended"], ["spring-*"]),
        named=Subscription(["call.ended", "contact.done"], []),
        deaf=Subscription(["call.ended"], []),
    )
    manifest = {"id": "autumn", "hooks": ["named"]}
    for name, table in (("spring-1", {"id": "spring-1"}), ("autumn", manifest), ("winter", {"id": "winter"})):
        new = books.new_campaign(name)
        new.manifest.update(table)
        campaign_id = books.unit(
            jobs.begin_job, job_id=name, fingerprint=name, source=name, campaign=new, now=books.now
        )
        books.add(name, campaign_id, person(campaign_id))
        books.unit(jobs.close_job, job_id=name, parsed=1, refused=0, now=books.now)
        books.campaign(f"x-{name}")
        books.rules[campaign_id] = next(iter(books.rules.values()))
        books.finish(books.claim_one(campaign_id))
    assert [event for event, _ in told(books, "crm")] == ["call.ended"]
    assert [event for event, _ in told(books, "named")] == ["call.ended", "contact.done"]
    assert told(books, "deaf") == []


def test_a_start_with_other_settings_follows_anew(
    books: Books, new_books: type[Books], tmp_path: Path, person: Make
) -> None:
    first = follow(books, crm=ALL, other=ALL)
    found = books.campaign("spring", person(1), person(2))
    one, two = books.claim(found).claims
    books.finish(one)
    assert len(told(books, "other")) == 4
    again = new_books(tmp_path / "volley.db")
    second = follow(again, new=ALL, crm=Subscription(["call.ended"], ["spring"]))
    assert second["crm"] == first["crm"]
    again.finish(two)
    assert len(told(books, "other")) == 4, "it waits, and hears no more"
    assert told(books, "crm")[4:] == [("call.ended", two.attempt)]
    assert told(books, "new") == [("call.ended", two.attempt), ("contact.done", two.contact_id)]
    again.connection.close()


def test_an_opt_out_is_told_to_every_campaign_that_has_the_number(
    books: Books, person: Make, phone: Make
) -> None:
    follow(
        books,
        a=Subscription(["optout.recorded"], ["a"]),
        b=Subscription(["optout.recorded"], ["b"]),
        c=Subscription(["optout.recorded"], ["c"]),
        all=Subscription(["optout.recorded"], ["*"]),
    )
    first = books.campaign("a", person(1, phone(1), phone(2), external_id="in-a"))
    books.campaign("b", person(1, phone(2), external_id="in-b"))
    books.campaign("c", person(1, phone(3)))
    claim = books.claim_one(first)
    books.opt_out(claim)
    numbers = {claim.number_id: phone(1).e164, claim.number_id + 1: phone(2).e164}
    assert told(books, "a") == [("optout.recorded", one) for one in numbers]
    assert told(books, "b") == [("optout.recorded", claim.number_id + 1)]
    assert told(books, "c") == []
    assert told(books, "all") == told(books, "a")
    assert {row.lane for row in rows(books, 1)} == {claim.contact_id}
    assert facts(books, "optout.recorded", hook_id=2) == {
        "number": phone(2).e164, "source": "key", "since": books.now,
        "contacts": [{"campaign": "b", "contact": 2, "external_id": "in-b"}],
    }, "nothing of a campaign that it does not hear of"  # fmt: skip


def test_somebody_who_calls_back_and_is_in_no_campaign(books: Books, phone: Make) -> None:
    follow(
        books, all=Subscription(["optout.recorded"], ["*"]), some=Subscription(["optout.recorded"], ["s*"])
    )
    event = InboundOptOut("1700000000.1", phone(9).e164, "33162000001", books.now)
    books.unit(inbound.opt_out, pbx="lab", event=event, number=phone(9), now=books.now)
    assert [event for event, _ in told(books, "all")] == ["optout.recorded"]
    assert told(books, "some") == []
    assert facts(books, "optout.recorded") == {
        "number": phone(9).e164, "source": "inbound", "since": books.now, "contacts": [],
    }  # fmt: skip


# -- what is told ------------------------------------------------------------------------------------------------------


def test_the_facts_of_a_call(books: Books, person: Make, phone: Make) -> None:
    follow(books, crm=ALL)
    claim = books.claim_one(books.campaign("spring", person(1, external_id="A-1")))
    reports = [
        Report(claim.attempt, 1, "amd", "HUMAN/HUMAN-815-800", books.now),
        Report(claim.attempt, 2, "key", "4@message", books.now + 3),
        Report(claim.attempt, 3, "key", "1@message", books.now + 5),
        Report(claim.attempt, 4, "answer", "message=confirmed", books.now + 5),
        Report(claim.attempt, 5, "answer", "account=4711=x", books.now + 6),
        Report(claim.attempt, 6, "result", "confirmed", books.now + 6),
    ]
    books.finish(
        claim, "ANSWERED_HUMAN", reports=reports, result="confirmed", amd="HUMAN/HUMAN-815-800", cause=16, sip=200, rang=True,
        answered_at=books.now + 2, ended_at=books.now + 9.5, heard=0.5,
    )  # fmt: skip
    assert facts(books, "call.ended") == {
        "campaign": "spring", "contact": claim.contact_id, "external_id": "A-1", "attempt": channel_id(claim.attempt),
        "kind": "first", "number": phone(1).e164, "caller_id": "+33162000001", "trunk": "a", "disposition": "ANSWERED_HUMAN",
        "cause": 16, "sip": 200, "amd": "HUMAN/HUMAN-815-800", "result": "confirmed", "heard": 0.5, "rang": True, "keys": "41",
        "answers": [{"question": "message", "answer": "confirmed"}, {"question": "account", "answer": "4711=x"}],
        "sent_at": books.now, "answered_at": books.now + 2, "ended_at": books.now + 9.5, "talk": 7.5, "note": "",
    }  # fmt: skip
    pressed = [hook_facts.facts(books.connection, 1, row) for row in rows(books) if row.event == "call.key"]
    assert [(one["key"], one["node"], one["said_at"] - books.now) for one in pressed if one] == [
        ("4", "message", 3.0), ("1", "message", 5.0),
    ]  # fmt: skip
    given = [hook_facts.facts(books.connection, 1, row) for row in rows(books) if row.event == "call.answer"]
    assert [(one["question"], one["answer"], one["said_at"] - books.now) for one in given if one] == [
        ("message", "confirmed", 5.0), ("account", "4711=x", 6.0),
    ]  # fmt: skip


def test_the_facts_of_a_campaign(books: Books, person: Make) -> None:
    follow(books, crm=ALL)
    found = books.campaign("spring", person(1), person(2), person(3))
    for claim in books.claim(found, slots="aa").claims:
        books.finish(claim, "BUSY")
    told_of = facts(books, "campaign.started")
    assert told_of["dispositions"] == {"BUSY": 2}
    assert (told_of["contacts"], told_of["rejected"], told_of["open_contacts"]) == (3, 0, 1)
    assert (told_of["campaign"], told_of["state"]) == ("spring", "running")


def test_who_is_forgotten_before_it_is_told_is_not_named(
    books: Books, person: Make, phone: Make, tmp_path: Path
) -> None:
    follow(books, crm=ALL)
    claim = books.claim_one(books.campaign("spring", person(1, external_id="A-1")))
    typed = Report(claim.attempt, 1, "answer", "account=4711", books.now)
    books.finish(claim, "ANSWERED_HUMAN", note="of the person", next_at=books.now + 60, reports=[typed])
    forgotten.make_key(tmp_path)
    books.unit(erasure.forget, phone(1).e164, "anna", "asked", books.now)
    ended = facts(books, "call.ended")
    assert (ended["number"], ended["external_id"], ended["note"], ended["answers"]) == (None, None, "", [])
    said = facts(books, "call.answer")
    assert (said["number"], said["question"], said["answer"]) == (None, "", "")
    done = facts(books, "contact.done")
    assert (done["number"], done["external_id"], done["disposition"]) == (None, None, "SUPPRESSED")
    assert phone(1).e164 not in str(books.rows("SELECT * FROM hook_outbox"))


def test_what_was_taken_back_has_no_facts(books: Books, person: Make) -> None:
    follow(books, crm=ALL)
    books.campaign("spring", person(1))
    [row] = rows(books)[:1]
    row.subject = 99
    for event in Event:
        row.event = event
        assert hook_facts.facts(books.connection, 1, row) is None


# -- what becomes of rows ----------------------------------------------------------------------------------------------


def filled(books: Books, person: Make, count: int) -> list[Row]:
    follow(books, crm=Subscription(["call.ended"], ["*"]))
    found = books.campaign("spring", *(person(at) for at in range(1, count + 1)))
    for claim in books.claim(found, slots="a" * count).claims:
        books.finish(claim)
        books.now += 1
    return rows(books)


def test_results_are_settled(books: Books, person: Make) -> None:
    first, second, third, fourth = filled(books, person, 4)
    third.tries, third.refused, third.due_at = 2, 1, books.now + 9
    second.tries = 5
    results = [
        Result(first, "delivered", books.now),
        Result(second, "failed", books.now, "answered 404 Not Found"),
        Result(third, "again", books.now + 1, "answered 400 Bad Request"),
    ]
    books.unit(hooks.settle, hook_id=1, results=results)
    assert [(row.id, row.tries, row.refused, row.due_at) for row in rows(books)] == [
        (third.id, 2, 1, books.now + 9), (fourth.id, 0, 0, 0.0),
    ]  # fmt: skip
    assert books.rows("SELECT id, key, tries, error FROM hook_failed") == [
        (second.id, second.key, 5, "answered 404 Not Found")
    ]
    assert books.one("SELECT delivered, failed, delivered_at, error, error_at, gone_at FROM hooks") == (
        1, 1, books.now, "answered 400 Bad Request", books.now + 1, None,
    )  # fmt: skip
    books.unit(
        hooks.settle, hook_id=1, results=[Result(third, "delivered", books.now + 2)], gone_at=books.now
    )
    assert books.one("SELECT delivered, error, gone_at FROM hooks") == (
        2,
        "answered 400 Bad Request",
        books.now,
    )
    follow(books)
    assert books.one("SELECT gone_at FROM hooks") is None, "a start asks it again"


def test_ids_are_never_used_again(books: Books, person: Make) -> None:
    """A courier asks for what is behind the last row that it saw."""
    before = filled(books, person, 3)
    books.unit(hooks.settle, hook_id=1, results=[Result(row, "delivered", books.now) for row in before])
    books.finish(books.claim_one(books.campaign("more", person(9))))
    [row] = rows(books)
    assert row.id > before[-1].id
    assert hooks.waiting_rows(books.connection, 1, before[-1].id, 10) == [row]


def test_the_oldest_are_dropped(books: Books, person: Make) -> None:
    found = filled(books, person, 5)
    assert hooks.waiting(books.connection, 1) == hooks.Waiting(5, found[0].at)
    ids = books.unit(hooks.drop_oldest, hook_id=1, count=2, keep=[found[0].id])
    assert ids == [found[1].id, found[2].id]
    assert books.one("SELECT dropped FROM hooks") == 2
    assert books.rows("SELECT id FROM hook_failed") == []


def test_what_is_too_old_is_dropped_and_kept_as_failed_when_it_was_tried(books: Books, person: Make) -> None:
    found = filled(books, person, 4)
    found[1].tries = 3
    books.unit(hooks.settle, hook_id=1, results=[Result(found[1], "again", books.now, "answered 500")])
    ids = books.unit(
        hooks.drop_old, hook_id=1, before=found[3].at, now=books.now, limit=9, keep=[found[2].id]
    )
    assert ids == [found[0].id, found[1].id]
    assert books.rows("SELECT id, error FROM hook_failed") == [(found[1].id, "answered 500")]
    assert [row.id for row in rows(books)] == [found[2].id, found[3].id]


def test_only_the_newest_failures_are_kept(books: Books) -> None:
    follow(books, crm=ALL)
    most = hooks.FAILED_KEPT
    books.connection.executemany(
        "INSERT INTO hook_outbox (hook_id, event, subject, lane, at) VALUES (1, 'call.ended', ?, ?, 0)",
        [(at, at) for at in range(most + 5)],
    )
    waiting = hooks.waiting_rows(books.connection, 1, 0, most + 5)
    for part in (waiting[:3], waiting[3:]):
        books.unit(hooks.settle, hook_id=1, results=[Result(row, "failed", books.now, "no") for row in part])
    assert books.rows("SELECT id FROM hook_failed ORDER BY id") == [row.id for row in waiting[5:]]
    assert books.one("SELECT failed FROM hooks") == most + 5


def test_a_hook_that_left_the_settings_is_waited_for(books: Books, person: Make) -> None:
    filled(books, person, 3)
    follow(books)
    weeks = hooks.FORSAKEN_DAYS * 86400.0
    assert books.unit(hooks.drop_forsaken, now=books.now) == {}
    assert books.unit(hooks.drop_forsaken, now=books.now - 1.5 + weeks) == {"crm": 2}
    assert len(rows(books)) == 1
    follow(books, crm=ALL)
    assert books.unit(hooks.drop_forsaken, now=books.now + weeks) == {}


def test_what_was_given_up_waits_again_under_its_key(books: Books, person: Make) -> None:
    found = filled(books, person, 3)
    found[1].tries = 5
    books.unit(hooks.settle, hook_id=1, results=[Result(found[1], "failed", books.now, "answered 401")])
    assert books.unit(hooks.resend, name="crm", actor="anna", now=books.now + 9) == 1
    again = rows(books)[-1]
    assert again.id > found[-1].id, "a courier that runs sees it as new"
    assert (again.key, again.subject, again.at, again.tries) == (
        found[1].key,
        found[1].subject,
        found[1].at,
        0,
    )
    assert books.rows("SELECT * FROM hook_failed") == []
    assert books.one("SELECT failed FROM hooks") == 0
    dropped = books.unit(hooks.drop_old, hook_id=1, before=books.now + 5, now=books.now, limit=9, keep=[])
    assert dropped == [found[0].id, found[2].id], "it is as old as they are, and waits anew"
    assert books.unit(hooks.resend, name="crm", actor="anna", now=books.now) == 0
    told = books.rows("SELECT actor, subject, details FROM audit WHERE action = 'hook.resent'")
    assert told == [("anna", "crm", '{"events":1}'), ("anna", "crm", '{"events":0}')]
    assert books.unit(hooks.resend, name="nobody", actor="anna", now=books.now) is None
    follow(books)
    assert books.unit(hooks.resend, name="crm", actor="anna", now=books.now) is None, "nobody would send it"
