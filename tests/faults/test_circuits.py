"""Circuits that run for too long, need too much memory, or kill their worker: each fails alone."""

import pytest

import farshot
from farshot.executors.local import LocalExecutor
from farshot.testing.backends import slow_circuits
from processes import kill_worker
from samples import BELL

MATES = {f"mate{number}": BELL for number in range(9)}
WIDE = "".join(f"ry(0.3) q[{i}];\nrz(0.2) q[{i}];\n" for i in range(27))
WIDE = f'OPENQASM 2.0;\ninclude "qelib1.inc";\nqreg q[27];\ncreg c[27];\n{WIDE}'
WIDE += "".join(f"cx q[{i}],q[{(i + 7) % 27}];\nry(0.{i + 1}) q[{i}];\n" for i in range(27)) * 3 + "measure q -> c;\n"


def among_mates(circuit):
    """Put a circuit in the middle of nine good ones."""
    good = list(MATES.items())
    return dict([*good[:4], ("odd", circuit), *good[4:]])


def run(backend, circuits):
    return outcome(backend, backend.submit_circuits(circuits), circuits)


def outcome(backend, handle, circuits):
    status = backend.poll_job_status(handle, loop_until_complete=True, verbose=False)
    entries = {entry["label"]: entry for entry in backend.get_job_results(handle, partial=True).results}
    assert list(entries) == list(circuits)
    assert all(sum(entries[label]["results"].values()) == 1000 for label in MATES)
    return status, entries["odd"].get("error")


def test_a_circuit_that_runs_for_too_long(tmp_path):
    (slow,) = slow_circuits(1, 24).values()
    with farshot.LocalBackend(data_dir=tmp_path, workers=1, circuit_timeout=0.5) as backend:
        status, error = run(backend, among_mates(slow))
    assert status == "FAILED"
    assert error["code"] == "timeout"


def test_a_circuit_that_its_many_shots_keep_for_too_long(tmp_path):
    many = 'OPENQASM 2.0; include "qelib1.inc"; qreg q[10]; creg c[10]; ry(1) q; measure q[0] -> c[0]; ry(1) q;'
    with farshot.LocalBackend(data_dir=tmp_path, workers=1, circuit_timeout=0.5) as backend:
        job = backend.run({"many": f"{many} measure q -> c;"}, shots=5_000_000)
        job.wait()
        (entry,) = job.partial()
    assert entry["error"]["code"] == "timeout"
    assert "; it has 5,000,000 shots: fewer take less" in entry["error"]["message"]


@pytest.mark.parametrize("killed", [False, True], ids=["waiting", "taken-over"])
def test_a_job_that_runs_for_too_long(tmp_path, killed):
    """The slow circuit is stopped, the others keep what they have; another process may be the one that ends it."""
    circuits = MATES | slow_circuits(1, 27) | {"after": BELL}
    with farshot.LocalBackend(data_dir=tmp_path, workers=0 if killed else 1, job_timeout=2) as backend:
        handle = backend.submit_circuits(circuits)
        with farshot.LocalBackend(data_dir=tmp_path, workers=1) as other:
            waiting = other if killed else backend
            assert waiting.poll_job_status(handle, loop_until_complete=True, verbose=False) == "FAILED"
        record = backend.record(handle.job_id)
        assert (record.fault.code, "2 s" in record.fault.message) == ("timeout", True)
        with pytest.raises(farshot.JobNotCompletedError, match="limit of 2 s"):
            backend.get_job_results(handle)
        entries = {entry["label"]: entry for entry in backend.get_job_results(handle, partial=True).results}
        assert list(entries) == list(circuits)
        assert all(sum(entries[label]["results"].values()) == 1000 for label in MATES)
        assert entries["after"]["error"]["code"] == "timeout"
        assert backend.cancel_job(handle).status_code == 409


def test_a_circuit_that_needs_too_much_memory(tmp_path):
    with farshot.LocalBackend(data_dir=tmp_path, workers=1, memory_limit=2**30, target="prism:statevector") as backend:
        status, error = run(backend, among_mates(WIDE))
    assert status == "FAILED"
    assert error["code"] == "memory"


def test_a_circuit_that_kills_its_worker_twice(tmp_path):
    (slow,) = slow_circuits(1, 25).values()
    executor = LocalExecutor(1)
    with farshot.LocalBackend(data_dir=tmp_path, executor=executor) as backend:
        handle = backend.submit_circuits(among_mates(slow))
        killed = [kill_worker(executor, (4).__eq__) for _ in range(2)]
        status, error = outcome(backend, handle, among_mates(slow))
    assert len(set(killed)) == 2
    assert status == "FAILED"
    assert error["code"] == "crash"
    assert "SIGKILL" in error["message"]
