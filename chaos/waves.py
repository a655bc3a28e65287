"""The campaigns of a run: jobs of a few thousand contacts each, one after another, whose people are all different."""

from __future__ import annotations

import wave
from pathlib import Path

from chaos import plan

SIZE = 2500
"""Contacts of one job."""
GAP = 4.0
"""Seconds of the campaigns' min_gap, and of every retry's delay."""
BUDGET = 3
MESSAGE = 3.0
"""Seconds of the message."""
MANIFEST = """
id = "{name}"
owner = "Chaos, chaos@example.org"
purpose = "informational"
caller_id = "+33162000001"
window = [{{ from = "00:00", to = "00:00" }}]
max_callbacks = 1
[amd]
enabled = false
[message]
prompts = ["message.wav"]
[menu]
repeats = 0
timeout = "2s"
[menu.keys]
1 = "confirm"
2 = {{ action = "call_back", after = "6s" }}
[retry]
max_attempts = 3
min_gap = "4s"
unknown = "after_gap"
BUSY = {{ delay = "4s", attempts = 1 }}
NO_ANSWER = {{ delay = "4s", attempts = 0 }}
FAILED = {{ delay = "4s", attempts = 1 }}
CONGESTION = {{ delay = "4s", attempts = 4 }}
[contacts]
file = "people.csv"
"""


class Waves:
    """Jobs into one queue directory."""

    def __init__(self, queue: Path) -> None:
        self._incoming = queue / "incoming"
        self._dropped = 0
        self.people = 0
        """Handed in so far."""

    def over(self) -> bool:
        """There is nobody left for another job."""
        return self.people + SIZE > plan.MOST

    def drop(self, samples: Path) -> None:
        """Hand in the next job. `samples`: the lab's prompts."""
        self._dropped += 1
        name = f"wave{self._dropped}"
        draft = self._incoming / f".{name}"
        draft.mkdir()
        _cut(samples / "en" / "menu.wav", draft / "message.wav", MESSAGE)
        people = "".join(f"{plan.number(self.people + at)}\n" for at in range(SIZE))
        self.people += SIZE
        (draft / "people.csv").write_text("phone_number\n" + people, encoding="utf-8")
        (draft / "campaign.toml").write_text(MANIFEST.format(name=name), encoding="utf-8")
        (draft / ".complete").touch()
        draft.rename(draft.with_name(name))


def _cut(source: Path, target: Path, seconds: float) -> None:
    """The first seconds of a WAV file."""
    with wave.open(str(source), "rb") as long, wave.open(str(target), "wb") as short:
        short.setparams(long.getparams())
        short.writeframes(long.readframes(int(long.getframerate() * seconds)))
