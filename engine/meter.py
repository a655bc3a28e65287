"""Reads how the running engine fares, from the parts that know, when somebody asks; and measures how late its event loop wakes.

Tells it on a socket in the state directory (`volley top`), and over HTTP where `[metrics]` says so. Changes nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import asdict
from typing import TYPE_CHECKING

from engine import __version__
from engine.clock import Clock
from engine.config import Settings
from engine.dialing.agenda import Agenda
from engine.dialing.breaker import Phase
from engine.dialing.call import State
from engine.dialing.follower import Follower
from engine.dialing.ledger import Ledger
from engine.dialing.peer import Peer
from engine.dialing.trunks import Trunk, Trunks
from engine.errors import Problem, SettingsError
from engine.histogram import Histogram
from engine.ops import log as events
from engine.ops import pulse
from engine.ops.log import Log
from engine.ops.pulse import CampaignPulse, PbxPulse, Pulse, Times, TrunkPulse
from engine.ops.tally import Tally
from engine.store.writer import Writer

if TYPE_CHECKING:
    from engine.metrics_server import MetricsServer

EVERY = 0.25
"""Seconds between two looks at how late the loop wakes."""
LAG_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)
TELLING = 5.0
"""Seconds that whoever asks has to take the answer."""


class Meter:
    """What is known of a running engine."""

    def __init__(
        self,
        settings: Settings,
        tally: Tally,
        agenda: Agenda,
        trunks: Trunks,
        ledger: Ledger,
        follower: Follower,
        writer: Writer,
        peers: Mapping[str, Peer],
        clock: Clock,
        log: Log,
    ) -> None:
        self._settings = settings
        self.tally = tally
        self._agenda = agenda
        self._trunks = trunks
        self._ledger = ledger
        self._follower = follower
        self._writer = writer
        self._peers = peers
        self._clock = clock
        self._log = log
        self._started = clock.now()
        self._lagged = Histogram(LAG_BOUNDS)
        self._http: MetricsServer | None = None

    def __repr__(self) -> str:
        return f"<Meter {self._lagged!r}>"

    async def open(self, stack: AsyncExitStack) -> None:
        """Listen; `stack` closes. Raises SettingsError where metrics.listen cannot be had. Without the socket everything goes on:
        `volley top` then has the books alone."""
        try:
            server = await asyncio.start_unix_server(
                self._told, sock=pulse.listen(self._settings.engine.state)
            )
        except OSError as error:
            self._log.warning(
                events.ENGINE_FAULT, what="volley top will see the books alone", error=str(error)
            )
        else:
            stack.callback(server.close)
            stack.callback((self._settings.engine.state / pulse.SOCKET).unlink, missing_ok=True)
        address = self._settings.metrics.address
        if address is None:
            return
        from engine.metrics_server import MetricsServer  # prometheus-client is loaded where it is wanted

        self._http = MetricsServer(self._settings.database, self.pulse, self.counts)
        try:
            await self._http.open(*address)
        except OSError as error:
            what = f"cannot serve metrics here: {error.strerror or error}"
            todo = "choose an address of this machine and a free port"
            raise SettingsError([Problem("metrics.listen", what, todo)]) from error
        stack.callback(self._http.close)

    async def run(self) -> None:
        """Measure until cancelled."""
        while True:
            due = self._clock.mono() + EVERY
            await asyncio.sleep(EVERY)
            self._lagged.observe(max(0.0, self._clock.mono() - due))

    async def _told(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(TELLING):
                writer.write(self.pulse().json())
                await writer.drain()
        writer.close()

    def counts(self) -> Tally:
        """What was counted, with the calls begun until now."""
        names = {one.name for one in self._agenda.campaigns.values()}
        self.tally.refresh(self._ledger.begun, names, self._clock.mono())
        for name in self._ledger.begun.keys() - names:
            del self._ledger.begun[name]
        return self.tally

    def pulse(self) -> Pulse:
        """How it fares at this moment."""
        calls = Counter(live.call.state for live in self._ledger)
        limits = self._trunks.limits
        return Pulse(
            at=self._clock.now(),
            version=__version__,
            started=self._started,
            calls={state.value: calls[state] for state in State if state is not State.ENDED},
            live=len(self._ledger),
            max_channels=limits.max_channels,
            cps=limits.cps,
            begun=self._ledger.begun_by.total(),
            trunks=tuple(self._trunk(trunk) for trunk in self._trunks.by_name.values()),
            pbxs=tuple(
                PbxPulse(name, peer.ami.up, self._follower.unacknowledged[name])
                for name, peer in self._peers.items()
            ),
            campaigns=tuple(
                CampaignPulse(one.name, one.state, one.live, one.throttle)
                for one in self._agenda.campaigns.values()
            ),
            acknowledged=_times(self._follower.heard_after),
            committed=_times(self._writer.took),
            lagged=_times(self._lagged),
            unstored=self._follower.ends.unstored,
            fault=self._writer.fault,
            troubles=tuple(asdict(one) for one in self.tally.troubles),
        )

    def _state(self, trunk: Trunk) -> str:
        if not self._peers[trunk.pbx].ami.up:
            return "down"
        if trunk.drained:
            return "drained"
        return "up" if trunk.breaker.phase is Phase.CLOSED else trunk.breaker.phase.value

    def _trunk(self, trunk: Trunk) -> TrunkPulse:
        return TrunkPulse(
            trunk.name,
            trunk.pbx,
            self._state(trunk),
            trunk.live,
            trunk.settings.max_channels,
            trunk.queued,
            trunk.settings.cps,
            self._ledger.begun_by[trunk.name],
        )


def _times(histogram: Histogram) -> Times:
    return Times(histogram.bounds, tuple(histogram.counts), histogram.total)
