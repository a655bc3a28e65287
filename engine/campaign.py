"""What a campaign is: the settings that its manifest carries, typed and checked.

Read by intake (which accepts it) and by the dispatcher (which obeys it). The contacts are not in it. An unknown key
is an error.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, StringConstraints, field_validator, model_validator

from engine.dialing.disposition import Disposition
from engine.dialing.retry import DEFAULTS, Policy, Rule
from engine.durations import Duration
from engine.flow import graph
from engine.flow.actions import Key, KeyAction, NodeName, with_never_again
from engine.flow.nodes import Node, RecordNode, speaks
from engine.flow.prompts import (
    FieldName,
    Prompt,
    Prompts,
    SayKind,
    SomePrompts,
    Sound,
    Spoken,
    files,
    personal,
    said,
    shown,
    texts,
)
from engine.model import E164, Language, Model, Name, in_utc
from engine.rules.book import Purpose, Topic
from engine.rules.hours import Window

CampaignId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
OnMachine = Literal["message", "voicemail", "hangup"]
Context = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,63}$")]

MOST_PERSONAL = 20
"""Texts with fields of the contact that a campaign may have: each is a channel variable."""
RETRIED = tuple(
    word for word in DEFAULTS if word not in ("NOT_SENT", "CANCELLED", "UNKNOWN", "INVALID_NUMBER")
)
"""Dispositions that a campaign can give a retry rule. An invalid number is followed by the contact's next one, at once."""


class MessageSettings(Model):
    """`[message]`: what a person hears first. A key interrupts it."""

    prompts: SomePrompts


class MenuSettings(Model):
    """`[menu]`: what the keys do during and after the message."""

    prompts: Prompts = ()
    """Spoken after the message, and again after a silence."""
    timeout: Annotated[Duration, Field(ge=1.0, le=30.0)] = 4.0
    repeats: Annotated[int, Field(ge=0, le=5)] = 1
    keys: dict[Key, KeyAction] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _a_way_out(self) -> MenuSettings:
        with_never_again(self.keys)
        return self

    @property
    def actions(self) -> dict[str, KeyAction]:
        """Every key with its action. 9 is never again unless another key is; 2 is call me back where no keys are
        named at all."""
        return with_never_again(self.keys or {"2": KeyAction(action="call_back")})


class VoicemailSettings(Model):
    """`[voicemail]`: what a machine hears after its greeting."""

    prompts: SomePrompts


class AmdSettings(Model):
    """`[amd]`: answering-machine detection, and what each verdict leads to (docs/amd.md)."""

    enabled: bool = True
    hush: Annotated[Duration, Field(ge=0.5, le=10.0)] = 2.0
    """Nothing is heard for so long after the answer: unsure."""
    pause: Annotated[Duration, Field(ge=0.3, le=5.0)] = 0.7
    """A silence of this length ends a greeting."""
    longest: Annotated[Duration, Field(ge=1.0, le=15.0)] = 4.2
    """A greeting that goes on for longer is a machine's."""
    noise: Annotated[Duration, Field(ge=0.5, le=5.0)] = 2.0
    """Sound without any gap for so long is noise or music, not a greeting: unsure."""
    loudness: Annotated[int, Field(ge=50, le=5000)] = 900
    """What is softer is silence: the mean absolute value of 16-bit samples over 20 ms."""
    detector: bool = True
    """Told by what the detector hears, where the engine has one; false: by Asterisk's AMD() alone."""
    beep: Annotated[Duration, Field(ge=0.3, le=5.0)] = 1.5
    """For the detector: a greeting of a sentence ends with a silence of this length, in which its beep may come."""
    human: Literal["message"] = "message"
    machine: OnMachine = "hangup"
    unsure: Literal["message"] = "message"
    """An unsure verdict must play the message: it may be a person who waits."""

    @property
    def dialplan(self) -> str:
        """As [volley-call] takes it: milliseconds, the loudness, and the milliseconds for the beep, 0 for no detector."""
        if not self.enabled:
            return "off"
        times = (self.hush, self.pause, self.longest, self.noise)
        beep = round(1000 * self.beep) if self.detector else 0
        return ",".join([*(str(round(1000 * seconds)) for seconds in times), str(self.loudness), str(beep)])


class RetryRule(Model):
    """`[retry.<DISPOSITION>]`."""

    delay: Duration
    attempts: Annotated[int, Field(ge=0, le=50)] = 5


