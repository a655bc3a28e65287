"""How loud a frame is, against the line's own noise and against the voice that is on it.

Pure. A line has noise, engines, a television; a voice may be soft or loud. So nothing is loud or soft by itself: a frame is a sound
when it is louder than the noise and not too far below the loudest that was heard.
"""

from __future__ import annotations

from array import array
from collections import deque
from dataclasses import dataclass

SOFTEST = 60.0
"""Below this mean absolute value nothing is a voice: -55 dB below full scale."""
OVER_NOISE = 2.2
UNDER_VOICE = 0.16
"""A sound is that much louder than the noise, and no softer than this share of the voice."""
OVER_ECHO = 0.25
"""While we speak ourselves, a sound is no softer than this share of the voice."""
STRONG = 0.5
"""The share of the voice from which a sound is the speaker's own, and nobody's in the background."""
NOISY = 100.0
"""A line whose noise is that loud is never silent to Asterisk's own detection (512): a television's words are louder than its mean."""
NOISE_FRAMES = 15
"""The noise is the softest mean over so many frames: a pause between two words is shorter."""
NOISE_RISES = 1.01
VOICE_FADES = 0.996
"""By how much, in a frame, what was heard before counts less."""


@dataclass(frozen=True, slots=True)
class Heard:
    """One frame: its mean absolute value, and what that is on this line."""

    level: float
    sound: bool
    strong: bool


class Loudness:
    """Knows one line, better with each frame."""

    def __init__(self) -> None:
        self._last: deque[float] = deque(maxlen=NOISE_FRAMES)
        self._sum = 0.0
        self._noise = 0.0
        self._voice = 0.0
        self._fades = VOICE_FADES
        self._under = UNDER_VOICE

    def judge(self, frame: array[int]) -> Heard:
        """The next frame."""
        level = sum(map(abs, frame)) / len(frame)
        last = self._last
        if len(last) == NOISE_FRAMES:
            self._sum -= last[0]
        last.append(level)
        self._sum += level
        mean = self._sum / len(last)
        self._noise = mean if len(last) < 5 else min(mean, self._noise * NOISE_RISES)
        if len(last) >= 3:
            self._voice = max((level + last[-2] + last[-3]) / 3, self._voice * self._fades)
        sound = level > max(SOFTEST, self._noise * OVER_NOISE, self._voice * self._under)
        return Heard(level, sound, sound and level > self._voice * STRONG)

    @property
    def noisy(self) -> bool:
        """Whether there is something in the background."""
        return self._noise > NOISY

    def we_speak(self) -> None:
        """From now on our own echo may be heard too. What was heard so far is the callee's voice, however long it is silent."""
        self._fades = 1.0
        self._under = OVER_ECHO

    def no_voice(self) -> None:
        """What was heard just now is a tone: whoever speaks later may be softer."""
        self._voice = 0.0
