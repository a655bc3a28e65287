"""The ledger: what is taken is given back exactly once."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from engine.dialing.agents import Agents
from engine.dialing.ledger import Ledger, Live
from engine.dialing.running import Running
from engine.dialing.trunks import Trunks
from engine.store.campaigns import CampaignRow
from engine.store.claimed import Claim

MANIFEST: dict[str, Any] = {
    "id": "c", "owner": "Anna", "purpose": "survey", "caller_id": ["+33162000001"], "message": {"prompts": ["a.wav"]}
}  # fmt: skip


def claim(attempt: int) -> Claim:
    return Claim(
        attempt=attempt, contact_id=1, campaign_id=1, number_id=1, e164="+33199001001", dialed="+33199001001",
        caller_id="+33162000001", trunk="a", kind="first", position=0, numbers=1, attempts=0, tries={},
        invalid=frozenset(), callback_id=None, callbacks=0, flow_version="f", language="", fields="{}", created_at=1.0,
    )  # fmt: skip


async def test_calls_take_a_channel_of_everything_and_give_it_back(some_settings) -> None:
    trunks = Trunks(some_settings(), {"a": (1, 1), "b": (2, 1)})
    running = Running(CampaignRow(1, "c", 50, "running", MANIFEST, "f", 1.0, None, 2), some_settings())
    ledger = Ledger(trunks, Agents({}))
    claimed, adopted = (Live(claim(attempt), running, trunks.by_name["a"]) for attempt in (1, 2))
    ledger.open(claimed)
    ledger.open(adopted, adopted=True)
    assert (len(ledger), running.live, trunks.live, trunks.queued) == (2, 2, 2, 1)
    assert (ledger.begun, ledger.begun_by) == ({"c": 1}, {"a": 1}), "one was begun before this start"
    assert ledger.get(1) is claimed
    assert ledger.get(3) is None
    fired = []
    claimed.timer = asyncio.get_running_loop().call_later(0.01, fired.append, 1)
    for live in ledger:  # closing while walking through them is how calls end
        ledger.close(live)
    await asyncio.sleep(0.03)
    assert fired == []
    assert claimed.timer is None
    assert (len(ledger), running.live, trunks.live) == (0, 0, 0)
    with pytest.raises(KeyError):
        ledger.close(claimed)
    assert (running.live, trunks.live) == (0, 0)
