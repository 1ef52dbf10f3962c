"""The ways to run one workload that the benchmark sets beside each other.

Each takes circuits, shots and observables and returns when every result is a dict that Python can read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import farshot

Run = "Callable[[dict[str, str], int, str | None], int]"

AER_METHODS = {"e": "stabilizer", "f": "matrix_product_state"}


def local_backend(backend: farshot.LocalBackend) -> Callable[[dict[str, str], int, str | None], int]:
    """`LocalBackend`, whose workers are warm: submit, wait, fetch."""

    def run(circuits: dict[str, str], shots: int, ham_ops: str | None) -> int:
        options: dict[str, Any] = {"ham_ops": ham_ops} if ham_ops else {"shots": shots}
        handle = backend.submit_circuits(circuits, seed=1, **options)
        backend.poll_job_status(handle, loop_until_complete=True, verbose=False)
        return len(backend.get_job_results(handle).results or ())

    return run


def prism_direct(circuits: dict[str, str], shots: int, ham_ops: str | None) -> int:
    """prism-q called directly, in one thread: parse, simulate, build the dict."""
    import prism_q

    if ham_ops is None:
        found = [
            prism_q.simulate(prism_q.parse_qasm(source)).seed(seed).sample_counts(shots).counts()
            for seed, source in enumerate(circuits.values())
        ]
        return len(found)
    terms = ham_ops.split(";")
    factors = [[(qubit, letter) for qubit, letter in enumerate(term) if letter != "I"] for term in terms]
    values = [
        dict(zip(terms, prism_q.simulate(prism_q.parse_qasm(bare)).seed(1).expectation_values(factors), strict=True))
        for bare in map(_without_measurements, circuits.values())
    ]
    return len(values)


def aer_batch(method: str) -> Callable[[dict[str, str], int, str | None], int]:
    """Aer, all circuits in one call."""
    return lambda circuits, shots, ham_ops: _aer([list(circuits.values())], shots, ham_ops, method)


def aer_single(method: str) -> Callable[[dict[str, str], int, str | None], int]:
    """Aer, one circuit a call."""
    return lambda circuits, shots, ham_ops: _aer([[source] for source in circuits.values()], shots, ham_ops, method)


def _aer(batches: Iterable[list[str]], shots: int, ham_ops: str | None, method: str) -> int:
    from qiskit import qasm2
    from qiskit_aer import AerSimulator

    simulator = AerSimulator(method=method)
    done = 0
    for sources in batches:
        texts = sources if ham_ops is None else map(_without_measurements, sources)
        circuits = [qasm2.loads(text, include_path=()) for text in texts]
        if ham_ops is not None:
            _save_values(circuits, ham_ops)
        result = simulator.run(circuits, shots=shots, seed_simulator=1).result()
        found = [_read(result, index, ham_ops) for index in range(len(circuits))]
        done += len(found)
    return done


def _read(result: Any, index: int, ham_ops: str | None) -> dict[str, Any]:  # noqa: ANN401 -- Qiskit ships no types
    return dict(result.get_counts(index)) if ham_ops is None else dict(result.data(index))


def _save_values(circuits: list[Any], ham_ops: str) -> None:
    from qiskit.quantum_info import Pauli

    for circuit in circuits:
        for term in ham_ops.split(";"):
            circuit.save_expectation_value(Pauli(term[::-1]), list(range(len(term))), label=term)


def _without_measurements(source: str) -> str:
    return source[: source.index("measure")]
