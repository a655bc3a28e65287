"""Rates, windows and spacing of moments."""

from __future__ import annotations

import pytest

from bench import windows


@pytest.mark.parametrize(
    ("moments", "most"),
    [
        ([], 0),
        ([5.0], 1),
        ([0.0, 0.5, 1.0], 2),  # half open: what comes a second later is in the next
        ([0.0, 0.5, 0.999], 3),
        ([0.0, 2.0, 2.1, 2.2, 9.0], 3),
    ],
)
def test_the_busiest_second(moments: list[float], most: int) -> None:
    assert windows.busiest(moments) == most


def test_rate_and_spacing() -> None:
    moments = [0.0, 0.1, 0.2, 0.4]
    assert windows.rate(moments) == pytest.approx(7.5)
    assert windows.rate([3.0]) == windows.rate([]) == 0.0
    assert windows.spacing(moments, (0.0, 0.5, 1.0)) == pytest.approx([0.1, 0.1, 0.2])
    assert windows.spacing([1.0], (0.5,)) == []
