"""Who is on the line, heard while our message plays: the same ear, with other rules.

Pure, as ear.py is. Knows what makes a machine of somebody who was taken for none: a beep that comes only now, or a greeting that goes
on all the same. Knows when nothing more is to be heard.
"""

from __future__ import annotations

from engine.detection.ear import Ear, Limits, Verdict
from engine.detection.loudness import Loudness

SPEAKS_ON, MOSTLY = 3500, 0.6
"""Milliseconds: who speaks for longer while we do, and for at least that share of the time, is a machine. A silence of `pause` is none
of it."""
LISTENS = 4000
LISTENS_MOST = 20_000
"""Who is silent for so many milliseconds is heard no more; nor anybody for longer than that."""


class Meanwhile(Ear):
    """Listens to a callee to whom we speak. Its verdict is MACHINE, or NOTSURE when nothing more is to be heard."""

    def __init__(self, limits: Limits, loudness: Loudness) -> None:
        """`loudness`: of the line, as it was known at the first verdict."""
        super().__init__(limits)
        self.loudness = loudness
        loudness.we_speak()
        self._first = 0
        self._talked = 0
        """Milliseconds spoken before what is being said."""

    def _spoken(self, begun: int) -> Verdict | None:
        if self._first is None or begun - self._last >= self._limits.pause:
            self._talked += self._greeting
            self._first = begun
        self._last = self._now
        talked = self._talked + self._greeting
        if talked < SPEAKS_ON or talked < MOSTLY * self._now:
            return None
        return self._verdict("MACHINE", f"TALKED-{talked}")

    def _ended(self) -> Verdict | None:
        quiet = self._now - self._last
        enough = quiet >= LISTENS or self._now >= LISTENS_MOST
        return self._verdict("NOTSURE", f"QUIET-{quiet}") if enough else None
