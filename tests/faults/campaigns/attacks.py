"""What hostile users do to a service. An attack is a function of a scene, which goes on until the scene is done; one
more is one function and one line of `ATTACKS`.
"""

import asyncio
import base64
import contextlib
import gzip
import os
import resource
import shutil
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import httpx2

from farshot.accounts import NO_LIMITS, token_id
from farshot.testing.backends import slow_circuits
from faults.campaigns.bodies import bodies, texts
from samples import BELL

FRAMES = "application/vnd.farshot.results.v1"
LARGE = 2**65
HEAD = 'OPENQASM 2.0; include "qelib1.inc"; '
OPEN = 3000
"""Connections that an attack holds open."""


def nobody(scene):
    """Do nothing: what the honest user waits alone."""
    scene.done.wait()


def bad_numbers(scene):
    """Numbers beyond every bound, in every member that takes one."""
    numbers = [-1, LARGE, -LARGE, 10**400, 1e308, "1", None, True, 0.5]
    members = ["default_seed", "seed", "shots", "priority", "timeout", "expires"]
    bodies = [{"circuits": {"a": BELL}, member: number} for member in members for number in numbers]
    bodies += [{"circuits": {"a": BELL}, "shot_groups": [[0, number, number]]} for number in numbers]
    queries = [{"after": LARGE}, {"after": -1}, {"limit": LARGE}, {"cursor": "9" * 400}, {"wait": "1e400"}]
    with scene.client(scene.user("mallory")) as client:
        while not scene.done.is_set():
            for body in bodies:
                client.post("/v1/jobs", json=body)
            for query in queries:
                client.get("/v1/events", params=query)
                client.get("/v1/jobs", params=query)


def hostile_texts(scene):
    """Every hostile text of the collection in one job, over and over."""
    circuits = texts()
    with scene.client(scene.user("mallory")) as client:
        while not scene.done.is_set():
            job = ended(scene, client, client.post("/v1/jobs", json={"circuits": circuits, "shots": 10}).json())
            client.get(f"/v1/jobs/{job['job_id']}/results", headers={"Accept": "application/x-ndjson"})


def awkward_bodies(scene):
    """Bodies of up to 16 MiB that take long to read, one after the other."""
    with scene.client(scene.user("mallory")) as client:
        while not scene.done.is_set():
            for body, headers in bodies():
                client.post("/v1/jobs", content=body, headers=headers)
                if scene.done.is_set():
                    return


