"""A manager connection for the lab's own tests: plain sockets, nothing of the engine's."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable

from lab import Lab

Message = dict[str, str]


class Manager:
    """One AMI session on the lab's PBX, or on the Asterisk at `address`. Keeps every event in `events`."""

    def __init__(self, lab: Lab, address: str = "") -> None:
        self._socket = socket.create_connection((address or lab.pbx_address, lab.ports.ami), timeout=5)
        self._stream = self._socket.makefile("rb")
        self._stream.readline()  # the greeting
        self._sent = 0
        self.events: list[Message] = []
        secret = lab.secret_file.read_text().strip()
        assert self.act(Action="Login", Username="volley", Secret=secret)["Response"] == "Success"

    def close(self) -> None:
        """Hang up on the PBX."""
        self._stream.close()
        self._socket.close()

    def act(self, **headers: str) -> Message:
        """Send one action and return its response."""
        self._sent += 1
        headers["ActionID"] = f"t{self._sent}"
        text = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self._socket.sendall(f"{text}\r\n".encode())
        while True:
            message = self._read()
            if "Response" in message and message.get("ActionID") == headers["ActionID"]:
                return message
            self.events.append(message)

    def wait(self, matches: Callable[[Message], bool], seconds: float) -> Message:
        """The first event, past or to come, that matches. Raises TimeoutError."""
        deadline = time.monotonic() + seconds
        seen = 0
        while True:
            for event in self.events[seen:]:
                if matches(event):
                    return event
            seen = len(self.events)
            self._socket.settimeout(max(0.01, deadline - time.monotonic()))
            self.events.append(self._read())

    def _read(self) -> Message:
        message: Message = {}
        while line := self._stream.readline().decode("utf-8", "replace").rstrip("\r\n"):
            name, _, value = line.partition(":")
            message[name] = value.strip()
        return message
