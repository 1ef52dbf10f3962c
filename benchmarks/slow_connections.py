"""What slow clients cost a healthy one: `python benchmarks/slow_connections.py [SECONDS]`.

300 connections are held open against a service with its default deadlines, a third each: a head that trickles,
a body that trickles, silence; one that is cut is opened again. Beside them a healthy client asks over one
connection that it keeps and over a new one each time. Printed are its latencies without and with the slow ones.
"""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from farshot.service.address import ListenAddress
from farshot.service.server import Settings, serve

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.requests import Request

SLOW = 100
HEAD = b"GET /health HTTP/1.1\r\nX-Slow: "
BODY = b"POST /read HTTP/1.1\r\nHost: here\r\nContent-Length: 1000000\r\n\r\n"
ASK = b"GET /health HTTP/1.1\r\nHost: here\r\n\r\n"


async def health(_request: Request) -> PlainTextResponse:
    """Answer at once."""
    return PlainTextResponse("ok")


async def read(request: Request) -> PlainTextResponse:
    """Answer once the body is there."""
    return PlainTextResponse(str(len(await request.body())))


def run_service() -> None:
    """Serve until told to stop; say where."""
    app = Starlette(routes=[Route("/health", health), Route("/read", read, methods=["POST"])])
    serve(app, ListenAddress(port=0), Settings(on_ready=lambda url: print(url, flush=True)))


@contextlib.contextmanager
def service() -> Iterator[int]:
    """Yield the port of a service in a process of its own."""
    with subprocess.Popen([sys.executable, __file__, "serve"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None  # noqa: S101 -- asked for above
        yield int(process.stdout.readline().rpartition(":")[2])
        process.terminate()


async def be_slow(port: int, start: bytes, drop: bytes) -> None:
    """Hold a connection open with a byte a second, over and over."""
    while True:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(start)
        with contextlib.suppress(ConnectionError):
            while not reader.at_eof():
                writer.write(drop)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(reader.read(1000), 1)
        writer.close()


async def one_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Ask, and read the whole answer."""
    writer.write(ASK)
    await reader.readuntil(b"\r\n\r\nok")


async def healthy(port: int, seconds: float) -> tuple[list[float], list[float]]:
    """Return the latencies over a kept connection and over new ones, in milliseconds."""
    kept, new = [], []
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        started = time.perf_counter()
        await one_request(reader, writer)
        kept.append((time.perf_counter() - started) * 1000)
        started = time.perf_counter()
        fresh = await asyncio.open_connection("127.0.0.1", port)
        await one_request(*fresh)
        new.append((time.perf_counter() - started) * 1000)
        fresh[1].close()
        await asyncio.sleep(0.005)
    writer.close()
    return kept, new


def report(name: str, latencies: tuple[list[float], list[float]]) -> None:
    """Print the latencies of one run."""
    for kind, values in zip(("kept", "new"), latencies, strict=True):
        p99 = statistics.quantiles(values, n=100)[98]
        figures = f"median {statistics.median(values):6.2f} ms, p99 {p99:6.2f} ms, worst {max(values):6.2f} ms"
        print(f"{name:8} {kind:4} connection: {figures} ({len(values)} requests)")


async def measure(port: int, seconds: float) -> None:
    """Compare a healthy client alone with one beside the slow ones."""
    report("alone", await healthy(port, seconds / 3))
    kinds = [(HEAD, b"a"), (BODY, b"b"), (b"", b"")]
    slow = [asyncio.create_task(be_slow(port, *kind)) for kind in kinds for _ in range(SLOW)]
    await asyncio.sleep(1)
    report(f"{len(slow)} slow", await healthy(port, seconds))
    for task in slow:
        task.cancel()
    await asyncio.gather(*slow, return_exceptions=True)


def main() -> None:
    """Run the service or the clients."""
    if sys.argv[1:] == ["serve"]:
        run_service()
        return
    with service() as port:
        asyncio.run(measure(port, float(sys.argv[1]) if sys.argv[1:] else 30.0))


if __name__ == "__main__":
    main()
