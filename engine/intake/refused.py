"""One thing wrong in what was handed in."""

from __future__ import annotations

from engine.errors import InputError, Problem


class Refused(InputError):
    """An InputError with a single problem, where it makes no sense to look for more."""

    def __init__(self, where: str, what: str, todo: str = "") -> None:
        super().__init__([Problem(where, what, todo)])
