"""Running the circuits of one assignment, each on its own, so that none affects the next."""

from __future__ import annotations

import time
from functools import lru_cache
from typing import TYPE_CHECKING

from farshot.errors import CircuitError, ExecutorError, FaultCode
from farshot.model import CircuitResult, Fault, JobSpec, ShotGroup, ShotPlan, circuit_seed
from farshot.openqasm.scanner import scan
from farshot.protocols import Task
from farshot.simulators.router import check_circuit, ignore_forecast, run_circuit
from farshot.simulators.shots import naming_shots
from farshot.templates.rows import rows_of
from farshot.worker.reporter import check_size

if TYPE_CHECKING:
    from collections.abc import Callable

    from farshot.model import Forecast
    from farshot.openqasm.pattern import Row
    from farshot.simulators.router import Router
    from farshot.worker.board import Board
    from farshot.worker.frames import Assignment
    from farshot.worker.reporter import Reporter


_COIN_TOSS = b'OPENQASM 2.0;include "qelib1.inc";qreg q[1];creg c[1];h q[0];measure q[0] -> c[0];'


def warm_up(router: Router) -> None:
    """Run one small circuit, which loads the modules that are imported on first use.

    Raises `ExecutorError` if it fails, so that no circuit of a user is the first to find that none runs here.
    """
    result = run_source(router, JobSpec("auto", seed=0, shots=ShotPlan((ShotGroup(0, 1, 1),))), 0, "coin", _COIN_TOSS)
    if isinstance(result.outcome, Fault):
        message = f"one coin cannot be tossed: {result.outcome.message}"
        raise ExecutorError(message)


def run_assignment(assignment: Assignment, router: Router, board: Board, reporter: Reporter) -> None:
    """Run the circuits in order and report their results, up to the circuit that runs when the worker is recalled.

    The results before a suspect are sent before it runs, so that they are not lost if it kills this process.
    """
    reporter.begin(assignment.first)
    circuits = zip(assignment.labels, assignment.sources, strict=True)
    for position, (label, source) in enumerate(circuits, assignment.first):
        if position == assignment.suspect:
            reporter.flush()
            if assignment.verdict:
                reporter.add(CircuitResult.failed(assignment.verdict, assignment.spec, position, label))
                continue
        board.announce(position)
        reporter.add(run_source(router, assignment.spec, position, label, source, board.announce_forecast))
        if board.is_recalled():
            break
    reporter.end()


def run_source(  # noqa: PLR0913 -- a record of these would be one object more per circuit
    router: Router,
    spec: JobSpec,
    position: int,
    label: str,
    source: bytes,
    announce_forecast: Callable[[Forecast], None] = ignore_forecast,
) -> CircuitResult:
    """Run one circuit and return its result, in which every failure is a fault; its forecast is announced before."""
    started = time.perf_counter()
    row = shots = None
    try:
        task = _task(spec, position, circuit_seed(spec.seed, label), source)
        row, shots = task.scan.row, task.shots
        simulator, run = run_circuit(router, spec.target, task, announce_forecast)
        check_size(run.outcome)
    except Exception as error:  # noqa: BLE001 -- no error of one circuit may fail the others
        return CircuitResult.failed(_fault(error, row, shots), spec, position, label, time.perf_counter() - started)
    return CircuitResult(
        outcome=run.outcome,
        simulator=simulator,
        method=run.method,
        exact=run.exact,
        seed=task.seed,
        shots=task.shots,
        seconds=time.perf_counter() - started,
        fidelity=run.fidelity,
        warnings=_warnings(task),
    )


def inspect_source(router: Router, spec: JobSpec, position: int, source: bytes) -> Fault | None:
    """Scan and parse one text and return its fault or None."""
    row = None
    try:
        task = _task(spec, position, 0, source)
        row = task.scan.row
        check_circuit(router, spec.target, task)
    except Exception as error:  # noqa: BLE001 -- no error of one text may hide those of the others
        return _fault(error, row)
    return None


def _task(spec: JobSpec, position: int, seed: int, source: bytes) -> Task:
    facts = rows_of(spec.template).scan(source) if spec.template else scan(source.decode("utf-8", "surrogatepass"))
    terms = spec.observables.terms_at(position) if spec.observables else None
    if terms and _term_lengths(terms)[1] > facts.qubits:
        term = next(term for term in terms if len(term) > facts.qubits)
        message = f"the observable {term[:40]} acts on {len(term)} qubits, the circuit has {facts.qubits}"
        raise CircuitError(FaultCode.ADMISSION, message)
    shots = spec.shots.shots_at(position) if spec.shots else None
    return Task(facts, seed, shots, terms)


@lru_cache(maxsize=16)
def _term_lengths(terms: tuple[str, ...]) -> tuple[int, int]:
    """Return the lengths of the shortest and of the longest term."""
    lengths = [*map(len, terms)]
    return min(lengths), max(lengths)


def _warnings(task: Task) -> tuple[str, ...]:
    if not task.terms or _term_lengths(task.terms)[0] >= task.scan.qubits:
        return task.scan.warnings
    short = [term for term in task.terms if len(term) < task.scan.qubits]
    message = f"observables of {len(short[0])} letters act on the first qubits of {task.scan.qubits}"
    return (*task.scan.warnings, message)


def _fault(error: Exception, row: Row | None, shots: int | None = None) -> Fault:
    """Return an error as a fault. The place of a fault in a `row` of a template is one in the template."""
    if isinstance(error, CircuitError):
        error = error if row is None else row.placed(error)
        return Fault(error.code, error.message, error.line, error.column)
    if isinstance(error, MemoryError):
        return naming_shots(Fault(FaultCode.MEMORY, "the worker ran out of memory"), shots)
    return Fault(FaultCode.INTERNAL, f"{type(error).__name__}: {error}")
