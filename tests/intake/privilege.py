"""Root as files see everybody else: without the capabilities that override their modes."""

from __future__ import annotations

import contextlib
import ctypes
import os
from collections.abc import Iterator

_VERSION_3 = 0x20080522
_DAC_OVERRIDE, _DAC_READ_SEARCH = 1 << 1, 1 << 2
"""linux/capability.h."""


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Sets(ctypes.Structure):
    _fields_ = (
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    )


@contextlib.contextmanager
def modes_hold() -> Iterator[None]:
    """Within the block, modes of files hold for this thread, whoever runs it."""
    header, sets = _Header(_VERSION_3, 0), (_Sets * 2)()
    libc = ctypes.CDLL(None, use_errno=True)
    _call(libc.capget, header, sets)
    before = sets[0].effective
    sets[0].effective = before & ~(_DAC_OVERRIDE | _DAC_READ_SEARCH)
    _call(libc.capset, header, sets)
    try:
        yield
    finally:
        sets[0].effective = before
        _call(libc.capset, header, sets)


def _call(function: ctypes._NamedFuncPointer, header: _Header, sets: ctypes.Array[_Sets]) -> None:
    if function(ctypes.byref(header), ctypes.byref(sets)) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
