"""How a command asks the engine for something: a request through the queue directory, and what came back.

An engine that does not answer within five seconds is no failure: the request lies in the queue and is done
when the engine runs.
"""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING, Any

import typer

from engine.cli.output import note, say, say_json
from engine.errors import InputError, Problem, VolleyError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from engine.config import Settings

PATIENCE = 5.0
"""Seconds to wait for the engine's answer."""
LONG_PATIENCE = 4 * 3600.0
"""The same, for what a running engine may take long over."""


def request_name() -> str:
    """A name for a request: they are answered in the order of their names."""
    return f"{time.time_ns():020d}-{secrets.token_hex(4)}"


def ask(
    settings: Settings,
    request: dict[str, Any],
    as_json: bool,
    told: Callable[[dict[str, Any]], str],
    *,
    long: bool = False,
) -> None:
    """Send a request, wait for its reply and print it: `told` puts the reply into words. `long`: while the engine
    runs, wait as long as it takes.

    Raises InputError with the engine's problems, VolleyError when the queue cannot be written.
    """
    from engine.intake.asking import wait_for
    from engine.ops.books import engine_pid

    reply, where = send(settings, request, PATIENCE)
    if reply is None and long and engine_pid(settings.engine.state) is not None:
        note(f"the engine is at it; waiting. Its answer will be in {where}")
        reply = wait_for(where, LONG_PATIENCE)
    if reply is None:
        runs = engine_pid(settings.engine.state) is not None
        if as_json:
            say_json({"queued": True, "engine_runs": runs, "reply": str(where)})
        else:
            why = (
                "the engine has not answered yet"
                if runs
                else "the engine does not run; it is done when it does"
            )
            note(f"request {where.name.partition('.')[0]} is queued: {why}. The answer will be in {where}")
        return
    if as_json:
        say_json(reply)
        if not reply["ok"]:
            raise typer.Exit(1)
        return
    if not reply["ok"]:
        raise InputError(Problem(**one) for one in reply["problems"])
    say(told(reply))


def send(settings: Settings, request: dict[str, Any], patience: float) -> tuple[dict[str, Any] | None, Path]:
    """Send a request and wait `patience` seconds for its reply; returns it, or None, and where it will be. Raises VolleyError
    when the queue cannot be written."""
    from engine.intake.asking import send as drop
    from engine.intake.asking import wait_for

    # Requests are answered in the order of their names.
    name = f"{time.time_ns():020d}-{secrets.token_hex(4)}"
    try:
        where = drop(settings.engine.queue, request, name)
    except OSError as error:
        raise VolleyError(
            f"{settings.engine.queue}: cannot drop a request into this queue: {error.strerror};"
            " who steers the engine must be in the directory's group"
        ) from error
    return wait_for(where, patience), where
