"""AMI over TLS with a real Asterisk, on the event loop that the engine runs on."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvloop

import lab
from engine.ami.client import AmiClient
from engine.ami.connection import Link
from engine.ami.tls import Tls
from engine.errors import AmiError
from lab import Lab
from tests.ami.certificates import Certificate, certificate

pytestmark = pytest.mark.asterisk
PORT = 25039


@pytest.fixture
def secure(practice: Lab, tmp_path: Path) -> Iterator[Certificate]:
    """The PBX listens with TLS too, and can prove to be pbx.example."""
    etc = practice.dir / "pbx" / "etc"
    found = certificate(tmp_path, "pbx.example", "DNS:pbx.example")
    written = [etc / "pbx.pem", etc / "pbx.key", etc / "manager.d" / "a-tls.conf"]
    shutil.copy(found.file, written[0])
    shutil.copy(found.key, written[1])
    written[2].write_text(
        f"[general](+)\ntlsenable=yes\ntlsbindaddr={practice.pbx_address}:{PORT}\n"
        f"tlscertfile={written[0]}\ntlsprivatekey={written[1]}\n",
        encoding="utf-8",
    )
    for path in written:
        path.chmod(0o640)
        os.chown(path, -1, etc.stat().st_gid)
    lab.console("pbx", "manager reload")
    yield found
    for path in written:
        path.unlink()
    lab.console("pbx", "manager reload")


async def come_up(practice: Lab, tls: Tls) -> tuple[list[Link], list[AmiError], set[str]]:
    """What a client comes to: links, failures, and the flows that it reads."""
    links: list[Link] = []
    failures: list[AmiError] = []
    heard = asyncio.Event()
    secret = practice.secret_file.read_text(encoding="utf-8").strip()

    async def connected(link: Link) -> None:
        links.append(link)

    def failed(error: AmiError, retry_in: float) -> None:
        failures.append(error)
        heard.set()

    client = AmiClient(
        "lab", practice.pbx_address, PORT, "volley", lambda: secret, sink=lambda event: None, connected=connected,
        lost=lambda why: None, failed=failed, tls=tls,
    )  # fmt: skip
    running = asyncio.create_task(client.run())
    try:
        async with asyncio.timeout(10):
            while not client.up and not heard.is_set():  # noqa: ASYNC110 -- it has no event for that
                await asyncio.sleep(0.02)
        if client.up:
            await client.put_flow("tls", {"max": "60"})
            return links, failures, await client.flows()
        return links, failures, set()
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def test_the_pbx_is_believed_by_its_certificate_alone(practice: Lab, secure: Certificate) -> None:
    def run(tls: Tls) -> tuple[list[Link], list[AmiError], set[str]]:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(come_up(practice, tls))

    links, failures, flows = run(Tls(secure.file, "pbx.example"))
    assert failures == []
    assert links[0].version in practice.asterisk
    assert "tls" in flows
    lab.console("pbx", "database deltree volleyflow/tls")
    for tls in (Tls(secure.file), Tls(None, "pbx.example")):
        links, failures, _ = run(tls)
        assert links == []
        assert "the PBX's certificate is not believed: " in str(failures[0])
