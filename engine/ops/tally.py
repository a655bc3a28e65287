"""Counts what the engine's log tells: calls by how they ended, verdicts, opt-outs, refusals, lines; and keeps the last troubles.

It stands in the logger's chain of processors and sees each line before it is written, whatever `log.level` is from `info` up, so
that nothing has to be counted where it happens. Knows the fields of the lines that it counts, and nothing else. All counts are
since the start of this engine.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping, Set
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from engine.ops import log as events

TROUBLES = 20
"""Lines of level warning or error that are kept."""
LONGEST = 200
"""Characters of a trouble's text."""
AMD = ("HUMAN", "MACHINE", "NOTSURE", "HANGUP")
"""AMDSTATUS (Asterisk's app_amd); what a dialplan of somebody's own says beside these is counted as `other`."""
OTHER = "(other)"
"""Campaigns beyond those that have figures of their own. No campaign's id has a bracket."""
LINGER = 600.0
"""Seconds for which a campaign that is over is still told: whoever reads the figures must have seen its last calls."""
_REASON = frozenset({"what", "why", "error", "problems"})
_FRAME = frozenset({"time", "level", "event", "exception"})


@dataclass(frozen=True, slots=True)
class Trouble:
    """A line of level warning or error."""

    time: str
    """ISO 8601, UTC."""
    level: str
    event: str
    text: str


class Tally:
    """A structlog processor that counts and changes nothing."""

    def __init__(self, campaigns: int) -> None:
        """`campaigns`: how many have counts of their own at most."""
        self._most = campaigns
        self.ended: Counter[tuple[str, str]] = Counter()
        """By trunk and disposition."""
        self.talked: Counter[str] = Counter()
        """Seconds, by trunk."""
        self.by_campaign: dict[str, Counter[str]] = {}
        """By campaign and disposition."""
        self.begun: Counter[str] = Counter()
        """Calls claimed, by campaign."""
        self._seen: dict[str, int] = {}
        self._others: set[str] = set()
        self._over: dict[str, float] = {}
        """Campaigns that are not open any more -> the monotonic instant at which that was seen first."""
        self.amd: Counter[str] = Counter()
        """Answered calls by verdict; `none`: no detection."""
        self.refused: Counter[str] = Counter()
        """Refusals of the gate that were logged, by reason."""
        self.events: Counter[str] = Counter()
        """Opt-outs, callbacks and whatever else one line each tells of: lines by event."""
        self.lines: Counter[tuple[str, str]] = Counter()
        """By event and level: of warning and error."""
        self.troubles: deque[Trouble] = deque(maxlen=TROUBLES)

    def __repr__(self) -> str:
        return f"<Tally ended={self.ended.total()} troubles={self.lines.total()}>"

    def __call__(self, _: Any, __: str, line: dict[str, Any]) -> dict[str, Any]:
        """Count a line and hand it on."""
        event, level = line["event"], line["level"]
        self.events[event] += 1
        if event == events.CALL_ENDED:
            self._ended(line)
        elif event in (events.CONTACT_REFUSED, events.CONTACT_SUPPRESSED):
            self.refused[line["reason"]] += 1
        if level not in ("info", "debug"):
            self.lines[event, level] += 1
            self.troubles.append(Trouble(_told(line["time"]), level, event, text_of(line)))
        return line

    def _ended(self, line: Mapping[str, Any]) -> None:
        trunk, disposition = line["trunk"], line["disposition"]
        self.ended[trunk, disposition] += 1
        self.campaign(line["campaign"])[disposition] += 1
        if disposition.startswith("ANSWERED_"):
            self.talked[trunk] += line["talk"]
            word = line["amd"].partition("/")[0]
            self.amd[word if word in AMD else "other" if word else "none"] += 1

    def campaign(self, name: str) -> Counter[str]:
        """The counts of a campaign: its own while there is room, else those of all the others together."""
        found = self.by_campaign.get(name)
        return self.by_campaign.setdefault(self.label(name), Counter()) if found is None else found

    def label(self, name: str) -> str:
        """The name under which a campaign is counted: one that was told with the others once stays with them, so that no count
        goes back."""
        if name in self.by_campaign:
            return name
        if name in self._others or not self._room():
            self._others.add(name)
            return OTHER
        self.by_campaign[name] = Counter()
        return name

    def _room(self) -> bool:
        """Is there room for one more? The one that is over for longest makes it."""
        if len(self.by_campaign) - (OTHER in self.by_campaign) < self._most:
            return True
        if not self._over:
            return False
        self._forget(next(iter(self._over)))
        return True

    def refresh(self, begun: Mapping[str, int], open_campaigns: Set[str], mono: float) -> None:
        """Take the calls begun since the start, by campaign; and forget campaigns that have been over for `LINGER` seconds.
        `mono`: the monotonic instant."""
        for name, count in begun.items():
            more = count - self._seen.get(name, 0)
            if more:
                self.begun[self.label(name)] += more
                self._seen[name] = count
        for name in open_campaigns & self._over.keys():
            del self._over[name]  # it was added to
        for name in self.by_campaign.keys() - open_campaigns - {OTHER}:
            self._over.setdefault(name, mono)
        for name in [name for name, since in self._over.items() if mono - since > LINGER]:
            self._forget(name)
        for name in self._seen.keys() - open_campaigns:
            del self._seen[name]
        self._others &= open_campaigns

    def _forget(self, name: str) -> None:
        del self._over[name]
        self.by_campaign.pop(name, None)
        self.begun.pop(name, None)


def text_of(line: Mapping[str, Any]) -> str:
    """What a line says beside its event, on one line of text: the reason first, since the end may be cut off."""
    fields = sorted(line.items(), key=lambda item: item[0] not in _REASON)
    told = " ".join(
        f"{key}={value}" for key, value in fields if key not in _FRAME and value not in ("", None)
    )
    return told if len(told) <= LONGEST else told[: LONGEST - 1] + "…"


def _told(instant: datetime | str) -> str:
    """As the line has it."""
    return instant if isinstance(instant, str) else instant.isoformat().replace("+00:00", "Z")
