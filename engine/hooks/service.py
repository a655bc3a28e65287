"""All hooks of one engine: what they hear of is written with what happens, and a courier each tells it.

Without hooks in the settings nothing is written and nothing runs.
"""

from __future__ import annotations

import asyncio
import os
import random
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

from engine.config import Settings
from engine.errors import Problem, SettingsError
from engine.hook_settings import HookSettings
from engine.hooks.courier import Courier
from engine.hooks.outbox import Clock, Outbox
from engine.hooks.post import context
from engine.ops import log as events
from engine.ops.log import Log
from engine.store import hooks
from engine.store.database import WriterConnection, open_reading
from engine.store.hooks import Subscription
from engine.store.writer import Writer


class Hooks:
    """The couriers of one engine."""

    def __init__(self, couriers: list[Courier]) -> None:
        self._couriers = couriers

    def __repr__(self) -> str:
        return f"<Hooks {self._couriers!r}>"

    async def run(self) -> None:
        """Tell what waits, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for courier in self._couriers:
                tasks.create_task(courier.run())
            await asyncio.Event().wait()


async def open_hooks(
    settings: Settings, writer: Writer, clock: Clock, log: Log, stack: AsyncExitStack
) -> Hooks:
    """Begin to write what the hooks of these settings hear of, and make their couriers. `stack` closes what they read by.
    Raises StoreError and SettingsError."""
    ids = await writer.submit(partial(hooks.follow, hooks=subscriptions(settings), now=clock.now))
    for name, count in (await writer.submit(partial(hooks.drop_forsaken, now=clock.now()))).items():
        why = f"the hook left the settings over {hooks.FORSAKEN_DAYS} days ago"
        log.error(events.HOOK_DROPPED, hook=name, dropped=count, why=why)
    if not settings.hook:
        return Hooks([])
    reader = await open_reading(settings.database)
    stack.push_async_callback(reader.close)
    return Hooks(
        [
            _courier(name, hook, ids[name], writer, reader, clock, log.bind(hook=name))
            for name, hook in settings.hook.items()
        ]
    )


def _courier(
    name: str,
    settings: HookSettings,
    hook_id: int,
    writer: Writer,
    reader: WriterConnection,
    clock: Clock,
    log: Log,
) -> Courier:
    outbox = Outbox(hook_id, settings, writer, reader, clock, log)
    return Courier(name, settings, outbox, random.random, clock, log)


def subscriptions(settings: Settings) -> dict[str, Subscription]:
    """What the hooks of these settings hear of."""
    return {name: Subscription(sorted(hook.takes), hook.campaigns) for name, hook in settings.hook.items()}


def check(settings: Settings) -> None:
    """Can everything be used that the hooks need to send? Raises SettingsError with all that cannot: secrets,
    certificates, programs."""
    problems: list[Problem] = []
    for name, hook in settings.hook.items():
        try:
            if hook.url is None:
                problems += _unrunnable(name, hook.command[0])
            else:
                hook.secret()
                context(hook.ca_file)
        except SettingsError as error:
            problems += error.problems
        except OSError as error:
            told = f"cannot use the certificates in {hook.ca_file}: {error.strerror or error}"
            problems.append(
                Problem(f"hook.{name}.ca_file", told, "a PEM file that the engine's user can read")
            )
    if problems:
        raise SettingsError(problems)


def _unrunnable(name: str, program: str) -> list[Problem]:
    if os.access(program, os.X_OK) and Path(program).is_file():
        return []
    told = f"there is no program {program} that the engine's user may run"
    return [Problem(f"hook.{name}.command", told, "check its path and mode")]