class RetrySettings(Model):
    """`[retry]`: one budget of attempts a contact, a minimum gap, and rules for each disposition."""

    model_config = ConfigDict(extra="allow", frozen=True)

    max_attempts: Annotated[int, Field(ge=1, le=20)] = 3
    min_gap: Annotated[Duration, Field(ge=1.0)] = 900.0
    unknown: Literal["final", "after_gap"] = "final"
    __pydantic_extra__: dict[str, RetryRule]

    @model_validator(mode="after")
    def _known(self) -> RetrySettings:
        for word in self.__pydantic_extra__ or {}:
            if word not in RETRIED:
                raise ValueError(
                    f"{word}: no disposition that is tried again by rule; those are " + ", ".join(RETRIED)
                )
        return self

    @property
    def policy(self) -> Policy:
        """As the pure retry decision takes it."""
        rules = {
            Disposition(word): Rule(rule.delay, rule.attempts)
            for word, rule in (self.__pydantic_extra__ or {}).items()
        }
        if self.unknown == "after_gap":
            rules[Disposition.UNKNOWN] = Rule(self.min_gap, self.max_attempts)
        return Policy(self.max_attempts, self.min_gap, rules)


LONGEST_EMERGENCY = timedelta(days=30)
"""From acceptance to `expires` at most: what lifts hours, consent and registries is approved anew after that, in a new campaign."""


class EmergencySettings(Model):
    """`[emergency]`: who has approved that this is one. It lifts hours, consent and registries where the law does."""

    approved_by: Annotated[
        tuple[Annotated[str, StringConstraints(min_length=2, max_length=200)], ...], Field(min_length=2)
    ]
    """At least two different people: a name and a way to reach each."""
    expires: datetime
    """From then on nothing of it is dialed; LONGEST_EMERGENCY after the campaign was accepted at the latest."""

    @model_validator(mode="after")
    def _two_people(self) -> EmergencySettings:
        if len({" ".join(name.casefold().split()) for name in self.approved_by}) < 2:
            raise ValueError("an emergency is approved by two different people")
        if self.expires.tzinfo is None:
            raise ValueError("expires needs its offset from UTC: 2026-12-01T09:00:00+01:00")
        return self


class SaySettings(Model):
    """`[say]`: prompts after an action, in place of the ones that come with Volley."""

    optout: Sound | None = None
    callback: Sound | None = None
    """A callback is promised, and no time is told."""
    callback_at: Sound | None = None
    """A callback is promised for the time that follows."""
    answer: Sound | None = None
    invalid: Sound | None = None
    transfer: Sound | None = None
    """Before the callee is connected."""
    nobody: Sound | None = None
    """Nobody is free, and nothing else follows."""
    tone: Sound | None = None
    """Before a recording begins."""

    def named(self) -> dict[str, str | Spoken]:
        """What -> file or text, as far as the manifest says."""
        said = {what: getattr(self, what) for what in type(self).model_fields}
        return {what: sound for what, sound in said.items() if sound is not None}


