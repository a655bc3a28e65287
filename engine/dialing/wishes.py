"""What people ask for in a call, and what it takes of others: to be connected with somebody, to be called back at some time.

The dialplan does it; here the agents' places are counted, and the person is told when the callback will really be.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from engine.channel import Report, channel_id
from engine.dialing.backlog import Backlog
from engine.dialing.call import State
from engine.dialing.ledger import Ledger, Live
from engine.dialing.promise import Asked
from engine.dialing.spoken import formats
from engine.dialing.surroundings import REAP_GRACE, Channels, Clock
from engine.errors import AmiError, StoreError
from engine.ops import log as events
from engine.ops.log import Log
from engine.store import promising
from engine.store.writer import Writer


class Wishes:
    """Takes the reports `transfer` and `callback` of live calls."""

    def __init__(
        self,
        ledger: Ledger,
        backlog: Backlog,
        writer: Writer,
        channels: Callable[[str], Channels],
        clock: Clock,
        log: Log,
        freed: Callable[[], None],
    ) -> None:
        self._ledger = ledger
        self._backlog = backlog
        self._writer = writer
        self._channels = channels
        self._clock = clock
        self._log = log
        self._freed = freed

    def take(self, live: Live, report: Report) -> None:
        """What this report is about; nothing for a call that has ended."""
        if live.call.state is State.ENDED:
            return
        if report.kind == "transfer":
            self._transfer(live, report)
        elif live.call.asked is not None:
            self._backlog.spawn(self._grant(live, live.call.asked))

    def _transfer(self, live: Live, report: Report) -> None:
        """The callee is connected, or nobody was free."""
        target, _, what = report.value.rpartition("/")
        agents, attempt = self._ledger.agents, live.claim.attempt
        if what == "nobody":
            agents.parted(target, attempt)
            self._ledger.part(live)
            self._freed()
            return
        agents.connected(target, attempt)
        self._ledger.connect(live, agents.trunk(target))
        live.deadline = max(live.deadline, self._clock.mono() + agents.longest(target) + REAP_GRACE)

    async def _grant(self, live: Live, asked: Asked) -> None:
        """Tell the person in the call when the callback will really be: the hours of the law and the campaign decide. Nobody waits
        for it longer than two seconds; then the same is found out when the callback is due."""
        at = asked.instant(live.claim.zones)
        language = live.claim.language or live.running.campaign.language
        look = partial(
            promising.promise,
            contact_id=live.claim.contact_id,
            rules=live.running.rules,
            at=at,
            now=self._clock.now(),
        )
        try:
            live.call.granted = await self._writer.submit(look)
            if live.call.granted is not None:
                await self._channels(live.trunk.pbx).set_variables(
                    channel_id(live.claim.attempt),
                    {
                        "VOLLEY_ZONE": live.claim.zones[0] if live.claim.zones else "UTC",
                        "VOLLEY_WHEN": "".join(formats(language)),
                        "VOLLEY_GRANTED": str(int(live.call.granted)),
                    },
                )
        except (AmiError, StoreError) as error:
            self._log.warning(
                events.ENGINE_FAULT,
                what="could not tell when the callback will be",
                error=str(error),
                campaign=live.running.name,
                attempt=channel_id(live.claim.attempt),
            )
