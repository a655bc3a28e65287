"""Durations as people write them: `90`, `"90s"`, `"15m"`, `"1h30m"`, `"2d"`; always seconds inside."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BeforeValidator

_UNIT = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_WHOLE = re.compile(r"(?:\d+(?:\.\d+)?[smhd])+")
_PART = re.compile(r"(\d+(?:\.\d+)?)([smhd])")
_DAYS, _LONG_DAYS = 400, 3660


def seconds(value: object) -> float:
    """`value` in seconds. Raises ValueError for what is not a duration, is negative, or longer than 400 days."""
    return _seconds(value, _DAYS)


def long_seconds(value: object) -> float:
    """The same for what lasts years: up to 3660 days."""
    return _seconds(value, _LONG_DAYS)


def _seconds(value: object, most: int) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        result = float(value)
    elif isinstance(value, str) and _WHOLE.fullmatch(value.strip()):
        result = sum(float(amount) * _UNIT[unit] for amount, unit in _PART.findall(value))
    else:
        raise ValueError('not a duration: write seconds, or "90s", "15m", "1h30m", "2d"')
    if not 0 <= result <= most * 86400:
        raise ValueError(f"a duration lies between 0 and {most} days")
    return result


def text(value: float) -> str:
    """`value` seconds for a person: `1h30m`."""
    rest = round(value)
    if rest < 1:
        return f"{value:.1f}s" if value else "0s"
    parts = []
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        amount, rest = divmod(rest, size)
        if amount:
            parts.append(f"{amount}{unit}")
    return "".join(parts)


Duration = Annotated[float, BeforeValidator(seconds)]
LongDuration = Annotated[float, BeforeValidator(long_seconds)]
