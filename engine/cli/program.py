"""The program `volley`: its commands, its options, and what happens to errors.

Every command group registers itself here. An error of ours is told in plain words on standard error, every
problem on a line of its own, and ends in exit code 1; never in a traceback.
"""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from engine import __version__
from engine.cli import (
    audit,
    backup,
    call,
    callbacks,
    campaigns,
    check,
    contacts,
    dnc,
    doctor,
    explain,
    export,
    forget,
    health,
    hooks,
    install,
    lab,
    report,
    run,
    samples,
    status,
    steer,
    submit,
    top,
    trunks,
)
from engine.cli.output import tell
from engine.errors import VolleyError


class Commands(TyperGroup):
    """Runs a command and tells its errors."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            # Who reads the output has seen enough (`volley export x | head`); nothing more may be written, not even at the exit.
            sys.stdout = sys.stderr
            raise typer.Exit(1) from None
        except (VolleyError, OSError) as error:
            tell(error)
            raise typer.Exit(1) from None


app = typer.Typer(
    cls=Commands,
    name="volley",
    help="Volley calls the contacts of a campaign through Asterisk.",
    epilog="Settings come from --config, else VOLLEY_CONFIG, else /etc/volley/volley.toml. Exit codes: 0 done, 1 failed, 2 usage.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"volley {__version__}")
        raise typer.Exit


@app.callback()
def _program(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    """Volley calls the contacts of a campaign through Asterisk."""


for group in (
    run,
    samples,
    check,
    submit,
    status,
    top,
    campaigns,
    steer,
    call,
    contacts,
    dnc,
    doctor,
    forget,
    health,
    install,
    export,
    report,
    explain,
    callbacks,
    hooks,
    trunks,
    audit,
    backup,
    lab,
):
    group.register(app)