def busy_store(scene):
    """Another process holds the file of the store for most of the time."""
    program = (
        "import sqlite3, sys; held = sqlite3.connect(sys.argv[1], timeout=60); held.execute('BEGIN IMMEDIATE');"
        "print('held', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", program, str(scene.server.folder / "farshot.sqlite3")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        holder.stdout.readline()
        scene.done.wait()
        holder.stdin.close()


def idle_connections(scene):
    """Connections that never ask, opened again as soon as they are ended."""

    async def hold():
        while not scene.done.is_set():
            with contextlib.suppress(OSError, TimeoutError):
                await first_status(scene, "", seconds=1)

    async def run():
        await asyncio.gather(*(hold() for _ in range(OPEN)))

    asyncio.run(run())


def large_results(scene):
    """Half a gigabyte of JSON out of a circuit of half a kilobyte, for readers that read slowly."""
    gates = "".join(f"h q[{n}]; measure q[{n}] -> c[{65535 - n}];" for n in range(13))
    token = scene.user("mallory")
    with scene.client(token) as client:
        body = {"circuits": {"wide": f"{HEAD}qreg q[13]; creg c[65536]; {gates}"}, "shots": 8000}
        job = ended(scene, client, client.post("/v1/jobs", json=body).json())

    def read(number):
        accept = ("application/json", "application/x-ndjson", FRAMES)[number % 3]
        with stuck(scene, token, f"/v1/jobs/{job['job_id']}/results", accept) as sock:
            scene.saw(sock.recv(12)[9:].decode() or "ended")
            while not scene.done.wait(0.2) and sock.recv(4096):
                pass

    scene.over_and_over(24, read)


def stuck(scene, token, path, accept):
    """Return a connection on which something was asked for, with little room for the answer."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.settimeout(60)
    sock.connect(("127.0.0.1", scene.server.port))
    headers = {"Host": "here", "Authorization": f"Bearer {token}", "Accept": accept}
    sock.sendall("\r\n".join([f"GET {path} HTTP/1.1", *map(": ".join, headers.items()), "", ""]).encode())
    return sock


def ended(scene, client, job):
    """Return a job once it has ended, or the attack has."""
    while job.get("finished_at", True) is None and not scene.done.is_set():
        job = client.get(f"/v1/jobs/{job['job_id']}", params={"after": job["cursor"], "wait": 1}).json()
    return job


def hidden_terms(scene):
    """Observables of Divi's API that are small on the way and large when unpacked."""
    many = ";".join(f"Z{number % 60}" for number in range(100_000))
    long = "".join(f"Z{number}" for number in range(100_000))
    groups = [packed_group(60, many), packed_group(100_000, long), packed_group(2, "Z0" * 4_000_000)]
    text = base64.b64encode(gzip.compress(f"{HEAD}qreg q[60]; h q[0];".encode())).decode()

    def submit(number):
        with scene.client(scene.user(f"mallory{number}")) as client:
            while not scene.done.is_set():
                job = client.post("/api/job/init/", json={"job_type": "EXPECTATION", "use_packing": True}).json()
                if "job_id" not in job:
                    continue
                body = {"circuits": {f"c{n}": text for n in range(60)}, "observables": groups[number % 3]}
                client.post(f"/api/job/{job['job_id']}/add_circuits/", json={**body, "finalized": "true"})
                client.get(f"/api/job/{job['job_id']}/resultsV2/", params={"limit": 60})

    scene.over_and_over(4, submit)


def packed_group(width, terms):
    return f"@gzs{width}:{base64.b64encode(gzip.compress(terms.encode())).decode()}"


def long_jobs(scene):
    """A hundred circuits of seconds each, and values for many terms."""
    terms = ";".join("".join("IXYZ"[number >> 2 * n & 3] for n in range(9)) for number in range(20_000))
    values = {f"v{number}": f"{HEAD}qreg q[9]; h q[0]; cx q[0],q[8];" for number in range(60)}
    with scene.client(scene.user("mallory")) as client:
        client.post("/v1/jobs", json={"circuits": slow_circuits(100, 22), "shots": 10})
        client.post("/v1/jobs", json={"circuits": values, "ham_ops": terms})
        scene.done.wait()


def quota_races(scene):
    """Many submissions at the same time, of a user who may have five circuits."""
    token = scene.user("mallory", quota=replace(NO_LIMITS, queued_circuits=5))
    slow = next(iter(slow_circuits(1, 22).values()))

    def submit(_number):
        with scene.client(token) as client:
            job = client.post("/v1/jobs", json={"circuits": {"a": slow}}).json()
            queued = client.get("/v1/me").json()["usage"]["queued_circuits"]
            if queued > 5:
                scene.faults.append(f"{queued} circuits are queued, of 5")
            if "job_id" in job:
                client.post(f"/v1/jobs/{job['job_id']}/cancel")

    scene.over_and_over(12, submit)


def quadratic_texts(scene):
    """Texts of a megabyte of which a scan may look at all again for each statement."""
    count = 20_000
    texts = {
        "gates": HEAD + "".join(f"gate g{n} a {{h a;}}" for n in range(count)) + "qreg q[1]; g0 q[0];",
        "operands": HEAD + f"qreg q[{count}]; barrier " + ",".join(f"q[{n}]" for n in range(count)) + ";",
        "constants": "OPENQASM 3.0;" + "".join(f"const int a{n} = {n};" for n in range(count)) + "qubit q;",
        "blocks": "OPENQASM 3.0; qubit q; bit c;" + "if (c == 1) { x q; }" * count,
        "aliases": "OPENQASM 3.0; qubit[2] q;" + "".join(f"let a{n} = q[0:1];" for n in range(count)),
        "comments": "OPENQASM 3.0; qubit q; for int i in [0:9999] { " + "/* */" * 100_000 + " }",
    }
    with scene.client(scene.user("mallory")) as client:
        while not scene.done.is_set():
            job = client.post("/v1/jobs", json={"circuits": texts, "shots": 10}).json()
            ended(scene, client, job)


def priorities(scene):
    """Submissions with a priority, before which thousands of waiting shards of their owner are to be moved."""
    token = scene.user("mallory")
    wide = f"{HEAD}qreg q[26]; creg c[26];" + "h q[0];" * 250
    with scene.client(token) as client:
        for _ in range(3):
            client.post("/v1/jobs", json={"circuits": {f"c{n}": wide for n in range(3000)}})

    def submit(number):
        with scene.client(token) as client:
            client.post("/v1/jobs", json={"circuits": {"a": wide}, "priority": 1 + number})

    scene.over_and_over(8, submit)


def long_polls(scene):
    """Thousands of requests of one user that wait, while the user's jobs change all the time."""
    token = scene.user("mallory")
    with scene.client(token) as client:
        job = client.post("/v1/jobs", json={"upload": True}).json()
    lines = ["Host: here", f"Authorization: Bearer {token}", "", ""]
    path = f"/v1/jobs/{job['job_id']}?after={LARGE >> 3}&wait=30"

    async def wait(number):
        target = path if number % 2 else f"/v1/events?after={job['cursor']}&wait=30"
        while not scene.done.is_set():
            with contextlib.suppress(OSError, TimeoutError):
                scene.saw(await first_status(scene, "\r\n".join([f"GET {target} HTTP/1.1", *lines])) or "ended")
            await asyncio.sleep(0.5)

    async def change():
        headers = {"Authorization": f"Bearer {token}"}
        async with httpx2.AsyncClient(base_url=scene.server.url, headers=headers, timeout=60) as client:
            while not scene.done.is_set():
                with contextlib.suppress(httpx2.TransportError):
                    scene.saw((await client.post("/v1/jobs", json={"circuits": {"a": BELL}})).status_code)

    async def run():
        await asyncio.gather(change(), *(wait(number) for number in range(OPEN)))

    asyncio.run(run())


async def first_status(scene, request, seconds=5):
    """Return the status of what a new connection is answered, which is closed then; raises at the end of the time."""
    reader, writer = await asyncio.open_connection("127.0.0.1", scene.server.port)
    try:
        writer.write(request.encode())
        async with asyncio.timeout(seconds):
            return (await reader.read(12))[9:].decode()
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


def revoked_streams(scene):
    """Streams and long polls that go on when their token is revoked."""

    def stream(number):
        token = scene.user(f"mallory{number}")
        with scene.client(token) as client:
            job = client.post("/v1/jobs", json={"circuits": slow_circuits(30, 18), "shots": 10}).json()
            path, query = f"/v1/jobs/{job['job_id']}/results", {"follow": "true"}
            with client.stream("GET", path, params=query, headers={"Accept": FRAMES}) as response:
                scene.accounts.revoke(token_id(token), datetime.now(UTC))
                began = time.monotonic()
                with contextlib.suppress(httpx2.TransportError):
                    for _ in response.iter_raw():
                        pass
        if time.monotonic() - began > 10:
            scene.faults.append("a stream went on for more than 10 seconds after its token was revoked")

    scene.over_and_over(4, stream)


def full_disk(scene):
    """The disk of the store is filled to its last byte; where it is the machine's, files may not grow instead."""
    if scene.server.folder.is_mount():
        filler = scene.server.folder / "filler"
        with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while not scene.done.is_set():
                file.write(bytes(1 << 12))
        scene.done.wait()
        filler.unlink()
        return
    pid = scene.server.process.pid
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (4096, before[1]))
    scene.done.wait()
    resource.prlimit(pid, resource.RLIMIT_FSIZE, before)


