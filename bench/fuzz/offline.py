"""Originates full of hostile fields, encoded and read again by a parser that is not ours: each has exactly the headers and the
variables that were meant, or was refused."""

from __future__ import annotations

from dataclasses import dataclass

from bench.fuzz import manager
from bench.fuzz.hostile import Case, Hostile
from engine.ami.encode import Originate
from engine.errors import RefusedField

HEADERS = (
    "Action", "ActionID", "Channel", "ChannelId", "Context", "Exten", "Priority", "Timeout", "CallerID", "Account", "Codecs", "Async",
)  # fmt: skip
"""Those of an Originate, each once and in this order; then its variables."""


class Smuggled(Exception):
    """Something is in the message that nobody meant to be there, or something that was meant is not."""


@dataclass(slots=True)
class Tally:
    """What a run came to."""

    fields: int = 0
    calls: int = 0
    refused: int = 0
    arrived: int = 0
    """Contacts' fields that came through, each the same after one decoding."""


def run(fields: int, seed: int) -> Tally:
    """Make up `fields` fields or a few more. Raises Smuggled at the first message that is not what was meant."""
    hostile, tally = Hostile(seed), Tally()
    while tally.fields < fields:
        # Every second one is hostile in the contact's own data alone, and a call can carry all of it: it must arrive.
        carried = tally.calls % 2 == 0
        serial = seed * 1_000_003 + tally.calls + 1
        case = hostile.case(serial, "PJSIP/+33199001001@carrier", "volley-call", carried=carried)
        refused = tally.refused
        tally.calls += 1
        tally.fields += case.fields
        check(case, tally)
        if carried and tally.refused > refused:
            raise Smuggled(f"refused, and a call can carry it: {case.call!r}")
    return tally


def check(case: Case, tally: Tally) -> None:
    """Hold one Originate against what was meant. Raises Smuggled."""
    call = case.call
    try:
        written = call.encode()
    except RefusedField:
        tally.refused += 1
        return
    found = manager.messages(written)
    if len(found) != 1:
        raise Smuggled(f"{len(found)} actions in place of one: {call!r}")
    names = [name.decode("latin-1") for name, _ in found[0]]
    set_ = manager.variables(found[0])
    if names != [*HEADERS, *["Variable"] * len(set_)]:
        raise Smuggled(f"headers {names}: {call!r}")
    values = {name.decode(): value.decode() for name, value in found[0] if name != b"Variable"}
    meant = {
        "Action": "Originate", "ActionID": call.id, "Channel": call.dial, "ChannelId": call.id, "Context": call.context, "Exten": "s",
        "Priority": "1", "Account": call.account, "Async": "true",
    }  # fmt: skip
    if any(values[name] != value for name, value in meant.items()):
        raise Smuggled(f"values {values}: {call!r}")
    expected = variables(call)
    if [name.decode() for name, _ in set_] != list(expected):
        raise Smuggled(f"variables {[name for name, _ in set_]}: {call!r}")
    for (_, value), (name, plain) in zip(set_, expected.items(), strict=True):
        if plain is not None and manager.decoded(value) != plain:
            raise Smuggled(f"{name} is {value!r}: {call!r}")
        tally.arrived += name.startswith("VOLLEY_C_")


def variables(call: Originate) -> dict[str, bytes | None]:
    """The variables that this Originate is to set, in their order, each with its value after one decoding; None: not looked at."""
    found: dict[str, bytes | None] = {
        f"DB(volley/{call.bucket}/{call.id}/sent)": str(call.sent).encode(),
        "CHANNEL(hangup_handler_push)": b"volley-end,s,1",
        "CHANNEL(language)": call.language.encode(),
        "VOLLEY_ATTEMPT": call.id.encode(),
        "VOLLEY_BUCKET": str(call.bucket).encode(),
        "VOLLEY_FLOW": call.flow.encode(),
    }
    if call.start:
        found["VOLLEY_START"] = call.start.encode()
    if call.no_callback:
        found["VOLLEY_NO_CALLBACK"] = b"1"
    if call.spoken:
        found |= {"VOLLEY_DATE": call.formats[0].encode(), "VOLLEY_TIME": call.formats[1].encode()}
    found |= {f"VOLLEY_P_{at:02d}": sound.encode() for at, sound in enumerate(call.speech, 1)}
    found |= {f"VOLLEY_S_{name}": value.encode() for name, value in call.spoken.items()}
    found |= {f"VOLLEY_C_{name}": value.encode() for name, value in call.fields.items()}
    return found
