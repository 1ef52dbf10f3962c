"""Circuits of OpenQASM 2, drawn from gates that every simulator here knows."""

import math
import random

from qoro import JobStatus
from scipy.stats import chi2_contingency

HEAD = 'OPENQASM 2.0;\ninclude "qelib1.inc";\n'
BELL = HEAD + "qreg q[2];\ncreg c[2];\nh q[0];\ncx q[0],q[1];\nmeasure q -> c;\n"


def measured(qubits, *gates):
    lines = [f"qreg q[{qubits}];", f"creg c[{qubits}];", *gates, "measure q -> c;"]
    return HEAD + "\n".join(lines) + "\n"


def drawn(qubits, depth, seed):
    """Return a circuit without any symmetry that could hide a reversed order."""
    draw = random.Random(seed)
    gates = []
    for _ in range(depth):
        for qubit in range(qubits):
            kind = draw.choice(["rx", "ry", "rz", "h", "t", "s", "x"])
            angle = f"({draw.uniform(-math.pi, math.pi):.6f})" if kind[0] == "r" else ""
            gates.append(f"{kind}{angle} q[{qubit}];")
        first, second = draw.sample(range(qubits), 2)
        gates.append(f"{draw.choice(['cx', 'cz'])} q[{first}],q[{second}];")
    return measured(qubits, *gates)


def slow(seed=0):
    """Return a circuit that keeps a core busy for much longer than any check waits."""
    return drawn(24, 40, seed)


def terms(qubits, count, seed):
    draw = random.Random(seed)
    found = {"".join(draw.choice("IXYZ") for _ in range(qubits)) for _ in range(count)}
    return ";".join(sorted(found))


def assert_same_distribution(found, wanted):
    """Compare counts of two simulators with a chi-square test; rare outcomes share a cell."""
    keys = sorted(set(found) | set(wanted))
    pairs = [(found.get(key, 0), wanted.get(key, 0)) for key in keys]
    cells = [pair for pair in pairs if sum(pair) >= 10]
    rare = [sum(side) for side in zip(*(pair for pair in pairs if sum(pair) < 10), strict=True)]
    cells += [tuple(rare)] if rare and sum(rare) >= 10 else []
    if len(cells) > 1:
        assert chi2_contingency(list(zip(*cells, strict=True))).pvalue > 1e-6
    assert sum(found.values()) == sum(wanted.values())


def by_label(results):
    return {entry["label"]: entry["results"] for entry in results}


def finished(service, handle):
    """Return the results of a job, once it has ended."""
    wait(service, handle)
    return service.get_job_results(handle).results


def status_of(service, handle):
    """Return the status as the service says it: newer clients raise where a job was cancelled or failed."""
    return JobStatus(service._make_request("get", f"job/{handle.job_id}/status/").json()["status"])


def wait(service, handle, **options):
    return service.poll_job_status(handle, loop_until_complete=True, verbose=False, **options)
