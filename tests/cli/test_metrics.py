"""What a running engine tells of itself: over HTTP where the settings say so, and on its socket. Beside a real engine process."""

from __future__ import annotations

import socket
import stat
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.ops import pulse
from engine.ops.metrics import FAMILIES
from tests.cli.conftest import EngineProcess, Volley, run_engine
from tests.cli.test_steering import make_job
from tests.patience import PATIENCE


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.fixture
def port(volley: Volley) -> int:
    """The port on which an engine with these settings will tell its metrics; asked for before `engine`."""
    found = free_port()
    with volley.config.open("a", encoding="utf-8") as handle:
        handle.write(f'[metrics]\nlisten = "127.0.0.1:{found}"\ncampaigns = 0\n')
    return found


@pytest.fixture
def measured(port: int, engine: EngineProcess) -> tuple[EngineProcess, int]:
    return engine, port


def wait_for(done: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def ask(port: int, request: bytes = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n") -> tuple[str, str]:
    """Status line and body."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as link:
        link.sendall(request)
        found = b"".join(iter(lambda: link.recv(65536), b""))
    head, _, body = found.partition(b"\r\n\r\n")
    return head.split(b"\r\n")[0].decode(), body.decode()


def test_metrics_of_an_engine(measured: tuple[EngineProcess, int], tmp_path: Path) -> None:
    engine, port = measured
    engine.volley("submit", str(make_job(tmp_path)), "--wait")
    engine.volley("pause", "shots")
    failed = 'volley_log_lines_total{event="ami.failed",level="error"} '
    wait_for(lambda: failed in ask(port)[1])
    status, text = ask(port)
    assert status == "HTTP/1.1 200 OK"
    kinds = dict(line.split()[2:4] for line in text.splitlines() if line.startswith("# TYPE volley"))
    assert kinds == {name: family.kind for name, family in FAMILIES.items()}
    lines = set(text.splitlines())
    assert {
        'volley_ami_up{pbx="lab"} 0.0',
        'volley_trunk_state{state="down",trunk="carrier"} 1.0',
        'volley_campaigns{state="running"} 0.0',
        'volley_campaigns{state="paused"} 1.0',
        "volley_calls_limit 100.0",
        'volley_trunk_rate_limit{trunk="carrier"} 10.0',
        "volley_store_up 1.0",
        'volley_campaign_contacts_open{campaign="(other)"} 5.0',
    } <= lines
    assert any(line.startswith(failed) for line in lines), "once, and again every ten seconds"
    assert any(line.startswith("process_cpu_seconds_total ") for line in lines)
    assert "+33" not in text
    for request in (b"GET / HTTP/1.1\r\n\r\n", b"POST /metrics HTTP/1.1\r\n\r\n", b"nonsense\r\n\r\n"):
        assert ask(port, request)[0] == "HTTP/1.1 404 Not Found"
    assert ask(port, b"GET /metrics HTTP/1.1\r\nX: " + b"x" * 20000 + b"\r\n\r\n")[0] == "", (
        "too long: hung up"
    )
    assert ask(port)[0] == "HTTP/1.1 200 OK"


def test_an_address_that_cannot_be_had_is_told(volley: Volley, port: int) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        process = run_engine(volley)
        text, _ = process.communicate(timeout=20)
    assert process.returncode == 1
    assert "metrics.listen: cannot serve metrics here: " in text
    assert "choose an address of this machine and a free port" in text


def test_the_socket_tells_its_own_user_and_goes_with_the_engine(engine: EngineProcess) -> None:
    state = engine.volley.settings.engine.state
    mode = (state / pulse.SOCKET).stat().st_mode
    assert (stat.S_ISSOCK(mode), stat.S_IMODE(mode)) == (True, 0o600)
    wait_for(lambda: (told := pulse.read(state)) is not None and told.troubles)
    found = pulse.read(state)
    assert found is not None
    assert (found.live, found.fault, [one.up for one in found.pbxs]) == (0, "", [False])
    assert found.troubles[0]["event"] == "ami.failed"
    assert pulse.of_json(found.json()) == found
    assert engine.end() == 0
    assert not (state / pulse.SOCKET).exists()
    assert pulse.read(state) is None


def test_a_socket_that_was_left_behind_and_a_long_path(tmp_path: Path) -> None:
    state = tmp_path / ("x" * 100) / ("y" * 100)
    state.mkdir(parents=True)
    assert pulse.read(state) is None
    pulse.listen(state).close()  # a killed engine: the name stays, and nobody answers
    assert pulse.read(state) is None
    with pulse.listen(state):
        assert stat.S_IMODE((state / pulse.SOCKET).stat().st_mode) == 0o600