class Campaign(Model):
    """A campaign's settings; instants in UTC, durations in seconds."""

    id: CampaignId
    title: Annotated[str, StringConstraints(max_length=200)] = ""
    owner: Annotated[str, StringConstraints(min_length=2, max_length=200)]
    """Who answers for it: a name and a way to reach them."""
    purpose: Purpose
    priority: Annotated[int, Field(ge=0, le=100)] = 50
    share: Annotated[float, Field(ge=0.01, le=1000.0)] = 1.0
    """Its part of the calls among campaigns of the same priority."""
    caller_id: Annotated[tuple[E164, ...], Field(min_length=1)]
    trunks: tuple[Name, ...] = ()
    """Trunks that it may use; all of them when empty."""
    region: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")] | None = None
    """ISO 3166 country in which numbers without a country code are read."""
    language: Language = "en"
    max_channels: Annotated[int, Field(ge=1, le=100_000)] | None = None
    cps: Annotated[float, Field(gt=0, le=10_000)] | None = None
    """Calls a second of this campaign alone; the limits of its trunks hold as well."""
    ring_timeout: Annotated[Duration, Field(ge=15.0, le=120.0)] | None = None
    max_call: Annotated[Duration, Field(ge=10.0, le=7200.0)] | None = None
    start: datetime | None = None
    end: datetime | None = None
    window: tuple[Window, ...] = ()
    retry: RetrySettings = RetrySettings()
    max_callbacks: Annotated[int, Field(ge=0, le=10)] = 3
    callbacks_after_end: Annotated[Duration, Field(le=30 * 86400.0)] = 3 * 86400.0
    """How long after `end` a callback that was promised is still made."""
    amd: AmdSettings = AmdSettings()
    message: MessageSettings | None = None
    menu: MenuSettings = MenuSettings()
    nodes: dict[NodeName, Node] = Field(default_factory=dict)
    """Further places of the call: `[nodes.<name>]`, where keys of the menu and of other nodes lead."""
    context: Context | None = None
    """A context of your own dialplan that gets the call instead of `[menu]`; the settings must allow it."""
    voicemail: VoicemailSettings | None = None
    say: SaySettings = SaySettings()
    topics: tuple[Topic, ...] = ()
    """What it is about beside its purpose, where rules of their own hang on that: debt, health, finance."""
    emergency: EmergencySettings | None = None
    lists: tuple[Name, ...] = ()
    """Suppression lists of the engine: whoever is on one of them is not called."""
    calls_per_day: Annotated[int, Field(ge=1, le=100_000_000)] | None = None
    """Calls at most on a day (UTC)."""
    cost_per_day: Annotated[float, Field(gt=0.0, le=1e9)] | None = None
    """What the calls that are dialed on a day (UTC) may cost, by the prices of the trunks; a call that lives counts with the most
    that it may come to."""
    fields: tuple[FieldName, ...] = ()
    """Columns of the contact that go with the call, as channel variables VOLLEY_C_<name>."""
    hooks: tuple[Name, ...] = ()
    """Hooks of the engine that hear of it, beside those that hear of it anyway."""

    @field_validator("caller_id", mode="before")
    @classmethod
    def _one_or_more(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value

    @field_validator("start", "end")
    @classmethod
    def _zoned(cls, value: datetime | None) -> datetime | None:
        return None if value is None else in_utc(value)

    @model_validator(mode="after")
    def _consistent(self) -> Campaign:
        if self.start is not None and self.end is not None and self.end - self.start < timedelta(minutes=1):
            raise ValueError("end lies before start, or less than a minute after it")
        if (self.purpose == "emergency") != (self.emergency is not None):
            raise ValueError(
                "an emergency, and nothing else, has an [emergency] with approved_by (two people) and expires"
            )
        if self.amd.machine == "voicemail" and self.voicemail is None:
            raise ValueError('amd.machine is "voicemail", but there is no [voicemail] with its prompts')
        wordless = [one for one in self.texts() if not one.is_in(self.language)]
        if wordless:
            told = ", ".join(f"{shown(one)} is in {', '.join(one.texts(self.language))}" for one in wordless)
            raise ValueError(f"a text must be there in the campaign's language, {self.language}: {told}")
        if len(self.personal()) > MOST_PERSONAL:
            raise ValueError(f"more than {MOST_PERSONAL} texts with fields of the contact")
        return self

    @model_validator(mode="after")
    def _flows(self) -> Campaign:
        found = graph.problems(self.menu.actions, self.nodes)
        if self.context and (self.nodes or self.menu.keys):
            found.append(
                "context: the call goes to your own dialplan, so [menu.keys] and [nodes] would never be heard"
            )
        if (self.context is None) == (self.message is None):
            found.append("give exactly one of [message] and context: what a person hears, or who says it")
        if found:
            raise ValueError("; ".join(found))
        return self

    def spoken(self) -> list[Prompt]:
        """Every prompt that the manifest names."""
        found = [*(self.message.prompts if self.message else ()), *self.menu.prompts]
        for node in self.nodes.values():
            found += speaks(node)
        return [*found, *(self.voicemail.prompts if self.voicemail else ()), *self.say.named().values()]

    def prompts(self) -> list[str]:
        """Every prompt file that the manifest names, once."""
        return list(dict.fromkeys(files(self.spoken())))

    def texts(self) -> list[Spoken]:
        """Every text that is spoken by a synthetic voice, once."""
        return texts(self.spoken())

    def personal(self) -> list[Spoken]:
        """The texts that are spoken to each contact with its own fields, in the order in which the flow numbers them."""
        return personal(self.spoken())

    def needed_fields(self) -> tuple[FieldName, ...]:
        """Fields of the contact that stand in a text."""
        return tuple(dict.fromkeys(name for text in self.personal() for name in text.fields))

    def spoken_fields(self) -> dict[FieldName, SayKind]:
        """Fields of the contact that are spoken: name -> how."""
        return {one.field: one.say for one in said(self.spoken())}

    @property
    def records(self) -> dict[str, float]:
        """Nodes that record an answer: name -> seconds that the recording is kept."""
        return {name: node.keep for name, node in self.nodes.items() if isinstance(node, RecordNode)}

    def transfer_targets(self) -> frozenset[str]:
        """The settings' [transfer.<name>] that a callee may be connected with."""
        return frozenset(graph.transfers(self.menu.actions, self.nodes))

    def targets_from(self, start: str) -> frozenset[str]:
        """Those with which a call may connect that begins with this node."""
        reached = graph.within_a_call(self.menu.actions, self.nodes, start)
        found = graph.transfers(self.menu.actions, self.nodes)
        return frozenset(target for target, nodes in found.items() if nodes & reached)

    def callback_starts(self) -> frozenset[str]:
        """The nodes with which a callback may begin, other than as any call does."""
        return graph.callback_starts(self.menu.actions, self.nodes)
