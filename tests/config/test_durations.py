"""Durations as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.durations import long_seconds, seconds, text


@pytest.mark.parametrize(
    ("written", "means"),
    [
        (0, 0.0),
        (90, 90.0),
        (0.5, 0.5),
        ("90s", 90.0),
        ("15m", 900.0),
        ("1h30m", 5400.0),
        ("2d", 172_800.0),
        ("1d2h3m4s", 93_784.0),
        ("1.5h", 5400.0),
        (" 15m ", 900.0),
        ("0s", 0.0),
        (400 * 86400, 34_560_000.0),
    ],
)
def test_seconds(written: object, means: float) -> None:
    assert seconds(written) == means


@pytest.mark.parametrize(
    "written",
    [
        "",
        "90",
        "m",
        "1h 30m",
        "-5m",
        "15 m",
        "1w",
        "1H",
        "1e3s",
        "soon",
        None,
        True,
        False,
        [90],
        {"s": 1},
        b"90s",
    ],
)
def test_what_is_no_duration(written: object) -> None:
    with pytest.raises(ValueError, match="not a duration: write seconds, or"):
        seconds(written)


@pytest.mark.parametrize(
    "written", [-1, -0.001, 400 * 86400 + 1, "401d", float("nan"), float("inf"), float("-inf")]
)
def test_a_duration_has_limits(written: object) -> None:
    with pytest.raises(ValueError, match="between 0 and 400 days"):
        seconds(written)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0, "0s"),
        (0.25, "0.2s"),
        (1, "1s"),
        (59.6, "1m"),
        (90, "1m30s"),
        (3600, "1h"),
        (5400, "1h30m"),
        (86_400, "1d"),
        (93_784, "1d2h3m4s"),
    ],
)
def test_text(value: float, said: str) -> None:
    assert text(value) == said


@given(st.floats(1.0, 400 * 86400.0))
def test_what_is_said_can_be_written(value: float) -> None:
    assert seconds(text(value)) == pytest.approx(value, abs=0.5)


@given(st.integers(0, 399), st.integers(0, 23), st.integers(0, 59), st.integers(0, 59))
def test_parts_add_up(days: int, hours: int, minutes: int, left: int) -> None:
    assert seconds(f"{days}d{hours}h{minutes}m{left}s") == ((days * 24 + hours) * 60 + minutes) * 60 + left


def test_what_lasts_years_is_a_duration_of_its_own() -> None:
    assert long_seconds("730d") == 730 * 86400.0
    assert long_seconds(3660 * 86400) == 3660 * 86400.0
    for written in ("730d", 400 * 86400 + 1):
        with pytest.raises(ValueError, match="between 0 and 400 days"):
            seconds(written)
    with pytest.raises(ValueError, match="between 0 and 3660 days"):
        long_seconds("3661d")
    with pytest.raises(ValueError, match="not a duration"):
        long_seconds("2 years")
