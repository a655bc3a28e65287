"""Options that several commands share, and the settings behind `--config`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from engine.config import Settings

Config = Annotated[
    Path,
    typer.Option(
        "--config",
        "-c",
        envvar="VOLLEY_CONFIG",
        show_envvar=True,
        metavar="FILE",
        help="The engine's settings, volley.toml.",
    ),
]
CONFIG = Path("/etc/volley/volley.toml")

Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs; instants are POSIX seconds.")]
By = Annotated[
    str,
    typer.Option("--by", metavar="NAME", help="Who asks for it; kept in the log. Default: your login name."),
]
Why = Annotated[str, typer.Option("--reason", metavar="WHY", help="Why; kept in the audit log.")]
GivenWhy = Annotated[
    str, typer.Option("--reason", metavar="WHY", help="Why; kept in the audit log.", show_default=False)
]
Region = Annotated[
    str | None,
    typer.Option(
        "--region",
        metavar="CC",
        help="Country (ISO 3166, such as FR) of numbers without a country code; default: defaults.region.",
    ),
]


def campaigns_named(ctx: typer.Context, incomplete: str) -> list[str]:
    """Campaigns for the shell's Tab key: those that are open, then the newest. None where the books cannot be read."""
    from engine.errors import VolleyError
    from engine.ops.names import campaigns

    try:
        return campaigns(settings_of(ctx.params.get("config") or CONFIG).database, incomplete)
    except VolleyError:
        return []


CampaignName = Annotated[
    str,
    typer.Argument(
        metavar="CAMPAIGN", help="The campaign's id.", show_default=False, autocompletion=campaigns_named
    ),
]


def settings_of(config: Path) -> Settings:
    """The settings in that file. Raises SettingsError."""
    from engine import config as settings

    return settings.load(config)


def asker(by: str) -> str:
    """Who asks: the name given, else the login name."""
    if by:
        return by
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):  # no name for this user id
        return ""
