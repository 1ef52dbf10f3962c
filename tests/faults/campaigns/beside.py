"""An honest user beside an attack on the same service: what that user waits, and what the service takes and answers."""

import contextlib
import json
import os
import statistics
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from subprocess import PIPE

import httpx2

from farshot.accounts import NO_LIMITS, Role, User, new_token
from farshot.store import open_engine, sqlite_url
from farshot.store.accounts import SqlAccounts
from processes import loader_of, until
from serving import Server

from .programs import start

MIB = 2**20
RATE = 20
PERMITTED = {"503", "507"}
"""Statuses from 500 on that a service may give."""
LARGE = b" " * 300_000
"""A body that is nothing, and large."""
SETTLED = 120.0
"""Seconds that a service has after an attack to be ready again."""


@dataclass(frozen=True)
class Outcome:
    """`seconds` are those of the honest user, from when a job was due to its results. `growth` is in bytes, from before
    the attack to the most during it. `faults` are what must not be: wrong or missing results, what an attack found.
    """

    seconds: list[float]
    growth: int
    statuses: Counter[str]
    faults: list[str]
    is_ready: bool

    @property
    def p99(self):
        return statistics.quantiles(self.seconds, n=100)[98] if len(self.seconds) > 1 else float("inf")

    @property
    def median(self):
        return statistics.median(self.seconds) if self.seconds else float("inf")

    @property
    def forbidden(self):
        """The statuses that a service may never give."""
        return {status for status in self.statuses if status >= "5" and status[0].isdigit() and status not in PERMITTED}


@dataclass
class Scene:
    """What an attack is given: the service, users as many as it likes, and when to stop."""

    server: Server
    done: threading.Event = field(default_factory=threading.Event)
    statuses: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    def __post_init__(self):
        self._engine = open_engine(sqlite_url(self.server.folder))
        self.accounts = SqlAccounts(self._engine)

    def close(self):
        self._engine.dispose()

    def user(self, name, *, admin=False, quota=NO_LIMITS):
        """Return the token of a new user, or a further one of the same."""
        self.accounts.add_user(User(name, Role.ADMIN if admin else Role.USER, quota))
        self.accounts.limit(name, quota)
        token, text = new_token(name, datetime.now(UTC), None)
        self.accounts.add_token(token)
        return text

    def client(self, token):
        """Return a client whose answers are counted."""
        return httpx2.Client(
            base_url=self.server.url,
            headers={"Authorization": f"Bearer {token}"},
            event_hooks={"response": [lambda response: self.saw(response.status_code)]},
            timeout=60,
        )

    def saw(self, status):
        self.statuses[str(status)] += 1

    def over_and_over(self, count, work):
        """Do `work(number)` in so many threads until the attack is over; connections may break."""

        def run(number):
            while not self.done.is_set():
                with contextlib.suppress(httpx2.TransportError, OSError):
                    work(number)

        threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def memory(pid, name):
    """Return the present (VmRSS) or the largest (VmHWM) memory of a process, in bytes."""
    text = Path(f"/proc/{pid}/status").read_text()
    return 1024 * int(text.partition(f"{name}:")[2].split()[0])


def forget_most(pid):
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def becomes_ready(url):
    """Whether the service is ready, at the latest after some time."""
    until = time.monotonic() + SETTLED
    while time.monotonic() < until:
        with contextlib.suppress(httpx2.TransportError):
            if httpx2.get(f"{url}/readyz", timeout=10).status_code == 200:
                return True
        time.sleep(0.2)
    return False


def start_loader(scene):
    """Have the service start what answers large requests, as after its first seconds: attacks do not hurry."""
    with httpx2.Client(base_url=scene.server.url, headers={"Authorization": f"Bearer {scene.user('early')}"}) as client:
        until(lambda: client.post("/v1/jobs", content=LARGE).is_error and loader_of(scene.server.process.pid))


def attacked(attack, folder, seconds, rate=RATE):
    """Let `attack` go on for so many seconds beside an honest user, who goes on until it is over."""
    server = Server(folder, "--workers", "2", "--circuit-timeout", "20s", "--grace", "1s")
    server.start()
    scene = Scene(server)
    try:
        start_loader(scene)
        return _watched(attack, scene, seconds, rate)
    finally:
        scene.close()
        server.stop()


def _from_elsewhere(attack, scene):
    """Run an attack with what time of the cores is left over: attackers bring machines of their own."""

    def run():
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 19)
        return attack(scene)

    with ThreadPoolExecutor(1) as pool:
        pool.submit(run).result()


def _watched(attack, scene, seconds, rate):
    server, pid = scene.server, scene.server.process.pid
    with start("honest", server.url, scene.user("ann"), rate, stdin=PIPE, stdout=PIPE) as honest:
        honest.stdout.readline()
        before = memory(pid, "VmRSS")
        forget_most(pid)
        timer = threading.Timer(seconds, scene.done.set)
        timer.start()
        try:
            _from_elsewhere(attack, scene)
        finally:
            timer.cancel()
            scene.done.set()
        is_ready = becomes_ready(server.url)
        found = json.loads(honest.communicate(timeout=300)[0])
        growth = memory(pid, "VmHWM") - before
    statuses = scene.statuses + Counter(found["statuses"])
    return Outcome(found["seconds"], growth, statuses, [*scene.faults, *found["faults"]], is_ready)
