"""What an operator asks for while things run, done: a campaign's limits changed, all dialing stopped and let go.

The rules stay the rules: what is set here is checked against the settings' limits, and every call still passes the gate.
A stop holds in this engine before it is written, and outlasts it once it is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import closing
from functools import partial
from typing import Any, Protocol

from engine.campaign import Campaign
from engine.config import Settings
from engine.errors import InputError, Problem
from engine.halts import Halt, HaltKind, Halts
from engine.intake.lawful import Law, LawReader
from engine.intake.steering_requests import (
    GoRequest,
    QuietRequest,
    SetRequest,
    SteeringRequest,
    StopAllRequest,
)
from engine.ops import log as events
from engine.ops.log import Log
from engine.rules.gate import Reason
from engine.rules.hours import Hours
from engine.store import audited_steering, campaigns
from engine.store.database import open_reader
from engine.store.due import due
from engine.store.loading import HELD
from engine.store.writer import Writer

SLICE = 2000
SAMPLE = 5000
"""Contacts, those due next, that new hours are held against."""
LONGEST_QUIET = 31 * 86400.0
"""Seconds: what is to be quiet for longer is stopped, or its campaigns are paused."""
ANEW = (Reason.OUTSIDE_HOURS, Reason.OUTSIDE_LAWFUL_HOURS, Reason.QUIET_HOURS)
"""What contacts wait for that are looked at again when a campaign's hours change."""


class Clock(Protocol):
    def now(self) -> float: ...


