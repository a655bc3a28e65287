"""`volley run`: the engine itself."""

from __future__ import annotations

import gc

import typer

from engine.cli.options import CONFIG, Config, settings_of


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog="Example: volley run --config /etc/volley/volley.toml")(run)


def run(config: Config = CONFIG) -> None:
    """Run the engine until it is told to stop.

    Takes jobs from the queue directory, dials, and keeps its books. SIGTERM or Ctrl-C ends it in order: no
    new calls, every row written, and calls that live go on in Asterisk and are taken up at the next start
    (or are waited for: engine.on_stop = "drain"). A second signal ends it at once.
    """
    import uvloop

    from engine.app import Engine
    from engine.hooks import service as hooks
    from engine.ops import log
    from engine.ops.tally import Tally

    settings = settings_of(config)
    for pbx in settings.pbx.values():
        pbx.secret()  # an unreadable secret is told now, not at every attempt to connect
    hooks.check(settings)
    tally = Tally(settings.metrics.campaigns)
    logger, lines = log.start(settings.log.file, settings.log.level, settings.log.mask_numbers, tally)
    collect_seldom()
    uvloop.run(Engine(settings, logger, lines, tally).run())


def collect_seldom() -> None:
    """Look for cycles among some ten thousand new objects, not at every 700: a call makes hundreds that die by themselves, and with
    thousands of calls alive each look goes through all that they hold. What was loaded until now is not looked at again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
