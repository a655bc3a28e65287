"""What a receiver gets: one JSON object an event, by these models; docs/schema/hook.json is made from them.

Knows the words. Refuses to know rows and how they are sent. Instants are POSIX seconds, as everywhere in Volley.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from engine.ops.log import mask


class _Told(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    """The same at every try, and of no other event: what was taken under it once needs no second look."""
    at: float
    """When it was recorded."""


class _OfContact(_Told):
    campaign: str
    """The manifest's `id`."""
    contact: int
    """The contact's id in Volley."""
    external_id: str | None
    """The contact's id in the contact file."""
    number: str | None
    """E.164, masked unless the hook's `numbers` is `full`; null when the person was forgotten meanwhile."""


class Answer(BaseModel):
    """An answer to a question of the flow."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    question: str
    """The node that asked."""
    answer: str
    """Digits that were typed are stars, unless the hook's `numbers` is `full`."""


class CallEnded(_OfContact):
    """A call has ended. The fields are those of the log line of the same name."""

    event: Literal["call.ended"]
    attempt: str
    """The channel's Uniqueid in Asterisk."""
    kind: Literal["first", "retry", "callback"]
    caller_id: str
    """The number of ours that was shown, masked as `number` is."""
    trunk: str
    disposition: str
    cause: int
    """Q.850 hangup cause; 0 when there was none."""
    sip: int
    """Final SIP status; 0 when there was none."""
    amd: str
    """`AMDSTATUS/AMDCAUSE`: the verdict of the answering-machine detection, and why."""
    result: str
    """What came of the conversation."""
    heard: float | None
    """Share of the message that was heard, 0 to 1; null for machines, and where it is not known."""
    answers: tuple[Answer, ...]
    """In the order in which they were given."""
    keys: str
    """Keys that the dialplan took, in order."""
    rang: bool
    sent_at: float | None
    answered_at: float | None
    ended_at: float
    talk: float
    """Seconds from the answer to the end."""
    note: str


class CallKey(_OfContact):
    """A key that the dialplan took; told when the call has ended."""

    event: Literal["call.key"]
    attempt: str
    key: str
    node: str
    """Where in the flow."""
    said_at: float


class CallAnswer(_OfContact):
    """An answer to a question of the flow; told when the call has ended."""

    event: Literal["call.answer"]
    attempt: str
    question: str
    """The node that asked; empty when the person was forgotten meanwhile."""
    answer: str
    """Digits that were typed are stars, unless the hook's `numbers` is `full`."""
    said_at: float


class ContactDone(_OfContact):
    """No further call to this contact."""

    event: Literal["contact.done"]
    disposition: str
    """Of the last attempt, or SUPPRESSED, EXPIRED, CANCELLED; empty when there was none."""
    result: str
    """What came of the last conversation."""
    reason: str
    """Why, where it was not for what its calls came to: the gate's reason, `removed`."""
    attempts: int
    """Those that count."""
    callbacks: int


class OfCampaign(BaseModel):
    """A contact that has the number."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    campaign: str
    contact: int
    external_id: str | None


class OptOutRecorded(_Told):
    """Somebody said never again. It holds for every campaign, at once; one event a number."""

    event: Literal["optout.recorded"]
    number: str | None
    """E.164, masked unless the hook's `numbers` is `full`; null when the person was forgotten meanwhile."""
    source: str
    """`key`: in a call of ours; `inbound`: by calling back."""
    since: float
    contacts: tuple[OfCampaign, ...]
    """Those that have the number, of the campaigns that the hook hears of; the newest twenty."""


class CallbackTold(_OfContact):
    """A promise to call back: made, kept, missed or withdrawn."""

    event: Literal["callback.scheduled", "callback.kept", "callback.missed", "callback.withdrawn"]
    callback: int
    attempt: str
    """The call in which the person asked."""
    asked_at: float
    due_at: float
    kept_by: str | None
    """The call that kept it."""


class CampaignTold(_Told):
    """A campaign goes from one state to another. Everything but `event` is as of when this was sent."""

    event: Literal[
        "campaign.accepted",
        "campaign.started",
        "campaign.paused",
        "campaign.resumed",
        "campaign.cancelled",
        "campaign.completed",
        "campaign.failed",
    ]
    campaign: str
    title: str
    purpose: str
    state: str
    start_at: float
    end_at: float | None
    contacts: int
    """Taken in."""
    rejected: int
    """Rows that were not."""
    open_contacts: int
    dispositions: dict[str, int]
    """Contacts that are done, by disposition."""


AnyEvent = Annotated[
    CallEnded | CallKey | CallAnswer | ContactDone | OptOutRecorded | CallbackTold | CampaignTold,
    Field(discriminator="event"),
]
EVENT: TypeAdapter[AnyEvent] = TypeAdapter(AnyEvent)


def body(event: str, key: bytes, at: float, facts: dict[str, Any], *, masked: bool) -> bytes:
    """An event as its receiver gets it: JSON, in UTF-8."""
    told = {"id": key.hex(), "event": event, "at": at, **facts}
    return EVENT.dump_json(EVENT.validate_python(_masked(told) if masked else told))


def _masked(told: dict[str, Any]) -> dict[str, Any]:
    found = dict(told)
    for name in ("number", "caller_id"):
        if found.get(name) is not None:
            found[name] = mask(found[name])
    if "answer" in found:
        found["answer"] = stars(found["answer"])
    if "answers" in found:
        found["answers"] = [{**one, "answer": stars(one["answer"])} for one in found["answers"]]
    return found


def stars(answer: str) -> str:
    """An answer as it may be told to everybody: what was typed (an account, a birthday) as stars."""
    return "*" * len(answer) if len(answer) > 1 and answer.isdecimal() else answer
