"""The nodes of a flow as a manifest writes them: `[nodes.<name>]`, told apart by `kind`.

Each is a place in the call: it speaks, and something follows. `[message]` and `[menu]` of the manifest are the node `message`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from engine.durations import Duration
from engine.flow.actions import RESULTS, Key, KeyAction, Label, NodeName, with_never_again
from engine.flow.prompts import Prompts, SomePrompts
from engine.model import Model, Name

Timeout = Annotated[Duration, Field(ge=1.0, le=30.0)]
Repeats = Annotated[int, Field(ge=0, le=5)]


class MenuNode(Model):
    """Speaks, and a key does something."""

    kind: Literal["menu"]
    prompts: SomePrompts
    again: Prompts = ()
    """Spoken in place of the prompts after a silence or a wrong key."""
    keys: Annotated[dict[Key, KeyAction], Field(min_length=1)]
    timeout: Timeout = 4.0
    repeats: Repeats = 1
    barge_in: bool = True
    """A key interrupts the prompts; otherwise it counts only after them."""
    silence: NodeName | None = None
    """What follows when no key is pressed; without it the call ends."""

    @model_validator(mode="after")
    def _a_way_out(self) -> MenuNode:
        with_never_again(self.keys)
        return self

    @property
    def actions(self) -> Mapping[str, KeyAction]:
        return with_never_again(self.keys)


class QuestionNode(Model):
    """Asks, and each key is an answer; the same node follows all of them."""

    kind: Literal["question"]
    prompts: SomePrompts
    again: Prompts = ()
    answers: Annotated[dict[Key, Label], Field(min_length=1)]
    """Key -> the word under which the answer is reported."""
    never_again: Key = "9"
    then: NodeName
    timeout: Timeout = 4.0
    repeats: Repeats = 1
    barge_in: bool = True
    silence: NodeName | None = None

    @model_validator(mode="after")
    def _whole(self) -> QuestionNode:
        problems = [
            f"{label!r} is a word of Volley's own: give the answer another label"
            for label in self.answers.values()
            if label in RESULTS
        ]
        if self.never_again in self.answers:
            problems.append(
                f"key {self.never_again} is an answer and never again at once: name another key in never_again"
            )
        if problems:
            raise ValueError("; ".join(problems))
        return self

    @property
    def actions(self) -> Mapping[str, KeyAction]:
        found = {
            key: KeyAction(action="answer", label=label, then=self.then)
            for key, label in self.answers.items()
        }
        return {**found, self.never_again: KeyAction(action="never_again")}


class DigitsNode(Model):
    """Asks for a number of several digits; # ends it."""

    kind: Literal["digits"]
    prompts: SomePrompts
    again: Prompts = ()
    min: Annotated[int, Field(ge=1, le=40)] = 1
    max: Annotated[int, Field(ge=1, le=40)] = 20
    check: Prompts = ()
    """Spoken after the digits were said back: 1 takes them, another key asks again. Without it they are taken as typed."""
    then: NodeName
    timeout: Timeout = 5.0
    """Of silence after a digit, or before the first."""
    repeats: Repeats = 2
    silence: NodeName | None = None
    """What follows when nothing was typed that can be taken; without it the call ends."""

    @model_validator(mode="after")
    def _ordered(self) -> DigitsNode:
        if self.min > self.max:
            raise ValueError("min is larger than max")
        return self


class MessageNode(Model):
    """Speaks, and goes on."""

    kind: Literal["message"]
    prompts: SomePrompts
    then: NodeName


class RecordNode(Model):
    """Asks whether the answer may be recorded, and records it."""

    kind: Literal["record"]
    consent: SomePrompts
    """Asks for it: 1 is yes, anything else is no."""
    prompts: SomePrompts
    """Spoken after the yes; recording begins with the tone after it."""
    max: Annotated[Duration, Field(ge=2.0, le=600.0)] = 60.0
    silence_ends: Annotated[Duration, Field(ge=1.0, le=30.0)] = 3.0
    """So much silence ends the recording; # ends it at once."""
    keep: Annotated[Duration, Field(ge=3600.0)]
    """How long the recording is kept; then the engine deletes it."""
    timeout: Timeout = 5.0
    then: NodeName
    refused: NodeName | None = None
    """What follows a no; without it `then`."""


class TransferNode(Model):
    """Announces, and connects the callee with somebody."""

    kind: Literal["transfer"]
    prompts: Prompts = ()
    to: Name
    """One of the settings' [transfer.<name>]."""
    otherwise: NodeName | None = None
    """What follows when nobody is free; without it the call ends."""


class CallbackNode(Model):
    """Asks for a time of day, four digits, and promises a callback then."""

    kind: Literal["callback"]
    prompts: SomePrompts
    again: Prompts = ()
    start: NodeName | None = None
    """The node with which the callback begins; without it `message`."""
    timeout: Timeout = 5.0
    repeats: Repeats = 2
    silence: NodeName | None = None
    """What follows when no time was typed that there is; without it the call ends."""


KINDS = ("menu", "question", "digits", "message", "record", "transfer", "callback")


def _which(value: Any) -> str | None:
    kind = value.get("kind") if isinstance(value, dict) else getattr(value, "kind", None)
    return f"({kind})" if kind in KINDS else None


Node = Annotated[
    Annotated[MenuNode, Tag("(menu)")]
    | Annotated[QuestionNode, Tag("(question)")]
    | Annotated[DigitsNode, Tag("(digits)")]
    | Annotated[MessageNode, Tag("(message)")]
    | Annotated[RecordNode, Tag("(record)")]
    | Annotated[TransferNode, Tag("(transfer)")]
    | Annotated[CallbackNode, Tag("(callback)")],
    Discriminator(
        _which,
        custom_error_type="kind",
        custom_error_message="kind must be one of " + ", ".join(KINDS),
    ),
]
Nodes = Mapping[str, Node]


def speaks(node: Node) -> Prompts:
    """Every prompt of a node, in the order in which they may be heard."""
    match node:
        case MenuNode() | QuestionNode() | CallbackNode():
            return node.prompts + node.again
        case DigitsNode():
            return node.prompts + node.again + node.check
        case RecordNode():
            return node.consent + node.prompts
        case MessageNode() | TransferNode():
            return node.prompts
