"""`volley set`, `volley stop-all`, `volley go`, `volley quiet`: what an operator changes while things run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.cli.options import CONFIG, By, CampaignName, Config, GivenWhy, Json, Why, asker, settings_of
from engine.cli.requests import ask
from engine.errors import InputError, Problem

if TYPE_CHECKING:
    from datetime import datetime


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("set", epilog="Example: volley set flu-shots --cps 5 --from 10:00 --to 18:00 --days mon-fri")(
        set_
    )
    app.command("stop-all", epilog='Example: volley stop-all --reason "wrong number in the message"')(
        stop_all
    )
    app.command(epilog='Example: volley go --reason "the message is right now"')(go)
    app.command(epilog='Example: volley quiet --for 2h --reason "minute of silence in the town"')(quiet)


def set_(
    campaign: CampaignName,
    cps: Annotated[float | None, typer.Option("--cps", metavar="N", help="Calls a second.")] = None,
    channels: Annotated[
        int | None, typer.Option("--channels", metavar="N", help="Calls at once (max_channels).")
    ] = None,
    begin: Annotated[
        str | None, typer.Option("--from", metavar="HH:MM", help="Calling hours begin; with --to.")
    ] = None,
    end: Annotated[str | None, typer.Option("--to", metavar="HH:MM", help="They end; with --from.")] = None,
    days: Annotated[
        list[str] | None,
        typer.Option(
            "--days", metavar="DAYS", help="On these days, such as mon-fri; may be given several times."
        ),
    ] = None,
    timezone: Annotated[
        str | None,
        typer.Option("--timezone", metavar="ZONE", help="Whose clock: an IANA name; default: the callee's."),
    ] = None,
    priority: Annotated[
        int | None, typer.Option("--priority", metavar="N", help="0 to 100; the highest is served first.")
    ] = None,
    reset: Annotated[
        bool, typer.Option("--reset", help="First take back all that was changed since it was accepted.")
    ] = False,
    reason: Why = "",
    by: By = "",
    config: Config = CONFIG,
    as_json: Json = False,
) -> None:
    """Change a campaign that is there: its rate, its channels, its hours, its priority.

    It holds within a second and over a restart, and is kept in the audit log with what was before. Hours
    replace the campaign's own; those of the law, of the contacts and of `[quiet]` hold as before, and every
    call passes the gate.
    """
    given: dict[str, Any] = {"cps": cps, "max_channels": channels, "priority": priority}
    request = {key: value for key, value in given.items() if value is not None}
    if (begin is None) != (end is None) or (begin is None and (days or timezone)):
        raise InputError(
            [Problem("hours", "--days and --timezone go with --from and --to, and those go together")]
        )
    if begin is not None:
        window: dict[str, Any] = {"from": begin, "to": end}
        if days:
            window["days"] = [part for text in days for part in text.split(",")]
        if timezone:
            window["timezone"] = timezone
        request["window"] = [window]
    if reset:
        request["reset"] = True
    if not request:
        raise InputError([Problem("set", "nothing to change", "see `volley set --help`")])

    def told(reply: dict[str, Any]) -> str:
        from engine.store.audited_steering import told as changes

        words = changes(reply["changed"]) or "as it was before"
        missed = (
            f"\n{reply['unreached']:,} of the contacts due next cannot be called in these hours at all"
            if "unreached" in reply
            else ""
        )
        return f"{campaign}: {words}{missed}"

    ask(
        settings_of(config),
        {"action": "set", "campaign": campaign, **request, "reason": reason, "by": asker(by)},
        as_json,
        told,
    )


def stop_all(
    reason: GivenWhy,
    hang_up: Annotated[
        bool, typer.Option("--hangup", help="End the calls that live too, answered ones among them.")
    ] = False,
    by: By = "",
    config: Config = CONFIG,
    as_json: Json = False,
) -> None:
    """Emergency stop: nothing more is dialed, by any campaign, until `volley go`; a restart does not change that.

    What was claimed and not sent is taken back, and counts as no attempt. Calls that live run to their end,
    unless --hangup is given.
    """

    def told(reply: dict[str, Any]) -> str:
        return "all dialing is stopped" + (f", {reply['hung_up']:,} calls were hung up" if hang_up else "")

    request = {"action": "stop_all", "hang_up": hang_up, "reason": reason, "by": asker(by)}
    ask(settings_of(config), request, as_json, told)


def go(reason: GivenWhy, by: By = "", config: Config = CONFIG, as_json: Json = False) -> None:
    """Lift what `volley stop-all` stopped. Campaigns go on as they are."""

    def told(reply: dict[str, Any]) -> str:
        lifted = "the stop is lifted" if reply["lifted"] else "nothing was stopped"
        return lifted + ("" if reply["dialing"] else "; it is a quiet time still (volley quiet --off)")

    ask(settings_of(config), {"action": "go", "reason": reason, "by": asker(by)}, as_json, told)


def quiet(
    reason: GivenWhy,
    until: Annotated[
        str | None,
        typer.Option("--until", metavar="TIME", help="ISO 8601 with its offset: 2026-12-01T09:00+01:00."),
    ] = None,
    length: Annotated[
        str | None, typer.Option("--for", metavar="TIME", help="From now on: 90m, 2h, 1d; 31 days at most.")
    ] = None,
    off: Annotated[bool, typer.Option("--off", help="End it before its time.")] = False,
    by: By = "",
    config: Config = CONFIG,
    as_json: Json = False,
) -> None:
    """Dial nothing, for any campaign, until a time; calls that live run to their end. Quiet hours of every day are
    `[quiet]` in the settings."""
    if [until is not None, length is not None, off].count(True) != 1:
        raise InputError([Problem("quiet", "give exactly one of --until, --for and --off")])
    at = None if off else _instant(until, length)

    def told(reply: dict[str, Any]) -> str:
        if at is not None:
            return f"nothing is dialed until {at.isoformat(timespec='seconds')}"
        lifted = "the quiet time is over" if reply["lifted"] else "it was no quiet time"
        return lifted + ("" if reply["dialing"] else "; all dialing is stopped still (volley go)")

    request = {"action": "quiet", "reason": reason, "by": asker(by)}
    if at is not None:
        request["until"] = at.isoformat()
    ask(settings_of(config), request, as_json, told)


def _instant(until: str | None, length: str | None) -> datetime:
    from datetime import UTC, datetime, timedelta

    from engine import durations

    try:
        if until is None:
            return datetime.now(UTC) + timedelta(seconds=durations.seconds(length))
        at = datetime.fromisoformat(until)
    except ValueError as error:
        raise InputError([Problem("--for" if until is None else "--until", str(error))]) from error
    if at.tzinfo is None:
        raise InputError(
            [Problem("--until", f"{until!r} needs its offset from UTC", "2026-12-01T09:00+01:00")]
        )
    return at
