"""Sorts more numbers than fit into memory, on disk, and drops those that are twice.

Numbers come in chunks. A chunk that goes on where the last one ended makes the same run longer, so a file that is
sorted already is one run, and is only written and read again. Runs are merged by blocks: of all blocks in memory,
everything up to the smallest of their last numbers can go out, sorted by the one call that is fastest at it.

Knows whole numbers below 2**128: plain ones of 8 bytes, or wider keys of 16 (see `engine.intake.lists.changes`).
"""

from __future__ import annotations

import os
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

CHUNK = 1 << 20
"""Numbers sorted in memory at a time: some 60 MB."""
READ_AHEAD = 1 << 20
"""Numbers of all runs together that a merge holds in memory."""
BLOCK_MIN = 1 << 10


class _Run:
    """Ascending numbers without repetitions, on disk."""

    def __init__(self, start: int, last: int) -> None:
        self.start = start
        """Where it begins, in numbers."""
        self.length = 0
        self.last = last


class Sorter:
    """Takes numbers in any order and gives them back ascending, each once. Use it as a context manager: its file goes
    with it."""

    def __init__(self, folder: Path, *, wide: bool = False, chunk: int = CHUNK) -> None:
        """`folder` is where the temporary file is made: 8 bytes a number, 16 when `wide`."""
        self._width = 16 if wide else 8
        self._chunk = chunk
        self._pending: list[int] = []
        self._runs: list[_Run] = []
        self._written = 0
        self.taken = 0
        """Numbers given to it, repetitions included."""
        path = folder / f".sort-{os.getpid()}-{id(self):x}.tmp"
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        self._file: BinaryIO = os.fdopen(handle, "r+b", buffering=0)
        path.unlink()  # it has no name any more: whatever happens, it is gone with this process

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    @property
    def runs(self) -> int:
        """Runs so far; one for input that was sorted."""
        return len(self._runs)

    def add(self, numbers: Iterable[int]) -> None:
        """Take more numbers. Raises OSError when the disk is full."""
        self._pending.extend(numbers)
        if len(self._pending) >= self._chunk:
            self._spill()

    def _spill(self) -> None:
        ordered = list(dict.fromkeys(sorted(self._pending)))  # sorted() is linear for what is sorted already
        self.taken += len(self._pending)
        self._pending = []
        if not ordered:
            return
        run = self._runs[-1] if self._runs else None
        if run is not None and ordered[0] == run.last:
            del ordered[0]
            if not ordered:
                return
        if run is None or ordered[0] < run.last:
            run = _Run(self._written, -1)
            self._runs.append(run)
        self._file.seek(0, 2)
        data = self._pack(ordered)
        view = memoryview(data)
        while view:
            view = view[self._file.write(view) :]
        self._written += len(ordered)
        run.length += len(ordered)
        run.last = ordered[-1]

    def _pack(self, ordered: list[int]) -> bytes:
        if self._width == 8:
            return array("Q", ordered).tobytes()
        return b"".join([number.to_bytes(16, "big") for number in ordered])

    def _unpack(self, data: bytes) -> list[int]:
        if self._width == 8:
            return array("Q", data).tolist()
        return [int.from_bytes(data[at : at + 16], "big") for at in range(0, len(data), 16)]

    def blocks(self) -> Iterator[list[int]]:
        """Everything taken, ascending, each once, in blocks that are not empty."""
        self._spill()
        size = max(BLOCK_MIN, READ_AHEAD // max(len(self._runs), 1) // (self._width // 8))
        readers = [self._read(run, size) for run in self._runs]
        held = [block for reader in readers if (block := next(reader, None)) is not None]
        while held:
            bound = min(block[-1] for block in held)
            ready: list[int] = []
            for at, block in enumerate(held):
                cut = bisect_right(block, bound)
                ready += block[:cut] if cut < len(block) else block
                if cut < len(block):
                    held[at] = block[cut:] if cut else block
                else:
                    held[at] = next(readers[at], [])
            if len(held) > 1:
                ready = list(dict.fromkeys(sorted(ready)))
            yield ready
            if not all(held):
                kept = [at for at, block in enumerate(held) if block]
                held, readers = [held[at] for at in kept], [readers[at] for at in kept]

    def _read(self, run: _Run, size: int) -> Iterator[list[int]]:
        at = 0
        while at < run.length:
            count = min(size, run.length - at)
            self._file.seek((run.start + at) * self._width)
            data = b""
            while len(data) < count * self._width:
                part = self._file.read(count * self._width - len(data))
                if not part:
                    raise OSError("the temporary file of the sort was cut")
                data += part
            yield self._unpack(data)
            at += count
