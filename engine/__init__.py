"""Volley, an asynchronous dialing engine for Asterisk. `engine` is the import package, `volley` the command."""

__version__ = "0.1.0"
