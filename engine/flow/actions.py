"""What a key does, as a manifest writes it and as the dialplan knows it.

"never_again"  "confirm"  "repeat"  "end"  "call_back"  "go:menu2"  "transfer:agents"
{ action = "answer", label = "yes", then = "question2" }
{ action = "call_back", at = "tomorrow 10:00", start = "agent" }
{ action = "transfer", to = "agents", otherwise = "sorry" }
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import StringConstraints, model_validator

from engine.durations import Duration
from engine.model import Model, Name

Key = Annotated[str, StringConstraints(pattern=r"^[0-9*]$")]
NodeName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
Label = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_]{0,31}$")]
DayTime = Annotated[str, StringConstraints(pattern=r"^(tomorrow )?([01][0-9]|2[0-3]):[0-5][0-9]$")]

MESSAGE = "message"
"""The node with which a person's call begins: `[message]` and `[menu]` of the manifest."""
VOICEMAIL = "voicemail"
HANGUP = "hangup"
END = "end"
"""No node: the call ends, after a good-bye where there is one."""
OWN = "own"
"""The node that hands the call to a context of the operator's."""
TAKEN = frozenset({MESSAGE, VOICEMAIL, HANGUP, END, OWN})
"""Names that no node of a manifest can have."""

RESULTS = frozenset(
    {
        "opted_out", "call_back", "heard", "voicemail_left", "hung_up", "hung_up_on", "ended", "flow_missing", "transferred",
        "answered", "partial", "nobody_free", "own",
    }
)  # fmt: skip
"""Results of a call that Volley names itself; an answer of a campaign has a name of its own."""

_WITH = {
    "label": ("answer", "confirm"),
    "then": ("answer", "confirm"),
    "after": ("call_back",),
    "at": ("call_back",),
    "start": ("call_back",),
    "to": ("go", "transfer"),
    "otherwise": ("transfer",),
}
"""Key of the table -> the actions that it belongs to."""
DEFAULT_AFTER = 3600.0


class KeyAction(Model):
    """What a key does. As text: the action alone, or `"go:<node>"`, `"transfer:<target>"`."""

    action: Literal["never_again", "call_back", "confirm", "answer", "repeat", "end", "go", "transfer"]
    label: Label | None = None
    """For answer and confirm: the word under which it is reported."""
    then: NodeName | None = None
    """For answer and confirm: the node that follows; without it the call ends."""
    after: Duration | None = None
    """For call_back: so long until the callback; an hour where neither `after` nor `at` is given."""
    at: DayTime | None = None
    """For call_back: the next time that it is so late at the callee's place, or that time tomorrow."""
    start: NodeName | None = None
    """For call_back: the node with which the callback begins, such as a transfer; without it `message`."""
    to: Name | None = None
    """For go: a node. For transfer: one of the settings' [transfer.<name>]."""
    otherwise: NodeName | None = None
    """For transfer: the node that follows when nobody is free; without it the call ends."""

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        action, colon, to = value.partition(":")
        return {"action": action, "to": to} if colon else {"action": value}

    @model_validator(mode="after")
    def _whole(self) -> KeyAction:
        problems = [
            f"{key} belongs to " + " and ".join(actions) + f", not to {self.action}"
            for key, actions in _WITH.items()
            if getattr(self, key) is not None and self.action not in actions
        ]
        if self.action == "answer" and self.label is None:
            problems.append('an answer needs a label, such as label = "yes"')
        if self.label in RESULTS:
            problems.append(f"{self.label!r} is a word of Volley's own: give the answer another label")
        if self.action in ("go", "transfer") and self.to is None:
            problems.append(f'{self.action} needs to = "...", or "{self.action}:..."')
        if self.action == "go" and self.to is not None and not re.fullmatch(r"[a-z][a-z0-9_]{0,31}", self.to):
            problems.append(f"{self.to!r} is no name of a node")
        if self.after is not None and self.at is not None:
            problems.append("give after or at, not both")
        if problems:
            raise ValueError("; ".join(problems))
        return self

    @property
    def targets(self) -> dict[str, str]:
        """The nodes that it may lead to: by what -> node."""
        found = {"": self.to if self.action == "go" else self.then, "nobody free": self.otherwise}
        return {by: node for by, node in found.items() if node is not None and node != END}

    @property
    def when(self) -> str:
        """For call_back: seconds from now, or `at` with digits of the time, and `+1` for tomorrow."""
        if self.at is None:
            return str(round(DEFAULT_AFTER if self.after is None else self.after))
        day, _, time = self.at.rpartition(" ")
        return f"at{time.replace(':', '')}" + ("+1" if day else "")

    @property
    def dialplan(self) -> str:
        """The action as the dialplan knows it: words joined by colons."""
        match self.action:
            case "never_again":
                words = ["optout"]
            case "call_back":
                words = ["callback", self.when, self.start or ""]
            case "confirm" | "answer":
                label = self.label or "confirmed"
                words = [self.action if self.then else "answer", label, self.then or ""]
            case "go":
                words = ["go", self.to or ""]
            case "transfer":
                words = ["transfer", self.to or "", self.otherwise or ""]
            case other:
                words = [other]
        return ":".join(words).rstrip(":")


def with_never_again(keys: dict[str, KeyAction]) -> dict[str, KeyAction]:
    """The keys, and 9 for never again where no other key means that. Raises ValueError where 9 means something else."""
    if any(item.action == "never_again" for item in keys.values()):
        return keys
    if "9" in keys:
        raise ValueError(
            'some key must be "never_again"; it is 9 unless you say otherwise, but 9 does something else here'
        )
    return {**keys, "9": KeyAction(action="never_again")}
