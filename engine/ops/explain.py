"""Why a contact was called, was not, and what comes next: its history and the gate's own answer, in plain
words.

What comes next is asked of the same functions that the dialer asks (`engine.rules.gate`,
`engine.dialing.retry`), so that the answer is the one that will hold when the time comes, unless something
changes until then.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass, replace

from engine import durations
from engine.config import Settings
from engine.dialing.disposition import Disposition
from engine.dialing.running import Running
from engine.halts import Halt
from engine.ops import reasons
from engine.ops.books import reading
from engine.ops.history import Attempt, Decision, History, Number
from engine.rules.gate import CampaignRules, Reason, Verdict
from engine.rules.hours import local_time
from engine.rules.places.practice import PRACTICE
from engine.store.due import contact as one_contact
from engine.store.halts import halts
from engine.store.listing import ListBook
from engine.store.loading import HELD
from engine.store.past import StoredPast, matter_of
from engine.store.speech import WANTED


@dataclass(frozen=True, slots=True)
class Next:
    """What comes next for a contact."""

    called: bool
    """True when a call is to come, as things stand."""
    at: float | None
    """The earliest instant of that call, POSIX seconds; None when there will be none, or none is known."""
    reason: str
    """A constant: the gate's reason, or why the contact is done."""
    text: str


def what_next(history: History, settings: Settings, now: float) -> Next:
    """What comes next for this contact, and why."""
    contact = history.contact
    if contact["state"] == "in_call":
        return Next(False, None, "in_call", "A call to it lives now; what follows depends on how that ends.")
    if contact["state"] == "done":
        return _done(history, settings)
    if contact["speech"] == WANTED:
        return Next(
            False, None, "speech_wanted", "It waits until what is spoken to it alone has been spoken."
        )
    if contact["due_at"] >= HELD:
        return Next(False, None, "held", "It waits until the job that brings it has been taken in whole.")
    running = Running(history.campaign, settings)
    rules = running.rules
    if running.state == "scheduled":
        rules = replace(rules, running=True)  # it will be, at its start, which the gate looks at too
    elif running.state != "running":
        return Next(
            False,
            None,
            "campaign_" + running.state,
            f"It is not called while the campaign is {running.state}.",
        )
    at = max(now, contact["due_at"])
    if (halt := _halted(settings, now)) is not None:
        until = (
            "until it is lifted (volley go)"
            if halt.until is None
            else f"until {local_time(halt.until, 'UTC')}"
        )
        return Next(
            False, halt.until, "dialing_" + halt.kind, f"Nothing at all is dialed, {until}, by {halt.by}: {halt.reason}."
        )  # fmt: skip
    with reading(settings.database) as connection, closing(ListBook(settings.engine.state)) as lists:
        lists.refresh(connection)
        verdict = _ask(connection, lists, history, running, rules, at, now)
    zones = zones_of(history)
    why = f" ({verdict.ground.detail})" if verdict.ground.detail else ""
    if verdict.never:
        return Next(
            False, None, verdict.reason, f"It will not be called: {reasons.sentence(verdict.reason)}{why}."
        )
    what = _purpose(history)
    slowed = f"; the campaign makes one call a second ({verdict.ground.detail})" if verdict.slow else ""
    if verdict.allowed and at <= now:
        return Next(
            True,
            at,
            verdict.reason,
            f"Due now, {what}: {reasons.sentence(verdict.reason)}. It waits for its turn and a free channel{slowed}.",
        )
    if verdict.allowed:
        until = reasons.sentence(contact["verdict"]) if contact["verdict"] not in ("", "allowed") else ""
        return Next(
            True,
            at,
            verdict.reason,
            f"Next: {what}, at {when(at, zones)}" + (f"; until then {until}." if until else "."),
        )
    assert verdict.at is not None
    return Next(
        True,
        verdict.at,
        verdict.reason,
        f"Next: {what}, not before {when(verdict.at, zones)}: {reasons.sentence(verdict.reason)}{why}.",
    )


def _halted(settings: Settings, now: float) -> Halt | None:
    with reading(settings.database) as connection:
        return next((halt for halt in halts(connection) if halt.holds(now)), None)


def _ask(
    connection: sqlite3.Connection, lists: ListBook, history: History, running: Running, rules: CampaignRules, at: float,
    now: float,
) -> Verdict:  # fmt: skip
    """What a claim at `at` will be told, as things stand; a call that lives at the number now is taken to be over later."""
    row = one_contact(connection, history.contact["id"])
    assert row is not None
    candidate = row.candidate(False)
    if at > now:
        candidate = replace(candidate, line_in_use=False)
    past = StoredPast(
        connection, matter_of(connection, history.campaign.id), row.number_id, row.e164, lists, at
    )
    return running.ask(rules, candidate, past, at)


def next_number(history: History) -> Number:
    """The number that is dialed next, or was dialed last."""
    return next(one for one in history.numbers if one.id == history.contact["number_id"])


def zones_of(history: History) -> tuple[str, ...]:
    """Where the callee may be: the contact's own zone, else those of the number."""
    own: str = history.contact["timezone"]
    return (own,) if own else next_number(history).zones


def _purpose(history: History) -> str:
    contact = history.contact
    if contact["callback_id"] is not None:
        return "the callback that was asked for"
    ended = [one for one in history.attempts if one.disposition not in (None, "NOT_SENT")]
    return f"another try after {ended[-1].disposition}" if ended else "the first call"


