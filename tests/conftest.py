"""What holds for every test: how hypothesis runs, and that the tests on a real Asterisk come last, one after
another."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import HealthCheck, Phase, settings

from tests import log_lines

# No deadlines: the machine is shared, and a slow example is not a wrong one. The whole check draws the same examples each time, so
# that what fails in it is what was changed; VOLLEY_EXAMPLES=1000 looks further, with that many new ones.
settings.register_profile(
    "volley",
    deadline=None,
    max_examples=int(os.environ.get("VOLLEY_EXAMPLES", "100")),
    print_blob=True,
    derandomize="VOLLEY_EXAMPLES" not in os.environ,
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.target, Phase.shrink],
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("volley")


def pytest_configure(config: pytest.Config) -> None:
    """Refuse to run the lab's tests in parallel: they share one PBX, and a load of one is a delay of
    another."""
    if os.environ.get("PYTEST_XDIST_WORKER") and "not asterisk" not in config.getoption("-m"):
        raise pytest.UsageError('run only -m "not asterisk" in parallel: the lab is one PBX')


def pytest_sessionfinish(session: pytest.Session) -> None:
    """VOLLEY_NO_SKIPS=1, as the whole check sets it: what is skipped for something that is missing fails the run."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("VOLLEY_NO_SKIPS") == "1" and reporter is not None and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(autouse=True)
def _lines_are_as_told() -> Iterator[None]:
    """Every line that is logged in a test is as its schema says; and a test that starts the log leaves no level of its own to
    the tests after it."""
    log_lines.wrong.clear()
    yield
    structlog.reset_defaults()
    assert not log_lines.wrong, "\n".join(dict.fromkeys(log_lines.wrong))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Quick tests first: what is wrong without an Asterisk need not wait for one."""
    items.sort(key=lambda item: item.get_closest_marker("asterisk") is not None)
