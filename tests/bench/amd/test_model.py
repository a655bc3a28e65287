"""The dialplan's arithmetic on recordings, against its source and what the real one was seen to decide."""

from __future__ import annotations

import array
import random
import re

import pytest

from bench.amd import model
from bench.amd.model import LEAD, Amd, Ending, Verdict, decide, hear, judge, levels, talk
from bench.amd.tune import Heard, Outcome, outcome
from engine.campaign import AmdSettings
from lab.places import REPOSITORY

STOCK = Amd(2500, 1500, 800, 5000, 100, 50, 3, 256)
LOUD, QUIET = 3000, 10
DEFAULTS = AmdSettings()


def frames(*milliseconds: int) -> list[int]:
    """Silence and speech by turns, beginning with silence."""
    return [LOUD if at % 2 else QUIET for at, length in enumerate(milliseconds) for _ in range(length // 20)]


@pytest.mark.parametrize(
    ("heard", "settings", "found"),
    [
        (frames(500, 400), STOCK, Ending("HUMAN", "HUMAN", 1700)),
        (frames(), STOCK, Ending("MACHINE", "INITIALSILENCE", 2500)),
        (frames(400, 3000), STOCK, Ending("MACHINE", "LONGGREETING", 1900)),
        (frames(400, 200, 100, 200, 100, 200), STOCK, Ending("MACHINE", "MAXWORDS", 1100)),
        (frames(400, 60), STOCK, Ending("MACHINE", "INITIALSILENCE", 2960)),
        (frames(400, 3000), Amd(2500, 9000, 800, 3000, 100, 50, 30, 256), Ending("NOTSURE", "TOOLONG", 3000)),
        (
            frames(400, 3000),
            Amd(2500, 9000, 800, 9000, 100, 50, 30, 256, 1000),
            Ending("MACHINE", "MAXWORDLENGTH", 1400),
        ),
        (
            frames(500, 400),
            Amd(2500, 1500, 800, 5000, 100, 50, 3, 4000),
            Ending("MACHINE", "INITIALSILENCE", 2500),
        ),
    ],
)
def test_amd(heard: list[int], settings: Amd, found: Ending) -> None:
    assert judge(heard, settings) == found


@pytest.mark.parametrize(
    ("heard", "status", "spoke"),
    [
        pytest.param(frames(500, 400), "HUMAN", 1600, id="a word"),
        pytest.param(frames(500, 900, 300, 1500), "HUMAN", 3900, id="a sentence"),
        pytest.param(frames(), "NOTSURE", 2000, id="nothing"),
        pytest.param(frames(0, 9000), "NOTSURE", 2100, id="noise"),
        pytest.param(frames(500, *[900, 200] * 8), "MACHINE", None, id="a greeting without an end"),
        pytest.param(frames(400, 300, 1000, 4000), "MACHINE", 1400, id="a greeting with a pause in it"),
        pytest.param(frames(400, 1000, 300, 1000, 900, 300), "MACHINE", 3400, id="a sentence and a beep"),
        pytest.param(frames(400, 300, 1500, 500), "HUMAN", 1400, id="hello, and hello again"),
        pytest.param(frames(400, 300, 1500, 1600, 4000, 2000), "HUMAN", 1400, id="much said now and then"),
        pytest.param(frames(400, 1000, 300, 1000, 3500, 300), "HUMAN", 3400, id="a sentence, and a word much later"),
    ],
)  # fmt: skip
def test_the_dialplan(heard: list[int], status: str, spoke: int | None) -> None:
    assert decide(heard, DEFAULTS) == Verdict(status, spoke)


def test_settings_count() -> None:
    sentence = frames(500, *[900, 200] * 3)
    assert decide(sentence, DEFAULTS).status == "HUMAN"
    assert decide(sentence, AmdSettings(longest=2.5)).status == "MACHINE"
    assert decide(frames(500, 400), AmdSettings(loudness=4000)).status == "NOTSURE"


def test_what_the_message_is_interrupted_by() -> None:
    assert talk(frames(3000), 0) is None
    assert talk(frames(2000, 60), 0) is None, "a click is no sound"
    assert talk(frames(2000, 400), 0) == (400, 3300)


def test_the_model_has_the_dialplans_numbers() -> None:
    text = (REPOSITORY / "dialplans" / "volley.conf").read_text(encoding="utf-8")
    assert f"AMD(${{VOLLEY_HUSH}},{model.WORD},${{VOLLEY_PAUSE}},60000,{model.WORD},50,1000," in text
    assert set(re.findall(r"Set\(VOLLEY_LISTEN=(?:\$\{IF\(.*\?:)?(\d+)\)", text)) == {
        str(model.LISTEN),
        "700",
    }
    assert f"BackgroundDetect(${{VOLLEY_SOUND}},${{VOLLEY_LISTEN}},{model.BURST})" in text
    assert f">= {model.GOES_ON} & 2 * ${{VOLLEY_TALKED}} >= ${{VOLLEY_SINCE}}]" in text
    assert f"- {model.LISTEN} - ${{TALK_DETECTED}} > {model.AT_ONCE} |" in text
    assert f"> {model.BEEP} | 0${{VOLLEY_GREETING}} < {model.SENTENCE}]" in text


def test_outcomes_of_many() -> None:
    nothing = array.array("h")
    judged = [
        (Heard("person", nothing, 900), Verdict("HUMAN", 1600)),
        (Heard("person", nothing, 9300), Verdict("MACHINE", None)),
        (Heard("voicemail", nothing, 9300), Verdict("MACHINE", None)),
        (Heard("network", nothing, 900), Verdict("HUMAN", 1600)),
        (Heard("silence", nothing, None), Verdict("NOTSURE", 2000)),
    ]
    found = outcome(judged)
    assert found == Outcome(people=2, wrong=1, late=1, machines=2, found=1)
    assert "people judged machines 50.0 %" in found.text


def test_a_frames_level_is_its_mean_absolute_value() -> None:
    assert levels(array.array("h", [100, -300] * 80 + [0] * 160 + [5] * 100)) == [200, 0]


def test_what_the_detector_makes_of_it() -> None:
    """The ear itself, from when it hears; a message that begins after its verdict is listened through as before."""

    def line(*stretches: tuple[int, int]) -> array.array[int]:
        """Milliseconds of a sound that is no tone, of that level."""
        drawn = random.Random(3)
        return array.array(
            "h", (round(drawn.gauss(0, level)) for ms, level in stretches for _ in range(8 * ms))
        )

    word = line((400, 0), (500, 3000))
    assert hear(word, DEFAULTS) == Verdict("HUMAN", 400 + 500 + 700)
    spoken = line((400, 0), *[(400, 3000), (80, 0)] * 20)
    assert hear(spoken, DEFAULTS) == Verdict("MACHINE", None)
    assert hear(line((400, 0)), DEFAULTS) == Verdict("NOTSURE", LEAD + 2000)
    late = line((400, 0), (500, 3000), (1000, 0), *[(400, 3000), (80, 0)] * 9, (2000, 0))
    assert hear(late, DEFAULTS).status == "MACHINE"
