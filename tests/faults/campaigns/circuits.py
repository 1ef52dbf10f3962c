"""What the campaigns submit. The number of a job decides its circuits, its key and its seed."""

import hashlib
import json
import random

from farshot.testing.backends import slow_circuits

HEAD = 'OPENQASM 2.0;\ninclude "qelib1.inc";\n'
SHOTS = 100


def small_batch(number):
    """Return 5 to 20 circuits of 2 to 6 qubits."""
    rng = random.Random(number)
    return {f"c{index}": _small_circuit(rng) for index in range(rng.randint(5, 20))}


def long_batch(_number):
    """Return circuits that run for most of a second together."""
    return slow_circuits(8, 17)


def native_batch(_number):
    """Return circuits of 20 qubits, each of which runs for a good part of a second."""
    return slow_circuits(2, 20)


def wide_batch(_number):
    """Return a circuit of 26 qubits that would run for minutes."""
    return slow_circuits(1, 26)


BATCHES = {"small": small_batch, "long": long_batch, "native": native_batch, "wide": wide_batch}


def _small_circuit(rng):
    qubits = rng.randint(2, 6)
    gates = "".join(
        f"ry({rng.uniform(0, 3):.4f}) q[{qubit}];\ncx q[{qubit}],q[{(qubit + 1) % qubits}];\n"
        for _ in range(rng.randint(1, 3))
        for qubit in range(qubits)
    )
    return f"{HEAD}qreg q[{qubits}];\ncreg c[{qubits}];\n{gates}measure q -> c;\n"


def submit(backend, number, kind="small", target="auto", key=None):
    """Submit the job of this number."""
    key = key or f"{kind}-{number}"
    return backend.submit_circuits(BATCHES[kind](number), key=key, seed=number, shots=SHOTS, target=target)


def digest_of(backend, handle):
    """Return a digest of every label with its counts, in order."""
    entries = backend.get_job_results(handle).results
    text = json.dumps([[entry["label"], entry["results"]] for entry in entries], sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
