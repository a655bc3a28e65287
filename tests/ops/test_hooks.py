"""How the hooks fare."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from engine.errors import InputError
from engine.ops.hooks import Failed, failed, look
from engine.ops.hooks_view import view, view_failed
from engine.store import hooks
from engine.store.hooks import Result, Subscription
from tests.ops.filled import Books, person, settings_in

HOOKS: dict[str, Any] = {
    "crm": {"url": "https://crm.example.org:8443/path/t0ken?x=1", "events": ["call.*"], "secret_env": "S"},
    "script": {"command": ["/usr/local/bin/notify", "--quiet"], "events": ["contact.done"]},
}


def shown(what: Any) -> str:
    console = Console(width=120, no_color=True)
    with console.capture() as captured:
        console.print(what)
    return captured.get()


@pytest.fixture
def filled(tmp_path: Path) -> Books:
    books = Books(settings_in(tmp_path, hook=HOOKS))
    wanted = {name: Subscription(["call.ended", "contact.done"], ["*"]) for name in ("crm", "left")}
    books.connection.execute("BEGIN")
    hooks.follow(books.connection, wanted, lambda: books.now)
    books.connection.execute("COMMIT")
    for claim in books.claim(
        books.campaign("shots", [person(at, f"+331990010{at:02d}") for at in range(1, 4)])
    ):
        books.finish(claim, "BUSY")
        books.now += 10
    return books


def test_every_hook_is_listed(filled: Books) -> None:
    waiting = hooks.waiting_rows(filled.connection, 1, 0, 10)
    first, second, third = waiting[:3]
    third.tries = 1
    results = [
        Result(first, "delivered", filled.now),
        Result(second, "failed", filled.now + 1, "answered 404 Not\x1b[2J Found"),
        Result(third, "again", filled.now + 2, "no answer in time"),
    ]
    hooks.settle(filled.connection, 1, results)
    crm, left, script = look(filled.settings)
    assert (crm.name, crm.state, crm.pending, crm.delivered, crm.failed) == ("crm", "failing", 4, 1, 1)
    assert (crm.target, crm.oldest_at, crm.error) == (
        "https://crm.example.org:8443",
        third.at,
        "no answer in time",
    )
    assert (left.name, left.state, left.pending, left.target) == ("left", "not in settings", 6, "")
    assert (script.name, script.state, script.target) == ("script", "new", "/usr/local/bin/notify")
    text = shown(view([crm, left, script], filled.now + 60))
    assert "t0ken" not in text
    assert "failing" in text
    assert "crm: 2026-11-24T11:00:32Z: no answer in time" in text
    hooks.settle(filled.connection, 1, [Result(third, "delivered", filled.now + 3)])
    assert look(filled.settings)[0].state == "ok"
    hooks.settle(
        filled.connection,
        1,
        [Result(waiting[3], "again", filled.now + 4, "answered 410 Gone")],
        filled.now + 4,
    )
    assert look(filled.settings)[0].state == "gone"
    [given_up] = failed(filled.settings.database, "crm", 10)
    assert given_up == Failed(
        second.key.hex(),
        "contact.done",
        second.subject,
        second.at,
        0,
        filled.now + 1,
        "answered 404 Not\x1b[2J Found",
    )
    assert "\x1b" not in shown(view_failed([given_up]))
    filled.close()


def test_without_hooks(tmp_path: Path) -> None:
    books = Books(settings_in(tmp_path))
    assert look(books.settings) == []
    assert "no hooks" in shown(view([], 0.0))
    assert "nothing was given up" in shown(view_failed([]))
    with pytest.raises(InputError, match="there is no hook 'crm'"):
        failed(books.settings.database, "crm", 10)
    books.close()
