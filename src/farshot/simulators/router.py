"""Which simulator runs which circuit."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from farshot import plugins
from farshot.errors import CircuitError, FaultCode, MissingExtraError
from farshot.simulators.lowered import lowered
from farshot.simulators.targets import GROUP, parse_target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from farshot.model import Forecast
    from farshot.protocols import Run, Simulator, Task
    from farshot.simulators.lowered import Lowered


T = TypeVar("T")

_NOT_MEASURED = "no measurement, so there is nothing to sample: add measure statements, or ask for observables"
_PASSED_ON = frozenset({FaultCode.UNSUPPORTED, FaultCode.MEMORY, FaultCode.INTERNAL})
"""Faults of one simulator: another may run the circuit."""


def ignore_forecast(forecast: Forecast) -> None:
    """Nobody asks how it is run."""


class Router:
    """Holds the simulators that were needed so far."""

    def __init__(self, load: Callable[[str, str], Callable[[], Simulator]] = plugins.load) -> None:
        """Look simulators up with `load`, by entry point group and name."""
        self._load = load
        self._simulators: dict[str, Simulator] = {}

    def simulator(self, name: str) -> Simulator:
        """Return the simulator `name`."""
        if name not in self._simulators:
            self._simulators[name] = self._load(GROUP, name)()
        return self._simulators[name]


def run_circuit(
    router: Router, target: str, task: Task, tell: Callable[[Forecast], None] = ignore_forecast
) -> tuple[str, Run]:
    """Run `task` on the first simulator of `target` that gets it right; return its name and what it made.

    `tell` hears how each simulator that tries it will go about it. Raises `CircuitError`.
    """
    act = partial(_simulate, tell)
    plain = lowered(task, parse_target(target).method)
    if plain is None:
        return _first(router, target, task, act)
    with _placing(plain):
        name, run = _first(router, target, plain.task, act)
    return name, plain.restored(run)


def check_circuit(router: Router, target: str, task: Task) -> None:
    """Parse `task` as the simulator that would run it does; raises `CircuitError`."""
    plain = lowered(task, parse_target(target).method)
    if plain is None:
        _first(router, target, task, _check)
        return
    with _placing(plain):
        _first(router, target, plain.task, _check)


def _simulate(tell: Callable[[Forecast], None], simulator: Simulator, task: Task) -> Run:
    tell(simulator.forecast(task))
    return simulator.simulate(task)


def _check(simulator: Simulator, task: Task) -> None:
    simulator.check(task)


@contextmanager
def _placing(plain: Lowered) -> Iterator[None]:
    """Give faults of the plain text their places in the user's."""
    try:
        yield
    except CircuitError as fault:
        raise plain.placed(fault) from fault


def _first(router: Router, target: str, task: Task, act: Callable[[Simulator, Task], T]) -> tuple[str, T]:
    if task.shots is not None and not task.scan.measures:
        raise CircuitError(FaultCode.ADMISSION, _NOT_MEASURED)
    chosen = parse_target(target)
    task = task if chosen.method is None else replace(task, method=chosen.method)
    faults: list[CircuitError] = []
    for name in chosen.simulators:
        try:
            return name, _attempt(router, name, task, act)
        except CircuitError as fault:
            if fault.code not in _PASSED_ON:
                raise
            faults.append(fault)
    raise _chosen(faults)


def _attempt(router: Router, name: str, task: Task, act: Callable[[Simulator, Task], T]) -> T:
    simulator = router.simulator(name)
    refusal = _method_refusal(simulator, task) or simulator.refusal(task)
    if refusal is not None:
        raise CircuitError(FaultCode.UNSUPPORTED, refusal)
    try:
        return act(simulator, task)
    except MissingExtraError as error:
        raise CircuitError(FaultCode.UNSUPPORTED, str(error)) from error


def _method_refusal(simulator: Simulator, task: Task) -> str | None:
    if task.method is None or task.method in simulator.methods:
        return None
    return f"no method {task.method!r}; it has {', '.join(simulator.methods) or 'none'}"


def _chosen(faults: list[CircuitError]) -> CircuitError:
    """Return the fault about which a user can do most, with the command that installs another simulator."""
    told = min(faults, key=_rank)
    missing = next((fault for fault in faults if _is_missing(fault) and fault is not told), None)
    if missing is None:
        return told
    return CircuitError(told.code, f"{told.message}; {missing.message}", line=told.line, column=told.column)


def _rank(fault: CircuitError) -> tuple[bool, bool, bool]:
    """Order faults: memory first, what has a place before what has none, and last what the circuit cannot help."""
    return (
        fault.code is not FaultCode.MEMORY,
        fault.code is FaultCode.INTERNAL or _is_missing(fault),
        fault.line is None,
    )


def _is_missing(fault: CircuitError) -> bool:
    return isinstance(fault.__cause__, MissingExtraError)
