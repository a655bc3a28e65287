"""Stores how calls ended, and says so: the rows in one transaction, the one canonical log line after its commit.

Ends that come together share a commit. One that the database refuses is tried again until it is stored: nothing is lost, and no
new call is claimed meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from engine.dialing.backlog import Backlog
from engine.dialing.canonical import line, names
from engine.dialing.ledger import Live
from engine.dialing.retry import CallbackAt, Decision
from engine.ops import log as events
from engine.ops.log import Log
from engine.store import endings, outcomes
from engine.store.outcomes import Outcome, Stored
from engine.store.writer import Writer


class Ended(NamedTuple):
    """A call that ended, and what is to be stored and said of it."""

    live: Live
    outcome: Outcome
    decision: Decision


class Ends:
    """Owns ended calls until they are stored. `freed()`: contacts may be due again; `emptied(campaign)`: none of it is open."""

    def __init__(
        self,
        writer: Writer,
        backlog: Backlog,
        log: Log,
        freed: Callable[[], None],
        emptied: Callable[[int], None],
    ) -> None:
        self._writer = writer
        self._backlog = backlog
        self._log = log
        self._freed = freed
        self._emptied = emptied
        self.unstored = 0
        """Ends that are not committed yet."""
        self._storing: asyncio.Future[Sequence[Stored]] | None = None
        self._together: list[Ended] = []
        """Those that share the unit of work that `_storing` waits for."""

    def __repr__(self) -> str:
        return f"<Ends unstored={self.unstored}>"

    def take(self, end: Ended) -> None:
        """Handed over at this very moment: an end that was reckoned before the clock was set is stored before it moves."""
        storing = self._writer.gather(endings.finish_all, end.outcome)
        if storing is not self._storing:
            self._storing, self._together = storing, []
            self._backlog.spawn(self._finish(storing, self._together))
        self._together.append(end)
        self.unstored += 1

    async def _finish(self, storing: asyncio.Future[Sequence[Stored]], together: list[Ended]) -> None:
        """Ends that share a commit."""
        try:
            found = await storing
        except (
            Exception
        ):  # one of them, or the disk: each by itself, until it is stored or says what is wrong with it
            for end in together:
                self._backlog.spawn(self._finish_alone(end))
            return
        for end, stored in zip(together, found, strict=True):
            try:
                self._stored(end, stored)
            except Exception as error:  # the others have ended too
                self._backlog.broke(error)
        self._freed()

    async def _finish_alone(self, end: Ended) -> None:
        try:
            stored = await self._backlog.stored(partial(outcomes.finish, outcome=end.outcome))
        except BaseException:
            self.unstored -= 1
            raise
        self._stored(end, stored)
        self._freed()

    def _stored(self, end: Ended, stored: Stored) -> None:
        live, outcome, decision = end
        self.unstored -= 1
        if not stored.fresh:
            return
        if outcome.next_at is not None and not stored.contact_done:
            live.running.due(outcome.next_at)
        self._log.info(events.CALL_ENDED, **names(live), **line(live.claim, outcome, decision, stored))
        if stored.missed:
            self._log.error(events.CALLBACK_MISSED, **names(live), callbacks=1, why=outcome.disposition)
        if isinstance(decision, CallbackAt):
            self._log.info(events.CALLBACK_SCHEDULED, **names(live), at=decision.at)
        if stored.campaign_open <= 0:
            self._emptied(outcome.campaign_id)
