"""One visit to a PBX over a real loopback socket: what it asks, what it makes of refusals, and that it leaves."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from engine.ami.visit import visit
from engine.errors import AmiActionFailed, AmiLoginRefused, AmiUnreachable, RefusedField
from engine.ops.doctor.ask import ask
from engine.ops.doctor.examine import judge_pbx
from engine.ops.doctor.facts import Severity
from tests.ami.practice import SECRET, Fields, PracticePbx, Session, block
from tests.ops.doctor.wellness import bad, settings
from tests.patience import PATIENCE


def answers(practice: PracticePbx, action: str, *lines: str, good: bool = True) -> None:
    """What the PBX answers to an action."""

    def answer(session: Session, fields: Fields) -> bytes:
        return block(f"Response: {'Success' if good else 'Error'}", f"ActionID: {fields['ActionID']}", *lines)

    practice.answers[action] = answer


async def test_a_visit_asks_and_leaves(pbx: PracticePbx) -> None:
    answers(pbx, "Getvar", "Variable: DIALPLAN_EXISTS(volley-call)", "Value: 1")
    answers(
        pbx,
        "ListCommands",
        "Ping: Keepalive. (Priv: <none>)",
        "Originate: Originate a call. (Priv: originate,all)",
    )
    answers(
        pbx, "GetConfig", "Category-000000: general", "Line-000000-000000: enabled=yes", "Category-000001: volley",
        "Line-000001-000000: secret=x", "Line-000001-000001: eventfilter(name(Hangup),method(regex))=^a=b$", "Category-000002: volley",
        "Line-000002-000000: read=user",
    )  # fmt: skip
    async with visit("127.0.0.1", pbx.port, "volley", SECRET) as link:
        assert link.booted
        assert await link.value("DIALPLAN_EXISTS(volley-call)") == "1"
        assert await link.commands() == {"Ping", "Originate"}
        assert await link.config("manager.conf") == [
            ("general", [("enabled", "yes")]),
            ("volley", [("secret", "x"), ("eventfilter(name(Hangup),method(regex))", "^a=b$")]),
            ("volley", [("read", "user")]),
        ]
    (session,) = pbx.sessions
    await asyncio.wait_for(session.ended.wait(), PATIENCE)
    assert {action["Action"] for action in session.actions} == {
        "Login",
        "Getvar",
        "ListCommands",
        "GetConfig",
    }


async def test_modules(pbx: PracticePbx) -> None:
    answers(pbx, "ModuleCheck", "Version: ")
    async with visit("127.0.0.1", pbx.port, "volley", SECRET) as link:
        assert await link.has_module("app_amd")
        answers(pbx, "ModuleCheck", "Message: Module not loaded", good=False)
        assert not await link.has_module("app_amd")
        answers(pbx, "ModuleCheck", "Message: Permission denied", good=False)
        with pytest.raises(AmiActionFailed, match="Permission denied"):
            await link.has_module("app_amd")


async def test_a_file_that_is_not_there_is_empty_and_a_refusal_is_none(pbx: PracticePbx) -> None:
    answers(pbx, "GetConfig", "Message: Config file not found", good=False)
    async with visit("127.0.0.1", pbx.port, "volley", SECRET) as link:
        assert await link.config("cel.conf") == []
        answers(pbx, "GetConfig", "Message: Permission denied", good=False)
        with pytest.raises(AmiActionFailed):
            await link.config("cel.conf")


async def test_nothing_of_anybody_s_becomes_a_header(pbx: PracticePbx) -> None:
    async with visit("127.0.0.1", pbx.port, "volley", SECRET) as link:
        with pytest.raises(RefusedField):
            await link.value("QUEUE_EXISTS(x)\r\nAction: Command")


async def test_a_wrong_secret(pbx: PracticePbx) -> None:
    with pytest.raises(AmiLoginRefused):
        async with visit("127.0.0.1", pbx.port, "volley", "wrong"):
            pass


async def test_nobody_listens() -> None:
    with pytest.raises(AmiUnreachable):
        async with visit("127.0.0.1", 1, "volley", SECRET):
            pass


async def test_no_full_boot_is_told_and_no_error(pbx: PracticePbx) -> None:
    pbx.boots = False
    async with visit("127.0.0.1", pbx.port, "volley", SECRET) as link:
        assert not link.booted


async def test_a_connection_that_ends_meanwhile(pbx: PracticePbx) -> None:
    pbx.answers["Ping"] = lambda session, fields: session.hang_up() or b""  # type: ignore[func-returns-value]
    with pytest.raises(AmiUnreachable):
        async with visit("127.0.0.1", pbx.port, "volley", SECRET) as link:
            await link.ask(("Action", "Ping"))


async def test_what_a_pbx_refuses_is_unknown(
    pbx: PracticePbx, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A PBX that lets this user do hardly anything: what could not be asked is unknown, and nothing of it is well."""
    monkeypatch.setenv("VOLLEY_TEST_SECRET", SECRET)
    answers(pbx, "ListCommands", "Ping: Keepalive. (Priv: <none>)")
    answers(pbx, "CoreSettings", "Message: Permission denied", good=False)
    whole = settings(
        tmp_path, pbx={"lab": {"port": pbx.port, "secret_env": "VOLLEY_TEST_SECRET", "sounds_dir": tmp_path}}
    )
    facts = await ask("lab", whole)
    assert facts.trouble is None
    assert facts.commands == {"Ping"}
    assert (facts.version, facts.modules, facts.values, facts.confs, facts.endpoints) == ("", {}, {}, {}, {})
    found = bad(judge_pbx(facts))
    assert {one.severity for one in found["actions"]} == {Severity.ERROR}
    for check in ("version", "modules", "dialplan", "rtp_ports", "trunks", "dangerous", "event_filter"):
        assert {one.severity for one in found[check]} == {Severity.UNKNOWN}, check
