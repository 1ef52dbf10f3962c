"""What no worker can hold is refused by its size, before any of it is allocated."""

import os
import re
from pathlib import Path

import pytest

import farshot
from processes import workers_of
from samples import BELL

MATES = {f"mate{number}": BELL for number in range(9)}
HEAD = 'OPENQASM 2.0;\ninclude "qelib1.inc";\n'


def dense(qubits, layers):
    """Return a circuit that entangles all of its qubits."""
    layer = "".join(
        f"ry(0.{qubit + 1}) q[{qubit}];\nrx(0.3) q[{qubit}];\ncx q[{qubit}],q[{(qubit + 7) % qubits}];\n"
        for qubit in range(qubits)
    )
    return f"{HEAD}qreg q[{qubits}];\ncreg c[{qubits}];\n{layer * layers}measure q -> c;\n"


def chain(qubits, start):
    body = "".join(f"cx q[{qubit}],q[{qubit + 1}];\n" for qubit in range(qubits - 1))
    return f"{HEAD}qreg q[{qubits}];\ncreg c[{qubits}];\n{start}\n{body}measure q -> c;\n"


def run(backend, circuits):
    handle = backend.submit_circuits(circuits)
    backend.poll_job_status(handle, loop_until_complete=True, verbose=False)
    return {entry["label"]: entry for entry in backend.get_job_results(handle, partial=True).results}


def most_resident(pid):
    """Return the most bytes of memory that a process ever had."""
    return 1024 * int(re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())[1])


@pytest.mark.parametrize("target", ["prism:statevector", "aer:statevector"])
def test_a_state_of_256_gib_is_refused_and_never_allocated(tmp_path, target):
    good = list(MATES.items())
    batch = dict([*good[:4], ("odd", dense(34, 3)), *good[4:]])
    with farshot.LocalBackend(data_dir=tmp_path, workers=1, memory_limit=2**32, target=target, seed=1) as backend:
        run(backend, MATES)
        (worker,) = workers_of(os.getpid())
        before = most_resident(worker)
        entries = run(backend, batch)
        assert workers_of(os.getpid()) == [worker]
        assert most_resident(worker) - before < 50 * 2**20
        assert most_resident(worker) < 400 * 2**20
    error = entries.pop("odd")["error"]
    assert error["code"] == "memory"
    assert "needs 256 GiB" in error["message"]
    assert "the worker has 4 GiB" in error["message"]
    for entry in entries.values():
        assert set(entry["results"]) == {"00", "11"}
        assert sum(entry["results"].values()) == 1000
        assert entry["metadata"]["attempt"] == 1


def test_width_alone_refuses_nothing(tmp_path):
    wide = {"clifford": chain(50, "h q[0];"), "rotated": chain(40, "ry(0.9) q[0];\nry(1.2) q[20];")}
    with farshot.LocalBackend(data_dir=tmp_path, workers=1, memory_limit=2**32, seed=1) as backend:
        entries = run(backend, wide)
    assert set(entries["clifford"]["results"]) == {"0" * 50, "1" * 50}
    assert set(entries["rotated"]["results"]) == {high * 20 + low * 20 for high in "01" for low in "01"}
    assert all(entry["metadata"]["exact"] for entry in entries.values())
