"""[hook.<name>]: where events may go, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from engine.config import Settings
from engine.errors import SettingsError
from engine.hook_settings import Event, HookSettings
from engine.hooks import service

URL = {"url": "https://crm.example.org/volley", "events": ["call.ended"], "secret_env": "VOLLEY_HOOK"}
COMMAND = {"command": ["/bin/true"], "events": ["call.ended"]}


def hook(table: dict[str, Any]) -> HookSettings:
    return HookSettings.model_validate(table)


def test_a_small_hook_gets_careful_defaults() -> None:
    made = hook(URL)
    assert (made.numbers, made.timeout, made.parallel, made.rate) == ("masked", 10.0, 4, 200.0)
    assert (made.max_age, made.max_queue, made.campaigns) == (3 * 86400.0, 100_000, ())


@pytest.mark.parametrize(
    ("globs", "events"),
    [
        (["call.ended"], {"call.ended"}),
        (["call.*"], {"call.ended", "call.key", "call.answer"}),
        (["campaign.c*", "contact.done"], {"campaign.cancelled", "campaign.completed", "contact.done"}),
        (["*"], set(Event)),
    ],
)
def test_events_by_name_and_glob(globs: list[str], events: set[str]) -> None:
    assert hook({**URL, "events": globs}).takes == events


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:8080/x", "http://localhost/x", "http://[::1]:80/", "https://crm.example.org?a=b"],
)
def test_addresses_that_are_taken(url: str) -> None:
    assert hook({**URL, "url": url}).url == url


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"url": "http://crm.example.org/"}, "http to another machine can be read on the way"),
        ({"url": "http://127.0.0.1.example.org/"}, "http to another machine can be read on the way"),
        ({"url": "http://localhost.example.org/"}, "http to another machine can be read on the way"),
        ({"url": "ftp://crm.example.org/"}, "a URL looks like"),
        ({"url": "file:///etc/passwd"}, "a URL looks like"),
        ({"url": "crm.example.org/volley"}, "a URL looks like"),
        ({"url": "https:///volley"}, "a URL looks like"),
        ({"url": "https://crm.example.org:x/"}, "this is no URL"),
        ({"url": "https://crm.example.org:99999/"}, "this is no URL"),
        ({"url": "https://anna:secret@crm.example.org/"}, "no user or password"),
        ({"url": "https://crm.example.org/a b"}, "as it is sent"),
        ({"url": "https://crm.example.org/\r\nX: y"}, "as it is sent"),
        ({"url": "https://crm.example.org/é"}, "as it is sent"),
        ({"url": "https://crm.example.org/#x"}, "as it is sent"),
        ({"command": ["/bin/true"]}, "exactly one of url and command"),
        ({"url": None}, "exactly one of url and command"),
        ({"secret_env": None}, "exactly one of secret_file and secret_env"),
        ({"secret_file": "/etc/s"}, "exactly one of secret_file and secret_env"),
        ({"events": []}, "at least 1"),
        ({"events": ["call.ended", "call.begun"]}, "no event is called 'call.begun'"),
        ({"events": ["call ended"]}, "pattern"),
        ({"campaigns": ["a/b"]}, "pattern"),
        ({"parallel": 0}, "greater"),
        ({"timeout": "1h"}, "less"),
        ({"max_age": "60d"}, "less"),
        ({"numbers": "none"}, "'masked' or 'full'"),
        ({"headers": {}}, "extra"),
    ],
)
def test_what_is_refused(change: dict[str, Any], what: str) -> None:
    with pytest.raises(ValidationError) as caught:
        hook({**URL, **change})
    assert what.lower() in str(caught.value).lower()


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"command": ["notify"]}, "full path"),
        ({"command": ["./notify"]}, "full path"),
        ({"command": ["/bin/true", ""]}, "at least 1"),
        ({"secret_env": "X"}, "not for a command"),
        ({"plain_http": True}, "not for a command"),
        ({"ca_file": "/etc/ca.pem"}, "not for a command"),
    ],
)
def test_what_is_refused_of_commands(change: dict[str, Any], what: str) -> None:
    assert hook(COMMAND).command == ("/bin/true",)
    with pytest.raises(ValidationError, match=what):
        hook({**COMMAND, **change})


def test_http_to_another_machine_where_it_is_allowed() -> None:
    assert hook({**URL, "url": "http://crm.example.org/", "plain_http": True}).plain_http


# -- at the start ------------------------------------------------------------------------------------------------------


def settings(**hooks: dict[str, Any]) -> Settings:
    return Settings.model_validate(
        {
            "pbx": {"main": {"secret_env": "S", "sounds_dir": "/s"}},
            "trunk": {"t": {"pbx": "main", "dial": "PJSIP/{number}@t"}},
            "hook": hooks,
        }
    )


def test_everything_that_cannot_be_used_is_told_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VOLLEY_HOOK", raising=False)
    secret, authority = tmp_path / "secret", tmp_path / "ca.pem"
    secret.write_text("x")
    secret.chmod(0o644)
    authority.write_text("no certificate")
    monkeypatch.setenv("VOLLEY_GOOD", "x")
    with pytest.raises(SettingsError) as caught:
        service.check(
            settings(
                a=URL,
                b={**URL, "secret_env": None, "secret_file": str(secret)},
                c={**URL, "secret_env": "VOLLEY_GOOD", "ca_file": str(authority)},
                d={**COMMAND, "command": [str(tmp_path / "missing")]},
                e={**COMMAND, "command": [str(secret)]},
                f=COMMAND,
            )
        )
    assert [problem.where for problem in caught.value.problems] == [
        "VOLLEY_HOOK", str(secret), "hook.c.ca_file", "hook.d.command", "hook.e.command",
    ]  # fmt: skip


def test_hooks_that_can_be_used(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("correct horse\n")
    secret.chmod(0o600)
    given = settings(a={**URL, "secret_env": None, "secret_file": str(secret)}, b=COMMAND)
    service.check(given)
    assert given.hook["a"].secret() == "correct horse"
    assert service.subscriptions(given)["a"].events == ["call.ended"]
