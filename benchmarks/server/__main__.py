"""Serve until told to stop: `python -m benchmarks.server [FOLDER]`, with TLS if there is a folder for certificates."""

import asyncio
import json
import signal
import socket
import struct
import sys
import time
from pathlib import Path

from benchmarks.fake import BUCKET, Setup
from benchmarks.server.answers import Answer, Request
from benchmarks.server.certificates import make_context
from benchmarks.server.objects import Bucket
from benchmarks.server.services import Services

# What those who measure ask begins with an underscore, as no bucket does.
OBJECT = "/_object/"
HEAD_END = b"\r\n\r\n"
BACKLOG = 1024
# On close, discard what was not sent and reset the connection.
LINGER_NOT = struct.pack("ii", 1, 0)


class Connection(asyncio.Protocol):
    """One connection of a client, which sends one request after another."""

    def __init__(self, services: Services) -> None:
        """Serve a new connection."""
        self._services = services
        self._received = bytearray()
        self._continued = False
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        if isinstance(transport, asyncio.Transport):
            self._transport = transport
        self._services.counts["connections"] += 1

    def data_received(self, data: bytes) -> None:
        """Take what came, and answer once it is a whole request."""
        self._received += data
        end = self._received.find(HEAD_END)
        if end < 0:
            return
        line, *lines = self._received[:end].decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (each.partition(":") for each in lines)}
        whole = end + len(HEAD_END) + int(headers.get("content-length", 0))
        if len(self._received) < whole:
            if headers.get("expect", "").lower() == "100-continue" and not self._continued:
                self._continued = True
                self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            return
        method, target, _ = line.split(" ", 2)
        request = Request(method, target, headers, bytes(self._received[end + len(HEAD_END) : whole]))
        del self._received[:whole]
        self._continued = False
        self._answer(request)

    def _answer(self, request: Request) -> None:
        if request.target.startswith("/_"):
            self._send(_controlled(self._services, request), request)
            return
        came = time.monotonic()
        operation, answer = self._services.answer(request)
        latency_ms = self._services.setup.latency_ms

        def send() -> None:
            self._services.timeline.append((operation, came, time.monotonic()))
            self._send(answer, request)

        if latency_ms:
            asyncio.get_running_loop().call_later(latency_ms / 1000, send)
        else:
            send()

    def _send(self, answer: Answer, request: Request) -> None:
        if answer.reset:
            self._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NOT)
            self._transport.abort()
            return
        self._transport.write(answer.on_the_wire(head_only=request.method == "HEAD"))
        if answer.cut:
            self._transport.close()


def _controlled(services: Services, request: Request) -> Answer:
    """Answer those who measure."""
    if request.target == "/_setup":
        services.set_up(Setup(**json.loads(request.body)))
        return Answer(b"{}")
    if request.target == "/_counts":
        return Answer(json.dumps(services.counts).encode())
    if request.target == "/_timeline":
        return Answer(json.dumps(services.timeline).encode())
    bucket = services.objects.buckets.get(BUCKET, Bucket())
    if request.path.startswith(OBJECT):
        return Answer(bucket.objects[request.path.removeprefix(OBJECT)][0])
    return Answer(json.dumps(bucket.sorted_keys).encode())


async def main(folder: Path | None) -> None:
    """Serve on a free port, say where, and serve until the end of the process."""
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stopped.set)
    # Who started this holds the other end, and may be killed: nothing is ever written there.
    loop.add_reader(sys.stdin, stopped.set)
    services = Services()
    context = make_context(folder) if folder else None
    server = await loop.create_server(lambda: Connection(services), "127.0.0.1", 0, ssl=context, backlog=BACKLOG)
    port = server.sockets[0].getsockname()[1]
    print(json.dumps({"url": f"http{'s' if context else ''}://127.0.0.1:{port}"}), flush=True)
    await stopped.wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]) if sys.argv[1:] else None))
