"""What app_amd.c decides of a recording, without a call: for trying settings by the thousand.

The arithmetic of Asterisk 22's AMD() over frames of 20 ms, each known by the mean of its samples' absolute values (main/dsp.c).
It is a search aid: what is reported is measured in calls.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bench.amd.audio import FRAME, Samples

FRAME_MS = 20


@dataclass(frozen=True, slots=True)
class Settings:
    """The arguments of AMD(), in its order."""

    initial_silence: int
    greeting: int
    after_greeting: int
    total: int
    word: int
    between_words: int
    words: int
    threshold: int
    word_longest: int

    @classmethod
    def of(cls, text: str) -> Settings:
        """From `2500,1500,...`; the last argument is Asterisk's default where it is missing."""
        given = [int(one) for one in text.split(",")]
        return cls(*(given if len(given) == 9 else [*given, 5000]))

    @property
    def text(self) -> str:
        """As the dialplan takes it."""
        return ",".join(str(getattr(self, name)) for name in self.__slots__)


@dataclass(frozen=True, slots=True)
class Verdict:
    """AMDSTATUS, AMDCAUSE up to its first dash, and milliseconds from the start."""

    status: str
    cause: str
    at: int


def levels(samples: Samples) -> list[int]:
    """The mean absolute value of each frame."""
    return [sum(map(abs, samples[at : at + FRAME])) // FRAME for at in range(0, len(samples) - FRAME + 1, FRAME)]


def judge(frames: Sequence[int], settings: Settings) -> Verdict:
    """Decide on frames that silence follows for ever."""
    initial, in_word, total, voice, run, silence, words = True, True, 0, 0, 0, 0, 0
    greeting = False
    for level in _on(frames, settings.total):
        total += FRAME_MS
        if total >= settings.total:
            break
        if level < settings.threshold:
            silence += FRAME_MS
            if silence >= settings.between_words:
                in_word, run = False, 0
            if initial and silence >= settings.initial_silence:
                return Verdict("MACHINE", "INITIALSILENCE", total)
            if greeting and silence >= settings.after_greeting:
                return Verdict("HUMAN", "HUMAN", total)
            continue
        silence = 0
        run += FRAME_MS
        voice += FRAME_MS
        if run >= settings.word and not in_word:
            words, in_word = words + 1, True
        if run >= settings.word_longest:
            return Verdict("MACHINE", "MAXWORDLENGTH", total)
        if words >= settings.words:
            return Verdict("MACHINE", "MAXWORDS", total)
        if greeting and voice >= settings.greeting:
            return Verdict("MACHINE", "LONGGREETING", total)
        if run >= settings.word:
            initial, greeting = False, True
    return Verdict("NOTSURE", "TOOLONG", total)


def _on(frames: Sequence[int], milliseconds: int) -> Iterable[int]:
    yield from frames
    yield from [0] * (milliseconds // FRAME_MS)
