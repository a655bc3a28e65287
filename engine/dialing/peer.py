"""One PBX as the engine works with it: its connection, and what is done after each login."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from engine.ami.client import AmiClient
from engine.ami.connection import Link
from engine.ami.tls import Tls
from engine.channel import ChannelEvent, InboundOptOut
from engine.config import Settings
from engine.detection import keeper
from engine.dialing import targets
from engine.dialing.agenda import Agenda
from engine.dialing.astdb import AstDb
from engine.dialing.calling_back import CallingBack
from engine.dialing.follower import Follower
from engine.dialing.ledger import Ledger
from engine.dialing.running import Running
from engine.dialing.settlement import Settlement
from engine.dialing.sounds import INBOUND, Sounds
from engine.dialing.surroundings import Clock
from engine.dialing.trunks import Trunks
from engine.errors import AmiError, StoreError
from engine.ops import log as events
from engine.ops.log import Log
from engine.pbx_settings import PbxSettings
from engine.store import campaigns, recovery
from engine.store.writer import Writer

TELL_EVERY = 10.0
"""Seconds between two lines about the same failure to connect."""


class Peer:
    """Keeps one PBX connected, equipped with flows, and its open attempts settled."""

    def __init__(
        self,
        name: str,
        settings: PbxSettings,
        whole: Settings,
        agenda: Agenda,
        trunks: Trunks,
        ledger: Ledger,
        follower: Follower,
        writer: Writer,
        new_running: Callable[[campaigns.CampaignRow], Running],
        wake: Callable[[], None],
        changed: Callable[[], None],
        clock: Clock,
        log: Log,
    ) -> None:
        self.name = name
        self.settings = settings
        self.detector = ""
        """Where the process that hears callees listens; empty: there is none for this PBX."""
        self._whole = whole
        self._agenda = agenda
        self._ledger = ledger
        self._follower = follower
        self._writer = writer
        self._wake = wake
        self._clock = clock
        self._log = log.bind(pbx=name)
        self._told: tuple[tuple[str, str], float] | None = None
        """The last failure to connect that was logged, and when."""
        self.ami = AmiClient(
            name,
            settings.host,
            settings.port,
            settings.username,
            settings.secret,
            sink=self._event,
            connected=self._connected,
            lost=self._lost,
            failed=self._failed,
            inbound=self._called_back,
            now=clock.now,
            backoff_max=settings.reconnect_max,
            tls=Tls(settings.ca_file, settings.server_name) if settings.tls else None,
        )
        self.calling_back = CallingBack(name, whole, self.ami, follower, clock, self._log)
        self.sounds = Sounds(name, self.ami, settings, wake, clock, self._log)
        self.astdb = AstDb(name, self.ami, settings, self.sounds, writer, clock, self._log)
        self.settlement = Settlement(
            name,
            self.ami,
            self.astdb,
            agenda,
            trunks,
            ledger,
            follower,
            writer,
            new_running,
            changed,
            clock,
            self._log,
        )

    def __repr__(self) -> str:
        return f"<Peer {self.name} up={self.ami.up} {self.astdb!r}>"

    def _event(self, event: ChannelEvent) -> None:
        self._follower.take(event)

    def _called_back(self, event: InboundOptOut) -> None:
        self.calling_back.take(event)

    def _lost(self, why: str) -> None:
        self._forget_session()
        self._log.error(events.AMI_LOST, why=why)

    def _forget_session(self) -> None:
        """What is known of this PBX is known of one connection."""
        self.astdb.forget()
        self.sounds.forget()
        self.settlement.link_lost()

    def _failed(self, error: AmiError, retry_in: float) -> None:
        self._forget_session()
        told, mono = (str(error), type(error).__name__), self._clock.mono()
        if self._told is not None and self._told[0] == told and mono - self._told[1] < TELL_EVERY:
            return  # the same again, each second while a PBX is down
        self._told = told, mono
        self._log.error(
            events.AMI_FAILED,
            error=str(error),
            kind=type(error).__name__,
            host=self.settings.host,
            port=self.settings.port,
            retry_in=retry_in,
        )

    async def _connected(self, link: Link) -> None:
        """After each login, before any Originate: flows, then every open attempt settled. Raises AmiError."""
        try:
            await self._set_up(link)
        except StoreError as error:
            raise AmiError(f"PBX {self.name}: the open attempts cannot be settled: {error}") from error

    async def _set_up(self, link: Link) -> None:
        same = link.started == await self._writer.submit(partial(recovery.pbx_started, pbx=self.name))
        await self.put_flows()
        await self.calling_back.set_up()
        await self.ami.put_family(targets.FAMILY, targets.entries(self._whole, self.name))
        await self.tell_detector()
        self.sounds.want(INBOUND, self.calling_back.sounds)
        counts, doubtful = await self.settlement.reconcile(same_asterisk=same)
        if not same:
            assert not doubtful, "a restart leaves nothing to wait for"
            await self._writer.submit(partial(recovery.note_started, pbx=self.name, started=link.started))
        self._log.info(
            events.AMI_CONNECTED, asterisk=link.version, restarted=not same, doubtful=len(doubtful)
        )
        self._told = None
        if counts:
            self._log.info(events.AMI_RECONCILED, **counts)
        if doubtful:
            self.settlement.look_on(doubtful)
        asyncio.get_running_loop().call_soon(self._wake)

    async def tell_detector(self) -> None:
        """Write into AstDB where calls are heard. Raises AmiError."""
        await self.ami.put_family(keeper.FAMILY, keeper.entries(self.detector))

    def has_flow(self, version: str) -> bool:
        return self.astdb.has_flow(version)

    async def put_flows(self) -> None:
        """Write the flows of all open campaigns into AstDB, where they are not yet. Raises AmiError."""
        await self.astdb.put_flows({one.flow_version for one in self._agenda.campaigns.values()})

    async def prune(self) -> None:
        """Drop what the PBX keeps for us and nobody needs any more. Raises AmiError."""
        await self.astdb.prune(
            lambda: (
                {one.flow_version for one in self._agenda.campaigns.values()}
                | {live.claim.flow_version for live in self._ledger}
            )
        )
