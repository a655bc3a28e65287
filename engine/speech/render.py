"""A recording becomes the files that Asterisk plays on the trunks' codecs as they are, at one loudness."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.errors import SoundError
from engine.speech import g711, level
from engine.speech.convert import at_rate, decoded
from engine.speech.sound import Sound, write_wav

NARROW, WIDE = 8_000, 16_000
SHORTEST, LONGEST = 0.1, 300.0
"""Seconds that a prompt may last."""
TOLERANCE = 3.0
"""A prompt within so many dB of the level is left as it is."""
CEILING = -1.0
"""No gain lifts the true peak above this (EBU R 128: -1 dBTP)."""
MOST_GAIN = 24.0
"""What would need more is noise more than speech: refused."""
MOST_CLIPPED = 0.001
"""A larger share of samples cut off at full scale is refused."""
LATE = 0.5
"""Seconds of silence at the beginning that are worth a warning: the callee waits already."""
FORMS = {"alaw": ".alaw", "ulaw": ".ulaw", "g722": ".sln16", "opus": ".sln16"}
"""A trunk's codec -> the ending of the file that is played on it with the least work. A codec that is not here is made from
.wav, in the call."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a prompt turned out to be."""

    seconds: float
    level: float
    """Of its speech, as it will be played."""
    warnings: tuple[str, ...]


def forms_for(codecs: Sequence[str]) -> tuple[str, ...]:
    """The endings of the files that trunks of these codecs want; always a .wav, for people and for other codecs."""
    return tuple(dict.fromkeys([*(FORMS[codec] for codec in codecs if codec in FORMS), ".wav"]))


def render(source: Path, target: Path, forms: Sequence[str], wanted: float | None, scratch: Path) -> Finding:
    """Write `target` with each ending of `forms`. `wanted`: the level; None: as it was recorded.

    Raises SoundError, OSError.
    """
    sound = decoded(source, scratch, LONGEST + 1.0)
    if not SHORTEST <= sound.seconds <= LONGEST:
        lasts = f"{sound.seconds:.2f} s" if sound.seconds < SHORTEST else f"more than {LONGEST:.0f} s"
        raise SoundError(f"it lasts {lasts}; a prompt lasts {SHORTEST:g} to {LONGEST:.0f} s")
    clipped = level.clipped_share(sound)
    if clipped > MOST_CLIPPED:
        raise SoundError(
            f"{clipped:.1%} of it is cut off at full scale: it was recorded or amplified too loud",
            "record it at a lower level",
        )
    return write(sound, target, forms, wanted, scratch)


def write(sound: Sound, target: Path, forms: Sequence[str], wanted: float | None, scratch: Path) -> Finding:
    """As `render`, of sound that is there already."""
    narrow = at_rate(sound, NARROW, scratch)
    found = level.measured(narrow)
    if found.active is None:
        raise SoundError(
            f"nothing is to be heard in it (its loudest point is {-found.peak:.0f} dB below full scale)",
            "record it anew",
        )
    gain, warnings = _gain(found, found.active, wanted)
    made: dict[str, bytes] = {}
    narrow = level.changed(narrow, gain) if gain else narrow
    for form in forms:
        match form:
            case ".alaw":
                made[form] = g711.alaw(narrow)
            case ".ulaw":
                made[form] = g711.ulaw(narrow)
            case ".sln16":
                wide = at_rate(sound, WIDE, scratch)
                made[form] = (level.changed(wide, gain) if gain else wide).little_endian()
    for form, data in made.items():
        target.with_name(target.name + form).write_bytes(data)
    if ".wav" in forms:
        write_wav(narrow, target.with_name(target.name + ".wav"))
    if found.lead > LATE:
        warnings.append(f"it begins with {found.lead:.1f} s of silence, while the callee waits")
    return Finding(narrow.seconds, found.active + gain, tuple(warnings))


def _gain(found: level.Level, active: float, wanted: float | None) -> tuple[float, list[str]]:
    """By how many dB the sound is made louder; and what there is to say of it."""
    if wanted is None or abs(wanted - active) <= TOLERANCE:
        return 0.0, []
    gain = wanted - active
    if gain > MOST_GAIN:
        raise SoundError(
            f"its speech is {-active:.0f} dB below full scale, which is too quiet", "record it louder"
        )
    allowed = min(gain, max(0.0, CEILING - found.peak))
    if gain - allowed <= TOLERANCE:
        return allowed, []
    return allowed, [
        f"its speech stays {wanted - active - allowed:.0f} dB too quiet: single peaks leave no room to make it louder"
    ]
