"""Test calls: one person called as a campaign would call them, at once or not at all.

The call goes the way of every call: a contact, the gate, an attempt, an Originate. It belongs to a campaign of its own beside the
one that is tested, so it stands in nobody's figures; the law's caps count it, since the telephone rang. What the gate would not
let through now is refused at once; what nobody has dialed by then lapses.
"""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from engine.campaign import Campaign
from engine.clock import Clock
from engine.config import Settings
from engine.contacts import Contact
from engine.dialing.running import Running
from engine.errors import InputError, Problem
from engine.halts import Halts
from engine.intake.steering_requests import CallRequest
from engine.intake.trial import trial_contact
from engine.ops import log as events
from engine.ops import reasons
from engine.ops.log import Log
from engine.rules.gate import decide
from engine.store import campaigns, trials
from engine.store.audit import Action, append, masked
from engine.store.campaigns import CampaignRow
from engine.store.due import contact as one_contact
from engine.store.listing import Lists
from engine.store.past import StoredPast, matter_of
from engine.store.writer import Writer

LASTS = 60.0
"""Seconds in which a test call must be dialed."""


class Trials:
    """Does such requests."""

    def __init__(
        self,
        settings: Settings,
        writer: Writer,
        lists: Lists,
        halts: Halts,
        clock: Clock,
        log: Log,
        *,
        changed: Callable[[], None],
        up: Callable[[], frozenset[str]],
    ) -> None:
        """`up()` names the PBXs that can dial now."""
        self._settings = settings
        self._writer = writer
        self._lists = lists
        self._halts = halts
        self._clock = clock
        self._log = log
        self._changed = changed
        self._up = up

    async def call(self, request: CallRequest, asker: str) -> dict[str, Any]:
        """Make the call due; returns the names of its campaign and contact. Raises InputError with why it is not made."""
        found = await self._writer.submit(partial(campaigns.campaign_state, name=request.campaign))
        if found is None or found[1] in ("loading", "failed"):
            state = (
                f"there is no campaign {request.campaign!r}"
                if found is None
                else f"{request.campaign} is {found[1]}"
            )
            raise InputError([Problem("campaign", state, "see `volley status`")])
        row = await self._writer.submit(partial(campaigns.campaign, campaign_id=found[0]))
        campaign = Campaign.model_validate(row.manifest)
        now = self._clock.now()
        if request.asked_at is not None and now - request.asked_at > LASTS:
            raise InputError([Problem("asked_at", "it was asked for more than a minute ago", "ask again")])
        if word := self._halts.word(now):
            raise InputError([Problem("the call", word, "volley go, or volley quiet --off")])
        trunks = campaign.trunks or tuple(self._settings.trunk)
        pbxs = {self._settings.trunk[name].pbx for name in trunks if name in self._settings.trunk}
        if not pbxs & self._up():
            raise InputError(
                [Problem("the call", "no PBX of its trunks is connected", "see the log: ami.failed")]
            )
        contact = trial_contact(request, campaign, self._settings, row.message_seconds, now, LASTS)
        contact_id = await self._writer.submit(
            partial(self._open, row=row, contact=contact, spoken_to=bool(campaign.personal()),
                    job_id=f"test-{secrets.token_hex(8)}", now=now, asker=asker, reason=request.reason)
        )  # fmt: skip
        name = row.name + trials.SIGN
        self._log.info(events.CALL_REQUESTED, campaign=name, contact=contact_id, by=request.by)
        self._changed()
        return {"campaign": name, "contact": contact_id, "until": now + LASTS}

    def _open(
        self,
        connection: sqlite3.Connection,
        row: CampaignRow,
        contact: Contact,
        spoken_to: bool,
        job_id: str,
        now: float,
        asker: str,
        reason: str,
    ) -> int:
        """One unit of work: the contact is there and the gate would let it through, or nothing has happened."""
        campaign_id, contact_id = trials.open_trial(
            connection, row, contact, job_id, now, spoken_to=spoken_to
        )
        running = Running(campaigns.campaign(connection, campaign_id), self._settings)
        due = one_contact(connection, contact_id)
        assert due is not None, "it was put there just now"
        self._lists.refresh(connection)
        past = StoredPast(
            connection, matter_of(connection, campaign_id), due.number_id, due.e164, self._lists, now
        )
        candidate = replace(due.candidate(False), expires=None)  # a refusal is to tell what stands against it
        verdict = decide(running.rules, candidate, past, now, sorted(running.trunks))
        if not verdict.allowed:
            detail = f" ({verdict.ground.detail})" if verdict.ground.detail else ""
            what = f"it is not allowed now: {reasons.sentence(verdict.reason)}{detail}"
            raise InputError([Problem(str(verdict.reason), what)])
        append(
            connection, Action.CAMPAIGN_TESTED, now, actor=masked(asker), subject=f"campaign {row.name}",
            details={"contact": contact_id, "number": due.number_id, **({"reason": masked(reason)} if reason else {})},
        )  # fmt: skip
        return contact_id
