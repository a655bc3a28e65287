"""The control door: requests dropped into `queue/control/`, each answered by a file in `queue/control/done/`.

A request is a JSON (or TOML) file renamed in: `{"action": "pause", "campaign": "flu-shots", "by": "anna"}`. It has
a task of its own, so that a pause never waits behind a million rows. A request that is wrong is answered too, with
every problem, and changes nothing.

What may take long (a list of a hundred million numbers, somebody whose call must end first) goes on to a desk behind
it, `engine.intake.lists.errands`, so that everything else is answered meanwhile.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import tomllib
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from pydantic import TypeAdapter, ValidationError

from engine.config import Settings, problems_of
from engine.errors import InputError, Problem, VolleyError
from engine.halts import Halts
from engine.intake.job_files import open_inside
from engine.intake.lists.errands import Errands, trace
from engine.intake.lists.requests import DeskRequest
from engine.intake.maintenance import Maintenance
from engine.intake.owner import asker
from engine.intake.queue import QueueDirs
from engine.intake.requests import (
    AnyRequest,
    AtOnce,
    CampaignRequest,
    RemoveRequest,
    Request,
    ResendRequest,
    SuppressRequest,
    TrunkRequest,
)
from engine.intake.steering import Steering
from engine.intake.steering_requests import CallRequest, GoRequest, QuietRequest, SetRequest, StopAllRequest
from engine.intake.watch import watch
from engine.ops import log as events
from engine.ops.log import Log
from engine.rules.numbers import Number, NumberError, parse_number
from engine.store import audited, campaigns, hooks
from engine.store.writer import Writer

SLICE = 2000
REQUEST_BYTES = 16 << 20
TICK = 0.25
"""Seconds between looks at the directory where the file system sends no notifications: a pause takes effect within
a second."""

_REQUEST: TypeAdapter[AnyRequest] = TypeAdapter(Request)


class Clock(Protocol):
    def now(self) -> float: ...


class Control:
    """Answers the requests in one queue directory."""

    def __init__(
        self,
        settings: Settings,
        writer: Writer,
        clock: Clock,
        log: Log,
        *,
        changed: Callable[[], None],
        suppressed: Callable[[list[int]], None],
        unsuppressed: Callable[[list[int]], None],
        steered: Callable[[int, str], None],
        trunk_steered: Callable[[str, bool], None],
        halts: Halts,
        cut_off: Callable[[], int],
        call: Callable[[CallRequest, str], Awaitable[dict[str, Any]]],
    ) -> None:
        self._dirs = QueueDirs(settings.engine.queue)
        self._folder, self._done = self._dirs.control, self._dirs.done
        self._region = settings.defaults.region
        self._writer = writer
        self._clock = clock
        self._log = log
        self._changed = changed
        self._broken: set[str] = set()
        """Requests that could not even be answered; they are left where they lie."""
        self._suppressed = suppressed
        self._unsuppressed = unsuppressed
        self._steered = steered
        self._maintenance = Maintenance(settings, writer, clock.now, log, trunk_steered)
        self._call = call
        self._steering = Steering(settings, writer, clock, log, halts, changed=changed, cut_off=cut_off)
        self._errands = Errands(settings, writer, clock, log, suppressed, self._settle)

    async def run(self) -> None:
        """Answer requests until cancelled."""
        await asyncio.to_thread(self._dirs.ensure)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._errands.run(), name="control-errands")
            async with contextlib.aclosing(watch([self._folder], TICK)) as looks:
                async for _ in looks:
                    await self._look()

    async def _look(self) -> None:
        for path in sorted(self._folder.iterdir()):
            if (
                path.suffix in (".json", ".toml")
                and not path.name.startswith(".")
                and path.is_file()
                and not path.is_symlink()
                and path.name not in self._broken
                and path.name not in self._errands
            ):
                try:
                    await self._answer(path)
                except Exception as error:  # a request must not stop the engine, nor come back at every look
                    self._broken.add(path.name)
                    self._log.error(events.CONTROL_REJECTED, request=ascii(path.name), problems=[repr(error)])

    async def _answer(self, path: Path) -> None:
        try:
            request = parse(path)
        except InputError as error:
            self._close(path, self._refused(path, error))
            return
        if isinstance(request, DeskRequest):
            self._errands.take(path, request, asker(path, request.by))
        else:
            await self._settle(path, request, self._do(request, asker(path, request.by)))

    async def _settle(self, path: Path, request: AnyRequest, work: Awaitable[dict[str, Any]]) -> None:
        """Wait for `work` on a request, and answer it with what came of it."""
        reply: dict[str, Any]
        try:
            reply = {"ok": True, **await work}
            self._log.info(
                events.CONTROL_DONE,
                request=path.name,
                action=request.action,
                by=request.by,
                **{k: v for k, v in reply.items() if k not in ("ok", "faults")},  # rows quote numbers
            )
        except InputError as error:
            reply = self._refused(path, error)
        except VolleyError as error:
            reply = {
                "ok": False,
                "problems": [{"where": path.name, "what": str(error), "todo": "send the request again"}],
            }
            self._log.error(events.CONTROL_REJECTED, request=path.name, problems=[str(error)])
        trace(path, request, reply)
        self._close(path, reply)

    def _refused(self, path: Path, error: InputError) -> dict[str, Any]:
        self._log.warning(
            events.CONTROL_REJECTED, request=path.name, problems=[str(one) for one in error.problems]
        )
        told = [{"where": one.where, "what": one.what, "todo": one.todo} for one in error.problems]
        return {"ok": False, "problems": told}

    def _close(self, path: Path, reply: dict[str, Any]) -> None:
        """Put the reply where it is looked for, and the request beside it."""
        draft = self._done / f".{path.stem}.tmp"
        draft.write_text(json.dumps(reply, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        draft.rename(self._done / f"{path.stem}.reply.json")
        os.replace(path, self._done / path.name)

    async def _do(self, request: AtOnce, asker: str) -> dict[str, Any]:
        """Do it. `asker` goes into the audit log."""
        match request:
            case SuppressRequest():
                return await self._suppress(request, asker)
            case RemoveRequest():
                campaign_id, _ = await self._find(request.campaign)
                removed, unknown = await self._writer.submit(
                    partial(
                        audited.remove_contacts,
                        campaign_id=campaign_id,
                        external_ids=request.external_ids,
                        now=self._clock.now(),
                        actor=asker,
                        reason=request.reason,
                    )
                )
                self._log.info(
                    events.CONTACTS_REMOVED, campaign=request.campaign, contacts=removed, by=request.by
                )
                self._changed()
                return {"removed": removed, "unknown": unknown}
            case CampaignRequest():
                return await self._campaign(request, asker)
            case TrunkRequest():
                return await self._maintenance.do(request, asker)
            case SetRequest() | StopAllRequest() | GoRequest() | QuietRequest():
                return await self._steering.do(request, asker)
            case CallRequest():
                return await self._call(request, asker)
            case ResendRequest():
                count = await self._writer.submit(
                    partial(hooks.resend, name=request.hook, actor=asker, now=self._clock.now())
                )
                if count is None:
                    what = f"there is no hook {request.hook!r} in the settings"
                    raise InputError([Problem("hook", what, "see `volley hooks`")])
                return {"hook": request.hook, "events": count}

    async def _campaign(self, request: CampaignRequest, asker: str) -> dict[str, Any]:
        campaign_id, state = await self._find(request.campaign)
        again = state == "cancelled" and request.action == "cancel"  # one that was interrupted goes on
        if state not in campaigns.OPEN_STATES and not again:
            raise InputError(
                [
                    Problem(
                        "campaign",
                        f"{request.campaign} is {state}",
                        "only a scheduled, running or paused campaign can change",
                    )
                ]
            )
        wanted, event = {
            "pause": ("paused", events.CAMPAIGN_PAUSED),
            "resume": ("scheduled", events.CAMPAIGN_RESUMED),
            "cancel": ("cancelled", events.CAMPAIGN_CANCELLED),
        }[request.action]
        state = await self._writer.submit(
            partial(
                audited.set_state,
                campaign_id=campaign_id,
                state=wanted,
                now=self._clock.now(),
                actor=asker,
                reason=request.reason,
            )
        )
        self._log.info(event, campaign=request.campaign, by=request.by)
        self._steered(campaign_id, state)
        self._changed()
        ended = 0
        if request.action == "cancel":
            while count := await self._writer.submit(
                partial(
                    campaigns.close_pending,
                    campaign_id=campaign_id,
                    disposition="CANCELLED",
                    reason="campaign_cancelled",
                    limit=SLICE,
                ),
                bulk=True,
            ):
                ended += count
            return {"campaign": request.campaign, "state": state, "contacts_cancelled": ended}
        return {"campaign": request.campaign, "state": state}

    async def _find(self, name: str) -> tuple[int, str]:
        found = await self._writer.submit(partial(campaigns.campaign_state, name=name))
        if found is None:
            raise InputError([Problem("campaign", f"there is no campaign {name!r}", "see `volley status`")])
        return found

    async def _suppress(self, request: SuppressRequest, asker: str) -> dict[str, Any]:
        numbers = read_numbers(request.numbers, request.region or self._region)
        if request.action == "suppress":
            ids = await self._writer.submit(
                partial(
                    audited.suppress,
                    numbers=numbers,
                    reason=request.reason,
                    source="command",
                    actor=request.by,
                    now=self._clock.now(),
                    recorded_as=asker,
                ),
                withdraws=True,
            )
            self._suppressed(ids)
            changed = len(ids)
        else:
            ids = await self._writer.submit(
                partial(
                    audited.unsuppress,
                    e164=[number.e164 for number in numbers],
                    reason=request.reason,
                    actor=asker,
                    now=self._clock.now(),
                )
            )
            self._unsuppressed(ids)
            changed = len(ids)
        self._log.info(
            events.SUPPRESSION_CHANGED,
            action=request.action,
            numbers=changed,
            reason=request.reason,
            by=request.by,
        )
        return {"numbers": changed}


def read_numbers(texts: list[str], region: str | None) -> list[Number]:
    """Numbers of a request in E.164. Raises InputError with every one that is wrong: all of a request is taken, or
    nothing."""
    numbers, problems = [], []
    for at, text in enumerate(texts, 1):
        try:
            numbers.append(parse_number(text, region))
        except NumberError as error:
            problems.append(Problem(f"numbers, {at}", f"{text!r}: {error}"))
    if problems:
        raise InputError(problems)
    return numbers


def parse(path: Path) -> AnyRequest:
    """A request from its file. Raises InputError with every problem."""
    with open_inside(path.parent, path.name, path.name) as stream:
        content = stream.read(REQUEST_BYTES + 1)
    if len(content) > REQUEST_BYTES:
        raise InputError([Problem(path.name, "the request is too large", "split it")])
    try:
        text = content.decode("utf-8-sig")
        table = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError([Problem(path.name, f"cannot read the request: {error}")]) from error
    try:
        return _REQUEST.validate_python(table)
    except ValidationError as error:
        raise InputError(problems_of(error, f"{path.name}: ")) from error
