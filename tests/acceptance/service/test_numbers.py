"""Numbers beyond all bounds, in every place of both APIs: each is refused or harmless, and the service goes on."""

import base64
import gzip
import itertools
import json
import re

import msgspec
import pytest

from callers import ENDED, People
from farshot.service.divi.documents import AddRequest, ConfigRequest, InitRequest
from farshot.service.divi_api import DIVI_ROUTES
from farshot.service.routes import ROUTES
from farshot.wire import FinalizeRequest, JobRequest, LimitsRequest, PartRequest, TokenRequest
from samples import BELL
from serving import running_server

EXTREMES = [
    "-1",
    "0",
    "2147483648",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775809",
    "18446744073709551616",
    "36893488147419103232",
    "1e308",
    "-1e308",
    "1e309",
    "NaN",
    "Infinity",
    "-Infinity",
    f"1{'0' * 4000}",
    f"-1{'0' * 5000}",
    '"9223372036854775808"',
    "true",
]
ROW = "qreg q[1]; creg c[1]; rx(a) q[0]; measure q -> c;"
MARK = '"\\u0001here"'


def packed(text):
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()


JOB = {"circuits": {"a": BELL}}
TEMPLATE = {"template": {"source": ROW, "parameters": ["a"]}, "rows": {"a": [0.5], "b": [1.5]}}
DIVI_ROWS = {
    "circuit_template": packed(ROW),
    "parameter_names": ["a"],
    "parameter_sets": [{"label": "a", "values": [0.5]}],
}
DIVI_JOB = {"finalized": "true", "circuits": {"a": packed(BELL)}}
MEASURED = {**DIVI_JOB, "observables": f"@gzs2:{packed('Z0X1')}"}
BEGUN = {"job_type": "EXECUTE"}
OLDER = {"simulator_type": 1, "simulation_type": 0, "seed": 3, "api_meta": {"max_execution_time": 60}}
EXAMPLES = {
    JobRequest: {
        "circuits": JOB,
        "template": TEMPLATE,
        "rows": TEMPLATE,
        "target": {**JOB, "target": "prism"},
        "shots": {**JOB, "shots": 7},
        "seed": {**JOB, "seed": 7},
        "default_seed": {**JOB, "default_seed": 7},
        "ham_ops": {**JOB, "ham_ops": "ZZ"},
        "circuit_ham_map": {**JOB, "ham_ops": "ZZ", "circuit_ham_map": [[0, 1]]},
        "shot_groups": {**JOB, "shot_groups": [[0, 1, 7]]},
        "tag": {**JOB, "tag": "t"},
        "priority": {**JOB, "priority": 1},
        "timeout": {**JOB, "timeout": 30.0},
        "upload": {"upload": True, "seed": 1, "default_seed": 1},
        "digest": {"upload": True, "digest": "0" * 32},
    },
    PartRequest: {"circuits": JOB, "rows": {"rows": {"a": [0.5]}}},
    FinalizeRequest: {"circuits": {"circuits": 1}},
    LimitsRequest: {
        name: {name: 1000} for name in ("queued_circuits", "running_shards", "shots_per_day", "stored_bytes")
    },
    TokenRequest: {
        "user": {"user": "zoe"},
        "admin": {"user": "zoe", "admin": False},
        "expires_in": {"user": "zoe", "expires_in": 60.0},
    },
    InitRequest: {
        "job_type": BEGUN,
        "tag": {**BEGUN, "tag": "t"},
        "use_packing": {**BEGUN, "use_packing": True},
        "simulator_cluster": {**BEGUN, "simulator_cluster": "qoro_maestro"},
        "qpu_system_name": {**BEGUN, "qpu_system_name": "q"},
        "execution_configuration": {**BEGUN, "execution_configuration": OLDER},
        "maestro_config": {**BEGUN, "maestro_config": {"simulator_type": 1, "simulation_type": 0, "seed": 3}},
        "device_config": {**BEGUN, "device_config": {"SHOTS": 1}},
    },
    AddRequest: {
        "mode": {**DIVI_JOB, "mode": "append"},
        "finalized": DIVI_JOB,
        "circuits": DIVI_JOB,
        "circuit_template": {**DIVI_ROWS, "finalized": "true"},
        "parameter_names": {**DIVI_ROWS, "finalized": "true"},
        "parameter_sets": {**DIVI_ROWS, "finalized": "true"},
        "observables": MEASURED,
        "circuit_ham_map": {**MEASURED, "circuit_ham_map": [[0, 1]]},
        "shot_groups": {**DIVI_JOB, "shot_groups": [[0, 1, 7]]},
        "shots": {**DIVI_JOB, "shots": 7},
    },
    ConfigRequest: {
        "bond_dimension": {"bond_dimension": 1},
        "truncation_threshold": {"truncation_threshold": 0.1},
        "simulator_type": {"simulator_type": 1},
        "simulation_type": {"simulation_type": 0},
        "api_meta": {"api_meta": {"max_execution_time": 60}},
        "noisy_device": {"noisy_device": 1},
        "noise_realizations": {"noise_realizations": 1},
    },
}
"""For each field of each document a right one that has it."""
BODIES = [route for route in (*ROUTES, *DIVI_ROUTES) if route.body]
PATHS = sorted(
    {
        route.path
        for route in (*ROUTES, *DIVI_ROUTES)
        if "{" in route.path and "qubo" not in route.path and "validation" not in route.path
    }
)
"""But for what is not offered, whatever the job."""
QUERIES = [route for route in (*ROUTES, *DIVI_ROUTES) if route.query]


