"""What `volley top` shows and what its keys mean, without a terminal: the pictures of one engine over time, the campaign that is
chosen, and the requests that keys make.

Figures come from the books (they are there when no engine runs) and from what the running engine tells of itself. What changes the
engine goes through the queue's control door, as with every command.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from engine.config import Settings
from engine.histogram import quantile
from engine.ops import log_tail, outlook, pulse, status
from engine.ops.figures import CampaignStatus, Status
from engine.ops.outlook import Outlook
from engine.ops.pulse import Pulse, Times
from engine.ops.tally import Trouble

RATE_OVER = 5.0
"""Seconds over which the present rate is reckoned."""
TIMES_OVER = 60.0
"""Seconds over which acknowledgements, commits and lags are."""
OUTLOOK_EVERY = 10.0
"""Seconds between two looks at the attempts of the last minutes."""
STEERABLE = ("scheduled", "running", "paused")
DRAIN_REASON = "drained from volley top"

Request = dict[str, Any]
Send = Callable[[Request], None]
"""Puts a request into the queue; its answer comes later, through `Top.answered`."""


@dataclass(frozen=True, slots=True)
class Picture:
    """Everything that is shown at one moment."""

    status: Status
    pulse: Pulse | None
    """None: no engine tells anything."""
    outlook: Outlook
    rate: float
    """Calls begun a second: over the last seconds where an engine runs, else over the last minute."""
    trunk_rates: dict[str, float]
    times: dict[str, tuple[float, float]]
    """Of the last minute: `acknowledgement`, `commit`, `loop lag` -> the bounds under which half and 95 of 100 lie, in seconds."""
    troubles: list[Trouble]


class History:
    """What an engine told lately, for what can only be seen over time."""

    def __init__(self) -> None:
        self._told: deque[Pulse] = deque()

    def add(self, now: Pulse | None) -> None:
        """Take the newest. An engine that is gone, or another one, has no history."""
        if now is None or (self._told and self._told[-1].started != now.started):
            self._told.clear()
        if now is not None:
            self._told.append(now)
            while now.at - self._told[0].at > TIMES_OVER:
                self._told.popleft()

    def rates(self) -> tuple[float, dict[str, float]] | None:
        """Calls begun a second, in all and by trunk; None while there is only one moment."""
        if not self._told:
            return None
        last = self._told[-1]
        first = next(one for one in self._told if last.at - one.at <= RATE_OVER)
        span = last.at - first.at
        if span <= 0:
            return None
        then = {trunk.name: trunk.begun for trunk in first.trunks}
        return (last.begun - first.begun) / span, {
            trunk.name: (trunk.begun - then.get(trunk.name, 0)) / span for trunk in last.trunks
        }

    def times(self) -> dict[str, tuple[float, float]]:
        """As in `Picture.times`; of a single moment, since the engine's start."""
        if not self._told:
            return {}
        last = self._told[-1]
        first = self._told[0] if len(self._told) > 1 else None
        found = {
            "acknowledgement": _between(first.acknowledged if first else None, last.acknowledged),
            "commit": _between(first.committed if first else None, last.committed),
            "loop lag": _between(first.lagged if first else None, last.lagged),
        }
        return {name: times for name, times in found.items() if times is not None}


def _between(first: Times | None, last: Times) -> tuple[float, float] | None:
    counts = [now - (first.counts[at] if first else 0) for at, now in enumerate(last.counts)]
    half, most = (quantile(last.bounds, counts, share) for share in (0.5, 0.95))
    return None if half is None or most is None else (half, most)


class Top:
    """One session of looking at one engine."""

    def __init__(self, settings: Settings, by: str, send: Send) -> None:
        self._settings = settings
        self._by = by
        self._send = send
        self._history = History()
        self._outlook = Outlook({}, {})
        self._outlook_at = float("-inf")
        self.chosen = ""
        """The campaign that keys speak of."""
        self.confirming: tuple[str, ...] = ()
        """Campaigns that a drain would pause, while it is asked whether it is meant."""
        self.note = ""
        """What is told in the last line until the next key."""
        self.over = False
        self._campaigns: list[CampaignStatus] = []

    def look(self, now: float) -> Picture:
        """Take a picture. Raises StoreError when there are no books."""
        settings = self._settings
        told = pulse.read(settings.engine.state)
        found = status.look(settings, now, told=told)
        self._history.add(told)
        if abs(now - self._outlook_at) >= OUTLOOK_EVERY:
            self._outlook, self._outlook_at = outlook.look(settings.database, now), now
        rates = self._history.rates()
        minute = {trunk.name: trunk.minute.begun / status.MINUTE for trunk in found.trunks}
        troubles = (
            [Trouble(**one) for one in told.troubles]
            if told is not None
            else log_tail.troubles(settings.log.file)
        )
        self._campaigns = found.campaigns
        self._choose(0)
        return Picture(
            found,
            told,
            self._outlook,
            rates[0] if rates else found.minute.begun / status.MINUTE,
            rates[1] if rates else minute,
            self._history.times(),
            troubles,
        )

    # -- keys ----------------------------------------------------------------------------------------------------------

    def press(self, key: str) -> None:
        """Do what a key means: up, down, p, r, d, q; y and n while something is asked."""
        asked, self.confirming, self.note = self.confirming, (), ""
        if asked:
            if key == "y":
                for name in asked:
                    self._ask("pause", name, DRAIN_REASON)
            else:
                self.note = "Nothing was changed."
            return
        match key:
            case "up" | "k":
                self._choose(-1)
            case "down" | "j":
                self._choose(1)
            case "p":
                self._steer("pause", ("scheduled", "running"))
            case "r":
                self._steer("resume", ("paused",))
            case "d":
                self.confirming = tuple(
                    one.name for one in self._campaigns if one.state in ("scheduled", "running")
                )
                if not self.confirming:
                    self.note = "No campaign is running: there is nothing to drain."
            case "q":
                self.over = True

    def answered(self, request: Request, reply: dict[str, Any] | None, engine_runs: bool) -> None:
        """The engine's answer to a request; None: it has not answered in time."""
        what = f"{request['action']} {request['campaign']}"
        if reply is None:
            why = (
                "the engine has not answered yet"
                if engine_runs
                else "no engine runs; it is done when one does"
            )
            self.note = f"{what}: queued, {why}."
        elif reply["ok"]:
            self.note = f"{what}: it is {reply['state']}."
        else:
            self.note = f"{what}: " + "; ".join(str(one["what"]) for one in reply["problems"])

    def _choose(self, step: int) -> None:
        names = [one.name for one in self._campaigns if one.state in STEERABLE]
        if not names:
            self.chosen = ""
            return
        at = names.index(self.chosen) if self.chosen in names else 0
        self.chosen = names[min(len(names) - 1, max(0, at + step))]

    def _steer(self, action: str, states: tuple[str, ...]) -> None:
        state = next((one.state for one in self._campaigns if one.name == self.chosen), "")
        if not state:
            self.note = "There is no open campaign."
        elif state not in states:
            self.note = f"{self.chosen} is {state}."
        else:
            self._ask(action, self.chosen, "")

    def _ask(self, action: str, campaign: str, reason: str) -> None:
        self.note = f"{action} {campaign}: asked for."
        self._send({"action": action, "campaign": campaign, "reason": reason, "by": self._by})
