"""Who is on the line: made callees, one a rule."""

from __future__ import annotations

import pytest

from engine.detection.ear import FRAME, FRAME_MS, Ear, Limits, Verdict
from engine.detection.loudness import Loudness
from engine.detection.meanwhile import Meanwhile
from tests.detection.sounds import samples, silence, sines, voice

LIMITS = Limits(hush=2000, pause=700, longest=4200, noise=2000, beep=1500)


def heard(*parts: list[float]) -> tuple[Verdict | None, int]:
    """The verdict on what silence follows, and after how many milliseconds."""
    line = samples(*parts, silence(4.0))
    ear = Ear(LIMITS)
    for at in range(0, len(line) - FRAME + 1, FRAME):
        if (verdict := ear.take(line[at : at + FRAME])) is not None:
            return verdict, (at // FRAME + 1) * FRAME_MS
    return None, 0


def told(*parts: list[float]) -> tuple[str, str]:
    """The verdict, and its cause up to the first dash."""
    verdict, _ = heard(*parts)
    assert verdict is not None
    return verdict.word, verdict.cause.partition("-")[0]


BEFORE = silence(0.4)


@pytest.mark.parametrize("level", [-10.0, -20.0, -35.0])
def test_a_word_and_a_pause_is_a_person(level: float) -> None:
    verdict, after = heard(BEFORE, voice(0.7, level))
    assert verdict is not None
    assert verdict.word == "HUMAN"
    assert verdict.greeting == pytest.approx(700, abs=100)
    assert after == pytest.approx(400 + 700 + LIMITS.pause, abs=100)


def test_a_sentence_is_given_time_for_its_beep() -> None:
    verdict, after = heard(BEFORE, voice(3.0))
    assert verdict is not None
    assert verdict.word == "HUMAN"
    assert after == pytest.approx(400 + 3000 + LIMITS.beep, abs=100)


@pytest.mark.parametrize("hertz", [(440.0,), (1000.0,), (2000.0,), (850.0, 620.0), (440.0, 480.0)])
@pytest.mark.parametrize("after", [0.1, 0.6, 1.2])
def test_a_beep_after_a_sentence_is_a_machine(hertz: tuple[float, ...], after: float) -> None:
    verdict, _ = heard(BEFORE, voice(2.0), silence(after), sines(hertz, 0.2))
    assert verdict is not None
    assert verdict.word == "MACHINE"
    assert verdict.cause.startswith("BEEP-")
    assert min(abs(float(verdict.cause[5:]) - one) for one in hertz) <= 2
    assert verdict.greeting == pytest.approx(2000, abs=100)


def test_a_beep_after_a_word() -> None:
    assert told(BEFORE, voice(0.7), silence(0.3), sines((950.0,), 0.3)) == ("MACHINE", "BEEP")


def test_a_key_in_the_sound_is_no_beep() -> None:
    assert told(BEFORE, voice(2.0), silence(0.3), sines((770.0, 1336.0), 0.2)) == ("HUMAN", "HUMAN")


def test_a_greeting_that_goes_on_is_a_machine() -> None:
    verdict, after = heard(BEFORE, voice(6.0))
    assert verdict is not None
    assert (verdict.word, verdict.cause.partition("-")[0]) == ("MACHINE", "LONGGREETING")
    assert after == pytest.approx(400 + LIMITS.longest, abs=200)


def test_who_asks_whether_we_are_there_is_a_person() -> None:
    assert told(BEFORE, voice(3.8), silence(1.3), voice(0.9))[0] == "HUMAN"


def test_who_goes_on_after_a_pause_is_a_machine() -> None:
    assert told(BEFORE, voice(1.5), silence(1.3), voice(3.0)) == ("MACHINE", "LONGGREETING")


@pytest.mark.parametrize("first", [950.0, 914.0, 985.0])
def test_information_tones(first: float) -> None:
    assert told(BEFORE, sines((first,), 0.33), sines((1400.0,), 0.33), sines((1777.0,), 0.33)) == (
        "MACHINE",
        "SIT",
    )


def test_a_fax() -> None:
    assert told(BEFORE, sines((1100.0,), 0.5)) == ("FAX", "FAX")
    assert told(BEFORE, sines((2100.0,), 3.0)) == ("FAX", "FAX")


def test_silence_is_unsure() -> None:
    verdict, after = heard(silence(1.0))
    assert verdict == Verdict("NOTSURE", "INITIALSILENCE-2000", 0, noisy=False)
    assert after == LIMITS.hush


def test_a_ringing_tone_is_no_greeting() -> None:
    """The PBX that answers for somebody, and rings."""
    assert told(BEFORE, sines((425.0,), 1.0)) == ("NOTSURE", "INITIALSILENCE")


def test_a_click_is_no_greeting() -> None:
    assert told(BEFORE, sines((600.0,), 0.03), silence(1.0)) == ("NOTSURE", "INITIALSILENCE")


def test_sound_that_has_no_gap_is_unsure() -> None:
    assert told(BEFORE, silence(5.0, -20.0)) == ("NOTSURE", "NOISE")
    assert told(BEFORE, sines((425.0,), 9.0)) == ("NOTSURE", "NOISE")


def test_a_person_beside_an_engine() -> None:
    noise = silence(6.0, -32.0)
    spoken = [*silence(0.5), *voice(0.9, -18.0), *silence(4.6)]
    verdict, _ = heard([a + b for a, b in zip(noise, spoken, strict=True)])
    assert verdict is not None
    assert (verdict.word, verdict.noisy) == ("HUMAN", True)


def test_a_soft_voice_after_a_loud_tone() -> None:
    verdict, _ = heard(BEFORE, sines((425.0,), 0.8, -8.0), silence(0.4), voice(3.0, -34.0))
    assert verdict is not None
    assert verdict.word == "HUMAN"
    assert verdict.greeting == pytest.approx(3000, abs=120)


# -- while we speak ----------------------------------------------------------------------------------------------------


def further(before: list[list[float]], *parts: list[float]) -> tuple[str, str]:
    """What an ear on the same line makes of what comes after the verdict on `before`; the cause up to its first dash."""
    line = samples(*before, silence(2.0), *parts, silence(5.0))
    ear: Ear = Ear(LIMITS)
    again = False
    for at in range(0, len(line) - FRAME + 1, FRAME):
        verdict = ear.take(line[at : at + FRAME])
        if verdict is not None and again:
            return verdict.word, verdict.cause.partition("-")[0]
        if verdict is not None:
            assert verdict.word == "HUMAN"
            ear, again = Meanwhile(LIMITS, ear.loudness), True
    raise AssertionError("it never ends")


SENTENCE = [BEFORE, voice(2.5)]


@pytest.mark.parametrize("hertz", [(440.0,), (1000.0,), (2000.0,), (850.0, 620.0)])
def test_a_beep_that_comes_while_we_speak(hertz: tuple[float, ...]) -> None:
    assert further(SENTENCE, sines(hertz, 0.25)) == ("MACHINE", "BEEP")
    assert further([BEFORE, voice(0.5)], silence(1.5), sines(hertz, 0.25)) == ("MACHINE", "BEEP")


def test_a_greeting_that_goes_on_while_we_speak() -> None:
    assert further([BEFORE, voice(0.4)], voice(4.0)) == ("MACHINE", "TALKED")
    assert further([BEFORE, voice(0.4)], voice(2.0), silence(0.5), voice(1.6)) == ("MACHINE", "TALKED")


def test_who_says_something_while_we_speak_stays_a_person() -> None:
    said = [voice(0.6), silence(1.0), voice(1.5), silence(2.0), voice(1.2), silence(1.5), voice(1.5)]
    assert further(SENTENCE, *said) == ("NOTSURE", "QUIET")


def test_our_own_echo_is_nobody() -> None:
    """Echo cancellers leave less than a tenth of it; the message may begin with a tone."""
    assert further(SENTENCE, sines((960.0,), 0.5, -40.0), voice(6.0, -40.0)) == ("NOTSURE", "QUIET")


def test_nobody_is_heard_for_ever() -> None:
    assert further(SENTENCE, *[voice(1.0), silence(1.2)] * 10) == ("NOTSURE", "QUIET")
    ear = Meanwhile(LIMITS, Loudness())
    line = samples(*[voice(1.0), silence(1.2)] * 10)
    taken = [ear.take(line[at : at + FRAME]) for at in range(0, len(line) - FRAME + 1, FRAME)]
    assert any(taken)
