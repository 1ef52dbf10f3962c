"""Hostile inputs over HTTP: each is refused or fails alone, and nothing of the server is told or used up."""

import contextlib
import json
import os
import threading
from pathlib import Path

import pytest

from callers import People
from hostile import ALL, MANIFEST, TEXTS, content, packed
from samples import BELL
from serving import running_server

GOOD = {f"good{number}": BELL for number in range(9)}
CANARY = "canary4711"
CODES = {"parse", "unsupported", "admission", "memory", "timeout", "crash"}
ANSWERED = {"sv_33q", "sv_100q"}
"""To be refused for their width by a state vector; answered exactly as matrix product states."""
REFUSED = {"switch_q3"}
"""Fit to be run, and refused with a reason."""
ALONE = {"mps_blowup_60q", "sv_24q", "valid_2000_q3", "clifford_5000q"}
"""What takes long: only in the job of all."""
MEMORY = 200 * 2**20
BODIES = {
    "200,000 circuits": lambda: b'{"circuits": {%b}}' % b",".join(b'"c%d": ""' % n for n in range(200_000)),
    "a million unknown members": lambda: b"{%b}" % b",".join(b'"m%d": 1' % n for n in range(1_000_000)),
    "one member a million times": lambda: b"{%b}" % b",".join([b'"shots": 1'] * 1_000_000),
    "200,000 rows": lambda: (
        b'{"template": {"source": "x", "parameters": ["a"]}, "rows": {%b}}'
        % b",".join(b'"r%d": [1.5]' % n for n in range(200_000))
    ),
    "a row of eight million numbers": lambda: (
        b'{"template": {"source": "x", "parameters": ["a"]}, "rows": {"a": [%b1]}}' % (b"1," * 8_000_000)
    ),
    "a thousand rows of eight thousand": lambda: (
        b'{"template": {"source": "x", "parameters": ["a"]}, "rows": {%b}}'
        % b",".join(b'"%d": [%b1]' % (n, b"1," * 7999) for n in range(1000))
    ),
    "numbers of 4,000 digits": lambda: (
        b'{"circuits": {"a": "b"}, "shot_groups": [[%b1]]}' % ((b"1" * 4000 + b",") * 4000)
    ),
    "one text of escapes": lambda: b'{"circuits": {"a": "%b"}}' % (rb"\n" * 8_000_000),
    "one text of quotation marks": lambda: b'{"circuits": {"a": "%b"}}' % (rb"\"" * 8_000_000),
    "two texts of four bytes a letter": lambda: '{{"circuits": {{"a": "{0}", "b": "{0}"}}}}'.format(
        "a" * 8_000_000 + "\U0001d11e"
    ).encode(),
    "five million empty strings": lambda: b'{"circuits": {"a": [%b]}}' % b",".join([b'""'] * 5_000_000),
    "deep arrays": lambda: b'{"circuits": {"a": ' + b"[" * 16_000_000,
    "five million groups": lambda: b'{"circuits": {"a": "b"}, "shot_groups": [%b]}' % b",".join([b"[]"] * 5_000_000),
    "a million names": lambda: (
        b'{"template": {"source": "x", "parameters": [%b]}, "rows": {}}'
        % b",".join(b'"a%d"' % n for n in range(1_000_000))
    ),
    "four million groups of observables": lambda: b'{"circuits": {"a": "b"}, "ham_ops": "%bZ"}' % (b"Z|" * 4_000_000),
    "600,000 terms": lambda: b'{"circuits": {"a": "b"}, "ham_ops": "%bZ"}' % (b"Z;" * 600_000),
}


@pytest.fixture(scope="module")
def canary(tmp_path_factory):
    """A folder whose text must appear nowhere, beside the working folder of the service."""
    folder = tmp_path_factory.mktemp("hostile") / "canary"
    folder.mkdir()
    (folder / "secret.txt").write_text(f"{CANARY} {CANARY};\n", encoding="utf-8")
    (folder / "lowergates.inc").write_text("gate canarygate a { U(pi,0,pi) a; }\n", encoding="utf-8")
    os.mkfifo(folder / "fifo")
    working = folder.parent / "working"
    working.mkdir()
    (working / "self.qasm").write_text('include "self.qasm";\n', encoding="utf-8")
    with contextlib.chdir(working):
        yield folder


