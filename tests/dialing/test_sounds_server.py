"""The server that PBXs fetch their sounds from: what it gives, to whom, and what it refuses, over a real socket."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from engine.config import Settings
from engine.errors import SettingsError
from engine.ops.log import Log
from engine.sounds_server import SoundsServer
from tests.log_lines import Captured
from tests.patience import PATIENCE


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def settings(folder: Path, port: int, host: str = "127.0.0.1", **sounds: Any) -> Settings:
    url = f"http://127.0.0.1:{port}"
    there = {"secret_env": "X", "host": host, "sounds_path": "/var/sounds"}
    return Settings.model_validate(
        {
            "pbx": {
                "far": {**there, "sounds_dir": str(folder / "far"), "sounds_url": f"{url}/far"},
                "here": {"secret_env": "X", "sounds_dir": str(folder / "here")},
            },
            "trunk": {"t": {"pbx": "far", "dial": "PJSIP/{number}@t"}},
            "sounds": {"listen": f"127.0.0.1:{port}", **sounds},
        }
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in (
        "far/prompt-1.alaw",
        "far/fr/prompt-1.alaw",
        "far/pt_BR/prompt-1.alaw",
        "far/.prompt-2.tmp",
        "here/a.wav",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    (tmp_path / "secret.wav").write_text("secret")
    (tmp_path / "far" / "link.wav").symlink_to(tmp_path / "secret.wav")
    return tmp_path


@contextlib.asynccontextmanager
async def serving(wanted: Settings, log: Log = None) -> AsyncIterator[SoundsServer]:
    server = SoundsServer(wanted, log or structlog.get_logger())
    await server.open()
    try:
        yield server
    finally:
        await server.close()


async def ask(port: int, request: bytes, context: ssl.SSLContext | None = None) -> tuple[str, bytes]:
    """Status and body."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    writer.write(request)
    async with asyncio.timeout(PATIENCE):
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    await writer.wait_closed()
    lines = head.decode().split("\r\n")
    if body:
        assert f"Content-Length: {len(body)}" in lines
    return lines[0].removeprefix("HTTP/1.1 "), body


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: x\r\nUser-Agent: asterisk-libcurl-agent/1.0\r\n\r\n".encode()


async def test_sounds_are_served(folder: Path) -> None:
    port = free_port()
    async with serving(settings(folder, port)) as server:
        for name in ("far/prompt-1.alaw", "far/fr/prompt-1.alaw", "far/pt_BR/prompt-1.alaw"):
            assert await ask(port, get(f"/{name}")) == ("200 OK", name.encode())
        assert server.served == 3


@pytest.mark.parametrize(
    "path",
    [
        "/here/a.wav",  # that PBX reads its directory itself
        "/far/gone.wav",
        "/far/../secret.wav",
        "/far/%2e%2e/secret.wav",
        "/far/fr/../prompt-1.alaw",
        "/far/.prompt-2.tmp",
        "/far/link.wav",
        "/far/fr",
        "/far/",
        "/",
        "//etc/passwd",
        "/far/prompt-1.alaw?x=1",
        "/far/a/b/c.wav",
    ],
)
async def test_nothing_else_is(folder: Path, path: str) -> None:
    port = free_port()
    async with serving(settings(folder, port)) as server:
        assert await ask(port, get(path)) == ("404 Not Found", b"")
        assert server.served == 0


@pytest.mark.parametrize(
    "request_", [b"POST /far/prompt-1.alaw HTTP/1.1\r\n\r\n", b"GET\r\n\r\n", b"\xff\xfe\r\n\r\n"]
)
async def test_other_requests_are_refused(folder: Path, request_: bytes) -> None:
    port = free_port()
    async with serving(settings(folder, port)):
        assert (await ask(port, request_))[0] == "404 Not Found"


async def test_a_request_without_end_is_cut_off(folder: Path) -> None:
    port = free_port()
    async with serving(settings(folder, port)):
        assert (await ask(port, b"GET /" + b"a" * 20_000))[0] == ""
        assert (await ask(port, get("/far/prompt-1.alaw")))[0] == "200 OK"


async def test_only_the_pbxs_and_the_allowed_networks_may_fetch(folder: Path) -> None:
    port, told = free_port(), Captured()
    log: Log = structlog.wrap_logger(None, processors=[told])
    async with serving(settings(folder, port, host="192.0.2.7"), log):
        for _ in range(2):
            with contextlib.suppress(ConnectionResetError):
                assert await ask(port, get("/far/prompt-1.alaw")) == ("", b""), "hung up on without a word"
    assert [line["client"] for line in told.entries] == ["127.0.0.1"], "told once"
    port = free_port()
    async with serving(settings(folder, port, host="192.0.2.7", allow=["127.0.0.0/8"])):
        assert (await ask(port, get("/far/prompt-1.alaw")))[0] == "200 OK"


async def test_over_tls(folder: Path) -> None:
    certificate, key = folder / "cert.pem", folder / "key.pem"
    command = [
        "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
        "-keyout", key, "-out", certificate,
    ]  # fmt: skip
    await asyncio.to_thread(subprocess.run, command, check=True, capture_output=True)
    port, trusting = free_port(), ssl.create_default_context(cafile=certificate)
    trusting.check_hostname = False
    async with serving(settings(folder, port, certificate=str(certificate), key=str(key))):
        assert (await ask(port, get("/far/prompt-1.alaw"), trusting))[0] == "200 OK"


async def test_what_cannot_be_listened_on_is_told(folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        server = SoundsServer(settings(folder, taken.getsockname()[1]), structlog.get_logger())
        with pytest.raises(SettingsError, match=r"sounds\.listen: cannot serve sounds here"):
            await server.open()
    wanted = settings(
        folder, free_port(), certificate=str(folder / "secret.wav"), key=str(folder / "secret.wav")
    )
    with pytest.raises(SettingsError, match=r"sounds\.certificate"):
        await SoundsServer(wanted, structlog.get_logger()).open()


async def test_without_an_address_there_is_no_server(folder: Path) -> None:
    wanted = settings(folder, free_port()).model_copy(
        update={"sounds": settings(folder, 1, listen=None).sounds}
    )
    async with serving(wanted) as server:
        assert repr(server) == "<SoundsServer None served=0>"
