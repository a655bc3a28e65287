"""Who is on the line, told from what is heard: frames in, one verdict out.

Pure: no socket, no clock; time is counted in frames of 20 ms. Knows when a greeting begins and ends, and what tones mean. Refuses to
know what is loud (loudness.py), what is a tone (tone.py), and what follows from a verdict.

A greeting begins with the first sound of some length, and ends with a silence. How long that must be hangs on the greeting: after a
few words it is a person who waits for us to speak, and `pause` is enough; after a sentence it may be a company's person or a
machine whose beep comes next, and only `beep` tells. A beep, information tones, or a greeting longer than `longest` is a machine;
a fax is known by its tones. Who speaks again after a long silence is asking whether we are there.
"""

from __future__ import annotations

from array import array
from collections import deque
from dataclasses import dataclass
from typing import Literal

from engine.detection.loudness import Loudness
from engine.detection.tone import Tone, tone

FRAME = 160
FRAME_MS = 20
"""A frame: samples, and how long they last."""
SOUND = 80
"""Milliseconds of sound that are more than a click."""
GAP = 60
"""Milliseconds of silence that end a sound; the stops within a word are shorter."""
SENTENCE = 1300
"""Milliseconds of greeting from which it may be a machine's."""
RESUMED = 1200
"""After so many milliseconds of silence somebody speaks anew, and does not go on with a sentence."""
GOES_ON = 2000
"""Who speaks anew for longer than this is a machine."""
MURMUR = 400
"""What goes on softly after the voice (a television) is silence, but is given so many milliseconds more."""

STRETCH = 5
"""Frames in which a tone is looked for."""
LOOKS = 3
"""How often, at the beginning of each sound. Later only where it is `LEVEL`."""
STEADY, LEVEL = 1.6, 1.2
"""The loudest of these frames over the softest, at most, for a tone. Two frequencies close to each other beat."""
BEEP = 120
"""Milliseconds that a beep lasts at least."""
FAX_CALLS, FAX_ANSWERS = 1100.0, 2100.0
FAX = 340
"""CNG and CED (ITU-T T.30, 4.3.3), hertz: half a second of the one, 2.6 to 4 s of the other. So many milliseconds of either will do."""
OFF = 38.0
"""Hertz by which a fax's tone may be off (ITU-T T.30, 4.3.3)."""
SIT = ((900.0, 1000.0), (1350.0, 1450.0))
"""The first two special information tones, hertz, a third of a second each (ITU-T E.180, 7.4; in North America they vary)."""

Word = Literal["HUMAN", "MACHINE", "NOTSURE", "FAX"]


@dataclass(frozen=True, slots=True)
class Limits:
    """What ends what, in milliseconds: settings of `[amd]`."""

    hush: int
    pause: int
    longest: int
    noise: int
    beep: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """Who it is, with the cause as it is reported; `greeting` is in milliseconds, from its first sound to its last."""

    word: Word
    cause: str
    greeting: int
    noisy: bool
    """The line is loud when nobody speaks: what else is heard on it says nothing."""


