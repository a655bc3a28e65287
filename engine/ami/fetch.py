"""A sound that a PBX is asked to fetch over HTTP, by dialplans/volley-fetch.conf: how it is asked, and what it answers.

Not a call: a Local channel runs through the dialplan, and a UserEvent says what is there afterwards. Whether that is
enough is for who asked.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from engine.ami.encode import Header
from engine.ami.protocol import Told
from engine.errors import RefusedField

TIMEOUT = 75.0
"""Seconds until an answer is given up; the dialplan itself gives up the download after 60."""
_PLAIN = re.compile(r"[A-Za-z0-9._~:/@\[\]-]{1,400}")
"""What a URL or a path may be made of here: no sign that Asterisk takes for anything but itself."""


@dataclass(frozen=True, slots=True)
class Fetch:
    """A file to fetch from `url` to `folder`/`name` of the PBX, unless it lies there with `size` bytes."""

    url: str
    folder: str
    name: str
    size: int

    def headers(self, answer_id: str) -> list[Header]:
        """The action. Raises RefusedField."""
        values = {
            "ID": answer_id,
            "URL": self.url,
            "DIR": self.folder,
            "NAME": self.name,
            "SIZE": str(self.size),
        }
        for value in values.values():
            if not _PLAIN.fullmatch(value):
                raise RefusedField(f"{value!r} cannot be told to the dialplan: it is no plain URL or path")
        return [
            ("Action", "Originate"),
            ("Channel", "Local/fetch@volley-fetch"),
            ("Context", "volley-fetch"),
            ("Exten", "done"),
            ("Priority", "1"),
            ("Async", "true"),
            ("Variable", ",".join(f"VOLLEY_FETCH_{name}={value}" for name, value in values.items())),
        ]


@dataclass(frozen=True, slots=True)
class Fetched:
    """What lies on the PBX afterwards."""

    size: int
    """Bytes of the file; 0 when it is not there."""
    folder: bool
    """The folder is there."""
    curl: bool
    """Asterisk can fetch at all."""


class Fetches:
    """Those that are under way on one connection."""

    def __init__(self) -> None:
        self._answers: dict[str, asyncio.Future[Fetched]] = {}

    @contextmanager
    def expected(self, answer_id: str) -> Iterator[asyncio.Future[Fetched]]:
        """The answer of this name, which `take` will bring."""
        answer = self._answers[answer_id] = asyncio.get_running_loop().create_future()
        try:
            yield answer
        finally:
            del self._answers[answer_id]

    def take(self, fields: Told) -> bool:
        """A UserEvent. Is it about a fetch?"""
        if fields.get("UserEvent", "") != "VolleyFetched":
            return False
        answer, size = self._answers.get(fields.get("Id", "")), fields.get("Size", "")
        if answer is not None and not answer.done():
            there = int(size) if size.isdecimal() else 0
            answer.set_result(Fetched(there, fields.get("Folder", "") == "1", fields.get("Curl", "") == "1"))
        return True
