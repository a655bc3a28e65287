"""The sounds of one PBX that is on another machine: it fetches them before the first call that needs them.

Knows files of `sounds_dir` by their names, and how the PBX is asked (`engine.ami.fetch`). A PBX that reads `sounds_dir`
itself has everything at once. What cannot be fetched is told, tried again, and never dialed meanwhile.
"""

from __future__ import annotations

import asyncio
import glob
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from engine.ami.client import AmiClient
from engine.ami.fetch import Fetch, Fetched
from engine.dialing.surroundings import Clock
from engine.errors import AmiError, RefusedField
from engine.ops import log as events
from engine.ops.log import Log
from engine.pbx_settings import PbxSettings

AT_ONCE = 4
"""Sounds that one PBX fetches at the same time."""
RETRY = 15.0
"""Seconds until what could not be fetched is tried again."""
INBOUND = "inbound"
"""In place of a flow: what people hear who call back."""
_NAMES = re.compile(r"\{sounds\}/([^&]+)")


def names_in(values: Iterable[str]) -> set[str]:
    """The names of the sounds that a flow's values name."""
    return {name for value in values for name in _NAMES.findall(value)}


class Sounds:
    """What the PBX called `name` has, and still has to fetch."""

    def __init__(
        self,
        name: str,
        ami: AmiClient,
        settings: PbxSettings,
        wake: Callable[[], None],
        clock: Clock,
        log: Log,
    ) -> None:
        self._name = name
        self._ami = ami
        self._settings = settings
        self._wake = wake
        self._clock = clock
        self._log = log
        self._wanted: dict[str, frozenset[str]] = {}
        """Of each flow: the names of its sounds."""
        self._ready: set[str] = set()
        self._there: set[str] = set()
        """Files, below the sounds directory, that lie on the PBX."""
        self._session = 0
        self._news = asyncio.Event()
        self._slots = asyncio.Semaphore(AT_ONCE)

    def __repr__(self) -> str:
        return (
            f"<Sounds {self._name} ready={len(self._ready)} of {len(self._wanted)} files={len(self._there)}>"
        )

    @property
    def remote(self) -> bool:
        """The PBX fetches its sounds."""
        return self._settings.sounds_url is not None

    def has(self, flow: str) -> bool:
        """Lies everything there that this flow plays?"""
        return not self.remote or flow in self._ready

    def want(self, flow: str, names: Iterable[str]) -> None:
        """This flow plays sounds of these names: have them fetched."""
        if self.remote and flow not in self._wanted:
            self._wanted[flow] = frozenset(names)
            self._news.set()

    def keep(self, flows: set[str]) -> None:
        """No other flow's sounds are needed any more."""
        for flow in self._wanted.keys() - flows:
            del self._wanted[flow]
            self._ready.discard(flow)

    def forget(self) -> None:
        """The connection is gone, and the next one may lead to another PBX: what lies there is asked anew."""
        self._session += 1
        self._wanted.clear()
        self._ready.clear()
        self._there.clear()

    async def run(self) -> None:
        """Have fetched what is wanted, until cancelled."""
        while True:
            behind = [flow for flow in self._wanted if flow not in self._ready]
            try:
                async with asyncio.timeout(RETRY if behind else None):
                    await self._news.wait()
            except TimeoutError:
                pass
            self._news.clear()
            for flow in [flow for flow in self._wanted if flow not in self._ready]:
                await self._bring(flow)

    async def _bring(self, flow: str) -> None:
        names = self._wanted.get(flow)
        if names is None:
            return
        session = self._session
        faults = await self.bring(names)
        if session != self._session or flow not in self._wanted:
            return  # what was found out holds for a connection that is gone
        if faults:
            self._log.error(
                events.SOUNDS_MISSING, pbx=self._name, flow=flow, missing=len(faults), why=faults[0],
                retry_in=RETRY, dialing="not through this PBX",
            )  # fmt: skip
            return
        self._ready.add(flow)
        self._wake()

    async def bring(self, names: Iterable[str]) -> list[str]:
        """Have the sounds of these names fetched, in all languages and formats; returns why not, a line each."""
        return await self.bring_files(await asyncio.to_thread(lambda: sorted(self._files(names))))

    async def bring_files(self, files: Sequence[str]) -> list[str]:
        """Have these files fetched (paths below the sounds directory); returns why not, a line each."""
        lines = await asyncio.gather(*(self._one(file) for file in files if file not in self._there))
        return [line for line in lines if line]

    def _files(self, names: Iterable[str]) -> Iterator[str]:
        folder = self._settings.sounds_dir
        for name in names:
            patterns = [f"{glob.escape(name)}.*"] + ([] if "/" in name else [f"*/{glob.escape(name)}.*"])
            for pattern in patterns:
                yield from (str(path.relative_to(folder)) for path in folder.glob(pattern) if path.is_file())

    async def _one(self, file: str) -> str:
        """Have one file fetched; returns why not, or nothing."""
        async with self._slots:
            path = self._settings.sounds_dir / file
            try:
                size = (await asyncio.to_thread(path.stat)).st_size
                told = await self._ami.fetch(self._fetch(file, size))
            except (AmiError, RefusedField) as error:
                return f"{file}: {error}" + _advice(error)
            except OSError as error:
                return f"{path}: {error.strerror}"
        if told.size == size:
            self._there.add(file)
            return ""
        return f"{file}: {self._why(told, size)}"

    def _fetch(self, file: str, size: int) -> Fetch:
        base, target = self._settings.sounds_url, Path(self._settings.sounds_path or "/") / file
        return Fetch(f"{base}/{file}", str(target.parent), target.name, size)

    def _why(self, told: Fetched, size: int) -> str:
        if not told.curl:
            return "this Asterisk cannot fetch: load func_curl.so, which needs res_curl.so"
        if not told.folder:
            return f"there is no folder {self._settings.sounds_path} that Asterisk's user may write: make it on the PBX"
        return (
            f"{told.size} of {size} bytes came: does {self._settings.sounds_url} lead to the engine from there,"
            f" and may Asterisk write to {self._settings.sounds_path}? The PBX's log says more"
        )


def _advice(error: Exception) -> str:
    there = "Extension does not exist" in str(error)
    return " (include dialplans/volley-fetch.conf on the PBX and reload its dialplan)" if there else ""
