"""A receiver on the loopback: takes what is posted to it, and behaves as a test says."""

from __future__ import annotations

import json
import socket
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SECRET = "correct horse battery staple"


@dataclass
class Request:
    """What came in."""

    path: str
    headers: dict[str, str]
    body: bytes
    at: float
    connection: int
    """Port of the far end: the same while a connection is kept."""

    @property
    def table(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found


@dataclass
class Reply:
    """What goes back."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"{}"
    after: float = 0.0
    """Seconds until it is sent."""
    drop: bool = False
    """Close the connection in place of an answer."""
    drip: bytes | None = None
    """Send this in place of an answer, and then byte after byte without end."""


class Receiver:
    """An HTTP server in threads; `behave` is asked for the reply to each request."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[Request] = []
        self.behave: Callable[[Request], Reply] = lambda request: Reply()
        self.most = 0
        """Requests under way at the same time."""
        self._now = 0
        self._lock = threading.Lock()
        self.stopped = threading.Event()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                receiver._take(self)

            def log_message(self, *_: Any) -> None:
                """Tests tell what went wrong."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request: Any, client_address: Any) -> None:
                """A client that goes away is what some tests are about."""

        self._server = Server(("127.0.0.1", 0), Handler)
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.port: int = self._server.server_address[1]
        self.url = f"{'https' if tls else 'http'}://{'localhost' if tls else '127.0.0.1'}:{self.port}/volley"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def _take(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        request = Request(handler.path, dict(handler.headers), body, time.time(), handler.client_address[1])
        with self._lock:
            self.requests.append(request)
            self._now += 1
            self.most = max(self.most, self._now)
        try:
            reply = self.behave(request)
            self.stopped.wait(reply.after)
            if reply.drop:
                handler.connection.shutdown(socket.SHUT_RDWR)
                handler.close_connection = True
                return
            if reply.drip is not None:
                handler.wfile.write(reply.drip)
                while not self.stopped.wait(0.05):
                    handler.wfile.write(b"x")
            handler.send_response(reply.status)
            for name, value in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
                handler.send_header(name, value)
            handler.end_headers()
            handler.wfile.write(reply.body)
        finally:
            with self._lock:
                self._now -= 1

    @property
    def ids(self) -> list[str]:
        """The events' ids, in the order in which they came."""
        return [request.table["id"] for request in self.requests]

    def close(self) -> None:
        self.stopped.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