@pytest.fixture(scope="module")
def hostile_server(tmp_path_factory, canary):  # noqa: ARG001 -- the service starts in its folder
    folder = tmp_path_factory.mktemp("store")
    with running_server(folder, "--workers", "2", "--circuit-timeout", "30") as server:
        before = memory(server, "VmRSS")
        yield server
        assert memory(server, "VmHWM") - before < MEMORY
    kept = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    assert not [data for data in kept if CANARY.encode() in data]
    assert b"Traceback" not in (folder / "serve.log").read_bytes()


@pytest.fixture(scope="module")
def people(hostile_server):
    people = People(hostile_server)
    yield people
    people.close()


@pytest.fixture(scope="module")
def mallory(people):
    return people("mallory")


def memory(server, name):
    text = Path(f"/proc/{server.process.pid}/status").read_text(encoding="ascii")
    return int(text.split(f"{name}:")[1].split()[0]) * 1024


def batch(names, canary):
    good = list(GOOD.items())
    return dict(
        [*good[:4], *((name, content(name, "replace").replace("@CANARY@", str(canary))) for name in names), *good[4:]]
    )


def check(results, names):
    assert set(results) == {*GOOD, *names}
    assert all(set(results[label]) == {"00", "11"} for label in GOOD)
    for name in names:
        if "code" in results[name]:
            assert results[name]["code"] in CODES
            assert 0 < len(results[name]["message"]) < 500
            assert MANIFEST[name]["expected"] == "reject" or name in REFUSED
        else:
            assert sum(results[name].values()) == 1000
            assert MANIFEST[name]["expected"] == "accept" or name in ANSWERED
    assert CANARY not in json.dumps(results)


def test_each_text_among_nine_good_circuits(mallory, canary):
    names = [name for name in TEXTS if name not in ALONE]
    jobs = {name: mallory.submit(batch([name], canary))["job_id"] for name in names}
    for name, job_id in jobs.items():
        check(mallory.results(job_id), [name])


def test_all_in_one_job_while_another_user_is_served(mallory, people, canary):
    ben, done = people("ben"), threading.Event()
    served = []

    def work():
        while not done.is_set():
            served.append(ben.results(ben.submit(GOOD)["job_id"]))

    worker = threading.Thread(target=work)
    worker.start()
    try:
        check(mallory.results(mallory.submit(batch(TEXTS, canary))["job_id"]), TEXTS)
    finally:
        done.set()
        worker.join(60)
    assert served
    assert all(set(counts) == {"00", "11"} for results in served for counts in results.values())


def request(name):
    """Return the body of one call."""
    text = content(name, "replace")
    if MANIFEST[name]["kind"] == "opts":
        options = json.loads(text)
        del options["circuit"]
        return json.dumps({"circuits": {"bell": BELL}, **options}).encode()
    return text.encode()


CALLS = [name for name, entry in MANIFEST.items() if entry["kind"] in {"opts", "json"}]
PACKED = [name for name, entry in MANIFEST.items() if entry["kind"] == "jsongz"]
NOISE = {"dm_12q"}
"""Fit to be run with a model of noise, and refused: no request takes one."""
MEANT = {"shots_null"}
"""To be refused, and meant here: null says no `shots`."""


@pytest.mark.parametrize("name", CALLS)
def test_a_call(mallory, name):
    before = len(mallory.get("/v1/jobs").json()["jobs"])
    headers = {"Content-Type": "application/json"}
    answer = mallory.post("/v1/jobs", content=request(name), headers=headers)
    if (MANIFEST[name]["expected"] == "accept" and name not in NOISE) or name in MEANT:
        assert answer.status_code == 201, answer.text
        assert mallory.wait(answer.json()["job_id"])["status"] in {"COMPLETED", "FAILED"}
    else:
        assert answer.status_code in {400, 413, 415}
        assert len(mallory.get("/v1/jobs").json()["jobs"]) == before


@pytest.mark.parametrize("name", PACKED)
def test_a_compressed_call(mallory, name):
    before = len(mallory.get("/v1/jobs").json()["jobs"])
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    answer = mallory.post("/v1/jobs", content=packed(name), headers=headers)
    assert answer.status_code in {400, 413}, answer.text
    assert len(mallory.get("/v1/jobs").json()["jobs"]) == before


def test_every_input_is_sent():
    assert len(TEXTS) + len(CALLS) + len(PACKED) == len(MANIFEST) == ALL


@pytest.mark.parametrize("name", BODIES)
def test_a_body_of_very_many_pieces(mallory, name):
    answer = mallory.post("/v1/jobs", content=BODIES[name](), headers={"Content-Type": "application/json"})
    assert answer.status_code in {201, 400, 413}
    if answer.status_code == 201:
        mallory.post(f"/v1/jobs/{answer.json()['job_id']}/cancel")
