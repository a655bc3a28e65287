"""Compiles what a campaign says about its call into the flow that the dialplan reads from AstDB.

A flow is data: entries under a version that is the hash of their content, so that writing it twice changes nothing
and a live call keeps the one it started with. Prompts stand in it as `{sounds}/<name>`; each PBX puts its own
directory there. The keys are documented at the top of dialplans/volley.conf.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from engine.campaign import Campaign

AMD_DEFAULT = "2500,2500,800,5000,120,50,6,256"
"""Initial silence, greeting, silence after greeting, total time, minimum word length, silence between words (ms),
words, threshold.

The length of the greeting decides, hardly its words: with 3 or 4 words at most the lab's business greeting ("Good
morning, Smith and sons plumbing, how can I help you?") was called a machine; with 6 words and 2.5 seconds people
and voicemails of both languages came out right.
"""

SOUNDS = "{sounds}"


@dataclass(frozen=True, slots=True)
class Menu:
    """A message, and what the keys do. `prompts` and `again` are names below the sounds directory."""

    prompts: tuple[str, ...]
    again: tuple[str, ...]
    timeout: float
    rounds: int
    keys: Mapping[str, str]
    """Key -> action of the dialplan (`optout`, `callback:3600`, `answer:confirmed`, `repeat`, `end`)."""


@dataclass(frozen=True, slots=True)
class Flow:
    """All that a call of a campaign does. A verdict's node is `message`, `voicemail` or `hangup`."""

    max_call: float
    amd: str
    human: str
    machine: str
    unsure: str
    message: Menu
    voicemail: tuple[str, ...]
    say: Mapping[str, str]
    """What is spoken after an action -> a name below the sounds directory."""


def entries(flow: Flow) -> dict[str, str]:
    """AstDB key below the version -> value."""
    found = {
        "max": str(round(flow.max_call)),
        "amd": flow.amd,
        "human": flow.human,
        "machine": flow.machine,
        "unsure": flow.unsure,
        "n/message/type": "menu",
        "n/message/prompts": _sounds(flow.message.prompts),
        "n/message/again": _sounds(flow.message.again or flow.message.prompts),
        "n/message/timeout": f"{flow.message.timeout:g}",
        "n/message/rounds": str(flow.message.rounds),
    }
    found.update({f"n/message/key/{key}": action for key, action in flow.message.keys.items()})
    if flow.voicemail:
        found["n/voicemail/type"] = "voicemail"
        found["n/voicemail/prompts"] = _sounds(flow.voicemail)
    found.update({f"say/{what}": _sounds((name,)) for what, name in flow.say.items()})
    return found


def version(compiled: Mapping[str, str]) -> str:
    """The name of a flow: the first 16 hexadecimal digits of the SHA-256 of its entries."""
    return hashlib.sha256(json.dumps(compiled, sort_keys=True).encode()).hexdigest()[:16]


def _sounds(names: tuple[str, ...]) -> str:
    return "&".join(f"{SOUNDS}/{name}" for name in names)


def compile_flow(
    campaign: Campaign, names: Mapping[str, str], spoken: Mapping[str, str], max_call: float
) -> dict[str, str]:
    """The entries of a campaign's flow. `names`: prompt file -> placed name; `spoken`: the prompts that come with
    Volley."""

    def placed(files: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(names[file] for file in files)

    said = dict(spoken)
    said.update({what: names[file] for what, file in campaign.say.model_dump().items() if file is not None})
    message = placed(campaign.message.prompts)
    asked = placed(campaign.menu.prompts)
    return entries(
        Flow(
            max_call=max_call,
            amd=(campaign.amd.settings or AMD_DEFAULT) if campaign.amd.enabled else "off",
            human=campaign.amd.human,
            machine=campaign.amd.machine,
            unsure=campaign.amd.unsure,
            message=Menu(
                message + asked,
                asked or message,
                campaign.menu.timeout,
                1 + campaign.menu.repeats,
                {key: action.dialplan for key, action in campaign.menu.actions.items()},
            ),
            voicemail=placed(campaign.voicemail.prompts) if campaign.voicemail else (),
            say=said,
        )
    )
