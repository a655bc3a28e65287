"""`volley trunk list`, `drain`, `resume`: the ways out, and one of them that is worked on."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Annotated, Literal

import typer

from engine.cli.options import CONFIG, By, Config, Json, Why, asker, settings_of
from engine.cli.output import say_json
from engine.cli.requests import ask

TrunkName = Annotated[
    str, typer.Argument(metavar="TRUNK", show_default=False, help="As volley.toml calls it.")
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    trunk = typer.Typer(help="Trunks: how they stand, and maintenance.", no_args_is_help=True)
    trunk.command("list", epilog="Example: volley trunk list --json")(show)
    trunk.command(epilog='Example: volley trunk drain carrier --reason "new SBC" --by anna')(drain)
    trunk.command(epilog="Example: volley trunk resume carrier")(resume)
    app.add_typer(trunk, name="trunk")


def show(config: Config = CONFIG, as_json: Json = False) -> None:
    """List the trunks: live calls, rates, and whether they get calls: drained, or kept by their breaker, and why."""
    from rich.console import Console

    from engine.ops import pulse
    from engine.ops.status import look
    from engine.ops.trunk_view import view

    settings = settings_of(config)
    found = look(settings, time.time(), told=pulse.read(settings.engine.state)).trunks
    if as_json:
        say_json([asdict(one) for one in found])
    else:
        Console(highlight=False).print(view(found))


def drain(
    trunk: TrunkName, reason: Why = "", by: By = "", config: Config = CONFIG, as_json: Json = False
) -> None:
    """Give a trunk no new calls until it is resumed, also after a restart. Calls that live run to their end; what was to leave by
    it goes by others."""
    _request("drain_trunk", trunk, reason, by, config, as_json)


def resume(
    trunk: TrunkName, reason: Why = "", by: By = "", config: Config = CONFIG, as_json: Json = False
) -> None:
    """Give a drained trunk calls again."""
    _request("resume_trunk", trunk, reason, by, config, as_json)


def _request(
    action: Literal["drain_trunk", "resume_trunk"],
    trunk: str,
    reason: str,
    by: str,
    config: Config,
    as_json: bool,
) -> None:
    def told(reply: dict[str, object]) -> str:
        state = "drained: it gets no new calls" if reply["drained"] else "in use"
        return f"{trunk} is {state}; live calls {reply['live_calls']:,}"

    request = {"action": action, "trunk": trunk, "reason": reason, "by": asker(by)}
    ask(settings_of(config), request, as_json, told)
