"""A campaign through both Asterisks, and a receiver beside it: every call is told once, signed, whatever dies meanwhile."""

from __future__ import annotations

import hmac
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import lab
from lab import Lab
from tests.asterisk.harness import Engine, number
from tests.asterisk.test_campaign import RETRIES
from tests.hooks.receiver import SECRET, Receiver, Reply

pytestmark = pytest.mark.asterisk

PEOPLE = [number(code, at) for at in range(3) for code in (10, 20, 22, 23, 30, 41, 42)]
HOOK = """
[hook.crm]
url = "{url}"
secret_file = "{secret}"
events = ["*"]
campaigns = ["told*"]
numbers = "full"
timeout = "2s"
"""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    found = Receiver()
    yield found
    found.close()


@pytest.fixture
def engine(practice: Lab, tmp_path: Path, receiver: Receiver) -> Iterator[Engine]:
    """An engine with a hook to the receiver, not started yet."""
    lab.reset()
    found = Engine(practice, tmp_path)
    secret = tmp_path / "hook.secret"
    secret.write_text(SECRET, encoding="utf-8")
    secret.chmod(0o600)
    with found.config.open("a", encoding="utf-8") as settings:
        settings.write(HOOK.format(url=receiver.url, secret=secret))
    yield found
    found.end()
    lab.console("pbx", "channel request hangup all")


def all_told(engine: Engine) -> bool:
    return engine.rows("SELECT count(*) AS n FROM hook_outbox")[0]["n"] == 0


def told(receiver: Receiver, event: str) -> list[dict[str, Any]]:
    return [request.table for request in receiver.requests if request.table["event"] == event]


def ended_calls(engine: Engine) -> dict[str, dict[str, Any]]:
    """Attempts that a receiver must have heard of, by channel id."""
    rows = engine.rows(
        "SELECT a.*, n.e164 FROM attempts a JOIN numbers n ON n.id = a.number_id WHERE disposition != 'NOT_SENT'"
    )
    return {f"v{row['id']:016x}": row for row in rows}


def test_every_call_is_told_exactly_once_and_signed(engine: Engine, receiver: Receiver) -> None:
    engine.start()
    engine.job("told", PEOPLE, RETRIES)
    engine.completed("told")
    engine.wait(
        lambda: all_told(engine) and told(receiver, "campaign.completed"), "everything to be told", 15
    )
    calls = told(receiver, "call.ended")
    books = ended_calls(engine)
    assert Counter(call["attempt"] for call in calls) == Counter(books.keys())
    assert len({request.table["id"] for request in receiver.requests}) == len(receiver.requests)
    for call in calls:
        row = books[call["attempt"]]
        for name in ("disposition", "cause", "sip", "amd", "result", "ended_at", "answered_at", "kind"):
            assert call[name] == row[name], name
        assert call["number"] == row["e164"]
        assert call["external_id"].startswith("told-")
    for request in receiver.requests:
        stamp, _, signature = request.headers["Volley-Signature"].partition(",v1=")
        signed = stamp.removeprefix("t=").encode() + b"." + request.body
        assert signature == hmac.new(SECRET.encode(), signed, "sha256").hexdigest()
        assert abs(int(stamp.removeprefix("t=")) - request.at) < 5
    contacts = engine.contacts("told")
    assert {done["number"]: done["disposition"] for done in told(receiver, "contact.done")} == {
        one: row["disposition"] for one, row in contacts.items()
    }
    assert {event["number"] for event in told(receiver, "optout.recorded")} == {
        one for one in PEOPLE if one[8:10] == "20"
    }
    pressed = Counter((event["attempt"], event["key"]) for event in told(receiver, "call.key"))
    assert pressed == Counter((call["attempt"], key) for call in calls for key in call["keys"])
    assert pressed
    for contact in {call["contact"] for call in calls}:
        mine = [one for one in receiver.requests if one.table.get("contact") == contact]
        assert [one.table["at"] for one in mine] == sorted(one.table["at"] for one in mine)
        assert mine[-1].table["event"] == "contact.done"
    states = [one.table["event"] for one in receiver.requests if one.table["event"].startswith("campaign.")]
    assert states == ["campaign.accepted", "campaign.started", "campaign.completed"]


def test_a_dead_receiver_and_a_killed_engine_lose_nothing(engine: Engine, receiver: Receiver) -> None:
    """The receiver hangs while everything is dialed; the engine is killed twice; then the receiver comes back."""
    receiver.behave = lambda request: Reply(after=60.0)
    engine.start()
    engine.job("told-late", PEOPLE, RETRIES)
    for _ in range(2):
        engine.wait(lambda: engine.rows("SELECT 1 FROM attempts WHERE disposition IS NULL"), "calls to live")
        engine.signal(signal.SIGKILL)
        engine.start()
    engine.completed("told-late")
    engine.signal(signal.SIGKILL)
    receiver.requests.clear()
    receiver.behave = lambda request: Reply()
    engine.start()
    engine.wait(lambda: all_told(engine), "everything to be told", 60)
    books = ended_calls(engine)
    assert Counter(call["attempt"] for call in told(receiver, "call.ended")) == Counter(books.keys())
    assert len(told(receiver, "contact.done")) == len(PEOPLE)
    assert {event["number"] for event in told(receiver, "optout.recorded")} == {
        one for one in PEOPLE if one[8:10] == "20"
    }
