"""`volley explain`: a contact's history and what comes next, in plain words."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.options import CONFIG, Config, Json, Region, settings_of
from engine.cli.output import note, say, say_json
from engine.errors import InputError, Problem

if TYPE_CHECKING:
    from engine.config import Settings
    from engine.ops.history import History, Number

SHOWN = 50
"""Contacts told of in one answer; a number may belong to many."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog="Example: volley explain +33199001042")(explain)


def explain(
    number: Annotated[
        str | None, typer.Argument(metavar="NUMBER", help="A phone number.", show_default=False)
    ] = None,
    contact: Annotated[
        int | None,
        typer.Option("--contact", metavar="ID", help="Or a contact's id, as `volley export` gives it."),
    ] = None,
    external_id: Annotated[
        str | None,
        typer.Option("--external-id", "-e", metavar="ID", help="Or the contact's id in its own list."),
    ] = None,
    campaign: Annotated[
        str | None, typer.Option("--campaign", metavar="CAMPAIGN", help="Only in this campaign.")
    ] = None,
    region: Region = None,
    config: Config = CONFIG,
    as_json: Json = False,
) -> None:
    """Tell why somebody was called, was not, and what comes next: attempts, keys, decisions, callbacks,
    suppression.

    Times are the callee's own, with their offset from UTC. What comes next is the gate's own answer for
    now; it changes when the campaign is paused, the number is suppressed, or the settings change.
    """
    from engine.intake.control import read_numbers
    from engine.ops import explain as explained
    from engine.ops import history
    from engine.ops.books import snapshot

    if sum(given is not None for given in (number, contact, external_id)) != 1:
        raise typer.BadParameter("give exactly one of NUMBER, --contact and --external-id")
    settings = settings_of(config)
    by: history.Key
    key: str | int
    if number is not None:
        by, key = "number", read_numbers([number], region or settings.defaults.region)[0].e164
    elif contact is not None:
        by, key = "id", contact
    else:
        by, key = "external_id", external_id or ""
    with snapshot(settings.database) as connection:
        ids = history.contacts_of(connection, by, key, campaign)
        known = history.number(connection, str(key)) if by == "number" else None
        found = [history.read(connection, one) for one in ids[-SHOWN:]]
        purged = history.anything_purged(connection)
    if not found and (known is None or known.suppressed is None):
        gone = (
            "; or its time was over: contacts of old campaigns were purged (retention.contacts)"
            if purged
            else ""
        )
        what = f"is in no campaign here{f' called {campaign!r}' if campaign else ''}"
        raise InputError([Problem(f"{by.replace('_', ' ')} {key}", what, f"see `volley status`{gone}")])
    now = time.time()
    if as_json:
        contacts = [{**asdict(one), "next": asdict(explained.what_next(one, settings, now))} for one in found]
        say_json({"number": known and asdict(known), "contacts": contacts})
        return
    if known is not None:
        _number(known)
    for one in found:
        _contact(one, settings, now)
    if len(ids) > SHOWN:
        note(f"and {len(ids) - SHOWN:,} more contacts, older than these: name the campaign")


def _number(known: Number) -> None:
    from engine.ops.books import instant

    traits = ", ".join(
        filter(None, (known.region, known.kind, "/".join(known.zones) or "time zone not known"))
    )
    say(f"{known.e164} ({traits})")
    if known.suppressed is not None:
        entry = known.suppressed
        by = f" by {entry.actor}" if entry.actor else ""
        say(
            f"  Never to be called, by any campaign: {entry.reason} ({entry.source}{by}, {instant(entry.since)})"
        )


def _contact(one: History, settings: Settings, now: float) -> None:
    from engine.ops.books import engine_pid, instant
    from engine.ops.explain import timeline, what_next, when, zones_of

    contact = one.contact
    name = f", external id {contact['external_id']}" if contact["external_id"] is not None else ""
    say()
    where = f"row {contact['row']} of {one.job}" if contact["row"] else f"of {one.job}"
    say(f"Campaign {one.campaign.name} ({one.campaign.state}): contact {contact['id']}{name}, {where}")
    if one.purged_at is not None:
        day = instant(one.purged_at)[:10]
        say(
            f"  Purged on {day}: its time was over (retention.contacts), and who it was is not known any more."
        )
    elif one.erased:
        say("  Forgotten: who it was is not known any more.")
    for at, what, within in timeline(one):
        say(f"  {when(at, zones_of(one))}  {what}")
        for line in within:
            say(f"      {line}")
    following = what_next(one, settings, now)
    say(f"  {following.text}")
    if following.called and engine_pid(settings.engine.state) is None:
        say("  The engine does not run: nothing is dialed until it does.")
