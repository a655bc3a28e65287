"""What a health check is told."""

from __future__ import annotations

from engine.ops.health import problems
from engine.store.database import state_lock
from tests.ops.filled import Books


def test_an_engine_that_holds_its_lock_and_says_nothing_is_not_well(books: Books) -> None:
    state = books.settings.engine.state
    assert problems(books.settings) == [f"no engine runs on {state}"]
    with state_lock(state):
        [problem] = problems(books.settings)
    assert problem.startswith(f"the engine on {state} does not answer within 1 s")
