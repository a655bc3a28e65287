"""Values of the hot path: frozen for the type checker, plain at run time.

A frozen dataclass sets each field through `object.__setattr__`, which makes it three times as dear as a plain one; a call
makes some thirty of them. The type checker refuses whoever would change one, so nothing has to at run time.

    @hot_value(frozen=True, slots=True)
    class Up: ...
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from dataclasses import dataclass as hot_value
else:
    C = TypeVar("C", bound=type)

    def hot_value(*, frozen: bool, slots: bool) -> Callable[[C], C]:
        """Make a class a value."""
        assert frozen, "a value is frozen, to whoever reads the code"
        return dataclass(slots=slots, unsafe_hash=True)


__all__ = ["hot_value"]
