"""An honest user in a process of its own: `honest URL TOKEN JOBS_A_SECOND`, until its standard input ends.

Each job is one Bell circuit: submitted at its time however long the others take, waited for, read, and looked at.
What is refused for the moment is asked again. Printed is one JSON object: seconds from the time of a job to its
results, the statuses that were seen, and what went wrong; before it a line, once the first job is done.
"""

import asyncio
import itertools
import json
import sys
import time
from collections import Counter

import httpx2

BELL = 'OPENQASM 2.0;\ninclude "qelib1.inc";\nqreg q[2];\ncreg c[2];\nh q[0];\ncx q[0],q[1];\nmeasure q -> c;\n'
ADDRESS = "127.0.0.2"
"""Another than that of the attackers, who have no machine with the user in common."""
PASSING = {408, 429, 503, 507}
SHOTS = 100


class Honest:
    def __init__(self, client):
        self.client = client
        self.seconds = []
        self.statuses = Counter()
        self.faults = []

    async def ask(self, method, path, **given):
        """Ask until there is an answer that stays; a connection that was made room of is opened again."""
        while True:
            try:
                response = await self.client.request(method, path, **given)
            except httpx2.TransportError as error:
                self.statuses[type(error).__name__] += 1
                await asyncio.sleep(0.1)
                continue
            self.statuses[str(response.status_code)] += 1
            if response.status_code not in PASSING:
                return response
            await asyncio.sleep(min(1.0, float(response.headers.get("retry-after", 1))) / 4)

    async def run(self, number, due):
        try:
            await self._run(number)
        except (AssertionError, KeyError) as error:
            self.faults.append(repr(error))
        else:
            self.seconds.append(time.perf_counter() - due)

    async def _run(self, number):
        body = {"circuits": {"bell": BELL}, "shots": SHOTS}
        job = (await self.ask("POST", "/v1/jobs", json=body, headers={"Idempotency-Key": f"bell-{number}"})).json()
        while job["finished_at"] is None:
            query = {"after": job["cursor"], "wait": 10}
            job = (await self.ask("GET", f"/v1/jobs/{job['job_id']}", params=query)).json()
        assert job["status"] == "COMPLETED", job
        (entry,) = (await self.ask("GET", f"/v1/jobs/{job['job_id']}/results")).json()["results"]
        assert entry["results"].keys() <= {"00", "11"}, entry
        assert sum(entry["results"].values()) == SHOTS, entry


async def submit(url, token, rate):
    loop = asyncio.get_running_loop()
    ended = loop.run_in_executor(None, sys.stdin.read)
    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=50)
    headers = {"Authorization": f"Bearer {token}"}
    transport = httpx2.AsyncHTTPTransport(limits=limits, local_address=ADDRESS)
    async with httpx2.AsyncClient(base_url=url, headers=headers, timeout=120, transport=transport) as client:
        honest, running = Honest(client), []
        await honest.run("first", time.perf_counter())
        sys.stdout.write("begun\n")
        sys.stdout.flush()
        honest.seconds.clear()
        began = time.perf_counter()
        for number in itertools.count():
            due = began + number / rate
            await asyncio.wait([ended], timeout=max(0.0, due - time.perf_counter()))
            if ended.done():
                break
            running.append(loop.create_task(honest.run(number, due)))
        await asyncio.gather(*running)
    return {"seconds": honest.seconds, "statuses": honest.statuses, "faults": honest.faults}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(submit(sys.argv[1], sys.argv[2], float(sys.argv[3])))))
