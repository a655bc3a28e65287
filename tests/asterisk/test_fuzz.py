"""Hostile fields on a real Asterisk: the variables of each channel, read back."""

from __future__ import annotations

import pytest

from bench.fuzz import asterisk
from lab import Lab

pytestmark = pytest.mark.asterisk


def test_channels_get_the_variables_that_were_meant_and_no_others(practice: Lab) -> None:
    """The long one: `make fuzz FUZZ=--asterisk`."""
    tally = asterisk.run(200, seed=3)
    assert tally.calls == 200
    assert tally.arrived > 500
    assert tally.refused > 20