def test_every_field_has_an_example():
    assert {route.body for route in BODIES} == set(EXAMPLES)
    for kind, fields in EXAMPLES.items():
        assert {field.name for field in msgspec.structs.fields(kind)} == set(fields)
        assert all(name in document for name, document in fields.items())


def marked(value):
    """Yield a value as often as it has places, each time with the mark in another one."""
    yield MARK
    places = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for place, inside in places:
        for changed in marked(inside):
            copied = dict(value) if isinstance(value, dict) else list(value)
            copied[place] = changed
            yield copied


def bodies(kind):
    """Yield every example of a kind, and with every extreme in every place of the field that it is an example of."""
    for name, document in EXAMPLES[kind].items():
        yield json.dumps(document).encode()
        for changed in marked(document[name]):
            text = json.dumps({**document, name: changed})
            for extreme in EXTREMES:
                yield text.replace(json.dumps(MARK), extreme).encode()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with running_server(tmp_path_factory.mktemp("service"), "--workers", "1") as server:
        yield server


@pytest.fixture(scope="module")
def people(server):
    people = People(server)
    yield people
    people.close()


@pytest.fixture(scope="module")
def eve(people):
    return people()


class Paths:
    """Where the documents of each route are sent, each to a job of its own."""

    def __init__(self, caller, method, path):
        self.caller = caller
        self.method = method
        self.path = path

    def fresh(self, body):
        """Return the path for one body, and the job that it is about."""
        if "{job_id}" not in self.path:
            return self.path.format(name="zoe")
        return self.path.format(job_id=self.job(body), number=0)

    def job(self, body):
        if self.path.startswith("/api"):
            kind = "EXPECTATION" if b"observables" in body else "EXECUTE"
            return self.caller.post("/api/job/init/", json={"job_type": kind}).json()["job_id"]
        template = {"template": TEMPLATE["template"]} if b"rows" in body else {}
        job = self.caller.submit(upload=True, **template)["job_id"]
        if "finalize" in self.path:
            self.caller.put(f"/v1/jobs/{job}/parts/0", json=JOB)
        return job

    def send(self, body):
        headers = {"Content-Type": "application/json"}
        return self.caller.request(self.method, self.fresh(body), content=body, headers=headers)


def check_alive(caller):
    """Whether the service is ready, every job that it accepted ends, and another user's runs."""
    assert caller.get("/readyz").status_code == 200
    cursor = {}
    while cursor is not None:
        page = caller.get("/v1/jobs", params={"limit": 500, **cursor}).json()
        for job in page["jobs"]:
            if not job["uploading"]:
                ended(caller, job)
        cursor = {"cursor": page["next"]} if page["next"] else None
    assert ended(caller, caller.submit({"bell": BELL})) == "COMPLETED"


def ended(caller, job):
    """Return how a job has ended; the service is ready meanwhile, or it never will."""
    while job["status"] not in ENDED:
        assert caller.get("/readyz").status_code == 200
        job = caller.job(job["job_id"], after=job["cursor"], wait=10)
    return job["status"]


@pytest.mark.parametrize("route", BODIES, ids=lambda route: f"{route.method} {route.path}")
def test_every_number_of_a_body_is_refused_or_harmless(eve, people, route):
    administers = route.path.startswith(("/v1/users", "/v1/tokens"))
    paths = Paths(people(admin=True) if administers else eve, route.method, route.path)
    people("zoe")
    statuses = [paths.send(body).status_code for body in bodies(route.body)]
    assert {status // 100 for status in statuses} == {2, 4}
    check_alive(eve)
    check_alive(people())


@pytest.mark.parametrize("route", QUERIES, ids=lambda route: f"{route.method} {route.path}")
def test_every_number_of_a_query_is_refused_or_harmless(eve, people, route):
    job_id = eve.wait(eve.submit({"bell": BELL})["job_id"])["job_id"]
    names = [field.name for field in msgspec.structs.fields(route.query)]
    for name, extreme in itertools.product(names, [*EXTREMES, "nan", "inf", "-inf", "1_0", "٣", "0x10", "1" * 5000]):
        answer = eve.request(route.method, route.path.format(job_id=job_id), params={name: extreme.strip('"')})
        assert answer.status_code // 100 in {2, 4}
    check_alive(people())


@pytest.mark.parametrize("path", PATHS)
def test_every_number_of_a_path_is_refused(eve, path):
    method = next(route.method for route in (*ROUTES, *DIVI_ROUTES) if route.path == path)
    for extreme in EXTREMES:
        sent = re.sub("{[a-z_]+}", extreme.strip('"'), path)
        assert eve.request(method, sent, content=b"{}").status_code // 100 == 4
