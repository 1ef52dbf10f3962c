"""The service beside the embedded backend: `python benchmarks/service.py [rate latency waiting status million]`.

Each figure is of one run on one machine: rates as ratios, what is compared in turns, medians. The service is a process
of its own on loopback, its clients are processes or threads of this one. Needs the extra `server`.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

os.environ["RAYON_NUM_THREADS"] = "1"

import httpx2

import farshot
from farshot.accounts import User, new_token
from farshot.store import open_engine, sqlite_url
from farshot.store.accounts import SqlAccounts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BELL = 'OPENQASM 2.0;\ninclude "qelib1.inc";\nqreg q[2];\ncreg c[2];\nh q[0];\ncx q[0],q[1];\nmeasure q -> c;\n'
FOUR = (
    'OPENQASM 2.0;\ninclude "qelib1.inc";\nqreg q[4];\ncreg c[4];\n'
    + "".join(f"ry(a[{n}]) q[{n}];\n" for n in range(4))
    + "cx q[0],q[1];\ncx q[2],q[3];\nmeasure q -> c;\n"
)
WAITERS = 500


class Server:
    """A service in a process of its own."""

    def __init__(self, folder: Path, *options: str) -> None:
        """Start it and wait until it says where it is."""
        self.folder = folder
        command = [sys.executable, "-m", "farshot", "serve", "--port", "0", "--data-dir", str(folder), *options]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.url = next(word for line in _output(self.process) for word in line.split() if word.startswith("http"))
        threading.Thread(target=_output(self.process).read, daemon=True).start()

    def token(self, name: str) -> str:
        """Return a new token of a user."""
        command = [sys.executable, "-m", "farshot", "token", "create", name, "--data-dir", str(self.folder)]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-1]

    def tokens(self, count: int) -> list[str]:
        """Return a new token of each of so many new users."""
        accounts, texts = SqlAccounts(open_engine(sqlite_url(self.folder))), []
        for number in range(count):
            token, text = new_token(accounts.add_user(User(f"user{number}")).name, datetime.now(UTC))
            accounts.add_token(token)
            texts.append(text)
        return texts

    def memory(self) -> int:
        """Return the most memory that the process has had resident, in bytes."""
        return peak(self.process.pid)

    def close(self) -> None:
        """Stop it."""
        self.process.terminate()
        self.process.wait()


def _output(process: subprocess.Popen[str]) -> IO[str]:
    if process.stdout is None:
        raise RuntimeError
    return process.stdout


def peak(pid: int | str) -> int:
    """Return the most memory that a process has had resident, in bytes."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


@contextlib.contextmanager
def serving(*options: str) -> Iterator[Server]:
    """Yield a service with a store of its own."""
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder), *options)
        try:
            yield server
        finally:
            server.close()


def seconds(call: Callable[[], object]) -> float:
    """Time one call."""
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def high(values: list[float], share: float = 0.99) -> float:
    """Return the value below which `share` of the values are."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def rate() -> None:
    """Workload a through the service and embedded, in turns: one client, and two at once, each client a program."""
    with serving() as server, tempfile.TemporaryDirectory() as folder:
        ways = {
            "embedded": [[folder]],
            "service": [[server.url, server.token("ann")]],
            "service, two clients": [[server.url, server.token(name)] for name in ("bob", "cas")],
            "embedded, two programs": [[folder], [folder]],
        }
        rates: dict[str, list[float]] = {way: [] for way in ways}
        for _ in range(7):
            for way, clients in ways.items():
                rates[way].append(_rate_of(clients))
    found = {way: statistics.median(all_of_it) for way, all_of_it in rates.items()}
    for way, rate in found.items():
        print(f"rate: {way} {rate:,.0f}/s, {rate / found['embedded']:.2f} of embedded")


def _rate_of(clients: list[list[str]]) -> float:
    """Return how many circuits a second so many programs at once have results of, once all of them are warm."""
    command = [sys.executable, str(Path(__file__).with_name("client.py"))]
    started = [
        subprocess.Popen([*command, *place], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for place in clients
    ]
    for client in started:
        _output(client).readline()
    began = time.perf_counter()
    for client in started:
        client.stdin.close()  # type: ignore[union-attr]
    circuits = sum(int(_output(client).readline()) for client in started)
    taken = time.perf_counter() - began
    for client in started:
        client.wait()
    return circuits / taken


def latency() -> None:
    """One circuit from submit to results, over a warm connection and embedded."""
    with (
        serving() as server,
        tempfile.TemporaryDirectory() as folder,
        farshot.RemoteBackend(server.url, server.token("ann")) as remote,
        farshot.LocalBackend(data_dir=folder) as local,
    ):
        times: dict[str, list[float]] = {"service": [], "embedded": []}
        for turn in range(110):
            for name, backend in (("service", remote), ("embedded", local)):
                taken = seconds(lambda backend=backend: one(backend))  # type: ignore[misc]
                if turn >= 10:
                    times[name].append(taken * 1000)
    for name, found in times.items():
        print(f"latency: {name} median {statistics.median(found):.1f} ms, p99 {high(found):.1f} ms")


def one(backend: Any) -> None:  # noqa: ANN401 -- any backend
    """Submit, wait, fetch."""
    handle = backend.submit_circuits({"bell": BELL})
    backend.poll_job_status(handle, loop_until_complete=True, verbose=False)
    backend.get_job_results(handle)


def waiting() -> None:
    """How long after a job has ended its client knows, while many clients wait, each a user of its own."""
    with serving() as server:
        tokens = server.tokens(WAITERS)
        delays = asyncio.run(_wait_for_all(server.url, tokens))
    print(
        f"waiting: {WAITERS} clients wait, told after median {statistics.median(delays) * 1000:.0f} ms, "
        f"p99 {high(delays) * 1000:.0f} ms, at most {max(delays) * 1000:.0f} ms"
    )


async def _wait_for_all(url: str, tokens: list[str]) -> list[float]:
    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=None)
    async with httpx2.AsyncClient(base_url=url, timeout=60, limits=limits) as client:
        ended: asyncio.Queue[float] = asyncio.Queue()
        waiters = [asyncio.create_task(_follow(client, token, ended)) for token in tokens]
        await asyncio.sleep(5)
        delays = []
        for token in tokens[:: len(tokens) // 200]:
            headers = {"Authorization": f"Bearer {token}"}
            await client.post("/v1/jobs", json={"circuits": {"bell": BELL}}, headers=headers)
            delays.append(await ended.get())
        for waiter in waiters:
            waiter.cancel()
        await asyncio.gather(*waiters, return_exceptions=True)
    return delays


async def _follow(client: httpx2.AsyncClient, token: str, ended: asyncio.Queue[float]) -> None:
    """Wait for events, and put down how many seconds ago, by the server's clock, a job had ended that was told of."""
    headers, cursor = {"Authorization": f"Bearer {token}"}, "0"
    while True:
        answer = await client.get("/v1/events", params={"after": cursor, "wait": "30"}, headers=headers)
        told, events = time.time(), answer.json()
        cursor = events["cursor"]
        for job in events["jobs"]:
            if job["finished_at"]:
                await ended.put(told - datetime.fromisoformat(job["finished_at"]).timestamp())


