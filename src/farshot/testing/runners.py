"""Runners for `farshot.testing.conformance` that run circuits as jobs of a backend."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from farshot.contract import ExecutionResult, JobStatus
    from farshot.testing.conformance import Evaluator, Sampler

__all__ = ["evaluator", "sampler"]


class _Backend(Protocol):
    def submit_circuits(
        self,
        circuits: Mapping[str, str],
        *,
        ham_ops: str | None = None,
        shots: int | None = None,
        seed: int | None = None,
    ) -> ExecutionResult: ...
    def poll_job_status(
        self, execution_result: ExecutionResult, *, loop_until_complete: bool, verbose: bool
    ) -> JobStatus: ...
    def get_job_results(self, execution_result: ExecutionResult, *, partial: bool = False) -> ExecutionResult: ...


def sampler(backend: _Backend, seed: int) -> Sampler:
    """Return a function that samples all circuits of a call as one job."""

    def run(sources: Mapping[str, str], shots: int) -> dict[str, dict[str, int] | str]:
        return _outcomes(backend, backend.submit_circuits(sources, shots=shots, seed=seed))

    return run


def evaluator(backend: _Backend) -> Evaluator:
    """Return a function that evaluates all circuits of a call as one job."""

    def run(sources: Mapping[str, str], terms: Sequence[str]) -> dict[str, dict[str, float] | str]:
        return _outcomes(backend, backend.submit_circuits(sources, ham_ops=";".join(terms)))

    return run


def _outcomes(backend: _Backend, handle: ExecutionResult) -> dict[str, Any]:
    backend.poll_job_status(handle, loop_until_complete=True, verbose=False)
    entries = backend.get_job_results(handle, partial=True).results or []
    return {
        entry["label"]: entry["results"]
        if "results" in entry
        else f"{entry['error']['code']}: {entry['error']['message']}"
        for entry in entries
    }
