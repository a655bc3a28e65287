"""Every line of the log: its event, the levels at which it comes, and its fields. The one home of what others may build on.

`make schemas` writes docs/schema/log.json from here, docs/logs.md says when each line comes, and tests hold every line that is
logged in them against it. A new line, or a new field of one, is entered here; a field that is here stays.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from engine.ops import log as events

Level = Literal["debug", "info", "warning", "error"]
Type = dict[str, Any]
"""A JSON Schema."""

TEXT: Type = {"type": "string"}
WORD: Type = {"type": "string", "minLength": 1}
COUNT: Type = {"type": "integer", "minimum": 0}
KEY: Type = {"type": "integer", "minimum": 1, "description": "an id of the database"}
FLAG: Type = {"type": "boolean"}
SECONDS: Type = {"type": "number", "description": "seconds"}
INSTANT: Type = {"type": "number", "description": "POSIX seconds"}
TEXTS: Type = {"type": "array", "items": {"type": "string"}}
COUNTS: Type = {"type": "object", "additionalProperties": {"type": "integer", "minimum": 0}}
CAMPAIGN: Type = {"type": "string", "minLength": 1, "description": "the campaign's id"}
ATTEMPT: Type = {
    "type": "string",
    "pattern": "^v[0-9a-f]{16}$",
    "description": "the channel's Uniqueid in Asterisk",
}
NUMBER: Type = {
    "type": "string",
    "description": "a telephone number, masked unless log.mask_numbers is false",
}
BY: Type = {"type": "string", "description": "who asked for it; empty when nobody said"}
KIND: Type = {"enum": ["first", "retry", "callback"]}


def or_null(one: Type) -> Type:
    return {"anyOf": [one, {"type": "null"}]}


@dataclass(frozen=True, slots=True)
class Line:
    """The lines of one event."""

    levels: tuple[Level, ...]
    always: dict[str, Type] = field(default_factory=dict)
    """Fields that each of them has."""
    sometimes: dict[str, Type] = field(default_factory=dict)
    more: bool = False
    """It may have fields beside these: what a request was answered with."""


def _line(*levels: Level, **always: Type) -> Line:
    return Line(levels, always)


_TAKEN = {
    "campaign": CAMPAIGN,
    "job": WORD,
    "rows": COUNT,
    "contacts": COUNT,
    "rejected": COUNT,
    "duplicates": COUNT,
}
_REFUSED = {
    "campaign": CAMPAIGN, "contact": KEY, "number": NUMBER, "reason": WORD, "detail": TEXT, "not_before": or_null(INSTANT),
    "final": FLAG,
}  # fmt: skip
_CALL = {"campaign": CAMPAIGN, "contact": KEY, "attempt": ATTEMPT}
_TOLD = {"hook": WORD, "about": WORD, "id": WORD, "tries": COUNT, "seconds": SECONDS}

LINES: dict[str, Line] = {
    # the engine
    events.ENGINE_STARTED: _line("info", version=WORD, pid=COUNT, state=WORD, queue=WORD),
    events.ENGINE_UNCLEAN: _line("warning", last_pid=TEXT, check=WORD),
    events.ENGINE_STOPPING: _line("info", live=COUNT, how=WORD),
    events.ENGINE_STOPPED: Line(("info", "warning"), {}, {"how": WORD}),
    events.ENGINE_FAULT: Line(
        ("error", "warning"),
        {"what": WORD},
        {
            "error": TEXT, "why": TEXT, "task": WORD, "exception": TEXT, "job": WORD, "pbx": WORD, "campaign": CAMPAIGN, "contact": KEY,
            "attempt": ATTEMPT, "flow": WORD, "hook": WORD, "about": WORD, "id": WORD,
        },
    ),
    events.SETTINGS_CHANGED: _line("info", keys=TEXTS),
    events.CLOCK_JUMPED: _line("warning", seconds=SECONDS, contacts=COUNT),
    # the PBX
    events.AMI_CONNECTED: _line("info", pbx=WORD, asterisk=TEXT, restarted=FLAG, doubtful=COUNT),
    events.AMI_RECONCILED: Line(
        ("info",), {"pbx": WORD}, {"lives": COUNT, "ended": COUNT, "not_sent": COUNT, "unknown": COUNT, "looks": COUNT}
    ),
    events.AMI_LOST: _line("error", pbx=WORD, why=TEXT),
    events.AMI_FAILED: Line(
        ("error", "warning"), {"error": TEXT}, {"pbx": WORD, "kind": WORD, "host": WORD, "port": COUNT, "retry_in": SECONDS}
    ),
    events.SOUNDS_MISSING: _line(
        "error", pbx=WORD, flow=WORD, missing=COUNT, why=TEXT, retry_in=SECONDS, dialing=TEXT
    ),
    events.SOUNDS_REFUSED: _line("warning", client=WORD, todo=TEXT),
    events.QUEUE_STAFFED: _line(
        "info", "warning", target=WORD, pbx=WORD, word={"enum": ["busy", "free", "unknown"]}, free=or_null(COUNT), why=TEXT
    ),
    events.DETECTOR_STARTED: _line("info", address=WORD),
    events.DETECTOR_LOST: _line("error", why=TEXT, retry_in=SECONDS, calls=TEXT),
    # trunks
    events.TRUNK_OPENED: _line("warning", trunk=WORD, reason=TEXT, pause=SECONDS),
    events.TRUNK_HALF_OPEN: _line("warning", trunk=WORD, reason=TEXT),
    events.TRUNK_CLOSED: _line("info", trunk=WORD, reason=TEXT),
    events.TRUNK_DRAINED: _line("info", trunk=WORD, by=BY, live=COUNT),
    events.TRUNK_RESUMED: _line("info", trunk=WORD, by=BY, live=COUNT),
    # the database
    events.STORE_FAILED: Line(
        ("error",), {"error": TEXT}, {"dialing": TEXT, "retry_in": SECONDS, "job": WORD, "pbx": WORD, "hook": WORD}
    ),
    events.STORE_RECOVERED: _line("warning", seconds=SECONDS),
    events.STORE_OLDER: _line("error", pbx=WORD, attempts=COUNT, newest=INSTANT, paused=TEXTS, todo=TEXT),
    events.AUDIT_HEAD: _line("info", id=COUNT, hash={"type": "string", "pattern": "^[0-9a-f]{64}$"}),
    events.AUDIT_BROKEN: _line("error", row=COUNT, what=TEXT),
    # jobs and campaigns
    events.CAMPAIGN_ACCEPTED: Line(("info",), _TAKEN),
    events.CAMPAIGN_REJECTED: _line("warning", job=WORD, moved_to=WORD, problems=TEXTS),
    events.CAMPAIGN_STARTED: _line("info", campaign=CAMPAIGN),
    events.CAMPAIGN_PAUSED: _line("info", campaign=CAMPAIGN, by=BY),
    events.CAMPAIGN_RESUMED: _line("info", campaign=CAMPAIGN, by=BY),
    events.CAMPAIGN_CANCELLED: _line("info", campaign=CAMPAIGN, by=BY),
    events.CAMPAIGN_CHANGED: _line("info", campaign=CAMPAIGN, by=BY, changes=TEXT),
    events.DIALING_STOPPED: _line("warning", reason=TEXT, by=BY, hung_up=COUNT),
    events.DIALING_QUIET: _line("warning", until=INSTANT, reason=TEXT, by=BY),
    events.DIALING_RESUMED: _line("warning", lifted={"enum": ["stop", "quiet"]}, reason=TEXT, by=BY),
    events.CAMPAIGN_THROTTLED: _line(
        "warning", campaign=CAMPAIGN, word={"enum": ["slowed", "stopped", "free"]}, rule=TEXT, detail=TEXT
    ),
    events.CAMPAIGN_COMPLETED: _line("info", campaign=CAMPAIGN, contacts=COUNT, dispositions=COUNTS),
    events.PROMPT_POOR: _line("warning", campaign=CAMPAIGN, prompt=TEXT, what=TEXT),
    events.TTS_FAILED: Line(
        ("error",), {"error": TEXT, "retry_in": SECONDS}, {"campaign": CAMPAIGN, "dialing": TEXT}
    ),
    # contacts
    events.CONTACTS_ADDED: Line(("info",), _TAKEN),
    events.CONTACTS_PURGED: _line("info", campaign=CAMPAIGN, contacts=COUNT),
    events.NUMBERS_PURGED: _line("info", numbers=COUNT),
    events.JOBS_PURGED: _line("info", entries=COUNT),
    events.JOBS_KEPT: _line("error", entries=COUNT, why=TEXT, todo=TEXT),
    events.CONTACTS_REMOVED: _line("info", campaign=CAMPAIGN, contacts=COUNT, by=BY),
    events.CONTACT_REFUSED: Line(("info",), _REFUSED),
    events.CONTACT_SUPPRESSED: Line(("info",), _REFUSED),
    events.CONTACT_UNSPOKEN: _line("warning", campaign=CAMPAIGN, contact=KEY, why=TEXT),
    events.PERSON_FORGOTTEN: _line("info", people=COUNT, contacts=COUNT, by=BY, reason=TEXT),
    # requests and lists
    events.CONTROL_DONE: Line(("info",), {"request": WORD, "action": WORD, "by": BY}, more=True),
    events.CONTROL_REJECTED: _line("warning", "error", request=WORD, problems=TEXTS),
    events.SUPPRESSION_CHANGED: _line("info", action=WORD, numbers=COUNT, reason=TEXT, by=BY),
    events.LIST_IMPORTED: _line(
        "info", list=WORD, kind=WORD, version=COUNT, how={"enum": ["full", "part", "change"]}, date=TEXT, count=COUNT, added=COUNT,
        removed=COUNT, unreadable=COUNT, by=BY, reason=TEXT,
    ),
    events.LIST_DROPPED: _line("info", list=WORD, kind=WORD, count=COUNT, by=BY, reason=TEXT),
    events.LIST_DAMAGED: _line("error", list=WORD, version=COUNT, error=TEXT),
    events.LIST_REPAIRED: _line("info", list=WORD, version=COUNT),
    # calls
    events.CALL_REQUESTED: _line("info", campaign=CAMPAIGN, contact=KEY, by=BY),
    events.CALL_ORIGINATED: Line(("debug",), {**_CALL, "kind": KIND, "trunk": WORD}),
    events.CALL_ANSWERED: Line(("debug",), _CALL),
    events.CALL_TAKEN_UP: _line("info", pbx=WORD, campaign=CAMPAIGN, attempt=ATTEMPT, up=FLAG),
    events.CALL_ENDED: Line(
        ("info",),
        {
            **_CALL, "kind": KIND, "number": NUMBER, "caller_id": NUMBER, "trunk": WORD, "disposition": WORD, "cause": COUNT,
            "sip": COUNT, "amd": TEXT, "result": TEXT, "heard": or_null({"type": "number", "minimum": 0, "maximum": 1}), "answers": TEXTS,
            "keys": TEXT, "rang": FLAG, "seconds": SECONDS, "talk": SECONDS, "next": {"enum": ["RetryAt", "CallbackAt", "Final"]},
            "next_at": or_null(INSTANT), "note": TEXT,
        },
    ),
    events.OPTOUT_RECORDED: Line(
        ("info",), {}, {"attempt": ATTEMPT, "campaign": CAMPAIGN, "contact": KEY, "pbx": WORD, "call": WORD}
    ),
    events.OPTOUT_UNREADABLE: _line("error", pbx=WORD, call=WORD, why=TEXT),
    events.INBOUND_MUTE: _line("warning", pbx=WORD, numbers=COUNT, todo=TEXT),
    events.CALLBACK_SCHEDULED: Line(("info",), {**_CALL, "at": INSTANT}),
    events.CALLBACK_MISSED: Line(
        ("error",), {"campaign": CAMPAIGN, "callbacks": COUNT, "why": TEXT}, {"contact": KEY, "attempt": ATTEMPT}
    ),
    events.RECORDINGS_DELETED: _line("info", recordings=COUNT),
    events.RECORDINGS_KEPT: _line("error", recordings=COUNT, why=TEXT, todo=TEXT),
    # hooks
    events.HOOK_DELIVERED: Line(("debug",), {**_TOLD, "status": or_null(COUNT)}),
    events.HOOK_FAILED: Line(
        ("warning", "error"), {**_TOLD, "error": TEXT}, {"retry_in": SECONDS, "final": FLAG, "off": TEXT}
    ),
    events.HOOK_RECOVERED: _line("info", hook=WORD),
    events.HOOK_DROPPED: _line("error", hook=WORD, dropped=COUNT, why=TEXT),
}  # fmt: skip
"""By event."""


def schema() -> dict[str, Any]:
    """The JSON Schema of a line; one definition an event, below `$defs`."""
    return {
        "type": "object",
        "required": ["time", "level", "event"],
        "properties": {"event": {"enum": list(LINES)}},
        "oneOf": [{"$ref": f"#/$defs/{event}"} for event in LINES],
        "$defs": {event: _schema(event, line) for event, line in LINES.items()},
    }


def _schema(event: str, line: Line) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {
            "time": {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$"},
            "level": {"enum": list(line.levels)},
            "event": {"const": event},
            **line.always,
            **line.sometimes,
        },
        "required": ["time", "level", "event", *line.always],
        "additionalProperties": line.more,
    }