def _done(history: History, settings: Settings) -> Next:
    contact = history.contact
    word, verdict = contact["disposition"], contact["verdict"]
    if verdict and verdict != "allowed":
        return _no_more(verdict, reasons.sentence(verdict))
    if any(event.kind == "optout" for one in history.attempts for event in one.events):
        return _no_more("opted_out", "the person asked never to be called again")
    running = Running(history.campaign, settings)
    policy = running.policy
    rule = policy.rule(Disposition(word)) if word in Disposition.__members__ else None
    number = next_number(history)
    trunks = len(running.serving(number.e164, number.region))
    if rule is not None and contact["tries"].get(word, 0) >= policy.most(Disposition(word), trunks):
        if rule.attempts == 0:
            return _no_more("no_retry", f"this campaign does not try again after {word}")
        often = reasons.times(rule.attempts)
        return _no_more("retries_spent", f"after {word} this campaign tries {often} more, and it has")
    if contact["attempts"] >= policy.max_attempts:
        return _no_more("budget_spent", f"all {policy.max_attempts} attempts of the campaign are used")
    return _no_more("done", "the contact is done")


def _no_more(reason: str, why: str) -> Next:
    return Next(False, None, reason, f"No further call: {why}.")


# --- the past -----------------------------------------------------------------------------------------------------------


def when(at: float, zones: tuple[str, ...]) -> str:
    """An instant in the callee's local time, with its offset; UTC where the zone is not known."""
    return local_time(at, zones[0] if zones else "").replace("T", " ")


def timeline(history: History) -> list[tuple[float, str, list[str]]]:
    """What happened, in order: when, what, and what was reported within it."""
    zones = zones_of(history)
    told = [(one.created_at, _attempt(one), _within(one)) for one in history.attempts]
    told += [(one.at, _refusal(one, zones), [grounds(one)]) for one in history.refusals]
    for promise in history.promises:
        state = {"due": "still to come", "kept": "kept", "missed": "missed", "withdrawn": "withdrawn"}[
            promise.state
        ]
        told.append((promise.asked_at, f"callback promised for {when(promise.due_at, zones)}: {state}", []))
    for number in history.numbers:
        if number.suppressed is not None:
            entry = number.suppressed
            by = f" by {entry.actor}" if entry.actor else ""
            told.append(
                (
                    entry.since,
                    f"{number.e164} put on the list of those never to be called: {entry.reason} ({entry.source}{by})",
                    [],
                )
            )
    return sorted(told, key=lambda item: item[0])


def _attempt(one: Attempt) -> str:
    begun = (
        f"{reasons.KINDS.get(one.kind, one.kind)} to {one.number} from {one.caller_id} by trunk {one.trunk}"
    )
    if one.disposition is None:
        return f"{begun}: lives"
    if one.disposition == "NOT_SENT":
        return f"{begun}: NOT_SENT, {one.note or 'nothing was dialed'}"
    parts = [one.disposition]
    if one.answered_at is not None and one.ended_at is not None:
        parts.append(f"talked {one.ended_at - one.answered_at:.1f} s")
    elif one.ended_at is not None and one.sent_at is not None:
        parts.append(f"after {one.ended_at - one.sent_at:.1f} s")
    if one.result:
        parts.append(reasons.result(one.result))
    codes = [f"cause {one.cause}"] if one.cause else []
    codes += [f"SIP {one.sip}"] if one.sip else []
    codes += [f"AMD {one.amd}"] if one.amd else []
    codes += [] if one.counted else ["did not count as an attempt"]
    return (
        f"{begun}: {', '.join(parts)}"
        + (f" ({'; '.join(codes)})" if codes else "")
        + (f" - {one.note}" if one.note else "")
    )


def _within(one: Attempt) -> list[str]:
    found = [] if one.decision is None else [f"allowed: {grounds(one.decision)}"]
    opted_out = "asked never to be called again"
    for event in one.events:
        match event.kind:
            case "key":
                digit, _, node = event.value.partition("@")
                found.append(f"pressed {digit} in {node}")
            case "optout":
                found += [opted_out] if opted_out not in found else []  # the engine notes it too (EARLY_SEQ)
            case "callback":
                delay = f"in {durations.text(float(event.value))}" if event.value.isdigit() else event.value
                found.append(f"asked to be called back {delay}")
            case "play":
                found.append(f"{event.value} began to play")
            case "amd":
                found.append(f"answering-machine detection: {event.value}")
            case "result":
                found.append(f"result: {reasons.result(event.value)}")
            case _:
                found.append(f"{event.kind} {event.value}")
    return found


def grounds(one: Decision) -> str:
    """What a decision stood on, as it was then: rules, place, local time, consent, lists."""
    how = "slowed down by" if one.reason == Reason.ALLOWED else "rule"
    found = [f"rules {one.rules}" + (f", {how} {one.rule}" if one.rule else "")]
    if one.country:
        found.append(
            "a number reserved for fiction"
            if one.country == PRACTICE
            else f"in {' or '.join(one.subdivisions) or one.country}"
        )
    for name, local in zip(one.zones, one.local, strict=False):
        found.append(f"{local[11:16]} in {name}" if len(local) > 16 else f"unknown time in {name}")
    if not one.local and one.zones:  # books of before
        found.append("in " + " or ".join(one.zones))
    if one.consent:
        found.append(f"consent {one.consent}")
    found += [f"{name} of {day}" for name, day in one.lists.items()]
    if one.caller_id:
        found.append(f"showing {one.caller_id}")
    return "; ".join(found)


def _refusal(one: Decision, zones: tuple[str, ...]) -> str:
    until = "" if one.not_before is None else f"; not before {when(one.not_before, zones)}"
    return f"not dialed to {one.number}: {reasons.sentence(one.reason)}{until}"
