"""Client programs that are killed while they submit, run, record and read, and started again."""

import os
import random
import time
from collections import defaultdict
from dataclasses import dataclass

from .audit import Audit, audit, calm_digests, rows
from .client import WINDOW
from .programs import BOUND, start, until

_SLACK = 0.05
_START = 0.4


@dataclass(frozen=True)
class Kills:
    """`leased`, `unanswered` and `committing` say in how many kills a shard was being run, a job was stored whose
    submission had not returned, and a transaction was half written. `renamed`: keys that gave two jobs.
    """

    kills: int
    accepted: int
    read: int
    leased: int
    unanswered: int
    committing: int
    renamed: int
    seconds: float
    audit: Audit


class Member:
    """One client program that is started again where it was killed; what it printed stays."""

    def __init__(self, folder, first, end, workers):
        self.folder, self.first, self.end, self.workers = folder, first, end, workers
        self.log = folder / f"client-{first}.log"
        self.process = None
        self.before = 0

    def start(self):
        begin = max(self.first, self.first + len(self.accepted()) - WINDOW)
        with self.log.open("ab") as stream:
            self.process = start("client", self.folder, begin, self.end, self.workers, stdout=stream)
        self.before = self.told()

    def kill(self):
        """Kill it; a line that it was writing does not count as said."""
        self.process.kill()
        self.process.wait()
        os.truncate(self.log, self.log.read_bytes().rfind(b"\n") + 1)

    def finish(self):
        self.process.wait(BOUND * 5)
        return self.process.returncode

    def lines(self, word):
        text = self.log.read_bytes().decode() if self.log.exists() else ""
        found = (line.split() for line in text.splitlines(keepends=True) if line.endswith("\n"))
        return [(int(number), value) for name, number, value in found if name == word]

    def told(self):
        """Return how many submissions it said were accepted, repeated ones too."""
        return self.log.read_bytes().count(b"accepted")

    def has_gone_on(self):
        """Whether it submitted something new since it was started: who is killed before that gets nowhere."""
        return self.told() > self.before + WINDOW

    def accepted(self):
        """Return the ids that each number was accepted under."""
        ids = defaultdict(set)
        for number, job_id in self.lines("accepted"):
            ids[number].add(job_id)
        return ids


class Traces:
    """What the kills met."""

    def __init__(self):
        self.kills = self.leased = self.unanswered = self.committing = 0

    def note(self, folder, members):
        """Look at the store right after a kill."""
        journal = folder / "farshot.sqlite3-journal"
        store = folder / "farshot.sqlite3"
        self.kills += 1
        if not store.exists() or not store.stat().st_size:
            return
        self.committing += journal.exists() and journal.stat().st_size > 0
        if not rows(folder, "SELECT 1 FROM sqlite_master WHERE name = 'attempts'"):
            return
        told = sum(len(member.accepted()) for member in members)
        self.unanswered += rows(folder, "SELECT count(*) FROM jobs")[0][0] > told
        self.leased += bool(rows(folder, "SELECT 1 FROM shards WHERE status = 'LEASED' LIMIT 1"))


def one_after_another(folder, kills, jobs, seed=1):
    """Kill `kills` programs, one running at a time, at random instants; the last one finishes."""
    rng, traces, started = random.Random(seed), Traces(), time.perf_counter()
    member = Member(folder, 0, 10**9, 2)
    for _ in range(kills):
        member.start()
        _wait_at_random(member, rng, jobs / kills)
        member.kill()
        traces.note(folder, [member])
    member.end = max(jobs, len(member.accepted()))
    member.start()
    assert member.finish() == 0
    return _result(folder, [member], traces, started)


def _wait_at_random(member, rng, mean):
    lines = rng.randint(0, round(2 * mean))
    if not lines:
        time.sleep(rng.uniform(0, _START))
        return
    goal = member.told() + lines + WINDOW
    until(lambda: member.told() >= goal or member.process.poll() is not None)
    time.sleep(rng.uniform(0, _SLACK))


def side_by_side(folder, processes, jobs, pause, seed=1):
    """Run programs on one store; every `pause` seconds or so one of them is killed and replaced."""
    rng, traces, started = random.Random(seed), Traces(), time.perf_counter()
    members = [Member(folder, number * jobs, (number + 1) * jobs, 1) for number in range(processes)]
    for member in members:
        member.start()
    while running := [member for member in members if member.process.poll() is None]:
        time.sleep(rng.uniform(0.5, 1.5) * pause)
        chosen = rng.choice(running)
        if chosen.process.poll() is None and chosen.has_gone_on():
            chosen.kill()
            traces.note(folder, members)
            chosen.start()
    assert [member.finish() for member in members] == [0] * processes
    return _result(folder, members, traces, started)


def _result(folder, members, traces, started):
    seconds = time.perf_counter() - started
    ids = {number: found for member in members for number, found in member.accepted().items()}
    calm = calm_digests(sorted(ids))
    expected = {job_id: calm[number] for number, found in ids.items() for job_id in found}
    seen = [(min(ids[number]), digest) for member in members for number, digest in member.lines("read")]
    return Kills(
        kills=traces.kills,
        accepted=len(ids),
        read=len(seen),
        leased=traces.leased,
        unanswered=traces.unanswered,
        committing=traces.committing,
        renamed=sum(len(found) > 1 for found in ids.values()),
        seconds=seconds,
        audit=audit(folder, sorted(expected), expected, seen),
    )
