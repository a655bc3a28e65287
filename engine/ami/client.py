"""What Volley asks of a PBX beside its calls: channels, what AstDB holds, sounds. One action each, over the connection that
`engine.ami.connection` keeps up."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from engine.ami import events, outbox
from engine.ami.connection import Connection
from engine.ami.encode import Header
from engine.ami.fetch import TIMEOUT as FETCH_TIMEOUT
from engine.ami.fetch import Fetch, Fetched
from engine.ami.session import deadline, first
from engine.channel import InboundOptOut, attempt_of, bucket_of, channel_id
from engine.errors import AmiActionFailed, AmiUnreachable


@dataclass(frozen=True, slots=True)
class LiveChannel:
    """A channel of ours that lives in Asterisk now."""

    attempt: int
    name: str
    ringing: bool
    up: bool


class AmiClient(Connection):
    """The manager interface of one PBX, with the few actions that Volley uses."""

    async def hang_up(self, channel: str) -> bool:
        """Hang a channel up, by id or name. False when it is not there (any more)."""
        return await self._try([("Action", "Hangup"), ("Channel", channel), ("Cause", "16")])

    async def redirect(self, channel: str, context: str, exten: str) -> bool:
        """Send a channel elsewhere in the dialplan. False when it is not there (any more)."""
        return await self._try(
            [
                ("Action", "Redirect"),
                ("Channel", channel),
                ("Context", context),
                ("Exten", exten),
                ("Priority", "1"),
            ]
        )

    async def _try(self, headers: list[Header]) -> bool:
        try:
            await self._action(headers)
        except AmiActionFailed:
            return False
        return True

    async def live_channels(self) -> list[LiveChannel]:
        """Our channels that live now: one snapshot, for reconciliation only (CoreShowChannels locks under load)."""
        found = []
        for fields in await self._list([("Action", "CoreShowChannels")]):
            attempt = attempt_of(fields.get("Uniqueid", ""))
            if attempt is not None:
                state = fields.get("ChannelState")
                found.append(
                    LiveChannel(
                        attempt, fields.get("Channel", ""), state == events.RINGING, state == events.UP
                    )
                )
        return found

    async def queue(self, name: str) -> tuple[int, int]:
        """Agents of a queue who are free, and callers who wait in it. Raises AmiError."""
        for fields in await self._list([("Action", "QueueSummary"), ("Queue", name)]):
            if fields.get("Queue") == name:
                return int(fields.get("Available", "0")), int(fields.get("Callers", "0"))
        raise AmiActionFailed(f"PBX {self.name}: it has no queue {name}")

    async def evidence(self, buckets: Iterable[int] | None = None) -> dict[int, outbox.Evidence]:
        """What the dialplan kept in AstDB, by attempt: of these buckets, or all of it."""
        if buckets is None:
            return outbox.read(await self._entries("volley"))
        found: dict[int, outbox.Evidence] = {}
        for bucket in sorted(buckets):
            found.update(outbox.read(await self._entries("volley", str(bucket))))
        return found

    async def _entries(self, family: str, key: str = "") -> list[tuple[str, str]]:
        headers = [("Action", "DBGetTree"), ("Family", family)]
        rows = await self._list([*headers, ("Key", key)] if key else headers)
        return [(fields["Key"], fields.get("Val", "")) for fields in rows if "Key" in fields]

    async def fetch(self, wanted: Fetch) -> Fetched:
        """Have the PBX fetch a file over HTTP; returns what lies there then. Raises AmiError, RefusedField."""
        manager, answer_id = self._manager, f"fetch-{next(self._ids)}"
        with self._fetches.expected(answer_id) as answer:
            await self._action(wanted.headers(answer_id))
            assert manager is not None, "there was a connection to write to"
            async with deadline(FETCH_TIMEOUT, f"PBX {self.name}: no word of {wanted.url}"):
                await first(asyncio.wait([answer]), manager.lost)
            if not answer.done():
                raise AmiUnreachable(f"PBX {self.name}: the connection ended while {wanted.url} was fetched")
            return answer.result()

    async def evidence_of(self, attempt: int) -> outbox.Evidence | None:
        """What the dialplan kept in AstDB of one attempt; None when there is nothing, so when there never was a
        channel."""
        key = f"{bucket_of(attempt)}/{channel_id(attempt)}"
        return outbox.read(await self._entries("volley", key)).get(attempt)

    async def drop_bucket(self, bucket: int) -> None:
        """Delete a bucket of the outbox. Nothing when it is not there."""
        await self._try([("Action", "DBDelTree"), ("Family", "volley"), ("Key", str(bucket))])

    async def flows(self) -> set[str]:
        """The versions of the flows that are in AstDB."""
        return {key.strip("/").split("/")[1] for key, _ in await self._entries("volleyflow")}

    async def drop_flow(self, version: str) -> None:
        """Delete a flow. Nothing when it is not there."""
        await self._try([("Action", "DBDelTree"), ("Family", "volleyflow"), ("Key", version)])

    async def put_flow(self, version: str, entries: dict[str, str]) -> None:
        """Write a flow into AstDB; the same version twice is the same content. Raises AmiError."""
        for key, value in entries.items():
            await self._action(
                [("Action", "DBPut"), ("Family", "volleyflow"), ("Key", f"{version}/{key}"), ("Val", value)]
            )

    # -- people who call back ------------------------------------------------------------------------------------------

    async def put_family(self, family: str, entries: dict[str, str]) -> None:
        """Make this AstDB family hold these entries and no others; what is right already is left alone. Raises AmiError."""
        there = await self._entries(family)
        kept = {
            key.removeprefix(f"/{family}/"): value for key, value in there if key.startswith(f"/{family}/")
        }
        for key, value in entries.items():
            if kept.pop(key, None) != value:
                await self._action([("Action", "DBPut"), ("Family", family), ("Key", key), ("Val", value)])
        for key in kept:
            await self._try([("Action", "DBDel"), ("Family", family), ("Key", key)])

    async def set_variables(self, channel: str, values: Mapping[str, str]) -> None:
        """Set variables of a channel. Nothing when it is not there any more. Raises AmiError."""
        for name, value in values.items():
            await self._try(
                [("Action", "Setvar"), ("Channel", channel), ("Variable", name), ("Value", value)]
            )

    async def inbound_opt_outs(self) -> tuple[list[InboundOptOut], list[str]]:
        """Opt-outs of people who called back that wait in AstDB, and the calls whose entry cannot be read. Raises
        AmiError."""
        return outbox.read_inbound(await self._entries("volley", "inbound"))

    async def drop_inbound(self, call: str) -> None:
        """Delete an opt-out that is stored. Nothing when it is not there."""
        await self._try([("Action", "DBDel"), ("Family", "volley"), ("Key", f"inbound/{call}")])