def status() -> None:
    """Status calls a second over one connection, beside a route of Starlette that does nothing."""
    with serving() as server, httpx2.Client(base_url=server.url) as client, bare() as (bare_client):
        headers = {"Authorization": f"Bearer {server.token('ann')}"}
        job = client.post("/v1/jobs", json={"circuits": {"bell": BELL}}, headers=headers).json()["job_id"]
        ours, theirs = [], []
        for _ in range(5):
            ours.append(_calls(lambda: client.get(f"/v1/jobs/{job}", headers=headers)))
            theirs.append(_calls(lambda: bare_client.get("/")))
    mine, other = statistics.median(ours), statistics.median(theirs)
    print(f"status: {mine:,.0f} calls/s, a bare route {other:,.0f}/s, ratio {mine / other:.2f}")


def _calls(call: Callable[[], object], count: int = 300) -> float:
    return count / seconds(lambda: [call() for _ in range(count)])


@contextlib.contextmanager
def bare() -> Iterator[httpx2.Client]:
    """Yield a client of a bare Starlette route on uvicorn."""
    program = (
        "import socket, uvicorn\nfrom starlette.applications import Starlette\nfrom starlette.routing import Route\n"
        "from starlette.responses import PlainTextResponse\n"
        "async def root(request): return PlainTextResponse('ok')\n"
        "listening = socket.create_server(('127.0.0.1', 0))\n"
        "listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)\n"
        "print(listening.getsockname()[1], flush=True)\n"
        "config = uvicorn.Config(Starlette(routes=[Route('/', root)]), log_level='error', http='httptools')\n"
        "uvicorn.Server(config).run([listening])\n"
    )
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    try:
        with httpx2.Client(base_url=f"http://127.0.0.1:{_output(process).readline().strip()}") as client:
            time.sleep(1)
            yield client
    finally:
        process.terminate()
        process.wait()


def million() -> None:
    """Run a job of a million four-qubit rows beside one of ten thousand, each client in a process of its own."""
    with serving() as server:
        token = server.token("ann")
        costs = []
        for rows in (10_000, 1_000_000):
            command = [sys.executable, __file__, "--rows", str(rows), "--url", server.url, "--token", token]
            taken, memory = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
            costs.append(float(taken) / rows)
            print(
                f"million: {rows:,} rows in {float(taken):,.1f} s, {costs[-1] * 1e6:.0f} us a circuit, "
                f"client {int(memory) / 2**20:,.0f} MiB, server {server.memory() / 2**20:,.0f} MiB"
            )
    print(f"million: cost of a circuit, a million against ten thousand: {costs[1] / costs[0]:.2f}")


def client_of_rows(url: str, token: str, count: int) -> None:
    """Send a template with so many rows, read every result as it comes, and print seconds and bytes."""
    template = farshot.Template(
        FOUR, [f"a[{n}]" for n in range(4)], {f"r{n}": (n * 1e-6, 0.25, 0.5, 0.75) for n in range(count)}
    )
    with farshot.RemoteBackend(url, token, shots=100) as backend:
        started = time.perf_counter()
        job = backend.job(backend.submit_circuits(template, seed=1).job_id or "")
        seen = sum(sum(entry["results"].values()) == 100 for entry in job.stream())
        taken = time.perf_counter() - started
    if seen != count:
        sys.exit(f"{seen:,} of {count:,} results were right")
    print(taken, peak("self"))


PARTS = {"rate": rate, "latency": latency, "waiting": waiting, "status": status, "million": million}


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--rows", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    parser.add_argument("--token", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.rows:
        client_of_rows(options.url, options.token, options.rows)
        return
    for name in options.parts or PARTS:
        PARTS[name]()


if __name__ == "__main__":
    main()
