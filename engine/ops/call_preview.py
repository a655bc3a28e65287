"""What a callee of a campaign would hear and could press, from its manifest: prompts with their lengths,
keys, verdicts, retries."""

from __future__ import annotations

from dataclasses import dataclass, field

from engine import durations
from engine.campaign import Campaign
from engine.config import Settings
from engine.flow import diagram
from engine.flow.actions import DEFAULT_AFTER, MESSAGE, OWN, VOICEMAIL, KeyAction
from engine.flow.languages import EVERYBODY
from engine.flow.prompts import Prompt, Prompts, Said, Spoken, key_of, shown
from engine.intake.prompts import Prepared
from engine.ops import reasons


@dataclass(frozen=True, slots=True)
class PromptShown:
    """A prompt: a file, a text, a field. `seconds` is None for what is personal, and where it is not known (the problems tell
    why)."""

    file: str
    seconds: float | None
    languages: dict[str, float] = field(default_factory=dict)
    """Its variants, where it has some: language -> how long."""
    personal: bool = False
    """It holds a field of the contact."""


@dataclass(frozen=True, slots=True)
class CallPreview:
    """The call in words. `keys`: key -> what it does."""

    caller_ids: tuple[str, ...]
    trunks: tuple[str, ...]
    message: tuple[PromptShown, ...]
    menu: tuple[PromptShown, ...]
    voicemail: tuple[PromptShown, ...]
    keys: dict[str, str]
    human: str
    machine: str
    unsure: str
    ring_timeout: float
    max_call: float
    max_attempts: int
    min_gap: float
    flow: tuple[str, ...]
    """Each node with what it speaks and what follows, as lines of text."""
    mermaid: str
    """The same as a Mermaid flowchart."""
    retries: dict[str, str]
    """Disposition -> what follows it, where the manifest says something of its own."""


def described(campaign: Campaign, prepared: Prepared, settings: Settings) -> CallPreview:
    """The call of this campaign, whose prompts were made."""

    def shown(prompts: Prompts) -> tuple[PromptShown, ...]:
        return tuple(_shown(prompt, prepared) for prompt in prompts)

    amd = campaign.amd
    keys = campaign.menu.actions
    spoken = {MESSAGE: (campaign.message.prompts if campaign.message else ()) + campaign.menu.prompts}
    if campaign.voicemail:
        spoken[VOICEMAIL] = campaign.voicemail.prompts
    person = OWN if campaign.context else MESSAGE
    machine = person if amd.machine == MESSAGE else amd.machine
    verdicts = {"human": person, "machine": machine, "unsure": person} if amd.enabled else {"answer": person}
    return CallPreview(
        caller_ids=campaign.caller_id,
        trunks=campaign.trunks or tuple(settings.trunk),
        message=shown(campaign.message.prompts if campaign.message else ()),
        menu=shown(campaign.menu.prompts),
        voicemail=shown(campaign.voicemail.prompts if campaign.voicemail else ()),
        keys={} if campaign.context else {key: _action(action) for key, action in sorted(keys.items())},
        human=person,
        machine=machine if amd.enabled else "not told from people",
        unsure=person,
        ring_timeout=campaign.ring_timeout or settings.limits.ring_timeout,
        max_call=campaign.max_call or settings.limits.max_call,
        max_attempts=campaign.retry.max_attempts,
        min_gap=campaign.retry.min_gap,
        flow=tuple(diagram.tree(keys, campaign.nodes, spoken, campaign.context)),
        mermaid=diagram.mermaid(keys, campaign.nodes, verdicts, spoken, campaign.context),
        retries={
            word: f"after {durations.text(rule.delay)}, at most {reasons.times(rule.attempts)} more"
            if rule.attempts
            else "not again"
            for word, rule in campaign.retry.policy.rules.items()
        },
    )


def _shown(prompt: Prompt, prepared: Prepared) -> PromptShown:
    if isinstance(prompt, Said) or (isinstance(prompt, Spoken) and prompt.fields):
        return PromptShown(shown(prompt), None, personal=True)
    lasts = {
        language: round(prepared.seconds[file], 1)
        for language, file in prepared.variants.get(key_of(prompt), {}).items()
        if file in prepared.seconds
    }
    return PromptShown(shown(prompt), lasts.pop(EVERYBODY, None), lasts)


def _action(action: KeyAction) -> str:
    match action.action:
        case "never_again":
            return "never call again"
        case "call_back":
            if action.at is not None:
                return f"call back at {action.at}"
            return f"call back in {durations.text(DEFAULT_AFTER if action.after is None else action.after)}"
        case "confirm":
            return f"confirm ({action.label or 'confirmed'})"
        case "answer":
            return f"answer {action.label}"
        case "go":
            return f"go on with {action.to}"
        case "transfer":
            return f"connect with {action.to}"
        case word:
            return word
