"""The API of Divi's client as its documents have it: refusals, repetitions, and what its jobs are to the service."""

import base64
import gzip
import json
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import httpx2
import msgspec
import pytest

from commandline import heavy
from farshot.model import TemplateSource
from samples import BELL
from serving import running_server

PATIENCE = 60.0
NEWER = {"User-Agent": "divi/0.15.1 (python=3.11.7) python-requests/2.34.2"}
TEMPLATE = 'OPENQASM 2.0;\ninclude "qelib1.inc";\nqreg q[1];\ncreg c[1];\nrx(2*β[0]) q[0];\nmeasure q -> c;\n'


def packed(text):
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()


def group(width, terms):
    return f"@gzs{width}:{packed(terms)}"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with running_server(tmp_path_factory.mktemp("service"), "--workers", "2", "--shots", "7") as server:
        yield server


class Api:
    """One user of the API."""

    def __init__(self, server, token):
        headers = {"Authorization": f"Bearer {token}"}
        self.client = httpx2.Client(base_url=server.url, headers=headers, timeout=PATIENCE)
        self.folder = server.folder

    def begin(self, kind="EXECUTE", **members):
        return self.client.post("/api/job/init/", json={"job_type": kind, "tag": "t", "use_packing": False, **members})

    def begun(self, *arguments, **members):
        return self.begin(*arguments, **members).raise_for_status().json()["job_id"]

    def add(self, job_id, finalized="true", **members):
        document = {"mode": "append", "finalized": finalized, **members}
        return self.client.post(f"/api/job/{job_id}/add_circuits/", json=document)

    def rows(self, job_id, rows, finalized="true", names=("β[0]",), **members):
        sets = [{"label": label, "values": values} for label, values in rows.items()]
        template = {"circuit_template": packed(TEMPLATE), "parameter_names": list(names), "parameter_sets": sets}
        return self.add(job_id, finalized, **template, **members)

    def job(self, job_id):
        return self.client.get(f"/v1/jobs/{job_id}").raise_for_status().json()

    def ended(self, job_id):
        while (found := self.job(job_id))["finished_at"] is None:
            self.client.get(f"/v1/jobs/{job_id}", params={"after": found["cursor"], "wait": 5})
        return found["status"]

    def results(self, job_id, **options):
        assert self.ended(job_id) == "COMPLETED"
        path = f"/api/job/{job_id}/resultsV2/?limit=100&offset=0"
        return self.client.get(path, **options).raise_for_status().json()

    def stored(self, job_id, query):
        with closing(sqlite3.connect(self.folder / "farshot.sqlite3")) as database, database:
            return database.execute(query, (job_id,)).fetchall()

    def templates(self, job_id):
        """Return the template of every part."""
        found = self.stored(job_id, "select template from parts where job_id = ? order by number")
        return [kept and msgspec.msgpack.decode(kept, type=TemplateSource) for (kept,) in found]


@pytest.fixture(scope="module")
def api(server):
    api = Api(server, server.token("ann"))
    with api.client:
        yield api


@pytest.fixture
def few(server):
    """A user who may have 3 circuits at a time, and 10 shots."""
    few = Api(server, server.token("few"))
    limits = ("--shots-per-day", "10", "--queued-circuits", "3")
    server.run("user", "limit", "few", *limits)
    with few.client:
        yield few


CIRCUITS = {"circuits": {"a": packed(BELL), "b": packed(BELL)}}


def refused(answer, status, *words):
    assert answer.status_code == status, answer.text
    detail = answer.json()["detail"]
    assert all(word in detail for word in words), detail


def test_a_token_is_needed_everywhere(server):
    with httpx2.Client(base_url=server.url) as client:
        for path in ("/api/", "/api/qpusystem/", "/api/job/x/status/"):
            assert client.get(path).status_code == 401
        assert client.delete("/api/job/x").status_code == 401


def test_templates_are_kept_as_templates(api):
    job_id = api.begun()
    assert api.rows(job_id, {"one": [0.25], "two": [-1e-07]}, shots=10).status_code == 200
    assert api.ended(job_id) == "COMPLETED"
    payloads = api.stored(job_id, "select sources from payloads where job_id = ?")
    assert [len(row) for (sources,) in payloads for row in msgspec.msgpack.decode(sources)] == [8, 8]
    assert api.templates(job_id) == [TemplateSource(TEMPLATE.encode(), ("β[0]",))]