@contextlib.contextmanager
def small_disk(folder):
    """Yield a folder, on a disk of its own of 64 MiB where root allows it."""
    folder.mkdir()
    mount = [shutil.which("mount") or "mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(folder)]
    is_mounted = os.geteuid() == 0 and subprocess.run(mount, check=False, capture_output=True).returncode == 0
    try:
        yield folder
    finally:
        if is_mounted:
            subprocess.run([shutil.which("umount"), "--lazy", str(folder)], check=True)


@contextlib.contextmanager
def any_disk(folder):
    folder.mkdir()
    yield folder


@dataclass(frozen=True)
class Attack:
    """`place` makes the folder of the service. `stops_all`: nobody can be served before it ends, so that nobody's
    waiting is measured.
    """

    run: Any
    place: Any = any_disk
    stops_all: bool = False


ATTACKS = {
    "nobody": Attack(nobody),
    "bad numbers": Attack(bad_numbers),
    "hostile texts": Attack(hostile_texts),
    "awkward bodies": Attack(awkward_bodies),
    "busy store": Attack(busy_store, stops_all=True),
    "idle connections": Attack(idle_connections),
    "large results": Attack(large_results),
    "hidden terms": Attack(hidden_terms),
    "long jobs": Attack(long_jobs),
    "quota races": Attack(quota_races),
    "quadratic texts": Attack(quadratic_texts),
    "priorities": Attack(priorities),
    "long polls": Attack(long_polls),
    "revoked streams": Attack(revoked_streams),
    "full disk": Attack(full_disk, place=small_disk, stops_all=True),
}
