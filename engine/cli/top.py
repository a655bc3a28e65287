"""`volley top`: a live view of the engine, with keys that steer it."""

from __future__ import annotations

import sys
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.cli.options import CONFIG, By, Config, Json, asker, settings_of
from engine.cli.output import say_json

if TYPE_CHECKING:
    from pathlib import Path

    from engine.cli.keyboard import Keyboard
    from engine.config import Settings
    from engine.ops.top import Picture, Request, Top

PATIENCE = 5.0
"""Seconds until a request without an answer is told as queued."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog="Example: volley top --every 2")(top)


def top(
    config: Config = CONFIG,
    every: Annotated[
        float,
        typer.Option(
            "--every", "-n", min=0.2, max=60.0, metavar="SECONDS", help="How often it is drawn anew."
        ),
    ] = 1.0,
    once: Annotated[
        bool, typer.Option("--once", help="Print it once and end; also where the output is no terminal.")
    ] = False,
    by: By = "",
    as_json: Json = False,
) -> None:
    """Watch the engine: calls by state, rate against limit, who answers, trunks, campaigns with their end at the present pace,
    and the last warnings and errors.

    Keys: up and down choose a campaign, **p** pauses it, **r** resumes it, **d** drains (pauses all campaigns that run; calls that
    live run to their end), **q** quits. They go through the queue directory, as `volley pause` does.

    Figures come from the database and from the running engine itself (`pulse.sock` in the state directory; run this as the engine's
    user). When no engine runs, it says so and shows the books. Instants are in UTC.
    """
    from rich.console import Console

    from engine.ops.top import Top
    from engine.ops.top_view import view

    settings = settings_of(config)
    doors = Doors(settings)
    session = Top(settings, asker(by), doors.send)
    picture = session.look(time.time())
    if as_json:
        say_json(asdict(picture))
        return
    console = Console(highlight=False)
    if once or not console.is_terminal or not sys.stdin.isatty():
        console.print(view(session, picture, console.width))
        return
    _watch(session, doors, picture, console, every)


def _watch(session: Top, doors: Doors, picture: Picture, console: Any, every: float) -> None:
    from rich.live import Live

    from engine.cli.keyboard import keyboard
    from engine.errors import StoreError
    from engine.ops.top_view import view

    problem, due = "", time.monotonic() + every

    def drawn() -> Any:
        return view(session, picture, console.width, console.height, problem)

    try:
        with keyboard() as keys, Live(drawn(), console=console, screen=True, auto_refresh=False) as live:
            while not session.over:
                for key in _keys(keys, max(0.0, due - time.monotonic()), waits=doors.waits):
                    session.press(key)
                runs = picture.status.engine_pid is not None
                for request, reply in doors.answers(PATIENCE if runs else 0.0):
                    session.answered(request, reply, runs)
                    due = 0.0  # what it changed is looked at now
                if time.monotonic() >= due:
                    due = time.monotonic() + every
                    try:
                        picture, problem = session.look(time.time()), ""
                    except StoreError as error:
                        problem = str(error)
                live.update(drawn(), refresh=True)
    except (KeyboardInterrupt, EOFError):
        return


def _keys(keys: Keyboard, seconds: float, *, waits: bool) -> list[str]:
    """What is pressed until the next drawing; while an answer is waited for, it is looked for ten times a second."""
    return keys.wait(min(seconds, 0.1) if waits else seconds)


class Doors:
    """Requests on their way through the queue directory, and their answers."""

    def __init__(self, settings: Settings) -> None:
        self._queue = settings.engine.queue
        self._sent: list[tuple[float, Request, Path]] = []
        self._failed: list[tuple[Request, dict[str, Any]]] = []

    @property
    def waits(self) -> bool:
        """Is there one that was not answered yet?"""
        return bool(self._sent or self._failed)

    def send(self, request: Request) -> None:
        """Drop a request into the queue."""
        from engine.cli.requests import request_name
        from engine.intake.asking import send

        try:
            where = send(self._queue, request, request_name())
        except OSError as error:
            what = f"{self._queue}: {error.strerror}; who steers the engine must be in the directory's group"
            self._failed.append((request, {"ok": False, "problems": [{"what": what}]}))
        else:
            self._sent.append((time.monotonic(), request, where))

    def answers(self, patience: float) -> list[tuple[Request, dict[str, Any] | None]]:
        """Those that came since the last time; None for one that was waited for `patience` seconds."""
        from engine.intake.asking import wait_for

        found: list[tuple[Request, dict[str, Any] | None]] = [*self._failed]
        self._failed.clear()
        for sent in list(self._sent):
            at, request, where = sent
            reply = wait_for(where, 1.0) if where.exists() else None
            if reply is not None or time.monotonic() - at > patience:
                self._sent.remove(sent)
                found.append((request, reply))
        return found
