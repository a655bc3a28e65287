"""The command line `volley`: one thin file a command group. Commands parse, call, print.

They write to no database and talk to no PBX: what changes the engine's state goes in through the queue
directory, what is shown is read from the database by read-only connections (`engine.ops`).
"""

from __future__ import annotations


def main() -> None:
    """The console script. Exit codes: 0 done, 1 failed, 2 usage."""
    from engine.cli.program import app

    app(prog_name="volley")
