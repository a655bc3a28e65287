"""People who call our numbers back: what they hear, and their opt-outs.

What they hear is written into AstDB like flows; their opt-outs come as events, and wait in AstDB while the engine is
away. Knows one PBX's AMI; what the entries are is for `engine.inbound`.
"""

from __future__ import annotations

import contextlib
from functools import partial

from engine import inbound
from engine.ami.client import AmiClient
from engine.channel import InboundOptOut
from engine.config import Settings
from engine.dialing.follower import Follower
from engine.dialing.surroundings import Clock
from engine.errors import AmiError
from engine.ops import log as events
from engine.ops.log import Log
from engine.rules.numbers import NumberError
from engine.store import inbound as stored


class CallingBack:
    """The calls that come in to one PBX at our caller IDs."""

    def __init__(
        self, pbx: str, settings: Settings, ami: AmiClient, follower: Follower, clock: Clock, log: Log
    ) -> None:
        self._pbx = pbx
        self._settings = settings
        self._ami = ami
        self._follower = follower
        self._clock = clock
        self._log = log
        self._told = False
        self.sounds: frozenset[str] = frozenset()
        """The names of the sounds that are said."""

    async def set_up(self) -> None:
        """After a login: write who calls from our numbers, and take the opt-outs that wait. Raises AmiError."""
        if self._pbx not in self._settings.pbx:
            return
        pbx = self._settings.pbx[self._pbx]
        where = pbx.sounds_path or str(pbx.sounds_dir)
        wanted = inbound.entries(self._settings.caller_id, pbx.sounds_dir, where)
        said = [sound for value in wanted.entries.values() for sound in value.split("&")]
        self.sounds = frozenset(
            sound.removeprefix(f"{where}/") for sound in said if sound.startswith(f"{where}/")
        )
        if wanted.mute and not self._told:
            self._told = True
            self._log.warning(
                events.INBOUND_MUTE,
                numbers=len(wanted.mute),
                todo="give each [[caller_id]] a prompt that says who calls",
            )
        await self._ami.put_family(inbound.FAMILY, wanted.entries)
        opt_outs, unreadable = await self._ami.inbound_opt_outs()
        for call in unreadable:
            self._log.error(
                events.OPTOUT_UNREADABLE, call=call, why="the entry in AstDB is not what the dialplan writes"
            )
        for event in opt_outs:
            self.take(event)

    def take(self, event: InboundOptOut) -> None:
        """Somebody who called back said never again."""
        self._follower.backlog.spawn(self._opt_out(event))

    async def _opt_out(self, event: InboundOptOut) -> None:
        try:
            number = inbound.caller_of(event, self._settings.caller_id, self._settings.defaults.region)
        except NumberError as error:
            self._log.error(events.OPTOUT_UNREADABLE, call=event.call, why=str(error))
            return
        numbers = await self._follower.backlog.stored(
            partial(stored.opt_out, pbx=self._pbx, event=event, number=number, now=self._clock.now()),
            withdraws=True,
        )
        if numbers:
            self._follower.suppress(numbers)
            self._log.info(events.OPTOUT_RECORDED, call=event.call)
        with contextlib.suppress(AmiError):  # it is read again at the next login, and changes nothing then
            await self._ami.drop_inbound(event.call)
