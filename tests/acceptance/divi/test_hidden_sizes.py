"""Small calls of Divi's client that hide much work: each is refused by its numbers, or done in pieces."""

import base64
import gzip
from itertools import product

import httpx2
import pytest

from samples import BELL
from serving import running_server

QUBITS = 10
TERMS = [
    "".join(f"{letter}{place}" for place, letter in enumerate(letters) if letter != "I") or "I"
    for letters in product("IXYZ", repeat=8)
]
"""Distinct terms, the first of which is the identity."""
ROTATED = f'OPENQASM 2.0; include "qelib1.inc"; qreg q[{QUBITS}]; creg c[{QUBITS}]; rx(a) q[0]; h q[1]; cx q[1], q[2];'


def packed(text):
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()


def group(width, terms):
    return f"@gzs{width}:{packed(';'.join(terms))}"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with running_server(tmp_path_factory.mktemp("service"), "--workers", "1") as server:
        yield server


@pytest.fixture(scope="module")
def client(server):
    headers = {"Authorization": f"Bearer {server.token('eve')}"}
    with httpx2.Client(base_url=server.url, headers=headers, timeout=120) as client:
        yield client


def added(client, kind="EXPECTATION", **members):
    """Return the answer to a call that is all of a job, and the job."""
    job_id = client.post("/api/job/init/", json={"job_type": kind}).raise_for_status().json()["job_id"]
    document = {"mode": "append", "finalized": "true", **members}
    return client.post(f"/api/job/{job_id}/add_circuits/", json=document), job_id


def rows(number):
    sets = [{"label": f"r{row}", "values": [row / number]} for row in range(number)]
    return {"circuit_template": packed(ROTATED), "parameter_names": ["a"], "parameter_sets": sets}


def check_refused(client, answer, job_id, *words):
    assert answer.status_code == 400, answer.text
    assert all(word in answer.json()["detail"] for word in words)
    assert client.get(f"/v1/jobs/{job_id}").json()["circuits"] == 0


BELLS = {"circuits": {"a": packed(BELL)}}


@pytest.mark.parametrize(
    ("observables", "word"),
    [
        (group(2, ["Z0"] * 2_700_000), "2,700,000 terms"),
        (group(2, ["Z0" * 4_000_000]), "no term"),
        ("|".join([group(1, ["I"])] * 30_000), "groups"),
        ("|".join([group(2, ["I"] * 400_000)] * 2), "group 2"),
        (group(9999, ["I"] * 1000), "9,999 letters"),
    ],
    ids=["terms", "factors", "groups", "terms of groups", "letters"],
)
@pytest.mark.parametrize("finalized", ["true", "false"])
def test_observables_are_counted_before_they_are_read(client, observables, word, finalized):
    answer, job_id = added(client, **BELLS, observables=observables, finalized=finalized)
    assert len(answer.request.content) < 2**21
    check_refused(client, answer, job_id, word)


def test_values_of_all_circuits_are_counted_before_any_is_kept(client):
    answer, job_id = added(client, **rows(3100), observables=group(QUBITS, TERMS))
    check_refused(client, answer, job_id, "3,100 circuits", "split")


def test_circuits_are_measured_before_they_are_unpacked(client):
    large = packed("x" * 8 * 2**20)
    answer, job_id = added(client, "EXECUTE", circuits={f"c{number}": large for number in range(20)})
    assert len(answer.request.content) < 2**18
    check_refused(client, answer, job_id, "167,772,160 bytes")


def test_a_page_of_many_values_is_sent_as_it_is_made(client):
    answer, job_id = added(client, **rows(7), observables=group(QUBITS, TERMS[:20_000]))
    assert answer.status_code == 200, answer.text
    job = client.get(f"/v1/jobs/{job_id}").json()
    while job["finished_at"] is None:
        job = client.get(f"/v1/jobs/{job_id}", params={"after": job["cursor"], "wait": 10}).json()
    page = client.get(f"/api/job/{job_id}/resultsV2/?limit=100&offset=0")
    assert "content-length" not in page.headers
    found = page.raise_for_status().json()
    assert (found["count"], found["next"]) == (7, None)
    assert [entry["label"] for entry in found["results"]] == [f"r{row}" for row in range(7)]
    assert all(len(entry["results"]) == 20_000 for entry in found["results"])
    assert found["results"][0]["results"]["I" * QUBITS] == pytest.approx(1)
