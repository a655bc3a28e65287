"""Opens what was handed in: a plain file, a gzip file, or a ZIP archive of several files.

Knows archive bombs: what unpacks is counted as it comes, whatever the archive says of itself. Follows no symbolic
link, and unpacks no archive in an archive.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, BinaryIO, cast

from engine.intake.lists.rows import ListLimits
from engine.intake.refused import Refused

_GZIP = b"\x1f\x8b"
_ZIP = b"PK\x03\x04"
_RATIO_FROM_BYTES = 64 << 20
"""What unpacks to less may be packed as well as it likes."""
_SPREADSHEET = ("[Content_Types].xml", "mimetype")
_BLOCK = 1 << 20


def open_plain(path: Path, limits: ListLimits) -> BinaryIO:
    """The regular file at `path`, not through a link. Raises InputError."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise Refused(path.name, f"cannot be opened: {error.strerror}", "hand in the file itself") from error
    status = os.fstat(handle)
    if not stat.S_ISREG(status.st_mode) or not 0 < status.st_size <= limits.file_bytes:
        os.close(handle)
        if not stat.S_ISREG(status.st_mode):
            raise Refused(path.name, "is not a regular file")
        what = "is empty" if status.st_size == 0 else f"has over {limits.file_bytes} bytes"
        raise Refused(path.name, what, "is this the right file?")
    return os.fdopen(handle, "rb")


def sha256_of(path: Path, limits: ListLimits) -> tuple[str, int]:
    """SHA-256 of a file as it was handed in, and its size in bytes. Raises InputError."""
    digest = hashlib.sha256()
    with open_plain(path, limits) as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
        return digest.hexdigest(), stream.tell()


class _Counted(io.RawIOBase):
    """Unpacked bytes on their way, counted against the limits."""

    def __init__(
        self, inner: BinaryIO, name: str, packed: int, budget: list[int], limits: ListLimits
    ) -> None:
        self._inner = inner
        self._name = name
        self._packed = max(packed, 1)
        self._budget = budget
        self._limits = limits
        self._count = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            data = self._inner.read(len(buffer))
        except (
            zlib.error,
            EOFError,
            zipfile.BadZipFile,
            gzip.BadGzipFile,
            RuntimeError,
            NotImplementedError,
        ) as error:
            raise Refused(
                self._name, f"the archive is damaged or cannot be unpacked: {error}", "download it again"
            ) from error
        self._count += len(data)
        self._budget[0] -= len(data)
        if self._budget[0] < 0:
            raise Refused(
                self._name,
                f"unpacks to over {self._limits.unpacked_bytes} bytes",
                "hand it in in several files",
            )
        if self._count > _RATIO_FROM_BYTES and self._count > self._limits.unpacked_ratio * self._packed:
            raise Refused(
                self._name,
                f"is packed over {self._limits.unpacked_ratio} times, as only an archive bomb is",
                "hand in the unpacked file",
            )
        buffer[: len(data)] = data
        return len(data)


def members(path: Path, limits: ListLimits) -> Iterator[tuple[str, BinaryIO]]:
    """The files in what was handed in, one after another: their names, and streams to be read once and forward.

    A spreadsheet, which is a ZIP archive too, is one file. Raises InputError, also while a stream is read.
    """
    with open_plain(path, limits) as stream:
        start = stream.read(4)
        stream.seek(0)
        budget = [limits.unpacked_bytes]
        if start.startswith(_GZIP):
            packed = os.fstat(stream.fileno()).st_size
            name = path.name.removesuffix(".gz")
            with gzip.GzipFile(fileobj=stream) as unpacked:
                yield _checked(cast(BinaryIO, unpacked), name, path.name, packed, budget, limits)
        elif start == _ZIP and not _is_spreadsheet(stream, path.name):
            yield from _zipped(stream, path.name, budget, limits)
        else:
            stream.seek(0)
            yield path.name, stream


def _is_spreadsheet(stream: BinaryIO, name: str) -> bool:
    try:
        with zipfile.ZipFile(stream) as archive:
            return any(one in archive.namelist() for one in _SPREADSHEET)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise Refused(name, f"the archive is damaged or incomplete: {error}", "download it again") from error


def _zipped(
    stream: BinaryIO, name: str, budget: list[int], limits: ListLimits
) -> Iterator[tuple[str, BinaryIO]]:
    with zipfile.ZipFile(stream) as archive:
        infos = [one for one in archive.infolist() if not one.is_dir() and not _hidden(one.filename)]
        if len(infos) > limits.members:
            raise Refused(name, f"has over {limits.members} files in it", "hand it in in several archives")
        if not infos:
            raise Refused(name, "there is no file in this archive")
        for info in infos:
            inner = f"{name}/{Path(info.filename).name}"
            try:
                unpacked = archive.open(info)
            except (RuntimeError, zipfile.BadZipFile, NotImplementedError) as error:
                raise Refused(
                    inner, f"cannot be unpacked: {error}", "hand in an archive without a password"
                ) from error
            with closing(unpacked):
                yield _checked(cast(BinaryIO, unpacked), inner, inner, info.compress_size, budget, limits)


def _checked(
    unpacked: BinaryIO, shown: str, where: str, packed: int, budget: list[int], limits: ListLimits
) -> tuple[str, BinaryIO]:
    counted = io.BufferedReader(_Counted(unpacked, where, packed, budget, limits), _BLOCK)
    start = counted.peek(4)[:4]
    if start.startswith(_GZIP) or (start == _ZIP and not shown.lower().endswith((".xlsx", ".xlsm", ".ods"))):
        raise Refused(where, "is an archive in an archive", "unpack it first")
    return shown, cast(BinaryIO, counted)


def _hidden(name: str) -> bool:
    """What archivers add on their own account."""
    return any(part.startswith((".", "__MACOSX")) for part in name.split("/"))
