"""`volley contacts`: contacts of a campaign that is there."""

from __future__ import annotations

from typing import Annotated

import typer

from engine.cli.options import CONFIG, By, CampaignName, Config, Json, Why, asker, settings_of
from engine.cli.requests import ask

group = typer.Typer(
    name="contacts",
    help="Contacts of a campaign that is there.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(group)


@group.callback()
def _contacts() -> None:
    """Contacts of a campaign that is there. To add some, submit a manifest with add_to."""


@group.command(epilog="Example: volley contacts remove flu-shots --external-id 1042 --external-id 1043")
def remove(
    campaign: CampaignName,
    external_id: Annotated[
        list[str],
        typer.Option("--external-id", "-e", metavar="ID", help="Of a contact; may be given several times."),
    ],
    reason: Why = "",
    by: By = "",
    config: Config = CONFIG,
    as_json: Json = False,
) -> None:
    """Take contacts out of a campaign: they end as CANCELLED. A call that lives goes on, and nothing
    follows it."""

    def told(reply: dict[str, object]) -> str:
        unknown = reply["unknown"]
        missing = (
            f"; not in the campaign: {', '.join(unknown)}" if isinstance(unknown, list) and unknown else ""
        )
        return f"removed {reply['removed']:,} contacts from {campaign}{missing}"

    ask(
        settings_of(config),
        {
            "action": "remove",
            "campaign": campaign,
            "external_ids": external_id,
            "reason": reason,
            "by": asker(by),
        },
        as_json,
        told,
    )
