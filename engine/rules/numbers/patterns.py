"""What a numbering plan's expression says about numbers of which only the beginning is known.

A plan describes its ranges as regular expressions over digits: `6(?:[0-24-8]\\d|3[0-8])\\d{6}`. For most of
them the first digits decide, and whatever follows only has to be there. Here an expression tells whether that
is so, by proof: it is turned into an automaton, and every way on is followed. Knows digits, `[...]`, `\\d`,
groups, `|`, `?`, `{n}`, `{n,m}` and a `$` at the end of an alternative; refuses anything else.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

_ALL = (1 << 10) - 1
_DIGITS = "0123456789"

States = frozenset[int]


class UnknownPattern(ValueError):
    """This expression uses something that is not understood here."""


@dataclass(frozen=True, slots=True)
class _Digit:
    mask: int


@dataclass(frozen=True, slots=True)
class _End:
    """`$`."""


@dataclass(frozen=True, slots=True)
class _Sequence:
    parts: tuple[_Node, ...]


@dataclass(frozen=True, slots=True)
class _Choice:
    options: tuple[_Node, ...]


@dataclass(frozen=True, slots=True)
class _Repeat:
    part: _Node
    least: int
    most: int


_Node = _Digit | _End | _Sequence | _Choice | _Repeat


class _Reader:
    """Reads the expression, by recursive descent."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def read(self) -> _Node:
        node = self._choice()
        if self._at != len(self._text):
            raise UnknownPattern(f"{self._text!r}: {self._text[self._at]!r} at {self._at}")
        return node

    def _next(self) -> str:
        return self._text[self._at : self._at + 1]

    def _take(self, expected: str) -> bool:
        if self._text.startswith(expected, self._at):
            self._at += len(expected)
            return True
        return False

    def _choice(self) -> _Node:
        options = [self._sequence()]
        while self._take("|"):
            options.append(self._sequence())
        return options[0] if len(options) == 1 else _Choice(tuple(options))

    def _sequence(self) -> _Node:
        parts: list[_Node] = []
        while self._next() not in ("", "|", ")"):
            parts.append(self._repeated(self._atom()))
        return _Sequence(tuple(parts))

    def _atom(self) -> _Node:
        if self._take("(?:") or self._take("("):
            node = self._choice()
            if not self._take(")"):
                raise UnknownPattern(f"{self._text!r}: a group is not closed")
            return node
        if self._take("["):
            return self._digit_class()
        if self._take("\\d"):
            return _Digit(_ALL)
        if self._take("$"):
            return _End()
        return _Digit(1 << self._digit())

    def _digit_class(self) -> _Node:
        mask = 0
        while not self._take("]"):
            if self._take("\\d"):
                mask |= _ALL
                continue
            first = last = self._digit()
            if self._take("-"):
                last = self._digit()
            for digit in range(first, last + 1):
                mask |= 1 << digit
        return _Digit(mask)

    def _digit(self) -> int:
        sign = self._next()
        if not sign or sign not in _DIGITS:
            raise UnknownPattern(f"{self._text!r}: {sign!r} at {self._at}")
        self._at += 1
        return int(sign)

    def _repeated(self, node: _Node) -> _Node:
        if self._take("?"):
            return _Repeat(node, 0, 1)
        if self._take("{"):
            end = self._text.find("}", self._at)
            least, comma, most = self._text[self._at : end].partition(",")
            self._at = end + 1
            if not least.isdigit() or (comma and not most.isdigit()):
                raise UnknownPattern(f"{self._text!r}: an open repetition")
            return _Repeat(node, int(least), int(most) if comma else int(least))
        return node


class DigitPattern:
    """One expression. What was found out for one question helps to answer the next."""

    def __init__(self, text: str) -> None:
        self._masks: list[int] = []
        """A state's digits; 0 for one that leads on without a digit, or ends."""
        self._targets: list[list[int]] = []
        self._final = self._state(0)
        self._start = self._closure({self._build(_Reader(text).read(), self._final)})
        self._steps: dict[tuple[States, int], States] = {}
        self._settled: dict[tuple[States, int], bool | None] = {}

    def matches(self, head: str, tail: int) -> bool | None:
        """Is `head`, with `tail` more digits, wholly matched? None when that depends on which digits they
        are."""
        states = self._start
        for sign in head:
            states = self._step(states, int(sign))
        return self._outcome(states, tail)

    def is_settled(self, head: str) -> bool:
        """Does what follows `head` (something does) have no bearing on whether, and how far, the expression
        matches from the start?"""
        states = self._start
        for sign in head:
            states = self._step(states, int(sign))
        return not any(self._masks[state] for state in states)

    def _outcome(self, states: States, left: int) -> bool | None:
        if not states:
            return False
        if left == 0:
            return self._final in states
        key = (states, left)
        if key not in self._settled:
            outcomes = {self._outcome(self._step(states, digit), left - 1) for digit in range(10)}
            self._settled[key] = outcomes.pop() if len(outcomes) == 1 else None
        return self._settled[key]

    def _step(self, states: States, digit: int) -> States:
        key = (states, digit)
        found = self._steps.get(key)
        if found is None:
            bit = 1 << digit
            found = self._closure(
                {target for state in states if self._masks[state] & bit for target in self._targets[state]}
            )
            self._steps[key] = found
        return found

    def _closure(self, states: set[int]) -> States:
        """`states` and what can be reached from them without a digit; only those that take a digit or are
        final are kept."""
        reached, todo = set(states), list(states)
        while todo:
            state = todo.pop()
            if not self._masks[state]:
                fresh = [target for target in self._targets[state] if target not in reached]
                reached.update(fresh)
                todo.extend(fresh)
        return frozenset(state for state in reached if self._masks[state] or state == self._final)

    def _state(self, mask: int, *targets: int) -> int:
        self._masks.append(mask)
        self._targets.append(list(targets))
        return len(self._masks) - 1

    def _build(self, node: _Node, after: int) -> int:
        """States for `node` that lead to `after`; returns the first."""
        match node:
            case _Digit(mask):
                return self._state(mask, after)
            case _End():
                # It ends an alternative: a whole match satisfies it, and no digit leads on from it.
                return after
            case _Sequence(parts):
                for part in reversed(parts):
                    after = self._build(part, after)
                return after
            case _Choice(options):
                return self._state(0, *[self._build(option, after) for option in options])
            case _Repeat(part, least, most):
                for _ in range(most - least):
                    after = self._state(0, self._build(part, after), after)
                for _ in range(least):
                    after = self._build(part, after)
                return after


@lru_cache(maxsize=8192)
def digit_pattern(text: str) -> DigitPattern | None:
    """The pattern of an expression, or None where it is not understood."""
    try:
        return DigitPattern(text)
    except UnknownPattern:
        return None
