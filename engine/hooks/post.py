"""One event by HTTP: a POST on a connection that is kept, in a thread of its own.

TLS is verified, redirects are not followed, no proxy of the environment is asked, and what the receiver answers is not
looked at beyond its status and Retry-After. A receiver that sends without end, or byte by byte, is cut off by `abort`.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection, HTTPException, HTTPResponse, RemoteDisconnected
from pathlib import Path
from typing import Any

from engine import __version__
from engine.hook_settings import HookSettings
from engine.hooks import signature
from engine.hooks.answers import Answer, Meaning, of_status
from engine.hooks.worker import Parcel
from engine.ops.printable import line

BODY_READ = 65536
"""Bytes of an answer's body that are read, and thrown away, so that the connection can be used again."""
IDLE = 15.0
"""Seconds after which a connection is not used again: the far end may be closing it at that moment."""


class _Connection(HTTPConnection):
    """http.client's connection, with TLS that can be aborted during its handshake too."""

    def __init__(self, host: str, port: int, timeout: float, tls: ssl.SSLContext | None) -> None:
        super().__init__(host, port, timeout=timeout)
        self.default_port = 80 if tls is None else 443
        self._tls = tls

    def connect(self) -> None:
        self.sock: Any = socket.create_connection((self.host, self.port), self.timeout)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._tls is not None:
            self.sock = self._tls.wrap_socket(
                self.sock, server_hostname=self.host, do_handshake_on_connect=False
            )
            self.sock.do_handshake()


class Post:
    """Sends events to one URL. `send` is called in a thread, one at a time; `abort` from any other."""

    def __init__(self, settings: HookSettings, secret: str, now: Callable[[], float]) -> None:
        """`now`: the time to sign with, POSIX seconds. Raises OSError when the certificates cannot be used."""
        self._secret = secret
        self._now = now
        address = settings.address
        tls = context(settings.ca_file) if address.scheme == "https" else None
        port = address.port or (443 if tls else 80)
        self._connection = _Connection(address.hostname or "", port, settings.timeout, tls)
        self._target = (address.path or "/") + (f"?{address.query}" if address.query else "")
        self._used = float("-inf")
        self._aborted = False

    def send(self, parcel: Parcel) -> Answer:
        """Send one event; returns what came back, and raises nothing that has to do with the receiver."""
        self._aborted = False
        kept = self._connection.sock is not None
        if kept and time.monotonic() - self._used > IDLE:
            self._connection.close()
            kept = False
        try:
            try:
                return self._exchange(parcel)
            except (RemoteDisconnected, ConnectionError):
                if not kept or self._aborted:
                    raise
                self._connection.close()  # the far end had closed what we kept: that says nothing of this event
                return self._exchange(parcel)
        except ssl.SSLCertVerificationError as error:
            return self._failed(f"its certificate is not valid: {error.verify_message}")
        except TimeoutError:
            return self._failed("no answer in time")
        except (OSError, HTTPException, ValueError) as error:
            return self._failed(f"no answer: {type(error).__name__}: {error}")

    def _exchange(self, parcel: Parcel) -> Answer:
        self._connection.request(
            "POST",
            self._target,
            parcel.body,
            {
                "Content-Type": "application/json",
                "User-Agent": f"Volley/{__version__}",
                "Connection": "keep-alive",
                "Volley-Event": parcel.event,
                "Volley-Id": parcel.id,
                signature.HEADER: signature.sign(self._secret, parcel.body, self._now()),
            },
        )
        response = self._connection.getresponse()
        answer = of_status(
            response.status, line(response.reason[:60]), _seconds(response.getheader("Retry-After"))
        )
        self._finish(response)
        return answer

    def _finish(self, response: HTTPResponse) -> None:
        """The answer counts, whatever becomes of its body."""
        with suppress(OSError, HTTPException, ValueError):
            response.read(BODY_READ)
        if not response.isclosed():
            self._connection.close()
        self._used = time.monotonic()

    def _failed(self, error: str) -> Answer:
        self._connection.close()
        return Answer(Meaning.LATER, error=line(error[:200]).strip())

    def abort(self) -> None:
        """Cut off what is under way: `send` returns at once."""
        self._aborted = True
        held = self._connection.sock
        if held is not None:
            with suppress(OSError):
                # The plain socket's own way: that of a TLS socket drops the session which the other thread is using.
                socket.socket.shutdown(held, socket.SHUT_RDWR)

    def close(self) -> None:
        """Keep no connection; in the thread that sent."""
        self._connection.close()


def context(ca_file: Path | None) -> ssl.SSLContext:
    """TLS 1.2 at least, the name and the certificate verified. Raises OSError when the file cannot be used."""
    return ssl.create_default_context(cafile=ca_file)


def _seconds(value: str | None) -> float | None:
    """Retry-After: seconds, or an HTTP date (RFC 9110, section 10.2.3); None for anything else."""
    if value is None:
        return None
    if value.strip().isdecimal():
        return float(value.strip()[:9])
    try:
        return parsedate_to_datetime(value).timestamp() - time.time()
    except (ValueError, TypeError):
        return None
