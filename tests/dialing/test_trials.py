"""A test call: who gets one, what it stands in, and who is refused."""

from __future__ import annotations

import time
from typing import Any

import pytest

from engine.channel import Report, Up
from engine.contacts import Contact
from engine.errors import InputError
from engine.halts import Halt
from engine.intake.steering_requests import CallRequest
from engine.operator_settings import TestNumberSettings
from engine.ops.trial import look, told
from engine.store import campaigns, claims
from engine.trials import Trials

OURS = "+33199001001"
PROOF = {
    "consent": "express", "consent_at": "2026-01-05", "consent_source": "letter", "consent_purpose": "informational",
    "consent_reference": "file 12",
}  # fmt: skip


def trials(desk, up: bool = True) -> Trials:
    settings = desk.settings.model_copy(
        update={"test_number": (TestNumberSettings(number=OURS, owner="Anna", agreed="2026-01-05"),)}  # type: ignore[arg-type]
    )
    return Trials(
        settings, desk.writer, claims.NO_LISTS, desk.halts, desk.clock, desk.log, changed=lambda: None,
        up=lambda: frozenset(["lab"] if up else []),
    )  # fmt: skip


def asked(number: str = OURS, **more: Any) -> CallRequest:
    return CallRequest(action="call", campaign="spring", number=number, by="anna", **more)


async def refused(desk, request: CallRequest, **how: Any) -> str:
    with pytest.raises(InputError) as raised:
        await trials(desk, **how).call(request, "anna (as ops)")
    return str(raised.value)


async def test_it_is_dialed_told_and_in_no_figure_of_the_campaign(desk, person, tmp_path) -> None:
    """Also while the campaign is paused, and again: the campaign of the tests takes the next one."""
    spring = await desk.campaign("spring", person(7))
    await desk.writer.submit(lambda connection: campaigns.set_state(connection, spring, "paused", 0.0))
    await desk.refresh()
    desk.start()
    for turn, number in enumerate((OURS, "01 99 00 10 02")):
        proof = PROOF if turn else {}
        reply = await trials(desk).call(asked(number, region="FR", reason="a test", **proof), "anna (as ops)")
        assert reply["campaign"] == "spring~test"
        await desk.refresh()
        await desk.until(lambda turn=turn: len(desk.exchange.written) == turn + 1)
        headers = desk.exchange.written[turn]
        assert (headers["Account"], headers["Channel"][:18]) == (
            "spring~test",
            f"PJSIP/+3319900100{turn + 1}",
        )
        assert desk.exchange.given[turn]["VOLLEY_NO_CALLBACK"] == "1"
        attempt = desk.written()[turn]
        assert told(look(tmp_path / "volley.db", reply["contact"])) == [
            f"the call {headers['ActionID']} lives"
        ]
        desk.follower.take(Up(attempt))
        at = desk.clock.now()
        for seq, (kind, value) in enumerate(
            [
                ("amd", "HUMAN/HUMAN-815-800"),
                ("play", "message"),
                ("key", "1@message"),
                ("result", "confirmed"),
            ],
            1,
        ):
            desk.follower.take(Report(attempt, seq, kind, value, at))
        desk.hang_up(attempt, 16, 0, answered=True)
        await desk.until(lambda turn=turn: len(desk.events("call.ended")) == turn + 1)
        await desk.follower.backlog.settled()
        trial = look(tmp_path / "volley.db", reply["contact"])
        assert (trial.called, trial.keys, trial.why) == (True, "1", "")
        assert trial.attempt is not None
        assert trial.attempt.disposition == "ANSWERED_HUMAN"
        lines = told(trial)
        assert lines[0].startswith("ANSWERED_HUMAN (cause 16), by trunk ")
        assert lines[2:] == ["AMD HUMAN/HUMAN-815-800", "keys 1", "confirmed"]
    assert desk.rows("SELECT count(*) FROM attempts WHERE campaign_id = ?", spring) == [0]
    assert desk.rows("SELECT name, state, open_contacts FROM campaigns ORDER BY id") == [
        ("spring", "paused", 1), ("spring~test", "running", 0),
    ]  # fmt: skip
    assert desk.rows("SELECT consent ->> '$.reference' FROM contacts WHERE consent NOT NULL ORDER BY id") == [
        "Anna, 2026-01-05", "file 12",
    ]  # fmt: skip
    tested = desk.rows("SELECT action, actor, subject, details ->> '$.reason' FROM audit ORDER BY id")
    assert tested == [("campaign.tested", "anna (as ops)", "campaign spring", "a test")] * 2


