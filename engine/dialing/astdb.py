"""What Volley keeps in one PBX's AstDB: flows that calls read, and the outbox that calls write.

Both are dropped when nobody needs them any more. Knows versions and buckets; what stands in them is for `engine.ami`
and the dialplan.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from engine.ami.client import AmiClient
from engine.channel import BUCKET_SECONDS, bucket_of
from engine.dialing.sounds import INBOUND, Sounds, names_in
from engine.dialing.surroundings import Clock
from engine.errors import RefusedField
from engine.ops import log as events
from engine.ops.log import Log
from engine.pbx_settings import PbxSettings
from engine.store import campaigns, recovery
from engine.store.writer import Writer

KEEP_BUCKETS = 2 * BUCKET_SECONDS
"""Outbox entries are kept for this many seconds at least: what is on its way as an event while its call is being
stored must not be gone before it is."""
MOST_BUCKETS = 500
"""So many buckets since the last time, and it is quicker to ask which there are (the clock was set, or nothing was
dropped for hours)."""


class AstDb:
    """Flows and outbox of the PBX called `name`."""

    def __init__(
        self,
        name: str,
        ami: AmiClient,
        settings: PbxSettings,
        sounds: Sounds,
        writer: Writer,
        clock: Clock,
        log: Log,
    ) -> None:
        self._name = name
        self._ami = ami
        self._directories = {
            "{sounds}": settings.sounds_path or str(settings.sounds_dir),
            "{recordings}": settings.recordings_path or str(settings.recordings_dir or ""),
        }
        self._sounds = sounds
        self._writer = writer
        self._clock = clock
        self._log = log
        self._writing = asyncio.Lock()
        """A flow must not be dropped while it is being written."""
        self._flows: set[str] = set()
        self._strange: set[str] | None = None
        """Flows in AstDB that this connection did not write; None: not asked yet."""
        self._buckets: set[int] = set()
        """Buckets that may hold something and were not dropped yet."""
        self._through: int | None = None
        """Buckets before this one are in `_buckets` or gone; None: not asked yet."""

    def __repr__(self) -> str:
        return f"<AstDb {self._name} flows={len(self._flows)} buckets={len(self._buckets)}>"

    def forget(self) -> None:
        """The connection is gone: what AstDB holds is not known any more."""
        self._flows.clear()
        self._strange = self._through = None

    # -- flows ---------------------------------------------------------------------------------------------------------

    def has_flow(self, version: str) -> bool:
        """Are the flow, and every sound that it plays, on the PBX?"""
        return version in self._flows and self._sounds.has(version)

    async def put_flows(self, wanted: set[str]) -> None:
        """Write the flows of these versions, where they are not yet. Raises AmiError, StoreError."""
        async with self._writing:
            self._sounds.keep(wanted | {INBOUND})
            for version in wanted - self._flows:
                entries = await self._writer.submit(partial(campaigns.flow_entries, version=version))
                try:
                    await self._ami.put_flow(
                        version, {key: self._here(value) for key, value in entries.items()}
                    )
                except RefusedField as error:
                    self._log.error(
                        events.ENGINE_FAULT,
                        what="a flow that AMI cannot carry",
                        flow=version,
                        error=str(error),
                    )
                    continue
                self._flows.add(version)
                self._sounds.want(version, names_in(entries.values()))

    def _here(self, value: str) -> str:
        """An entry with this PBX's own directories in it."""
        for mark, directory in self._directories.items():
            value = value.replace(mark, directory)
        return value

    # -- what nobody needs any more ------------------------------------------------------------------------------------

    def seen(self, buckets: set[int]) -> None:
        """The outbox was read whole just now, and had these buckets."""
        self._buckets |= buckets
        self._through = self._horizon()

    async def prune(self, flows: Callable[[], set[str]]) -> None:
        """Drop buckets of which every attempt is stored, and flows that are neither among `flows` nor of a call that
        lives. Raises AmiError, StoreError."""
        async with self._writing:
            horizon = self._horizon()  # before the question: whatever is claimed after it lies beyond
            needed: dict[int, str] = await self._writer.submit(partial(recovery.still_open, pbx=self._name))
            await self._prune_outbox(horizon, {bucket_of(attempt) for attempt in needed})
            await self._prune_flows(flows() | set(needed.values()))

    def _horizon(self) -> int:
        return int(self._clock.now() - KEEP_BUCKETS) // BUCKET_SECONDS

    async def _prune_outbox(self, horizon: int, needed: set[int]) -> None:
        if self._through is None or not 0 <= horizon - self._through <= MOST_BUCKETS:
            self._buckets |= {one.bucket for one in (await self._ami.evidence()).values()}
        else:
            self._buckets |= set(range(self._through, horizon))
        self._through = horizon
        for bucket in sorted(bucket for bucket in self._buckets - needed if bucket < horizon):
            await self._ami.drop_bucket(bucket)
            self._buckets.discard(bucket)

    async def _prune_flows(self, needed: set[str]) -> None:
        if self._strange is None:
            self._strange = await self._ami.flows()
        for version in sorted((self._strange | self._flows) - needed):
            self._flows.discard(version)
            await self._ami.drop_flow(version)
            self._strange.discard(version)
