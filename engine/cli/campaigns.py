"""`volley pause`, `volley resume`, `volley cancel`: what happens to a campaign."""

from __future__ import annotations

from typing import Literal

import typer

from engine.cli.options import CONFIG, By, CampaignName, Config, Json, Why, asker, settings_of
from engine.cli.requests import ask


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(epilog='Example: volley pause flu-shots --reason "wrong prompt" --by anna')(pause)
    app.command(epilog="Example: volley resume flu-shots")(resume)
    app.command(epilog="Example: volley cancel flu-shots --by anna")(cancel)


def pause(
    campaign: CampaignName, reason: Why = "", by: By = "", config: Config = CONFIG, as_json: Json = False
) -> None:
    """Make no more calls for a campaign until it is resumed. Calls that live run to their end."""
    _request("pause", campaign, reason, by, config, as_json)


def resume(
    campaign: CampaignName, reason: Why = "", by: By = "", config: Config = CONFIG, as_json: Json = False
) -> None:
    """Go on with a paused campaign."""
    _request("resume", campaign, reason, by, config, as_json)


def cancel(
    campaign: CampaignName, reason: Why = "", by: By = "", config: Config = CONFIG, as_json: Json = False
) -> None:
    """End a campaign for good: what rings is hung up, answered calls run to their end, contacts that wait
    end as CANCELLED."""
    _request("cancel", campaign, reason, by, config, as_json)


def _request(
    action: Literal["pause", "resume", "cancel"],
    campaign: str,
    reason: str,
    by: str,
    config: Config,
    as_json: bool,
) -> None:
    def told(reply: dict[str, object]) -> str:
        ended = f", {reply['contacts_cancelled']:,} contacts ended" if "contacts_cancelled" in reply else ""
        state = "resumed" if action == "resume" else reply["state"]
        return f"{campaign} is {state}{ended}"

    request = {"action": action, "campaign": campaign, "reason": reason, "by": asker(by)}
    ask(settings_of(config), request, as_json, told)