def test_a_job_may_hold_templates_and_circuits(api):
    """Each row is worked out with its own template, of which a call has one or none."""
    job_id = api.begun("EXPECTATION")
    observables = {"observables": group(1, "Z0;I")}
    flip = {"circuits": {"flip": packed(TEMPLATE.replace("rx(2*β[0])", "x"))}}
    assert api.rows(job_id, {"r0": [0.0]}, "false", **observables).status_code == 200
    assert api.rows(job_id, {"r1": [1.5707963267948966]}, "false", **observables).status_code == 200
    assert api.add(job_id, "false", **flip, **observables).status_code == 200
    assert api.rows(job_id, {"r2": [0.0, 9.0]}, names=["β[0]", "unused"], **observables).status_code == 200
    values = {entry["label"]: entry["results"]["Z"] for entry in api.results(job_id)["results"]}
    assert values == pytest.approx({"r0": 1.0, "r1": -1.0, "flip": -1.0, "r2": 1.0})
    assert [kept and kept.names for kept in api.templates(job_id)] == [("β[0]",), ("β[0]",), None, ("β[0]", "unused")]


def test_a_template_may_have_no_parameters(api):
    """The newer client sends circuits so where others of the same job are templates."""
    job_id = api.begun()
    sets = [{"label": "a", "values": []}]
    assert api.add(job_id, circuit_template=packed(BELL), parameter_names=[], parameter_sets=sets, shots=10).is_success
    (entry,) = api.results(job_id)["results"]
    assert entry["label"] == "a"


@pytest.mark.parametrize("name", ["θ_{0}", "two words", "2t", "$a$", "θ[0,1]", "a-b", "θ'", "β[0]"])
def test_a_parameter_may_have_any_name(api, name):
    job_id = api.begun("EXPECTATION")
    source = TEMPLATE.replace("2*β[0]", f"-{name}/2")
    sets = [{"label": "none", "values": [0.0, 9.0]}, {"label": "whole", "values": [6.283185307179586, 9.0]}]
    rows = {"circuit_template": packed(source), "parameter_names": [name, f"{name}x"], "parameter_sets": sets}
    assert api.add(job_id, **rows, observables=group(1, "Z0")).status_code == 200
    values = {entry["label"]: entry["results"]["Z"] for entry in api.results(job_id)["results"]}
    assert values == pytest.approx({"none": 1.0, "whole": -1.0})


def test_jobs_are_ordinary_jobs_of_the_user(api):
    job_id = api.begun(tag="of divi")
    api.rows(job_id, {"one": [0.0], "two": [0.0]}, shots=10)
    assert api.ended(job_id) == "COMPLETED"
    listed = api.client.get("/v1/jobs", params={"tag": "of divi"}).json()["jobs"]
    assert [(job["job_id"], job["owner"], job["target"]) for job in listed] == [(job_id, "ann", "auto")]
    found = api.client.get(f"/v1/jobs/{job_id}/results").json()["results"]
    assert {entry["label"]: entry["results"] for entry in found} == {"one": {"0": 10}, "two": {"0": 10}}


@pytest.mark.parametrize("times", [2, 5])
def test_the_same_call_again_changes_nothing(api, times):
    job_id = api.begun()
    for _ in range(times):
        assert api.add(job_id, "false", **CIRCUITS, shots=3).json()["circuits"] == 2
    for _ in range(times):
        assert api.add(job_id, circuits={"c": packed(BELL)}, shots=5).json()["circuits"] == 3
    found = api.results(job_id)
    assert [(entry["label"], entry["metadata"]["shots"]) for entry in found["results"]] == [
        ("a", 3),
        ("b", 3),
        ("c", 5),
    ]
    assert (found["count"], found["next"]) == (3, None)


