"""What the calls came to: one result a call, and the figures of many.

Pure. A callee's verdict is the last one that the dialplan gave; a key press makes any callee a person.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from bench.amd.audio import Samples
from bench.amd.callees import PERSON, Callee
from bench.amd.calls import Call
from bench.amd.heard import Left, Recording, left


@dataclass(frozen=True, slots=True)
class Result:
    """One call. Times in milliseconds from the callee's first frame; None for what was not, or cannot be known."""

    callee: Callee
    verdict: str
    """`HUMAN`, `MACHINE`, `NOTSURE`, `KEY`; `HANGUP`; `none` when there was none."""
    cause: str
    """With the first verdict before it, where it changed."""
    decided: int | None
    first_audio: int | None
    left: Left | None
    """What a voicemail recorded of a prompt, from the beep (or the greeting's end) on; of the one of which it has most."""

    @property
    def judged(self) -> str:
        """`person`, `machine` or `unsure`, as Volley goes on with the call."""
        return {"HUMAN": PERSON, "KEY": PERSON, "MACHINE": "machine"}.get(self.verdict, "unsure")

    @property
    def wait(self) -> int | None:
        """From the end of the greeting to our first audio; 0 when we spoke before."""
        if self.callee.greeting_end is None or self.first_audio is None:
            return None
        return max(0, self.first_audio - self.callee.greeting_end)


def result(callee: Callee, call: Call, recording: Recording, prompts: Sequence[Samples]) -> Result:
    """Judge one call."""
    verdicts = call.reported("amd")
    words = [one.value.partition("/")[0] for one in verdicts]
    causes = [one.value.partition("/")[2] for one in verdicts]
    recorded = None
    if callee.label == "voicemail" and (start := callee.beep_end or callee.greeting_end) is not None:
        recorded = max(
            (left(prompt, recording.heard, start) for prompt in prompts),
            key=lambda one: (one.complete, one.share),
        )
    return Result(
        callee,
        words[-1] if words else "none",
        " then ".join(causes),
        round(1000 * verdicts[-1].at) if verdicts else None,
        recording.first_audio,
        recorded,
    )


def wilson(hits: int, count: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927, with z = 1.96); 0 to 1 for no callees at all."""
    if not count:
        return 0.0, 1.0
    z = 1.96
    share, spread = hits / count, z * z / count
    centre = share + spread / 2
    reach = z * math.sqrt(share * (1 - share) / count + spread / (4 * count))
    return max(0.0, (centre - reach) / (1 + spread)), min(1.0, (centre + reach) / (1 + spread))


def share(hits: int, count: int) -> str:
    """`3 of 248, 1.2 % (0.4 to 3.5)`."""
    if not count:
        return "none"
    low, high = wilson(hits, count)
    return f"{hits} of {count}, {100 * hits / count:.1f} % ({100 * low:.1f} to {100 * high:.1f})"


def percentile(values: Iterable[int], percent: float) -> int | None:
    """The smallest value that `percent` of all do not exceed; None for no values."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)] if ordered else None


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of one part."""

    results: tuple[Result, ...]

    def _count(self, truth: str, which: Callable[[Result], bool] = lambda _: True) -> int:
        return sum(one.callee.truth == truth and which(one) for one in self.results)

    @property
    def confusion(self) -> Counter[tuple[str, str, str]]:
        """(label, kind, judged) -> calls."""
        return Counter((one.callee.label, one.callee.kind, one.judged) for one in self.results)

    @property
    def people_judged_machines(self) -> tuple[int, int]:
        return self._count(PERSON, lambda one: one.judged == "machine"), self._count(PERSON)

    @property
    def machines_found(self) -> tuple[int, int]:
        return self._count("machine", lambda one: one.judged == "machine"), self._count("machine")

    @property
    def waits(self) -> list[int]:
        """Of people whose greeting's end is known; one who heard nothing waited for as long as the call lasted."""
        return [one.wait for one in self.results if one.callee.truth == PERSON and one.wait is not None]

    @property
    def unheard(self) -> list[Result]:
        """People to whom nothing was said at all."""
        return [one for one in self.results if one.callee.truth == PERSON and one.first_audio is None]

    def in_time(self, milliseconds: int) -> tuple[int, int]:
        """People whose wait was at most so long, of all whose greeting's end is known."""
        known = [
            one for one in self.results if one.callee.truth == PERSON and one.callee.greeting_end is not None
        ]
        return sum(one.wait is not None and one.wait <= milliseconds for one in known), len(known)

    def decided(self, truth: str) -> list[int]:
        """Milliseconds to the verdict, of those for whom there was one."""
        return [one.decided for one in self.results if one.callee.truth == truth and one.decided is not None]

    def left(self, judged: tuple[str, ...]) -> tuple[int, int]:
        """Voicemails judged so that have a whole message, of all of them."""
        known = [one for one in self.results if one.left is not None and one.judged in judged]
        return sum(one.left is not None and one.left.complete for one in known), len(known)
