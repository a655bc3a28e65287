"""A receiver of hooks, as a process of its own: `python -m bench.receiver BEHAVIOUR` prints its port and serves until it is ended.

`takes` answers at once, `slow` after a second, `errors` with 500, `hangs` never.
"""

from __future__ import annotations

import asyncio
import sys

HEADER_LIMIT = 1 << 16


async def _serve(behaviour: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    status = b"500 Internal Server Error" if behaviour == "errors" else b"200 OK"
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            lines = head.lower().split(b"\r\n")
            length = next(
                int(line.partition(b":")[2]) for line in lines if line.startswith(b"content-length:")
            )
            await reader.readexactly(length)
            if behaviour == "hangs":
                await asyncio.Event().wait()
            if behaviour == "slow":
                await asyncio.sleep(1.0)
            writer.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\n\r\n")
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        return
    finally:
        writer.close()


async def _main(behaviour: str) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _serve(behaviour, reader, writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=HEADER_LIMIT)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1]))
