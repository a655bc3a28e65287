"""How things stand: counted from the books, for one campaign and for all."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from engine.errors import InputError, StoreError
from engine.ops.figures import Kept, Status
from engine.ops.pulse import PbxPulse
from engine.ops.status import look
from engine.ops.status_view import until, view
from engine.ops.trunk_view import state
from engine.retention_settings import LEAST, RetentionSettings
from tests.ops.filled import Books, person
from tests.ops.test_top import told


def people(count: int, start: int = 0) -> list:  # type: ignore[type-arg]
    return [person(at + 2, f"+331990010{at + start:02d}", external_id=f"p{at}") for at in range(count)]


def busy_books(books: Books) -> None:
    """Ten contacts: three in a call, one human, one busy (to be tried again), one promised callback, four
    waiting."""
    campaign = books.campaign("shots", people(10), title="Flu shots")
    books.now += 1000
    claims = books.claim(campaign, 6)
    books.finish(claims[0], "ANSWERED_HUMAN", talk=20)
    books.finish(claims[1], "BUSY", next_at=books.now + 600)
    books.finish(
        claims[2], "ANSWERED_HUMAN", talk=5, result="call_back", next_at=books.now + 300, next_callback=True
    )


def test_everything_is_counted(books: Books) -> None:
    busy_books(books)
    found = look(books.settings, books.now + 20)
    (one,) = found.campaigns
    assert (one.name, one.title, one.state) == ("shots", "Flu shots", "running")
    assert (one.contacts, one.done, one.pending, one.in_call, one.live_calls) == (10, 1, 6, 3, 3)
    assert (one.minute.begun, one.minute.ended, one.minute.answered) == (6, 3, 2)
    assert one.minute.answer_seizure_ratio == pytest.approx(2 / 3)
    assert (one.callbacks_due, one.next_callback) == (1, books.now + 300)
    assert one.next_due == pytest.approx(books.now - 1000), (
        "contacts that were never dialed are due since they came"
    )
    assert one.dispositions == {"ANSWERED_HUMAN": 2, "BUSY": 1}
    assert one.dispositions_of is None
    assert one.contact_dispositions is None
    assert (found.live_calls, found.max_channels) == (3, 100)
    (trunk,) = found.trunks
    assert (trunk.name, trunk.live_calls, trunk.max_channels, trunk.cps) == ("carrier", 3, 40, 10)
    assert found.engine_pid is None


def test_rates_are_of_the_last_minutes(books: Books) -> None:
    busy_books(books)
    found = look(books.settings, books.now + 200)
    assert (found.minute.begun, found.minute.ended) == (0, 0)
    assert (found.five_minutes.begun, found.five_minutes.ended) == (6, 3)
    assert look(books.settings, books.now + 2000).five_minutes.begun == 0


def test_full_counts_contacts_too(books: Books) -> None:
    busy_books(books)
    (one,) = look(books.settings, books.now, "shots", full=True).campaigns
    assert one.contact_dispositions == {"ANSWERED_HUMAN": 1}


def test_dispositions_say_when_they_are_not_all(books: Books) -> None:
    busy_books(books)
    (one,) = look(books.settings, books.now, "shots", newest=4).campaigns
    assert one.dispositions_of == 4
    assert sum(one.dispositions.values()) == 1
    assert look(books.settings, books.now, "shots", full=True).campaigns[0].dispositions_of is None


def test_open_campaigns_come_first_and_few_closed_ones_are_listed(books: Books) -> None:
    for at in range(12):
        closed = books.campaign(f"closed-{at:02d}", people(1, at))
        books.connection.execute(
            "UPDATE campaigns SET state = 'completed', closed_at = ? WHERE id = ?", (at, closed)
        )
    books.campaign("low", people(1, 20), priority=10)
    books.campaign("high", people(1, 21), priority=90)
    names = [one.name for one in look(books.settings, books.now).campaigns]
    assert names[:2] == ["high", "low"]
    assert names[2:] == [f"closed-{at:02d}" for at in range(11, 1, -1)]


def test_contacts_that_are_held_are_not_due(books: Books) -> None:
    books.campaign("held", people(1))
    books.connection.execute("UPDATE contacts SET due_at = 1e12")
    assert look(books.settings, books.now, "held").campaigns[0].next_due is None


def test_a_trunk_that_left_the_settings_shows_while_it_has_calls(books: Books) -> None:
    busy_books(books)
    books.connection.execute("UPDATE trunks SET name = 'old'")
    (trunk,) = look(books.settings, books.now).trunks
    assert (trunk.name, trunk.max_channels, trunk.live_calls) == ("old", None, 3)
    books.connection.execute("UPDATE attempts SET disposition = 'UNKNOWN' WHERE disposition IS NULL")
    assert look(books.settings, books.now).trunks == []


def test_no_such_campaign_and_no_database(books: Books, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="'nope'"):
        look(books.settings, books.now, "nope")
    books.settings.database.unlink()
    with pytest.raises(StoreError):
        look(books.settings, books.now)


def shown(found: Status) -> str:
    console = Console(width=80, color_system=None, highlight=False)
    with console.capture() as capture:
        console.print(view(found))
    return capture.get()


def test_it_fits_a_terminal_of_80_columns(books: Books) -> None:
    busy_books(books)
    text = shown(look(books.settings, books.now + 20))
    assert "Engine does not run, live calls 3 of 100" in text
    assert "Last minute  6 calls begun (0.1/s), 3 ended, 67 % of them answered" in text
    assert "1/10" in text
    assert "1 callbacks promised, the next in 4m40s" in text
    assert all(len(row) <= 80 for row in text.splitlines())


def test_without_campaigns_it_says_what_to_do(books: Books) -> None:
    assert "volley submit" in shown(look(books.settings, books.now))


def test_until() -> None:
    assert (until(None, 5), until(5, 5), until(65, 5)) == ("-", "now", "in 1m")


def test_what_keeps_calls_from_a_trunk_is_told_with_the_reason(books: Books) -> None:
    books.connection.execute("UPDATE trunks SET breaker = 'open', breaker_reason = 'SIP 503', breaker_at = 5")
    (trunk,) = look(books.settings, books.now).trunks
    assert (trunk.drained, trunk.breaker) == (False, "closed"), "no engine runs: nobody knows"
    trunk = replace(trunk, breaker="open", breaker_reason="SIP 503")
    assert state(trunk).plain == "breaker open: SIP 503"
    books.connection.execute("UPDATE trunks SET drained_at = 5")
    (trunk,) = look(books.settings, books.now).trunks
    assert state(trunk).plain == "drained"


def test_a_pbx_without_a_link_is_told_as_the_engine_tells_it(books: Books) -> None:
    """A beginner's first look goes here: a wrong AMI secret must not look like a trunk in use."""
    links = PbxPulse("lab", False, 0)
    found = look(books.settings, books.now, told=told(pbxs=(links,)))
    assert state(found.trunks[0]).plain == "no link to its PBX"
    assert "\nPBX lab DOWN: nothing is dialed by it. `volley doctor` tells why.\n" in shown(found)
    found = look(books.settings, books.now, told=told(pbxs=(replace(links, up=True),)))
    assert state(found.trunks[0]).plain == "in use"
    assert "DOWN" not in shown(found)


def test_campaigns_whose_time_is_over_are_counted(books: Books) -> None:
    busy_books(books)
    books.connection.execute("UPDATE attempts SET disposition = 'BUSY' WHERE disposition IS NULL")
    books.connection.execute(
        "UPDATE campaigns SET state = 'completed', closed_at = ?, open_contacts = 0", (books.now,)
    )
    books.connection.commit()
    retention = RetentionSettings.model_validate({"contacts": LEAST, "jobs": "30d"})
    settings = books.settings.model_copy(update={"retention": retention})
    assert look(settings, books.now + LEAST - 1).retention == Kept(LEAST, 30 * 86_400.0)
    assert look(settings, books.now + LEAST).retention == Kept(LEAST, 30 * 86_400.0, overdue=1)
