"""Opt-outs of people who called back."""

from __future__ import annotations

import json

import pytest

from engine.channel import InboundOptOut
from engine.store import inbound, suppression


def event(
    call: str = "1795491000.7", number: str = "0199001001", called: str = "33162000001"
) -> InboundOptOut:
    return InboundOptOut(call, number, called, 1_795_491_000.0)


def test_the_number_is_suppressed_for_every_campaign(books, person, phone) -> None:
    one, two = books.campaign("one", person(1)), books.campaign("two", person(1))
    ids = books.unit(inbound.opt_out, pbx="lab", event=event(), number=phone(1), now=books.now)
    assert [refusal.verdict.reason for refusal in books.claim(one, two).refusals] == ["suppressed"] * 2
    assert books.rows("SELECT number_id, since, reason, source, actor, attempt_id FROM suppression") == [
        (ids[0], books.now, "opt-out", "inbound", "callee", None)
    ]
    assert books.rows(
        "SELECT p.name, call, number_id, called, at FROM inbound_opt_outs JOIN pbxs p ON p.id = pbx_id"
    ) == [("lab", "1795491000.7", ids[0], "33162000001", 1_795_491_000.0)]
    [(actor, details)] = books.rows("SELECT actor, details FROM audit")
    assert actor == "callee"
    assert json.loads(details) == {
        "reason": "opt-out", "source": "inbound", "pbx": "lab", "call": "1795491000.7", "numbers": ids,
    }  # fmt: skip


def test_the_other_numbers_of_the_same_contacts_too(books, person, phone) -> None:
    books.campaign("one", person(1, phone(1), phone(2)), person(2, phone(3)))
    books.campaign("two", person(1, phone(4), phone(1)))
    books.unit(inbound.opt_out, pbx="lab", event=event(), number=phone(1), now=books.now)
    suppressed = books.rows("SELECT e164 FROM suppression JOIN numbers n ON n.id = number_id ORDER BY e164")
    assert suppressed == [phone(at).e164 for at in (1, 2, 4)]


def test_a_number_that_nobody_has_is_suppressed_beforehand(books, phone) -> None:
    assert len(books.unit(inbound.opt_out, pbx="lab", event=event(), number=phone(9), now=books.now)) == 1
    assert books.rows("SELECT e164 FROM numbers") == [phone(9).e164]


def test_the_same_call_again_changes_nothing(books, phone) -> None:
    given = {"pbx": "lab", "event": event(), "number": phone(1), "now": books.now}
    assert len(books.unit(inbound.opt_out, **given)) == 1
    books.unit(suppression.unsuppress, [phone(1).e164])
    assert books.unit(inbound.opt_out, **given) == []
    assert books.rows("SELECT * FROM suppression") == []
    assert books.one("SELECT count(*) FROM audit") == 1
    # Another call is another wish.
    assert len(books.unit(inbound.opt_out, **{**given, "event": event("1795499999.1")})) == 1


def test_who_is_on_the_list_keeps_the_first_entry(books, phone) -> None:
    books.suppress(phone(1))
    books.now += 10
    books.unit(inbound.opt_out, pbx="lab", event=event(), number=phone(1), now=books.now)
    assert books.rows("SELECT reason, since FROM suppression") == [("asked", books.now - 10)]


def test_a_pbx_that_is_not_registered_is_a_fault(books, phone) -> None:
    with pytest.raises(TypeError):
        books.unit(inbound.opt_out, pbx="other", event=event(), number=phone(1), now=books.now)
