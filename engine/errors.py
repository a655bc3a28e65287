"""Everything that Volley raises for a broken thing.

    VolleyError                 something is broken; the message says what, where and what to do
    ├── InputError              what someone handed in is wrong; carries every problem at once
    │   ├── SettingsError       volley.toml is wrong
    │   └── RulesError          a file of the rule book is wrong, or would loosen the law
    ├── StoreError              the database refused: disk full, I/O error, locked, damaged
    │   ├── StoreFault          the disk or the file: nothing can be written now, whatever it is
    │   ├── StoreInUse          another engine holds this state directory
    │   ├── ListUnusable        a file of a suppression list is missing, cut, damaged or foreign
    │   └── KeyMissing          the key that people who were forgotten are known by is missing or unsafe
    ├── SoundError              a piece of sound cannot be read, converted or spoken
    └── AmiError                the manager interface of a PBX
        ├── AmiUnreachable      no connection: refused, no route, lost, half-open
        ├── AmiLoginRefused     wrong user or secret, or an address the ACL refuses
        ├── AmiActionFailed     Asterisk answered Response: Error
        └── AmiTimeout          no answer within the action's deadline
    RefusedField                (also a ValueError) a value that must not enter an AMI message

A callee that is busy is not an error: outcomes are values, see `engine.dialing.disposition`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


class VolleyError(Exception):
    """The root of all errors that Volley raises on purpose."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in what was handed in: `where` (a path, a key, a row), `what`, and what `todo` about it."""

    where: str
    what: str
    todo: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.what}" + (f" ({self.todo})" if self.todo else "")


class InputError(VolleyError):
    """Handed-in material is wrong. `problems` holds all that was found, not just the first."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class SettingsError(InputError):
    """volley.toml is wrong."""


class RulesError(InputError):
    """A file of the rule book is wrong, or an operator's file would loosen the law."""


class SoundError(VolleyError):
    """A recording cannot be read or converted, a text cannot be spoken: what is wrong, and what `todo` about it."""

    def __init__(self, what: str, todo: str = "") -> None:
        self.what = what
        self.todo = todo
        super().__init__(what)


class StoreError(VolleyError):
    """The database refused. Dialing stops until it works again."""


class StoreFault(StoreError):
    """Nothing can be written now: no space, an I/O error, a lock that somebody else holds, a damaged file. Nobody's
    unit of work is to blame, and the same one may succeed later."""


class StoreInUse(StoreError):
    """Another engine holds the lock of this state directory."""


class ListUnusable(StoreError):
    """A file of a suppression list cannot be trusted. What it would have to be asked for blocks."""


class KeyMissing(StoreError):
    """People were forgotten, and the key that tells them when they come in again cannot be used."""


class AmiError(VolleyError):
    """The manager interface of a PBX did not do what was asked."""


class AmiUnreachable(AmiError):
    """There is no working connection to the PBX."""


class AmiLoginRefused(AmiError):
    """The PBX answered, and refused the login."""


class AmiActionFailed(AmiError):
    """Asterisk answered an action with an error; its own message is in the text."""


class AmiTimeout(AmiError):
    """Asterisk did not answer an action within its deadline. Whether it acted is not known."""


class RefusedField(VolleyError, ValueError):
    """A name or value that must not enter an AMI message: control characters, over-long, or dialplan code."""
