"""`volley call`: one number called as a campaign would call it, and what came of it."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.options import CONFIG, By, Config, Json, Region, Why, asker, settings_of
from engine.cli.output import say, say_json
from engine.cli.requests import PATIENCE, send
from engine.errors import InputError, Problem, VolleyError

if TYPE_CHECKING:
    from pathlib import Path

    from engine.ops.trial import Trial

LOOK_EVERY = 0.25
GRACE = 5.0
"""Seconds after the time in which it must be dialed, until it is given up."""
LONGEST = 3600.0


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog="Example: volley call +33199001001 --campaign flu-shots --field first_name=Ann")(call)


def call(
    number: Annotated[str, typer.Argument(metavar="NUMBER", help="Whom to call.", show_default=False)],
    campaign: Annotated[
        str, typer.Option("--campaign", metavar="CAMPAIGN", help="As this one would.", show_default=False)
    ],
    field: Annotated[
        list[str] | None,
        typer.Option("--field", "-f", metavar="NAME=VALUE", help="A column of the contact; several times."),
    ] = None,
    timezone: Annotated[str, typer.Option("--timezone", metavar="ZONE", help="IANA name.")] = "",
    language: Annotated[str, typer.Option("--language", metavar="TAG", help="Such as fr.")] = "",
    state: Annotated[str, typer.Option("--state", metavar="STATE", help="Of the callee's place.")] = "",
    postal_code: Annotated[str, typer.Option("--postal-code", metavar="CODE", help="The same.")] = "",
    consent: Annotated[
        str,
        typer.Option(
            "--consent", metavar="WORD", help="express or written: for a number that is no [[test_number]]."
        ),
    ] = "",
    consent_at: Annotated[str, typer.Option("--consent-at", metavar="TIME", help="When.")] = "",
    consent_source: Annotated[str, typer.Option("--consent-source", metavar="TEXT", help="How.")] = "",
    consent_purpose: Annotated[
        str, typer.Option("--consent-purpose", metavar="PURPOSE", help="For what.")
    ] = "",
    consent_reference: Annotated[
        str, typer.Option("--consent-reference", metavar="TEXT", help="Where the proof is.")
    ] = "",
    region: Region = None,
    reason: Why = "",
    by: By = "",
    config: Config = CONFIG,
    as_json: Json = False,
) -> None:
    """Make a test call: dial a number once, as a campaign would, wait for its end and tell it.

    It passes the gate like every call: suppression, lists, consent, caller IDs, hours, caps. It goes to
    numbers that the settings list as [[test_number]], or to one whose consent is told by all five --consent
    options. It is told apart from the campaign's figures, as campaign NAME~test. A key that asks for a
    callback means nothing in it; the one for never again is meant. Exit code 1 when nothing was dialed.
    """
    from engine.intake.asking import wait_for

    fields = {}
    for text in field or ():
        name, sign, value = text.partition("=")
        if not sign or not name.strip():
            raise InputError([Problem("--field", f"{text!r} is not NAME=VALUE")])
        fields[name.strip()] = value
    settings = settings_of(config)
    request = {
        "action": "call", "campaign": campaign, "number": number, "region": region, "timezone": timezone,
        "language": language, "state": state, "postal_code": postal_code, "consent": consent, "consent_at": consent_at,
        "consent_source": consent_source, "consent_purpose": consent_purpose, "consent_reference": consent_reference,
        "fields": fields, "asked_at": time.time(), "reason": reason, "by": asker(by),
    }  # fmt: skip
    reply, where = send(settings, request, PATIENCE)
    if reply is None and not _taken_back(where):
        reply = wait_for(where, PATIENCE)
    if reply is None:
        raise VolleyError("the engine does not answer: nothing is dialed, and the request is taken back")
    if not reply["ok"]:
        if as_json:
            say_json(reply)
            raise typer.Exit(1)
        raise InputError(Problem(**one) for one in reply["problems"])
    trial = _wait(settings.database, reply["contact"], reply["until"])
    if as_json:
        say_json({"ok": trial.called, **asdict(trial)})
    else:
        from engine.ops.trial import told

        for text in told(trial):
            say(text)
    if not trial.called:
        raise typer.Exit(1)


def _taken_back(reply: Path) -> bool:
    """Take the request back that this would have been the reply to; False where the engine has it."""
    request = reply.parent.parent / reply.name.replace(".reply.json", ".json")
    try:
        request.unlink()
    except FileNotFoundError:
        return False
    return True


def _wait(database: Path, contact: int, until: float) -> Trial:
    from engine.ops.trial import look

    begun = time.monotonic()
    while True:
        trial = look(database, contact)
        waited = time.monotonic() - begun
        if trial.over or waited > LONGEST or (trial.attempt is None and time.time() > until + GRACE):
            return trial
        time.sleep(LOOK_EVERY)
