"""Compiles what a campaign says about its call into the flow that the dialplan reads from AstDB.

A flow is data: entries under a version that is the hash of their content, so that writing it twice changes nothing
and a live call keeps the one it started with. Paths stand in it as `{sounds}/<name>` and `{recordings}`; each PBX puts its
own directories there. The keys are documented at the top of dialplans/volley.conf.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping

from engine.campaign import Campaign
from engine.flow.actions import MESSAGE, OWN, VOICEMAIL, KeyAction
from engine.flow.graph import transfers
from engine.flow.nodes import (
    CallbackNode,
    DigitsNode,
    MenuNode,
    MessageNode,
    Node,
    QuestionNode,
    RecordNode,
    TransferNode,
)
from engine.flow.prompts import Prompt, Prompts, Said, key_of

SOUNDS = "{sounds}"
RECORDINGS = "{recordings}"
LONGEST_PART = 1000
"""Characters of one entry's sounds with the PBX's directory before each; an AMI line carries 1,024 bytes."""
LONGEST_DIRECTORY = 200
"""Characters of a directory for which that holds."""

Entries = dict[str, str]


def version(compiled: Mapping[str, str]) -> str:
    """The name of a flow: the first 16 hexadecimal digits of the SHA-256 of its entries."""
    return hashlib.sha256(json.dumps(compiled, sort_keys=True).encode()).hexdigest()[:16]


def compile_flow(
    campaign: Campaign, names: Mapping[str, str], spoken: Mapping[str, str], max_call: float
) -> Entries:
    """The entries of a campaign's flow. `names`: prompt file -> placed name; `spoken`: the prompts that come with
    Volley."""
    return _Compiler(campaign, names).entries(spoken, max_call)


class _Compiler:
    """One flow, under way."""

    def __init__(self, campaign: Campaign, names: Mapping[str, str]) -> None:
        self._campaign = campaign
        self._names = names
        self._personal = [one.key for one in campaign.personal()]
        self._transfers = transfers(campaign.menu.actions, campaign.nodes)

    def entries(self, spoken: Mapping[str, str], max_call: float) -> Entries:
        campaign, amd = self._campaign, self._campaign.amd
        person = OWN if campaign.context else MESSAGE
        found = {
            "max": str(round(max_call)),
            "amd": amd.dialplan,
            "human": person,
            "machine": person if amd.machine == MESSAGE else amd.machine,
            "unsure": person,
        }
        amounts = "amount" in campaign.spoken_fields().values()
        said = {
            what: name
            for what, name in spoken.items()
            if amounts or what.partition("_")[0] not in ("units", "cents")
        }
        said |= {what: self._names[key_of(sound)] for what, sound in campaign.say.named().items()}
        found |= {f"say/{what}": f"{SOUNDS}/{name}" for what, name in said.items()}
        if campaign.context:
            found |= _node(OWN, type=OWN, context=campaign.context)
        if campaign.message:
            found |= self._message(campaign.message.prompts)
        if campaign.voicemail:
            found |= _node(VOICEMAIL, type=VOICEMAIL)
            found |= self._list(VOICEMAIL, "prompts", campaign.voicemail.prompts)
        for name, node in campaign.nodes.items():
            found |= self._compile(name, node)
        if any(isinstance(node, RecordNode) for node in campaign.nodes.values()):
            found["recordings"] = RECORDINGS
        return found

    def _message(self, message: Prompts) -> Entries:
        menu = self._campaign.menu
        found = _node(MESSAGE, type="menu", timeout=f"{menu.timeout:g}", rounds=str(1 + menu.repeats))
        found |= self._list(MESSAGE, "prompts", message + menu.prompts)
        found |= self._list(MESSAGE, "again", menu.prompts or message)
        return found | self._keys(MESSAGE, menu.actions)

    def _compile(self, name: str, node: Node) -> Entries:
        found = self._list(name, "prompts", node.prompts)
        match node:
            case MenuNode() | QuestionNode():
                found |= _asks(name, "menu", node) | self._keys(name, node.actions)
                found |= _node(name, barge="" if node.barge_in else "no")
            case DigitsNode():
                found |= _asks(name, "digits", node)
                found |= _node(name, min=str(node.min), max=str(node.max), then=node.then)
                found |= self._list(name, "check", node.check)
            case CallbackNode():
                found |= _asks(name, "callback", node) | _node(name, start=node.start or "")
            case MessageNode():
                found |= _node(name, type="message", barge="no", then=node.then)
            case RecordNode():
                found |= self._list(name, "consent", node.consent)
                found |= _node(
                    name, type="record", max=str(round(node.max)), silence_ends=str(round(node.silence_ends)),
                    timeout=f"{node.timeout:g}", then=node.then, refused=node.refused or node.then,
                )  # fmt: skip
            case TransferNode():
                found |= _node(
                    name, type="transfer", barge="no", to=node.to, otherwise=node.otherwise or "", reserve=node.to
                )  # fmt: skip
        if isinstance(node, MenuNode | QuestionNode | DigitsNode | CallbackNode):
            found |= self._list(name, "again", node.again or node.prompts)
        return found

    def _keys(self, name: str, keys: Mapping[str, KeyAction]) -> Entries:
        reserve = "&".join(sorted(target for target, nodes in self._transfers.items() if name in nodes))
        return _node(name, reserve=reserve) | {
            f"n/{name}/key/{key}": action.dialplan for key, action in keys.items()
        }

    def _list(self, name: str, what: str, prompts: Prompts) -> Entries:
        return {
            f"n/{name}/{what}/{number}": part for number, part in enumerate(self._parts(prompts), start=1)
        }

    def _parts(self, prompts: Prompts) -> Iterator[str]:
        """Files that follow each other are one part, as far as an AMI line carries them."""
        together: list[str] = []
        for prompt in prompts:
            if not isinstance(prompt, Said) and key_of(prompt) not in self._personal:
                sound = f"{SOUNDS}/{self._names[key_of(prompt)]}"
                if together and _length([*together, sound]) > LONGEST_PART:
                    yield "files:" + "&".join(together)
                    together = []
                together.append(sound)
                continue
            if together:
                yield "files:" + "&".join(together)
                together = []
            yield self._of_the_contact(prompt)
        if together:
            yield "files:" + "&".join(together)

    def _of_the_contact(self, prompt: Prompt) -> str:
        if isinstance(prompt, Said):
            return f"{prompt.say}:{prompt.field}"
        return f"speech:{self._personal.index(key_of(prompt)) + 1:02d}:{SOUNDS}"


def _length(sounds: list[str]) -> int:
    """Characters of these sounds as one part, on a PBX whose directory is the longest."""
    return len("files:") + sum(len(sound) - len(SOUNDS) + LONGEST_DIRECTORY + 1 for sound in sounds)


def _asks(name: str, kind: str, node: MenuNode | QuestionNode | DigitsNode | CallbackNode) -> Entries:
    return _node(
        name, type=kind, timeout=f"{node.timeout:g}", rounds=str(1 + node.repeats), silence=node.silence or ""
    )


def _node(name: str, **values: str) -> Entries:
    """Entries of a node; an empty value is none."""
    return {f"n/{name}/{key}": value for key, value in values.items() if value}


def opt_out_keys(campaign: Campaign) -> dict[str, frozenset[str]]:
    """Node -> the keys that mean never again while it is heard. Where digits are typed no key means that, nor in a context of the
    operator's; nodes that listen to no key of their own have no entry."""
    if campaign.context:
        return {MESSAGE: frozenset()}
    found: dict[str, Mapping[str, KeyAction]] = {MESSAGE: campaign.menu.actions}
    found |= {
        name: node.actions
        for name, node in campaign.nodes.items()
        if isinstance(node, MenuNode | QuestionNode)
    }
    keys = {
        name: frozenset(key for key, action in actions.items() if action.action == "never_again")
        for name, actions in found.items()
    }
    typed = {
        name: frozenset[str]()
        for name, node in campaign.nodes.items()
        if isinstance(node, DigitsNode | CallbackNode)
    }
    return keys | typed
