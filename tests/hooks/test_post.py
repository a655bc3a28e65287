"""One POST: TLS is verified, and what comes back is read with care."""

from __future__ import annotations

import ssl
import subprocess
import time
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path

import pytest

from engine.hook_settings import HookSettings
from engine.hooks.answers import Meaning
from engine.hooks.post import Post
from engine.hooks.worker import Parcel
from lab import packages
from tests.hooks.receiver import SECRET, Receiver, Reply

EVENT = Parcel("crm", "call.ended", "00ff", b'{"event":"call.ended"}')


def post(url: str, **settings: object) -> Post:
    table = {"url": url, "events": ["*"], "secret_env": "X", "timeout": 2.0, **settings}
    return Post(HookSettings.model_validate(table), SECRET, time.time)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for localhost that vouches for itself, and its key."""
    packages.need({"openssl": "openssl"}, print)
    folder = tmp_path_factory.mktemp("tls")
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(certificate)],
        check=True, capture_output=True,
    )  # fmt: skip
    return certificate, key


@pytest.fixture
def secure(certificate: tuple[Path, Path]) -> Iterator[Receiver]:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(*certificate)
    found = Receiver(tls)
    yield found
    found.close()


def test_tls_with_an_authority_of_ones_own(secure: Receiver, certificate: tuple[Path, Path]) -> None:
    sender = post(secure.url, ca_file=certificate[0])
    assert [sender.send(EVENT).status for _ in range(3)] == [200, 200, 200]
    assert len({request.connection for request in secure.requests}) == 1
    assert secure.requests[0].body == EVENT.body
    sender.close()


def test_a_certificate_that_nobody_vouches_for(secure: Receiver) -> None:
    found = post(secure.url).send(EVENT)
    assert found.meaning is Meaning.LATER
    assert found.error.startswith("its certificate is not valid: self")
    assert secure.requests == []


def test_a_certificate_of_another_name(secure: Receiver, certificate: tuple[Path, Path]) -> None:
    found = post(f"https://127.0.0.1:{secure.port}/", ca_file=certificate[0]).send(EVENT)
    assert "IP address mismatch" in found.error
    assert secure.requests == []


def test_plain_http_where_tls_is_spoken(secure: Receiver) -> None:
    found = post(f"http://127.0.0.1:{secure.port}/").send(EVENT)
    assert found.meaning is not Meaning.TAKEN
    assert secure.requests == []


def test_a_handshake_that_does_not_end_is_cut_off(receiver: Receiver) -> None:
    """The far end listens, and says nothing of TLS."""
    begun = time.monotonic()
    found = post(f"https://127.0.0.1:{receiver.port}/", timeout=0.3).send(EVENT)
    assert found.meaning is Meaning.LATER
    assert time.monotonic() - begun < 3


def test_an_environment_with_a_proxy_changes_nothing(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1/")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1/")
    sender = post(receiver.url)
    assert sender.send(EVENT).status == 200
    sender.close()


@pytest.mark.parametrize(
    ("said", "low", "high"),
    [
        ("7", 7.0, 7.0),
        (" 12 ", 12.0, 12.0),
        ("a date", 50.0, 101.0),
        ("99999999999999999999", 999_999_999.0, 999_999_999.0),
    ],
)
def test_retry_after(receiver: Receiver, said: str, low: float, high: float) -> None:
    words = formatdate(time.time() + 100, usegmt=True) if said == "a date" else said
    receiver.behave = lambda request: Reply(503, {"Retry-After": words})
    sender = post(receiver.url)
    found = sender.send(EVENT)
    assert found.retry_after is not None
    assert low <= found.retry_after <= high
    sender.close()


@pytest.mark.parametrize("said", ["soon", "-1", "", "Tue, 99 Foo 2026"])
def test_a_retry_after_that_means_nothing(receiver: Receiver, said: str) -> None:
    receiver.behave = lambda request: Reply(503, {"Retry-After": said})
    sender = post(receiver.url)
    assert sender.send(EVENT).retry_after is None
    sender.close()


@pytest.mark.parametrize(
    "said",
    [b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.1 999999 No\r\n\r\n", b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000, b"\x00" * 100 + b"\r\n"],
)  # fmt: skip
def test_what_is_no_http(receiver: Receiver, said: bytes) -> None:
    receiver.behave = lambda request: Reply(drip=said)
    sender = post(receiver.url, timeout=0.5)
    found = sender.send(EVENT)
    assert found.meaning is Meaning.LATER
    assert found.error
    assert found.error.isprintable()
    assert len(found.error) <= 200
    sender.close()


def test_a_name_that_does_not_resolve() -> None:
    found = post("https://nobody.invalid/").send(EVENT)
    assert found.meaning is Meaning.LATER
    assert found.error.startswith("no answer: gaierror")
