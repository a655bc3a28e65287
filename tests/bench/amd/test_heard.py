"""Recordings: the first audio, and whether a prompt is in them whole."""

from __future__ import annotations

import array
import random

import pytest

from bench.amd.audio import FRAME, RATE, Samples
from bench.amd.heard import COMPLETE, NOTHING, PIECE, Recording, left

SILENCE = array.array("h", [0]) * FRAME


def speech(seconds: float, seed: int = 1) -> Samples:
    """Noise that swells and fades as speech does."""
    drawn = random.Random(seed)
    found = array.array("h")
    while len(found) < seconds * RATE:
        loud = drawn.choice((0.0, 400.0, 1500.0, 4000.0))
        found.extend(round(drawn.gauss(0, 1) * loud) for _ in range(drawn.randint(4, 15) * FRAME))
    return found[: round(seconds * RATE) // FRAME * FRAME]


PROMPT = speech(5.0)


def test_the_first_audio_and_the_sides() -> None:
    said, heard = speech(1.0, 2), SILENCE * 30 + PROMPT[:RATE]
    both = array.array("h")
    for one, other in zip(heard, said + SILENCE * 30, strict=True):
        both.extend((one, other))
    recording = Recording.of(both.tobytes() + b"\0")
    assert recording.said[: len(said)] == said
    first = recording.first_audio
    assert first is not None
    assert first >= 600
    assert first % 20 == 0
    assert Recording.of(b"").first_audio is None


def test_a_whole_prompt_also_through_a_lossy_line() -> None:
    drawn = random.Random(3)
    noisy = array.array("h", (max(-32768, min(32767, value + round(drawn.gauss(0, 60)))) for value in PROMPT))
    found = left(PROMPT, SILENCE * 100 + noisy + SILENCE * 20, 1500)
    assert (found.share, found.complete) == (1.0, True)


def test_a_call_that_ends_with_the_prompt() -> None:
    assert left(PROMPT, SILENCE * 100 + PROMPT[:-FRAME], 1500).complete


def test_a_prompt_that_began_before_the_beep_is_not_complete() -> None:
    heard = SILENCE * 100 + PROMPT + SILENCE * 50
    assert left(PROMPT, heard, 2000).complete
    assert not left(PROMPT, heard, 2500).complete
    assert left(PROMPT, heard, 60_000) == NOTHING


def test_a_prompt_begun_anew_is_complete() -> None:
    heard = SILENCE * 50 + PROMPT[: 2 * RATE] + SILENCE * 3 + PROMPT + SILENCE
    assert left(PROMPT, heard, 500).complete


@pytest.mark.parametrize("missing", ["start", "middle", "end"])
def test_what_is_missing_shows(missing: str) -> None:
    cut = {
        "start": SILENCE * 60 + PROMPT[60 * FRAME :],
        "middle": PROMPT[: 100 * FRAME] + SILENCE * 30 + PROMPT[130 * FRAME :],
        "end": PROMPT[: -60 * FRAME] + SILENCE * 60,
    }[missing]
    found = left(PROMPT, SILENCE * 20 + cut + SILENCE * 20, 0)
    assert 0.4 < found.share < COMPLETE
    assert not found.complete


def test_a_packet_that_is_late_or_lost_on_the_way_is_no_message_lost() -> None:
    at = 20 * PIECE
    early = SILENCE * 20 + PROMPT[:at] + PROMPT[at + FRAME :] + SILENCE * 20
    late = SILENCE * 20 + PROMPT[:at] + SILENCE * 4 + PROMPT[at:] + SILENCE * 20
    assert left(PROMPT, early, 0).complete
    assert left(PROMPT, late, 0).complete


def test_a_prompt_that_lies_between_two_frames() -> None:
    assert left(PROMPT, SILENCE * 100 + SILENCE[:77] + PROMPT + SILENCE * 20, 1500).complete


def test_another_prompt_is_not_this_one() -> None:
    assert left(PROMPT, SILENCE * 20 + speech(6.0, 9) + SILENCE * 20, 0).share < 0.2
