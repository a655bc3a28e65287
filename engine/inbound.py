"""What somebody hears who calls one of our numbers back, as entries for AstDB; and what number an opt-out is about.

The dialplan (context volley-inbound) knows who calls from a number, in which language, and which key means never
again, from AstDB family `volleyinbound`, written by the engine like flows and kept by Asterisk while the engine is
away. The keys are documented at the top of dialplans/volley-inbound.conf.

Knows settings and sound files. Refuses to know AMI and rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.channel import InboundOptOut
from engine.config import CallerIdSettings
from engine.rules.numbers import Number, NumberError, dial_format, parse_number

SPOKEN = {"ask": "inbound-ask", "how": "inbound-how", "optout": "opted-out", "invalid": "invalid-key"}
"""What is spoken -> the name of the sound, in each language: after who calls, how to opt out by key, or (for who has
no number to be known by) how otherwise; after the key; after another key."""
FAMILY = "volleyinbound"
"""Their family in AstDB."""
LONGEST_ENTRY = 900
"""Bytes of a value that fit into an AMI line of 1,024 with its name."""


@dataclass(frozen=True, slots=True)
class Inbound:
    """The entries of one PBX, and the numbers of ours whose callers would not be told who called."""

    entries: dict[str, str]
    """AstDB key below `volleyinbound` -> value."""
    mute: tuple[str, ...]
    """Numbers without a prompt that is there: who calls them back hears no name."""


def entries(caller_ids: Sequence[CallerIdSettings], sounds_dir: Path, sounds_path: str) -> Inbound:
    """The entries for these numbers. `sounds_dir` is the PBX's directory as the engine sees it, `sounds_path` as Asterisk
    does."""
    found: dict[str, str] = {}
    mute = []
    often = Counter(digits for one in caller_ids for digits in _written(one.number))
    for one in caller_ids:
        spoken = {what: _sound(sounds_dir, one.language, name) for what, name in SPOKEN.items()}
        who = None if one.prompt is None else _sound(sounds_dir, one.language, one.prompt)
        if who is None:
            mute.append(one.number)
        values = {
            "number": one.number,
            "language": one.language.replace("-", "_"),
            "key": one.opt_out_key,
            **{what: f"{sounds_path}/{name}" for what, name in spoken.items() if name},
        }
        for what in ("ask", "how"):
            told = [f"{sounds_path}/{name}" for name in (who, spoken[what]) if name]
            if told:
                values[what] = "&".join(told)
        for digits in _written(one.number):
            if digits == one.number[1:] or often[digits] == 1:
                found.update({f"{digits}/{key}": value for key, value in values.items()})
    too_long = [key for key, value in found.items() if len(value.encode()) > LONGEST_ENTRY]
    for key in too_long:  # a directory of nine hundred bytes; silence is better than half a path
        del found[key]
    return Inbound(found, tuple(mute))


def _written(number: str) -> set[str]:
    """The digits that carriers write a called number in: E.164, or as it is dialed in its own country."""
    try:
        return {number[1:], dial_format(number, "national")}
    except ValueError:  # a country code that no numbering plan has
        return {number[1:]}


def _sound(sounds_dir: Path, language: str, name: str) -> str | None:
    """The sound's name below the sounds directory, in the language or, beside the languages, for all; None when it is
    not there."""
    for folder in (language, language.replace("-", "_").partition("_")[0], ""):
        if any((sounds_dir / folder).glob(f"{name}.*")):
            return f"{folder}/{name}" if folder else name
    return None


def caller_of(event: InboundOptOut, caller_ids: Sequence[CallerIdSettings], region: str | None) -> Number:
    """Who opted out. A number without a country code is read in the country of the number that was called, else in
    `region` (ISO 3166-1). Raises NumberError for what is no number that could have been called."""
    for one in caller_ids:
        if event.called in _written(one.number):
            try:
                region = parse_number(one.number, None).region
            except NumberError:
                continue
            break
    return parse_number(event.number, region if region and region != "001" else None)
