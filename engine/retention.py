"""Deletes recorded answers when their time is over. Knows where a PBX keeps them; which they are, is the store's."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from engine.channel import channel_id
from engine.dialing.surroundings import Clock
from engine.ops import log as events
from engine.ops.log import Log
from engine.pbx_settings import PbxSettings
from engine.store import recordings
from engine.store.recordings import Recording
from engine.store.writer import Writer

EVERY = 60.0
AT_ONCE = 500
TELL_EVERY = 3600.0
"""Seconds between two lines about recordings that cannot be deleted."""
_NODE = re.compile(r"[a-z][a-z0-9_]{0,31}")


def file_of(recording: Recording, settings: PbxSettings) -> Path | None:
    """The file of a recording, as the engine sees it; None where the settings do not say, or for a name that no node has."""
    if settings.recordings_dir is None or not _NODE.fullmatch(recording.node):
        return None
    return settings.recordings_dir / f"{channel_id(recording.attempt)}-{recording.node}.wav"


class Retention:
    """Looks once a minute."""

    def __init__(self, pbxs: Mapping[str, PbxSettings], writer: Writer, clock: Clock, log: Log) -> None:
        self._pbxs = pbxs
        self._writer = writer
        self._clock = clock
        self._log = log
        self._looked = float("-inf")
        self._told = float("-inf")

    def __repr__(self) -> str:
        return f"<Retention looked={self._looked:.0f}>"

    async def tick(self) -> None:
        """Delete what is over. Raises StoreError."""
        mono = self._clock.mono()
        if mono - self._looked < EVERY:
            return
        self._looked = mono
        stuck: list[str] = []
        while over := await self._over(len(stuck)):
            deleted, kept = await asyncio.to_thread(self._delete, over)
            stuck += kept
            if deleted:
                await self._writer.submit(
                    partial(recordings.gone, recordings=deleted, now=self._clock.now()), bulk=True
                )
                self._log.info(events.RECORDINGS_DELETED, recordings=len(deleted))
        if stuck and mono - self._told > TELL_EVERY:
            self._told = mono
            self._log.error(
                events.RECORDINGS_KEPT,
                recordings=len(stuck),
                why=stuck[0],
                todo="let the engine's user write to recordings_dir of that PBX, or delete them there",
            )

    async def _over(self, stuck: int) -> list[Recording]:
        """The next ones, beyond those that cannot be deleted: they keep nobody else's."""
        found: list[Recording] = await self._writer.submit(
            partial(recordings.due, now=self._clock.now(), limit=AT_ONCE, skip=stuck), bulk=True
        )
        return found

    def _delete(self, over: list[Recording]) -> tuple[list[Recording], list[str]]:
        deleted, stuck = [], []
        for one in over:
            settings = self._pbxs.get(one.pbx)
            path = None if settings is None else file_of(one, settings)
            if path is None:
                stuck.append(f"PBX {one.pbx or '?'} has no recordings_dir in the settings")
                continue
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                stuck.append(f"{path}: {error.strerror}")
            else:
                deleted.append(one)
        return deleted, stuck