class Ear:
    """Listens to one callee."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.loudness = Loudness()
        self._recent: deque[tuple[float, array[int]]] = deque(maxlen=STRETCH)
        self._now = 0
        self._first: int | None = None
        """When the greeting began, and when its last sound, and its last strong one, ended."""
        self._last = 0
        self._strong = 0
        self._again = False
        """It is not the first thing said."""
        self._run = 0
        """Milliseconds of the sound that goes on, short gaps included; 0: there is none."""
        self._gap = 0
        self._unbroken = 0
        self._before: tuple[int | None, int, bool] = (None, 0, False)
        """What was known before this sound, which may turn out to be a tone: that is no greeting."""
        self._tone: Tone | None = None
        self._tone_ms = 0
        self._looks = 0
        self._sit = 0
        self._waited_from = 0
        """The beginning, or the end of the last tone: a PBX that rings for somebody has them still to come."""

    @property
    def _greeting(self) -> int:
        """Milliseconds so far."""
        return 0 if self._first is None else self._last - self._first

    def take(self, frame: array[int]) -> Verdict | None:
        """20 ms more. The verdict, as soon as there is one; nothing may follow it."""
        self._now += FRAME_MS
        heard = self.loudness.judge(frame)
        self._recent.append((heard.level, frame))
        if heard.strong:
            self._strong = self._now
        return self._sound() if heard.sound else self._silence()

    def _sound(self) -> Verdict | None:
        if not self._run:
            self._begin()
        self._unbroken = FRAME_MS if self._gap else self._unbroken + FRAME_MS
        self._run += self._gap + FRAME_MS
        self._gap = 0
        found = self._tones()
        if found is not None:
            return found
        if self._unbroken >= self._limits.noise:
            return self._verdict("NOTSURE", f"NOISE-{self._limits.noise}")
        if self._tone is not None or self._run < SOUND:
            return None
        begun = self._now - self._run
        return self._spoken(begun)

    def _spoken(self, begun: int) -> Verdict | None:
        """The callee speaks, with this sound since `begun`."""
        if self._first is None or begun - self._last >= RESUMED:
            self._again = self._first is not None
            self._first = begun
        self._last = self._now
        if self._greeting > (GOES_ON if self._again else self._limits.longest):
            return self._verdict("MACHINE", f"LONGGREETING-{self._greeting}")
        return self._ended()

    def _begin(self) -> None:
        """A sound begins."""
        self._before = self._first, self._last, self._again
        self._run = self._gap = self._looks = 0
        self._tone = None

    def _silence(self) -> Verdict | None:
        if self._run:
            self._gap += FRAME_MS
            if self._tone is not None:
                self.loudness.no_voice()
                self._waited_from = self._now
            if self._gap >= GAP:
                self._run = self._gap = self._unbroken = 0
        if self._first is None:
            waited = self._now - self._waited_from
            if waited < self._limits.hush:
                return None
            return self._verdict("NOTSURE", f"INITIALSILENCE-{waited}")
        return self._ended()

    def _ended(self) -> Verdict | None:
        """A person, if the greeting is over."""
        quiet = max(self._now - self._last, self._now - self._strong - MURMUR)
        short = self._again or self._greeting < SENTENCE
        if quiet < (self._limits.pause if short else self._limits.beep):
            return None
        return self._verdict("HUMAN", f"HUMAN-{quiet}-{self._greeting}")

    def _verdict(self, word: Word, cause: str) -> Verdict:
        return Verdict(word, cause, self._greeting, self.loudness.noisy)

    # -- tones ---------------------------------------------------------------------------------------------------------

    def _tones(self) -> Verdict | None:
        """Look for a tone where there may be one, and say what it means."""
        if self._run < STRETCH * FRAME_MS:
            return None
        found = self._look() if self._worth_a_look() else None
        if found is None or found.is_key:
            if self._tone is not None:  # it is over, and what follows is a sound of its own
                self.loudness.no_voice()
                self._begin()
                self._run = FRAME_MS
            return None
        if self._tone is not None and self._tone.like(found):
            self._tone_ms += FRAME_MS
        else:
            self._tone, self._tone_ms = found, STRETCH * FRAME_MS
            if self._sit < len(SIT) and SIT[self._sit][0] <= found.hertz[0] <= SIT[self._sit][1]:
                self._sit += 1
        if self._run - self._tone_ms <= GAP:  # all of this sound is the tone
            self._first, self._last, self._again = self._before
            self.loudness.no_voice()
        return self._meaning(found)

    def _look(self) -> Tone | None:
        self._looks += 1
        samples: array[int] = array("h")
        for _, frame in self._recent:
            samples += frame
        return tone(samples)

    def _worth_a_look(self) -> bool:
        levels = [level for level, _ in self._recent]
        del levels[0]  # where it begins
        spread = max(levels) / (min(levels) or 1.0)
        return spread <= (STEADY if self._looks < LOOKS or self._tone is not None else LEVEL)

    def _meaning(self, found: Tone) -> Verdict | None:
        if self._first is not None:
            return self._verdict("MACHINE", f"BEEP-{found.hertz[0]:.0f}") if self._tone_ms >= BEEP else None
        if self._sit == len(SIT):
            return self._verdict("MACHINE", "SIT")
        if self._tone_ms >= FAX:
            for hertz in (FAX_CALLS, FAX_ANSWERS):
                if found.about(hertz, OFF):
                    return self._verdict("FAX", f"FAX-{hertz:.0f}")
        return None