def test_the_same_call_at_the_same_time_is_one(api):
    """As where an answer is late and the client repeats the call meanwhile."""
    job_id = api.begun()
    circuits = {f"c{number}": packed(BELL + f"// {number}") for number in range(500)}
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: api.add(job_id, circuits=circuits, shots=2), range(6)))
    assert [answer.status_code for answer in answers] == [200] * 6
    assert api.results(job_id)["count"] == 500
    assert api.stored(job_id, "select number, circuits from parts where job_id = ?") == [(0, 500)]


def test_another_call_for_an_accepted_job_is_refused(api):
    job_id = api.begun()
    api.add(job_id, **CIRCUITS, shots=1)
    refused(api.add(job_id, circuits={"c": packed(BELL)}, shots=1), 409, "takes no more circuits")


def test_a_beginning_that_nobody_follows_never_runs(api):
    """It is a job in the making, which retention deletes."""
    left, taken = api.begun(), api.begun()
    api.add(taken, **CIRCUITS, shots=1)
    assert api.ended(taken) == "COMPLETED"
    found = api.job(left)
    assert (found["status"], found["uploading"], found["circuits"]) == ("PENDING", True, 0)
    assert api.client.post(f"/api/job/{left}/cancel/").json()["circuits_cancelled"] == 0


def test_jobs_of_one_api_are_not_filled_through_the_other(api):
    job_id = api.begun()
    part = {"circuits": {"a": BELL}}
    refused(api.client.put(f"/v1/jobs/{job_id}/parts/0", json=part), 409, "another API")
    refused(api.client.post(f"/v1/jobs/{job_id}/finalize", json={}), 409, "another API")
    other = api.client.post("/v1/jobs", json={"upload": True}).json()["job_id"]
    refused(api.add(other, **CIRCUITS, shots=1), 409, "another API")


def test_a_job_of_the_other_api_is_read_here(api):
    made = api.client.post("/v1/jobs", json={"circuits": {"a": BELL}, "shots": 10}).json()["job_id"]
    assert api.results(made, headers=NEWER)["results"][0]["results"]["encoding"] == "qh1"
    assert api.client.get(f"/api/job/{made}/execution_config/").status_code == 404
    assert api.client.get(f"/api/job/{made}/execution_config/", headers=NEWER).json() == {}


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"qpu_system_name": "ibm"}, ["no QPU system 'ibm'"]),
        ({"device_config": {"SHOTS": 1}}, ["device_config"]),
        ({"simulator_cluster": "nowhere"}, ["nowhere"]),
        ({"simulator_cluster": "qoro_maestro", "maestro_config": {"mps_swap": 3}}, ["'mps_swap' is not supported"]),
        ({"maestro_config": {}, "execution_configuration": {}}, ["exclude each other"]),
        ({"colour": "red"}, ["colour"]),
    ],
)
def test_what_cannot_be_done_is_refused_at_the_beginning(api, members, words):
    refused(api.begin(**members), 400, *words)


def test_what_is_given_twice_is_refused(api):
    body = '{"job_type": "EXECUTE", "maestro_config": {"seed": 1, "simulation_type": 0}, "job_type": "EXECUTE"}'
    answer = api.client.post("/api/job/init/", content=body, headers={"Content-Type": "application/json"})
    refused(answer, 400, "twice")


def test_qubo_problems_are_not_characterised(api):
    refused(api.begin("VALIDATE"), 501, "QUBO")
    for method, path in (("POST", "submit_qubo/"), ("GET", "validation_result/"), ("GET", "validation_result/html/")):
        refused(api.client.request(method, f"/api/job/x/{path}"), 501, "QUBO")


