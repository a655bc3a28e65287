"""Builds everything, starts it, and stops it in order. The one place that owns the clock.

The order of an end: intake takes no more, nothing more is claimed, what was claimed and not written is void, every
acknowledgement is settled (or, when draining, every call has ended), every row is written, then AMI and the
database are closed. Calls go on in Asterisk and are taken up at the next start.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from functools import partial
from typing import Any

from engine import __version__
from engine.clock import Clock
from engine.config import Settings
from engine.detection.keeper import Keeper
from engine.dialing.agenda import Agenda
from engine.dialing.agents import Agents
from engine.dialing.clock_watch import ClockWatch
from engine.dialing.dispatcher import Dispatcher
from engine.dialing.follower import Follower
from engine.dialing.ledger import Ledger
from engine.dialing.peer import Peer
from engine.dialing.queues import Queues
from engine.dialing.running import Running
from engine.dialing.speaking import Speaking
from engine.dialing.trunks import Trunks
from engine.errors import VolleyError
from engine.halts import Halts
from engine.hooks.service import open_hooks
from engine.housekeeping import Housekeeping
from engine.intake.control import Control
from engine.intake.queue_guard import guard
from engine.intake.service import Intake
from engine.meter import Meter
from engine.open_campaigns import OpenCampaigns
from engine.ops import log as events
from engine.ops.log import Lines, Log
from engine.ops.tally import Tally
from engine.ops.trail import Trail
from engine.pbx_settings import PbxSettings
from engine.purging import Purging
from engine.reports import Reports
from engine.retention import Retention
from engine.signals import heed
from engine.sounds_server import SoundsServer
from engine.store import halts, recovery
from engine.store.database import Left, look_over, open_writer, state_lock
from engine.store.listing import ListBook
from engine.store.writer import Writer
from engine.store_health import StoreHealth
from engine.trials import Trials

STOP_PATIENCE = 10.0


class Engine:
    """One engine on one state directory."""

    def __init__(self, settings: Settings, log: Log, lines: Lines | None, tally: Tally) -> None:
        self.settings = settings
        self._tally = tally
        self._log = log
        self._lines = lines
        self._clock = Clock()
        self._stop = asyncio.Event()
        self._unchecked = False
        """The last engine was killed, and nobody has looked over the database since."""
        self._changed = asyncio.Event()

    async def run(self) -> None:
        """Run until stopped. Raises SettingsError, StoreInUse, StoreError, or what killed a task that must not die."""
        guard(self.settings.engine.queue, self.settings.engine.state)
        with state_lock(self.settings.engine.state) as left:
            async with AsyncExitStack() as stack:
                await self._build(stack, left)
                heed(self._stop, self._lines, self._log)
                self._log.info(
                    events.ENGINE_STARTED,
                    version=__version__,
                    pid=os.getpid(),
                    state=str(self.settings.engine.state),
                    queue=str(self.settings.engine.queue),
                )
                await self._live()
        self._log.info(events.ENGINE_STOPPED)

    async def _build(self, stack: AsyncExitStack, left: Left) -> None:
        settings = self.settings
        if left.pid:
            self._log.warning(events.ENGINE_UNCLEAN, last_pid=left.pid, check="quick_check")
            self._unchecked = not left.rebooted
        connection = await open_writer(settings.database, check=left.rebooted)
        stack.push_async_callback(connection.close)
        lists = ListBook(settings.engine.state)
        stack.push_async_callback(connection.run, lambda _: lists.close())
        health = StoreHealth(self._clock, self._log, lambda: self.dispatcher.wake())  # noqa: PLW0108 -- it is made later
        self.writer = Writer(connection, settings.engine.commit_window, health.told)
        self._writing = asyncio.create_task(self.writer.run(), name="writer")
        ids = await self.writer.submit(
            partial(
                recovery.register,
                pbxs=list(settings.pbx),
                trunks={name: trunk.pbx for name, trunk in settings.trunk.items()},
            )
        )
        self.hooks = await open_hooks(settings, self.writer, self._clock, self._log, stack)
        last = await self.writer.submit(recovery.last_attempt)
        self.halts = Halts(await self.writer.submit(halts.halts))
        agents = Agents(settings.transfer, len(settings.pbx))
        self.agenda = Agenda(settings, agents)
        self.trunks = Trunks(settings, ids)
        self.ledger = Ledger(self.trunks, agents)
        self.follower = Follower(
            self.ledger,
            self.agenda,
            self.writer,
            lambda pbx: self.peers[pbx].ami,
            self._clock,
            self._log,
            freed=lambda: self.dispatcher.wake(),  # noqa: PLW0108 -- it is made after the follower
            emptied=lambda campaign_id: self.housekeeping.emptied(campaign_id),  # noqa: PLW0108 -- as above
        )
        self.dispatcher = Dispatcher(
            self.agenda,
            self.trunks,
            self.ledger,
            self.follower,
            self.writer,
            lambda pbx: self.peers[pbx].ami,
            lambda pbx, version: self.peers[pbx].has_flow(version),
            self._clock,
            ClockWatch(
                self.agenda,
                self.ledger,
                self.writer,
                self._clock,
                self._log,
                await self.writer.submit(recovery.last_dialed),
            ),
            self._log,
            last,
            lists,
            self.halts,
        )
        self.sounds = SoundsServer(settings, self._log)
        await self.sounds.open()
        stack.push_async_callback(self.sounds.close)
        self.peers = {name: self._peer(name, pbx) for name, pbx in settings.pbx.items()}
        self.queues = Queues(
            agents,
            {name: peer.ami for name, peer in self.peers.items()},
            self.agenda.targets,
            self.dispatcher.wake,
            self._log,
        )
        self.open_campaigns = OpenCampaigns(
            self.agenda,
            self.trunks,
            self.ledger,
            self.follower,
            self.writer,
            self.peers,
            self._changed,
            self.dispatcher.wake,
            lambda campaign_id: self.housekeeping.emptied(campaign_id),  # noqa: PLW0108 -- it is made later
            self._clock,
            self._log,
        )
        self.detector = Keeper(
            settings.detector,
            {name: pbx.host for name, pbx in settings.pbx.items()},
            self.peers,
            self.follower.machine,
            self._log,
        )
        self.intake = Intake(settings, self.writer, self._clock, self._log, self._changed.set)
        self.control = Control(
            settings,
            self.writer,
            self._clock,
            self._log,
            changed=self._changed.set,
            suppressed=self.follower.suppress,
            unsuppressed=self.follower.unsuppress,
            steered=self.open_campaigns.steered,
            trunk_steered=self.open_campaigns.trunk_steered,
            halts=self.halts,
            cut_off=self.follower.cut_off,
            call=Trials(
                settings, self.writer, lists, self.halts, self._clock, self._log,
                changed=self._changed.set,
                up=lambda: frozenset(name for name, peer in self.peers.items() if peer.ami.up),
            ).call,
        )  # fmt: skip
        await self.open_campaigns.open()
        for name in await self.writer.submit(partial(recovery.lost_attempts, pbxs=list(settings.pbx))):
            await self._peer(name, next(iter(settings.pbx.values()))).settlement.abandon()
        self.speaking = Speaking(
            settings,
            self.agenda,
            self.writer,
            lambda pbx: self.peers[pbx].sounds,
            self.dispatcher.wake,
            lambda campaign_id: self.housekeeping.emptied(campaign_id),  # noqa: PLW0108 -- it is made later
            self._clock,
            self._log,
        )
        self.trail = Trail(settings, self.writer, self._clock, self._log)
        self.reports = Reports(settings, self._clock, self._log)
        self.housekeeping = Housekeeping(
            settings,
            self.writer,
            self.agenda,
            self.ledger,
            self.peers,
            self.trail,
            Retention(settings.pbx, self.writer, self._clock, self._log),
            Purging(settings, self.writer, self._clock, self._log),
            self.reports,
            self._lines,
            self._changed.set,
            self._clock,
            self._log,
        )
        self.meter = Meter(
            settings,
            self._tally,
            self.agenda,
            self.trunks,
            self.ledger,
            self.follower,
            self.writer,
            self.peers,
            self._clock,
            self._log,
        )
        await self.meter.open(stack)
        await self.trail.started()

    def _peer(self, name: str, settings: PbxSettings) -> Peer:
        return Peer(
            name,
            settings,
            self.settings,
            self.agenda,
            self.trunks,
            self.ledger,
            self.follower,
            self.writer,
            lambda row: Running.to_settle(row, self.settings),
            self.dispatcher.wake,
            self._changed.set,
            self._clock,
            self._log,
        )

    async def _live(self) -> None:
        """Start every task; end in order when asked to, or when one dies."""
        loops: dict[str, Coroutine[Any, Any, None]] = {
            "intake": self.intake.run(),
            "control": self.control.run(),
            "campaigns": self.open_campaigns.run(),
            "meter": self.meter.run(),
            "housekeeping": self.housekeeping.run(),
            "reports": self.reports.run(),
            "claim": self.dispatcher.claim(),
            "send": self.dispatcher.send(),
            "speaking": self.speaking.run(),
            "hooks": self.hooks.run(),
            **({"check": look_over(self.settings.database)} if self._unchecked else {}),
            "queues": self.queues.run(),
        }
        loops.update({f"ami-{name}": peer.ami.run() for name, peer in self.peers.items()})
        loops.update(
            {f"sounds-{name}": peer.sounds.run() for name, peer in self.peers.items() if peer.sounds.remote}
        )
        if self.detector.needed:
            loops["detector"] = self.detector.run()
        tasks = {name: asyncio.create_task(work, name=name) for name, work in loops.items()}
        stopping = asyncio.create_task(self._stop.wait())
        watched = [*tasks.values(), self._writing, stopping]
        try:
            done, _ = await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
            dead = [task for task in done if task is not stopping]
            for task in dead:
                error = task.exception()
                self._log.error(
                    events.ENGINE_FAULT,
                    what="a task died",
                    task=task.get_name(),
                    error=repr(error),
                    exc_info=error,
                )
            await self._end(tasks)
            for task in dead:
                if (error := task.exception()) is not None:
                    raise VolleyError(f"task {task.get_name()} died: {error!r}") from error
        finally:
            stopping.cancel()
            for task in tasks.values():
                task.cancel()
            await asyncio.gather(*tasks.values(), stopping, return_exceptions=True)
            self.writer.close()
            await asyncio.gather(self._writing, return_exceptions=True)

    async def _end(self, tasks: dict[str, asyncio.Task[None]]) -> None:
        engine = self.settings.engine
        self._log.info(events.ENGINE_STOPPING, live=len(self.ledger), how=engine.on_stop)
        for name in ("intake", "control"):
            tasks[name].cancel()
        await asyncio.gather(tasks["intake"], tasks["control"], return_exceptions=True)
        self.dispatcher.stopping = True
        self.dispatcher.wake()
        await asyncio.wait(
            [tasks["claim"]], timeout=STOP_PATIENCE
        )  # a claim that is being committed comes to its end
        if not tasks["send"].done():
            await self.dispatcher.stop()
        if engine.on_stop == "drain":
            await self._until(lambda: not len(self.ledger), engine.drain_timeout)
        else:
            slowest = max(pbx.originate_timeout for pbx in self.settings.pbx.values())
            await self._until(lambda: not any(live.call.unheard for live in self.ledger), slowest)
        for peer in self.peers.values():
            await peer.settlement.close()
        if not self._writing.done():
            await self.follower.backlog.settled()
            for name in ("campaigns", "housekeeping", "hooks"):
                tasks[name].cancel()
            await asyncio.gather(tasks["hooks"], return_exceptions=True)  # it stores what receivers took
            await self.trail.stopped(len(self.ledger))

    async def _until(self, done: Any, seconds: float) -> None:
        deadline = self._clock.mono() + seconds

        def waiting() -> bool:
            linked = any(peer.ami.up for peer in self.peers.values())
            return linked and not done() and self._clock.mono() < deadline

        while waiting():  # noqa: ASYNC110 -- a few times, at the very end; no one event tells
            await asyncio.sleep(0.02)
