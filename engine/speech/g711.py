"""G.711: 16-bit samples as one byte each, in the A-law and the mu-law that telephone trunks carry.

The encoders are tables of all 65,536 samples, made when first needed from the definition in ITU-T G.711 (11/88), tables
1 and 2. Asterisk plays the bytes as they are (.alaw, .ulaw), so on such a trunk nothing is computed in a call.
"""

from __future__ import annotations

import array
from collections.abc import Callable
from functools import cache

from engine.speech.sound import Sound


def alaw(sound: Sound) -> bytes:
    """The samples in A-law."""
    return _coded(sound, _table(_alaw))


def ulaw(sound: Sound) -> bytes:
    """The samples in mu-law."""
    return _coded(sound, _table(_ulaw))


def _coded(sound: Sound, table: bytes) -> bytes:
    unsigned = array.array("H", sound.samples.tobytes())  # -1 is 65535: an index
    return bytes(map(table.__getitem__, unsigned))


@cache
def _table(code: Callable[[int], int]) -> bytes:
    return bytes(code(value) for value in (*range(32768), *range(-32768, 0)))


def _alaw(sample: int) -> int:
    """13 bits of sample to a sign, 3 bits of segment and 4 bits of step; even bits inverted."""
    value = sample >> 3
    sign = 0x80
    if value < 0:
        value, sign = -value - 1, 0
    segment = max(0, value.bit_length() - 5)
    step = value >> max(1, segment) & 0x0F
    return (sign | segment << 4 | step) ^ 0x55


def _ulaw(sample: int) -> int:
    """14 bits of sample, 33 added, to a sign, 3 bits of segment and 4 bits of step; all bits inverted."""
    value = sample >> 2
    sign = 0
    if value < 0:
        value, sign = -value, 0x80
    value = min(value + 33, 0x1FFF)
    segment = value.bit_length() - 6
    step = value >> (segment + 1) & 0x0F
    return (sign | segment << 4 | step) ^ 0xFF