@pytest.mark.parametrize(
    ("kind", "members", "words"),
    [
        ("EXECUTE", {"observables": group(2, "Z0")}, ["EXPECTATION"]),
        ("EXECUTE", {"circuit_ham_map": [[0, 2]]}, ["EXPECTATION"]),
        ("EXECUTE", {"shots": 0}, ["shots"]),
        ("EXECUTE", {"shots": 5, "shot_groups": [[0, 2, 5]]}, ["exclude each other"]),
        ("EXECUTE", {"shot_groups": [[0, 1, 5]]}, ["tile"]),
        ("EXECUTE", {"shot_groups": [[5, 7, 5]]}, ["tile"]),
        ("EXECUTE", {"parameter_sets": []}, ["circuit_template"]),
        ("EXECUTE", {"circuit_template": packed(TEMPLATE)}, ["not both"]),
        ("EXECUTE", {"circuits": {}}, ["empty"]),
        ("EXECUTE", {"circuits": {"a": "?"}}, ["'a'", "base64"]),
        ("EXPECTATION", {}, ["takes observables"]),
        ("EXPECTATION", {"observables": group(2, "Z0"), "shots": 5}, ["no shots"]),
        ("EXPECTATION", {"observables": group(2, "Z2")}, ["beyond"]),
        ("EXPECTATION", {"observables": group(2, "Z0"), "circuit_ham_map": [[0, 1], [1, 2]]}, ["2 ranges"]),
        ("EXPECTATION", {"observables": group(2, "Z0"), "circuit_ham_map": [[0]]}, ["pairs"]),
        ("EXECUTE", {"shots": 10**30}, ["shots"]),
        ("EXECUTE", {"shot_groups": [[0, 2, 10**30]]}, ["shot_groups[0][2]"]),
    ],
)
def test_circuits_that_do_not_fit_are_refused_and_leave_nothing(api, kind, members, words):
    job_id = api.begun(kind)
    refused(api.add(job_id, **{**CIRCUITS, **members}), 400, *words)
    assert api.job(job_id)["circuits"] == 0


def test_numbers_beyond_all_bounds_are_no_defect(api):
    for number in (10**400, 10**30):
        refused(api.begin(maestro_config={"api_meta": {"max_execution_time": number}}), 400, "max_execution_time")
    job_id = api.begun(maestro_config={"api_meta": {"max_execution_time": 10**9}})
    api.add(job_id, **CIRCUITS, shots=1)
    assert api.ended(job_id) == "COMPLETED"
    for path in (f"job/{job_id}/resultsV2/?limit=1&offset={2**63}", f"credits/transactions/?page={2**70}"):
        refused(api.client.get(f"/api/{path}"), 400)
    upload = {"upload": True, "shot_groups": [[0, 1, 10**30]]}
    refused(api.client.post("/v1/jobs", json=upload), 400, "shot_groups[0][2]")


def test_a_call_over_the_quota_leaves_nothing_that_counts(few):
    for _ in range(3):
        refused(few.add(few.begun(), **CIRCUITS, shots=100), 429, "shots in 24 hours")
        assert few.add(few.begun(), "false", **CIRCUITS, shots=1).status_code == 200
    job_id = few.begun()
    assert few.add(job_id, **CIRCUITS, shots=1).status_code == 200
    assert few.ended(job_id) == "COMPLETED"


def test_only_the_newer_client_is_told_when_to_try_again(few):
    circuits = {f"c{number}": packed(BELL) for number in range(4)}
    late = few.add(few.begun(), circuits=circuits, shots=1)
    refused(late, 429, "circuits that wait or run")
    assert "retry-after" not in late.headers
    few.client.headers.update(NEWER)
    assert "retry-after" in few.add(few.begun(), circuits=circuits, shots=1).headers


def test_without_shots_there_are_as_many_as_the_client_believes(api):
    job_id = api.begun()
    api.add(job_id, **CIRCUITS, shots=None)
    assert [entry["metadata"]["shots"] for entry in api.results(job_id)["results"]] == [1000, 1000]


def test_of_ranges_that_overlap_the_first_counts(api):
    job_id = api.begun("EXPECTATION")
    circuits = {f"c{number}": packed(BELL) for number in range(5)}
    observables = "|".join(group(2, terms) for terms in ("Z0Z1", "X0X1", "Y0Y1"))
    ranges = [[1, 2], [0, 3], [3, 3]]
    assert api.add(job_id, circuits=circuits, observables=observables, circuit_ham_map=ranges).status_code == 200
    every = ["ZZ", "XX", "YY"]
    assert [list(entry["results"]) for entry in api.results(job_id)["results"]] == [
        ["XX"],
        ["ZZ"],
        ["XX"],
        every,
        every,
    ]


def test_the_newer_client_hears_that_a_job_ran_out_of_time(api):
    job_id = api.begun(maestro_config={"api_meta": {"max_execution_time": 0.05}})
    api.add(job_id, circuits={"slow": packed(heavy(layers=300))}, shots=1)
    assert api.ended(job_id) == "FAILED"
    path = f"/api/job/{job_id}/status/"
    assert api.client.get(path).json()["status"] == "FAILED"
    assert api.client.get(path, headers=NEWER).json()["status"] == "TIMED_OUT"