class Steering:
    """Does such requests."""

    def __init__(
        self,
        settings: Settings,
        writer: Writer,
        clock: Clock,
        log: Log,
        halts: Halts,
        *,
        changed: Callable[[], None],
        cut_off: Callable[[], int],
    ) -> None:
        self._settings = settings
        self._writer = writer
        self._clock = clock
        self._log = log
        self._halts = halts
        self._changed = changed
        self._cut_off = cut_off

    async def do(self, request: SteeringRequest, asker: str) -> dict[str, Any]:
        """Do it; `asker` goes into the audit log. Raises InputError."""
        match request:
            case SetRequest():
                return await self._set(request, asker)
            case StopAllRequest():
                return await self._stop_all(request, asker)
            case GoRequest():
                lifted = await self._lift("stop", request.reason, request.by, asker)
                return {"lifted": lifted, **self._standing()}
            case QuietRequest():
                return await self._quiet(request, asker)

    # -- a campaign ----------------------------------------------------------------------------------------------------

    async def _set(self, request: SetRequest, asker: str) -> dict[str, Any]:
        found = await self._writer.submit(partial(campaigns.campaign_state, name=request.campaign))
        if found is None:
            what = f"there is no campaign {request.campaign!r}"
            raise InputError([Problem("campaign", what, "see `volley status`")])
        campaign_id, state = found
        if state not in campaigns.OPEN_STATES:
            what = f"{request.campaign} is {state}"
            raise InputError(
                [Problem("campaign", what, "only a scheduled, running or paused campaign can change")]
            )
        row = await self._writer.submit(partial(campaigns.campaign, campaign_id=campaign_id))
        campaign = Campaign.model_validate(row.manifest)
        problems = self._beyond_limits(request, campaign)
        unreached = 0
        if request.window is not None:
            law = Law.of(campaign, self._settings, row.message_seconds, self._clock.now())
            hours = Hours(request.window)
            looked, unreached = await asyncio.to_thread(self._unreached, campaign_id, law, hours)
            if looked and unreached == looked:
                what = "none of the campaign's contacts could ever be called in these hours, by the law of their places"
                raise InputError([*problems, Problem("window", what, "see docs/law.md for the lawful hours")])
        if problems:
            raise InputError(problems)
        now = self._clock.now()
        changed = await self._writer.submit(
            partial(
                audited_steering.steer, campaign_id=campaign_id, changes=request.changes(), now=now, actor=asker,
                reason=request.reason, anew=request.reset,
            )
        )  # fmt: skip
        if changed:
            self._log.info(
                events.CAMPAIGN_CHANGED, campaign=request.campaign, by=request.by, changes=audited_steering.told(changed)
            )  # fmt: skip
            self._changed()
        if "window" in changed:
            await self._look_again(campaign_id, now)
        reply: dict[str, Any] = {"campaign": request.campaign, "state": state, "changed": changed}
        return reply | ({"unreached": unreached} if unreached else {})

    def _beyond_limits(self, request: SetRequest, campaign: Campaign) -> list[Problem]:
        """What the settings would not let it reach anyway: who sets that expects something that will not be."""
        settings = self._settings
        trunks = [
            settings.trunk[name] for name in campaign.trunks or settings.trunk if name in settings.trunk
        ]
        found = []
        for key, value, ours, theirs in (
            ("cps", request.cps, settings.limits.cps, sum(trunk.cps for trunk in trunks)),
            (
                "max_channels",
                request.max_channels,
                settings.limits.max_channels,
                sum(trunk.max_channels for trunk in trunks),
            ),
        ):
            most, whose = min(
                (ours, f"limits.{key} in the settings"), (theirs, f"the {key} of its trunks together")
            )
            if value is not None and value > most:
                what = f"{value:g} is more than {most:g}, {whose}"
                found.append(
                    Problem(key, what, f"give {most:g} at most, or raise that and restart the engine")
                )
        return found

    def _unreached(self, campaign_id: int, law: Law, hours: Hours) -> tuple[int, int]:
        """Of the contacts that are due next: how many were looked at, and how many of them these hours leave no time for."""
        reader = LawReader(law)
        with closing(open_reader(self._settings.database)) as connection:
            connection.row_factory = None
            rows = due(connection, campaign_id, HELD - 1.0, SAMPLE)
        known: dict[tuple[object, ...], bool | None] = {}
        looked = unreached = 0
        for row in rows:
            place = (
                row.region,
                row.kind,
                row.zones,
                row.timezone,
                row.subdivision,
                row.postal_code,
                row.call_from,
                row.call_to,
            )
            if place not in known:
                known[place] = reader.opens(row.candidate(False), hours)
            looked += known[place] is not None
            unreached += known[place] is False
        return looked, unreached

    async def _look_again(self, campaign_id: int, now: float) -> None:
        after: tuple[float, int] | None = (now, 0)
        first = True
        while after is not None:
            after = await self._writer.submit(
                partial(
                    campaigns.look_again, campaign_id=campaign_id, reasons=ANEW, after=after, now=self._clock.now(),
                    limit=SLICE,
                ),
                bulk=True,
            )  # fmt: skip
            if first or after is None:
                self._changed()
            first = False

    # -- everything ----------------------------------------------------------------------------------------------------

    async def _stop_all(self, request: StopAllRequest, asker: str) -> dict[str, Any]:
        await self._lay(Halt("stop", self._clock.now(), None, asker, request.reason), request.hang_up)
        ended = self._cut_off() if request.hang_up else 0
        self._log.warning(
            events.DIALING_STOPPED, reason=request.reason, by=request.by, hung_up=ended
        )  # fmt: skip
        return {"hung_up": ended, **self._standing()}

    async def _quiet(self, request: QuietRequest, asker: str) -> dict[str, Any]:
        if request.until is None:
            lifted = await self._lift("quiet", request.reason, request.by, asker)
            return {"lifted": lifted, **self._standing()}
        now, until = self._clock.now(), request.until.timestamp()
        if until <= now:
            raise InputError([Problem("until", "this instant is over", "give one that is to come")])
        if until > now + LONGEST_QUIET:
            what = "a quiet time lasts 31 days at most"
            raise InputError([Problem("until", what, "use `volley stop-all`, or pause the campaigns")])
        await self._lay(Halt("quiet", now, until, asker, request.reason), False)
        self._log.warning(events.DIALING_QUIET, until=until, reason=request.reason, by=request.by)
        return self._standing()

    async def _lay(self, halt: Halt, hang_up: bool) -> None:
        self._halts.lay(halt)  # obeyed at once, also where it cannot be written
        kept = await self._writer.submit(
            partial(audited_steering.lay, halt=halt, hang_up=hang_up), withdraws=True
        )
        self._halts.lay(kept)

    async def _lift(self, kind: HaltKind, reason: str, by: str, asker: str) -> bool:
        lifted = await self._writer.submit(
            partial(audited_steering.lift, kind=kind, now=self._clock.now(), actor=asker, reason=reason)
        )
        self._halts.lift(kind)
        if lifted is not None:
            self._log.warning(events.DIALING_RESUMED, lifted=kind, reason=reason, by=by)
            self._changed()
        return lifted is not None

    def _standing(self) -> dict[str, Any]:
        return {"dialing": not self._halts.word(self._clock.now())}
