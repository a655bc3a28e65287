"""The process that hears is kept alive, and the PBXs know where it is."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import CapturingLogger

from engine.detection.keeper import Keeper, entries
from engine.detector_settings import DetectorSettings
from engine.errors import AmiUnreachable
from tests.patience import PATIENCE


class Pbx:
    """Keeps what it was told; one that is down is told nothing."""

    def __init__(self, up: bool = True) -> None:
        self.detector = ""
        self.up = up
        self.told: asyncio.Queue[dict[str, str]] = asyncio.Queue()

    async def tell_detector(self) -> None:
        if not self.up:
            raise AmiUnreachable("down")
        self.told.put_nowait(entries(self.detector))


async def listener(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        _, writer = await asyncio.open_connection(host, int(port))
    except ConnectionError:
        return False
    writer.close()
    await writer.wait_closed()
    return True


def children() -> set[int]:
    found = set()
    for name in os.listdir("/proc"):
        with contextlib.suppress(OSError, ValueError):
            stat = Path(f"/proc/{int(name)}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
            if int(stat[1]) == os.getpid():
                found.add(int(name))
    return found


async def test_it_is_told_and_started_again() -> None:
    log: Any = CapturingLogger()
    here, down, remote = Pbx(), Pbx(up=False), Pbx()
    hosts = {"here": "127.0.0.1", "down": "localhost", "remote": "10.0.0.9"}
    keeper = Keeper(
        DetectorSettings(), hosts, {"here": here, "down": down, "remote": remote}, lambda *_: None, log
    )
    assert keeper.needed
    before = children()
    running = asyncio.create_task(keeper.run())
    async with asyncio.timeout(PATIENCE):
        address = (await here.told.get())["at"]
        assert await listener(address)
        assert down.detector == address
        assert remote.detector == ""
        (process,) = children() - before
        os.kill(process, signal.SIGKILL)
        assert await here.told.get() == {}
        again = (await here.told.get())["at"]
        assert await listener(again)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert not await listener(again)
    assert here.detector == ""
    assert [call.args[0] for call in log.calls] == ["detector.started", "detector.lost", "detector.started"]
    assert "SIGKILL" in log.calls[1].kwargs["why"]


async def test_a_port_that_is_taken_is_told() -> None:
    taken = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = taken.sockets[0].getsockname()[1]
    log: Any = CapturingLogger()
    here = Pbx()
    settings = DetectorSettings(listen=f"127.0.0.1:{port}")
    keeper = Keeper(settings, {"here": "127.0.0.1"}, {"here": here}, lambda *_: None, log)
    running = asyncio.create_task(keeper.run())
    async with asyncio.timeout(PATIENCE):
        assert await here.told.get() == {}
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    taken.close()
    assert f"cannot listen at 127.0.0.1:{port}" in log.calls[0].kwargs["why"]


@pytest.mark.parametrize(
    ("listen", "allow", "host", "reached"),
    [
        ("127.0.0.1:0", (), "127.0.0.1", True),
        ("127.0.0.1:0", (), "10.0.0.9", False),
        ("10.0.0.5:9092", ("10.0.0.0/24",), "10.0.0.9", True),
        ("10.0.0.5:9092", ("10.0.0.0/24",), "127.0.0.1", True),
    ],
)
def test_which_pbx_can_reach_it(listen: str, allow: tuple[str, ...], host: str, reached: bool) -> None:
    settings = DetectorSettings.model_validate({"listen": listen, "allow": allow})
    assert settings.reaches(host) is reached
    assert not settings.model_copy(update={"enabled": False}).reaches(host)


@pytest.mark.parametrize(
    ("settings", "what"),
    [
        ({"listen": "0.0.0.0:9092"}, "must name the address"),
        ({"listen": "[::]:9092", "allow": ["10.0.0.0/8"]}, "must name the address"),
        ({"listen": "10.0.0.5:9092"}, "open to other machines"),
        ({"listen": "10.0.0.500:9092"}, "no address"),
        ({"listen": "127.0.0.1:99999"}, "65535"),
        ({"calls": 0}, "greater than or equal to 1"),
    ],
)
def test_settings_that_are_refused(settings: dict[str, Any], what: str) -> None:
    with pytest.raises(ValueError, match=what):
        DetectorSettings.model_validate(settings)