def test_rows_that_do_not_fit_are_refused(api):
    job_id = api.begun()
    refused(api.rows(job_id, {}), 400, "empty")
    refused(api.rows(job_id, {"a": [1.0, 2.0]}), 400, "2 numbers for 1 parameters")
    refused(api.rows(job_id, {"a": [1.0]}, names=[""]), 400, "name of a parameter")
    sets = [{"label": "a", "values": []}, {"label": "a", "values": []}]
    refused(api.add(job_id, circuit_template=packed(BELL), parameter_sets=sets), 400, "label twice")


def test_calls_must_agree_on_the_observables(api):
    job_id = api.begun("EXPECTATION")
    api.add(job_id, "false", **CIRCUITS, observables=group(2, "Z0"))
    refused(api.add(job_id, circuits={"c": packed(BELL)}, observables=group(2, "Z1")), 400, "agree")


def test_a_configuration_may_change_while_the_job_arrives(api):
    job_id = api.begun(execution_configuration={"simulation_type": 0})
    path = f"/api/job/{job_id}/execution_config/"
    assert api.client.post(path, json={"simulation_type": 1}).json()["status"] == "ok"
    refused(api.client.post(path, json={"bond_dimension": 3}), 400, "bond_dimension")
    refused(api.client.post(path, json={"colour": 3}), 400, "colour")
    assert api.client.get(path).json() == {"execution_configuration": {"simulation_type": 1}}
    assert api.client.get(path, headers=NEWER).json() == {}
    api.add(job_id, circuits={"a": packed(TEMPLATE.replace("2*β[0]", "0.3"))}, shots=10)
    assert api.results(job_id)["results"][0]["metadata"]["method"] == "mps"
    refused(api.client.post(path, json={"simulation_type": 0}), 409, "COMPLETED")


def test_results_of_a_failed_job_say_which_circuits_failed(api):
    job_id = api.begun()
    api.add(job_id, circuits={"good": packed(BELL), "bad": packed("OPENQASM 2.0;\nqreg q[1")}, shots=10)
    assert api.ended(job_id) == "FAILED"
    refused(api.client.get(f"/api/job/{job_id}/resultsV2/?limit=100&offset=0"), 400, "FAILED", "'bad'", "1 of 2")


DAMAGE = """UPDATE results SET results = CAST(substr(results, 1, 10) || x'00' || substr(results, 12) AS BLOB)
WHERE job_id = ?"""


@pytest.mark.parametrize("members", [{"shots": 10}, {"observables": group(2, "Z0")}])
def test_a_damaged_result_is_an_error_and_no_empty_outcome(api, members):
    job_id = api.begun("EXPECTATION" if "observables" in members else "EXECUTE")
    api.add(job_id, circuits={"bell": packed(BELL)}, **members).raise_for_status()
    assert api.results(job_id)["results"][0]["results"]
    api.stored(job_id, DAMAGE)
    refused(api.client.get(f"/api/job/{job_id}/resultsV2/?limit=100&offset=0"), 400, job_id, "'bell'", "damaged")


def test_pages_follow_each_other(api):
    job_id = api.begun()
    api.add(job_id, circuits={f"c{number}": packed(BELL) for number in range(7)}, shots=10)
    first = api.results(job_id)
    assert (first["count"], len(first["results"]), first["next"]) == (7, 7, None)
    labels, path = [], f"/api/job/{job_id}/resultsV2/?limit=3&offset=0"
    while path:
        page = api.client.get(path).json()
        labels += [entry["label"] for entry in page["results"]]
        path = page["next"]
    assert labels == [f"c{number}" for number in range(7)]


def test_what_a_call_keeps_is_let_go_when_the_job_is_accepted(api):
    job_id = api.begun()
    api.rows(job_id, {"one": [0.25]}, shots=10)
    assert api.stored(job_id, "select options from parts where job_id = ?") == [(None,)]
    assert json.dumps(api.job(job_id)["circuits"]) == "1"
