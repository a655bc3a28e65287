"""What every caller of the benchmark dials: the numbers, the Originate and the call flow.

The bare script's Originate is Volley's own, with marks where id and number go: the two differ in what they
keep, not in what they ask of Asterisk. The plainest one has no variable, no dialplan and no id of ours beyond
the ActionID and ChannelId by which calls are told apart.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

from bench.bare_ami import ID_MARK, NUMBER_MARK
from engine.ami.encode import Originate, message
from engine.campaign import Campaign
from engine.channel import BUCKET_SECONDS
from engine.flow import compiled

TRUNK = "bench"
CALLER_ID = "+33162000001"
RING_TIMEOUT = 30.0
MOST_NUMBERS = 10_000
PROMPT = "volley/en/goodbye"
"""A sound that the lab always has. The callee hangs up before it is over."""


def numbers(count: int) -> list[str]:
    """`count` different numbers of the French range reserved for fiction, +33 1 99 00 xx xx (Arcep, decision
    2018-0881).

    Raises ValueError for more than the range has.
    """
    if not 1 <= count <= MOST_NUMBERS:
        raise ValueError(
            f"{count} calls: the range reserved for fiction has {MOST_NUMBERS} numbers, and each is called once"
        )
    return [f"+3319900{serial:04d}" for serial in range(count)]


def call_flow() -> Mapping[str, str]:
    """The flow of the benchmark's campaign: no answering machine detection, one message."""
    campaign = Campaign.model_validate(
        {
            "id": "bench",
            "owner": "bench",
            "purpose": "informational",
            "caller_id": CALLER_ID,
            "message": {"prompts": ["goodbye.wav"]},
            "menu": {"keys": {"9": "never_again"}, "repeats": 0},
            "amd": {"enabled": False},
        }
    )
    entries = compiled.compile_flow(campaign, {"goodbye.wav": PROMPT}, {}, 60.0)
    return {key: value.replace(f"{compiled.SOUNDS}/", "") for key, value in entries.items()}


def same_as_volley(flow_version: str) -> bytes:
    """Volley's Originate, with marks."""
    now = time.time()
    return Originate(
        id=ID_MARK.decode(),
        bucket=int(now) // BUCKET_SECONDS,
        dial=f"PJSIP/{NUMBER_MARK.decode()}@{TRUNK}",
        context="volley-call",
        caller_number=CALLER_ID,
        caller_name="",
        timeout=RING_TIMEOUT,
        account="bench",
        codecs=("alaw", "ulaw"),
        sent=int(now),
        flow=flow_version,
        language="en",
        fields={},
    ).encode()


def plainest() -> bytes:
    """The least that makes a call: an answer, and the PBX hangs up."""
    mark = ID_MARK.decode()
    return message(
        [
            ("Action", "Originate"),
            ("ActionID", mark),
            ("Channel", f"PJSIP/{NUMBER_MARK.decode()}@{TRUNK}"),
            ("ChannelId", mark),
            ("Application", "Hangup"),
            ("Timeout", str(round(RING_TIMEOUT * 1000))),
            ("CallerID", f"<{CALLER_ID}>"),
            ("Async", "true"),
        ]
    )