async def test_who_is_refused_is_not_there_afterwards(desk, person) -> None:
    night = [{"from": "03:00", "to": "03:01", "timezone": "Pacific/Kiritimati"}]
    await desk.campaign("spring", person(7))
    await desk.campaign("closed", person(8), window=night)
    await desk.campaign(
        "texts", person(9), message={"prompts": [{"text": {"fr": "Bonjour {NAME}"}}]}, language="fr"
    )
    assert "there is no campaign 'autumn'" in await refused(
        desk, asked().model_copy(update={"campaign": "autumn"})
    )
    assert "is none of the settings' [[test_number]]" in await refused(desk, asked("+33199001002"))
    missing = {key: value for key, value in PROOF.items() if key != "consent_reference"}
    assert "consent_reference is missing" in await refused(desk, asked("+33199001002", **missing))
    assert "a consent that is one" in await refused(desk, asked("+33199001002", **PROOF | {"consent": "no"}))
    assert "too few digits" in await refused(desk, asked("12", region="FR"))
    assert "no PBX of its trunks is connected" in await refused(desk, asked(), up=False)
    assert "more than a minute ago" in await refused(desk, asked(asked_at=time.time() - 61))
    assert "outside_hours" in await refused(desk, asked().model_copy(update={"campaign": "closed"}))
    assert "stands in a text" in await refused(desk, asked().model_copy(update={"campaign": "texts"}))
    assert "country_not_allowed" in await refused(desk, asked("+33142685301", **PROOF))
    await desk.writer.submit(
        lambda connection: connection.execute(
            "INSERT INTO suppression (number_id, reason, source, actor, since)"
            " SELECT id, 'x', 'command', 'anna', 0 FROM numbers WHERE e164 = '+33199001007'"
        )
    )
    assert "suppressed" in await refused(desk, asked("+33199001007", **PROOF))
    desk.halts.lay(Halt("stop", 0.0, None, "anna", "x"))
    assert "all dialing is stopped" in await refused(desk, asked())
    assert desk.rows("SELECT count(*) FROM contacts") == [3]
    assert desk.rows("SELECT count(*) FROM campaigns") == [3]
    assert desk.rows("SELECT count(*) FROM audit") == [0]


async def test_what_nobody_dialed_lapses(desk, person, tmp_path) -> None:
    await desk.campaign("spring")
    desk.exchange.up = False
    reply = await trials(desk).call(asked(), "anna")
    assert told(look(tmp_path / "volley.db", reply["contact"])) == ["not called yet"]
    await desk.writer.submit(
        lambda connection: connection.execute("UPDATE contacts SET expires = ?", (time.time() - 1,))
    )
    desk.exchange.up = True
    await desk.refresh()
    desk.start()
    await desk.until(lambda: look(tmp_path / "volley.db", reply["contact"]).over)
    assert told(look(tmp_path / "volley.db", reply["contact"])) == [
        "not called: it was not dialed within its minute"
    ]
    assert desk.exchange.written == []


def test_a_contact_that_is_none_of_a_test_is_no_test(person) -> None:
    """`~` cannot stand in an id that a manifest gives."""
    assert isinstance(person(1), Contact)
    with pytest.raises(ValueError, match="campaign"):
        asked().model_validate(asked().model_dump() | {"campaign": "spring~test"})
