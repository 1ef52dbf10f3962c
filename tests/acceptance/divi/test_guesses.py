"""What jobs are guessed to take, by which fairness goes, through this service's own API and through Divi's."""

import base64
import gzip
import sqlite3
from contextlib import closing

import httpx2
import pytest

from serving import running_server


def packed(text):
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()


def group(width, terms):
    return f"@gzs{width}:{packed(terms)}"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with running_server(tmp_path_factory.mktemp("service"), "--workers", "1", "--shots", "7") as server:
        yield server


@pytest.fixture(scope="module")
def client(server):
    headers = {"Authorization": f"Bearer {server.token('ann')}"}
    with httpx2.Client(base_url=server.url, headers=headers, timeout=60) as client:
        yield client


WIDE = 'OPENQASM 2.0; include "qelib1.inc"; qreg q[12]; creg c[12]; h q; measure q -> c;'
CIRCUITS = {f"c{number}": WIDE for number in range(4)}
HALVES = [dict(list(CIRCUITS.items())[:2]), dict(list(CIRCUITS.items())[2:])]
MANY = ";".join(f"{one}0{other}1" for one in "XYZ" for other in "XYZ")
DENSE = ";".join(f"{one}{other}" for one in "XYZ" for other in "XYZ")
GROUPS = [[0, 2, 3], [2, 4, 90_000]]
ASKED = {
    "shots": ({"shots": 90_000}, [{"shots": 90_000}] * 2),
    "shots of the service": ({}, [{"shots": 7}] * 2),
    "shot groups": ({"shot_groups": GROUPS}, [{"shot_groups": [[0, 2, 3]]}, {"shot_groups": [[0, 2, 90_000]]}]),
    "terms": ({"ham_ops": DENSE}, [{"observables": group(2, MANY)}] * 2),
    "mapped terms": (
        {"ham_ops": f"{DENSE}|ZZ", "circuit_ham_map": [[0, 2], [2, 4]]},
        [{"observables": f"{group(2, MANY)}|{group(2, 'Z0Z1')}", "circuit_ham_map": [[0, 2], [2, 4]]}] * 2,
    ),
}
"""What is asked of four circuits, through this service's own API and through Divi's with two calls."""


def post(client, path, **members):
    return client.post(path, json=members).raise_for_status().json()


def at_once(client, options):
    return post(client, "/v1/jobs", circuits=CIRCUITS, **options)["job_id"]


def in_parts(client, options):
    job_id = post(client, "/v1/jobs", upload=True, **options)["job_id"]
    for number, half in enumerate(HALVES):
        client.put(f"/v1/jobs/{job_id}/parts/{number}", json={"circuits": half}).raise_for_status()
    post(client, f"/v1/jobs/{job_id}/finalize")
    return job_id


def in_calls(client, calls):
    kind = "EXPECTATION" if "observables" in calls[0] else "EXECUTE"
    job_id = post(client, "/api/job/init/", job_type=kind, tag="t", use_packing=False)["job_id"]
    for half, call, finalized in zip(HALVES, calls, ("false", "true"), strict=True):
        texts = {label: packed(text) for label, text in half.items()}
        post(client, f"/api/job/{job_id}/add_circuits/", mode="append", finalized=finalized, circuits=texts, **call)
    return job_id


def guess(server, job_id):
    """Return the seconds that a job was guessed to take."""
    with closing(sqlite3.connect(server.folder / "farshot.sqlite3")) as database:
        return database.execute("SELECT sum(cost) FROM shards WHERE job_id = ?", (job_id,)).fetchone()[0]


@pytest.mark.parametrize("asked", ASKED)
def test_a_job_is_guessed_to_take_the_same_whichever_way_it_comes(server, client, asked):
    options, calls = ASKED[asked]
    once = guess(server, at_once(client, options))
    assert guess(server, in_calls(client, calls)) == pytest.approx(once)
    parts = guess(server, in_parts(client, options))
    if "groups" in asked or "mapped" in asked:  # every circuit is taken for the largest
        assert 1.2 * once < parts < 2 * once
    else:
        assert parts == pytest.approx(once)
