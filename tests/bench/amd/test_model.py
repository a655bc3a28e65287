"""AMD's arithmetic, against what the real one was seen to decide (docs/dispositions.md) and its source."""

from __future__ import annotations

import array

import pytest

from bench.amd.model import Settings, Verdict, judge, levels

STOCK = Settings.of("2500,1500,800,5000,100,50,3,256")
LOUD, QUIET = 3000, 10


def frames(*milliseconds: int) -> list[int]:
    """Silence and speech by turns, beginning with silence."""
    return [LOUD if at % 2 else QUIET for at, length in enumerate(milliseconds) for _ in range(length // 20)]


@pytest.mark.parametrize(
    ("heard", "settings", "found"),
    [
        (frames(500, 400), STOCK, Verdict("HUMAN", "HUMAN", 1700)),
        (frames(), STOCK, Verdict("MACHINE", "INITIALSILENCE", 2500)),
        (frames(400, 3000), STOCK, Verdict("MACHINE", "LONGGREETING", 1900)),
        (frames(400, 200, 100, 200, 100, 200), STOCK, Verdict("MACHINE", "MAXWORDS", 1100)),
        (frames(400, 60), STOCK, Verdict("MACHINE", "INITIALSILENCE", 2960)),
        (frames(400, 3000), Settings.of("2500,9000,800,3000,100,50,30,256"), Verdict("NOTSURE", "TOOLONG", 3000)),
        (frames(400, 3000), Settings.of("2500,9000,800,9000,100,50,30,256,1000"), Verdict("MACHINE", "MAXWORDLENGTH", 1400)),
        (frames(500, 400), Settings.of("2500,1500,800,5000,100,50,3,4000"), Verdict("MACHINE", "INITIALSILENCE", 2500)),
    ],
)
def test_judgements(heard: list[int], settings: Settings, found: Verdict) -> None:
    assert judge(heard, settings) == found


def test_settings_are_read_and_written() -> None:
    assert STOCK.word_longest == 5000
    assert Settings.of(STOCK.text) == STOCK


def test_a_frames_level_is_its_mean_absolute_value() -> None:
    assert levels(array.array("h", [100, -300] * 80 + [0] * 160 + [5] * 100)) == [200, 0]
