"""A service that is killed again and again, under clients that must notice nothing but a delay."""

import random
import threading
import time
from dataclasses import dataclass

import farshot
from serving import running_server

from .audit import Audit, audit, calm_digests
from .circuits import digest_of, submit

CLIENTS = 4
SEEDS = 8
BATCHES = ("small", "small", "small", "long")


@dataclass(frozen=True)
class Outages:
    """`jobs`: submissions that a client was given an id for, each read in full. `renamed`: keys that gave another job
    when they were submitted again. `failed`: what clients ended with that should have gone on.
    """

    kills: int
    jobs: int
    renamed: int
    failed: list[str]
    audit: Audit


class Client(threading.Thread):
    """Submits, waits and reads, one job after the other, until told to stop; then submits all keys once more."""

    def __init__(self, server, token, name):
        super().__init__(name=name)
        self.arguments = (server.url, token)
        self.done = threading.Event()
        self.given, self.read, self.renamed, self.error = [], [], 0, None

    def run(self):
        try:
            with farshot.RemoteBackend(*self.arguments, retry_seconds=120) as backend:
                self._work(backend)
        except Exception as error:  # noqa: BLE001 -- told in the report
            self.error = f"{self.name}: {type(error).__name__}: {error}"

    def _work(self, backend):
        number = 0
        while not self.done.is_set():
            handle = self._submit(backend, number)
            backend.poll_job_status(handle, loop_until_complete=True, verbose=False)
            self.given.append((number, handle.job_id))
            self.read.append((handle.job_id, digest_of(backend, handle)))
            number += 1
        self.renamed = sum(self._submit(backend, number).job_id != job_id for number, job_id in self.given)

    def _submit(self, backend, number):
        kind = BATCHES[number % len(BATCHES)]
        return submit(backend, number % SEEDS, kind, key=f"{self.name}-{number}")


def killed(folder, kills, pause=1.0, seed=1):
    """Kill the service `kills` times, `pause` seconds or so after it was ready again."""
    rng = random.Random(seed)
    calm = {kind: calm_digests(range(SEEDS), kind) for kind in set(BATCHES)}
    with running_server(folder) as server:
        clients = [Client(server, server.token(f"user{number}"), f"client-{number}") for number in range(CLIENTS)]
        for client in clients:
            client.start()
        for _ in range(kills):
            time.sleep(rng.uniform(0, 2 * pause))
            server.kill()
            time.sleep(rng.uniform(0, 0.2))
            server.start()
        for client in clients:
            client.done.set()
        for client in clients:
            client.join()
        server.stop()
    accepted = [job_id for client in clients for _, job_id in client.given]
    expected = {
        job_id: calm[BATCHES[number % len(BATCHES)]][number % SEEDS]
        for client in clients
        for number, job_id in client.given
    }
    return Outages(
        kills=kills,
        jobs=len(accepted),
        renamed=sum(client.renamed for client in clients),
        failed=[client.error for client in clients if client.error],
        audit=audit(folder, accepted, expected, [pair for client in clients for pair in client.read]),
    )
