"""What the detector, or the dialplan alone, makes of a recording, without a call: for trying settings by the hundred.

Runs the detector's own ear, and knows the arithmetic of Asterisk 22's AMD() and BackgroundDetect() over frames of 20 ms, each known by
the mean of its samples' absolute values (apps/app_amd.c, apps/app_talkdetect.c, main/dsp.c), and what [volley-call] and [volley-talk]
make of it. It is a search aid: what is reported is measured in calls. It hears no key, and without the detector no fax.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bench.amd.audio import FRAME, Samples
from engine.campaign import AmdSettings
from engine.detection.ear import Ear, Limits
from engine.detection.meanwhile import Meanwhile

FRAME_MS = 20
WORD = 80
"""Milliseconds of sound that begin a greeting: [volley-call]."""
LISTEN, BURST = 900, 100
"""Silence that ends a sound of at least so many milliseconds: [volley-verdict], [volley-play]."""
HEARD = 512
"""BackgroundDetect's threshold (DEFAULT_THRESHOLD of main/dsp.c)."""
GOES_ON, BEEP, SENTENCE, AT_ONCE = 3500, 1300, 1500, 300
"""[volley-talk], in milliseconds: a greeting that goes on; the longest beep, after at least such a greeting, so soon."""
MOST_TALKS = 3
LEAD = 120
"""Milliseconds from the answer until the detector hears: [volley-call] waits for 100 of them."""
FURTHER = 200
"""Milliseconds from the verdict until the detector hears on."""
MESSAGE = 11_000
"""Milliseconds that the message lasts, for as long as it is not begun anew."""


@dataclass(frozen=True, slots=True)
class Amd:
    """The arguments of AMD(), in its order. Milliseconds, words and a loudness."""

    initial_silence: int
    greeting: int
    after_greeting: int
    total: int
    word: int
    between_words: int
    words: int
    threshold: int
    word_longest: int = 5000


@dataclass(frozen=True, slots=True)
class Ending:
    """AMDSTATUS, AMDCAUSE up to its first dash, and milliseconds from the start."""

    status: str
    cause: str
    at: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """The last verdict, and when the message began; None when there was none, since a machine was found first."""

    status: str
    spoke: int | None


def levels(samples: Samples) -> list[int]:
    """The mean absolute value of each frame."""
    return [
        sum(map(abs, samples[at : at + FRAME])) // FRAME for at in range(0, len(samples) - FRAME + 1, FRAME)
    ]


def hear(samples: Samples, settings: AmdSettings) -> Verdict:
    """What the detector makes of samples that silence follows for ever."""
    times = (settings.hush, settings.pause, settings.longest, settings.noise, settings.beep)
    limits = Limits(*(round(1000 * one) for one in times))
    ear = Ear(limits)
    line = samples + array("h", bytes(2 * FRAME * MESSAGE // FRAME_MS))
    for at in range(LEAD // FRAME_MS * FRAME, len(line) - FRAME + 1, FRAME):
        found = ear.take(line[at : at + FRAME])
        if found is None:
            continue
        if found.word in ("MACHINE", "FAX"):
            return Verdict("MACHINE", None)
        spoke = FRAME_MS * (at // FRAME + 1)
        if found.noisy:
            return Verdict(found.word, spoke)
        if further(line[at + FURTHER // FRAME_MS * FRAME :], Meanwhile(limits, ear.loudness)):
            return Verdict("MACHINE", spoke)
        # No beep is told by its time: as after no greeting.
        return listen(levels(samples), spoke, 0, found.word)
    raise AssertionError("silence ends it")


def further(line: Samples, ear: Ear) -> bool:
    """Whether the detector finds a machine while the message plays."""
    for at in range(0, min(len(line), FRAME * MESSAGE // FRAME_MS) - FRAME + 1, FRAME):
        found = ear.take(line[at : at + FRAME])
        if found is not None:
            return found.word == "MACHINE"
    return False


def decide(frames: Sequence[int], settings: AmdSettings) -> Verdict:
    """What the dialplan makes of frames that silence follows for ever."""
    hush, pause, longest, noise = (
        round(1000 * one) for one in (settings.hush, settings.pause, settings.longest, settings.noise)
    )
    begun = judge(frames, Amd(hush, WORD, pause, 60_000, WORD, 50, 1000, settings.loudness, 60_000))
    if begun.cause != "LONGGREETING":
        return listen(frames, begun.at, 0, "NOTSURE")
    rest = Amd(pause, 60_000, pause, longest + pause, WORD, 50, 1000, settings.loudness, noise)
    ended = judge(frames[begun.at // FRAME_MS :], rest)
    at = begun.at + ended.at
    if ended.cause == "TOOLONG":
        return Verdict("MACHINE", None)
    if ended.cause == "MAXWORDLENGTH":
        return Verdict("NOTSURE", at)
    return listen(frames, at, ended.at - pause + WORD, "HUMAN")


def listen(frames: Sequence[int], spoke: int, greeting: int, status: str) -> Verdict:
    """The verdict after the message, which begins at `spoke` ms, has been heard out."""
    at, talked = spoke, 0
    for _ in range(MOST_TALKS + 1):
        found = talk(frames, at)
        if found is None:
            break
        length, at = found
        talked += length
        soon = at - spoke - LISTEN - length <= AT_ONCE
        mostly = talked >= GOES_ON and 2 * talked >= at - spoke
        if mostly or (soon and length <= BEEP and greeting >= SENTENCE):
            return Verdict("MACHINE", spoke)
    return Verdict(status, spoke)


def talk(frames: Sequence[int], start: int) -> tuple[int, int] | None:
    """The first sound that BackgroundDetect tells of while the message plays from `start` ms on: its length, and when it is
    told. None when there is none."""
    silence, since = 0, None
    for at in range(start, start + MESSAGE, FRAME_MS):
        level = frames[at // FRAME_MS] if at // FRAME_MS < len(frames) else 0
        silence = silence + FRAME_MS if level < HEARD else 0
        if silence <= LISTEN:
            since = at if since is None else since
        elif since is not None:
            length = at - since - LISTEN
            if length > BURST:
                return length, at
            since = None
    return None


def judge(frames: Sequence[int], settings: Amd) -> Ending:
    """What AMD() says of frames that silence follows for ever."""
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
                return Ending("MACHINE", "INITIALSILENCE", total)
            if greeting and silence >= settings.after_greeting:
                return Ending("HUMAN", "HUMAN", total)
            continue
        silence = 0
        run += FRAME_MS
        voice += FRAME_MS
        if run >= settings.word and not in_word:
            words, in_word = words + 1, True
        if run >= settings.word_longest:
            return Ending("MACHINE", "MAXWORDLENGTH", total)
        if words >= settings.words:
            return Ending("MACHINE", "MAXWORDS", total)
        if greeting and voice >= settings.greeting:
            return Ending("MACHINE", "LONGGREETING", total)
        if run >= settings.word:
            initial, greeting = False, True
    return Ending("NOTSURE", "TOOLONG", total)


def _on(frames: Sequence[int], milliseconds: int) -> Iterable[int]:
    yield from frames
    yield from [0] * (milliseconds // FRAME_MS)
