"""The choice of the simulator that runs a circuit."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from farshot import plugins
from farshot.errors import CircuitError, FaultCode, MissingExtraError
from farshot.simulators.lowered import lowered
from farshot.simulators.targets import GROUP, parse_target

if TYPE_CHECKING:
    from collections.abc import Callable

    from farshot.model import Forecast
    from farshot.protocols import Run, Simulator, Task
    from farshot.simulators.lowered import Lowered
    from farshot.simulators.targets import Target


T = TypeVar("T")

_NOT_MEASURED = "no measurement, so there is nothing to sample: add measure statements, or ask for observables"
_PASSED_ON = frozenset({FaultCode.UNSUPPORTED, FaultCode.MEMORY, FaultCode.INTERNAL})
"""Codes of faults after which another simulator may run the circuit."""


def ignore_forecast(forecast: Forecast) -> None:
    """Do nothing with a forecast."""


class Router:
    """The simulators that were needed so far."""

    def __init__(self, load: Callable[[str, str], Callable[[], Simulator]] = plugins.load) -> None:
        """Find simulators with `load`, by entry point group and name."""
        self._load = load
        self._simulators: dict[str, Simulator] = {}

    def simulator(self, name: str) -> Simulator:
        """Return the simulator `name`, which is loaded when it is first needed."""
        if name not in self._simulators:
            self._simulators[name] = self._load(GROUP, name)()
        return self._simulators[name]


def run_circuit(
    router: Router, target: str, task: Task, announce_forecast: Callable[[Forecast], None] = ignore_forecast
) -> tuple[str, Run]:
    """Run `task` on the first simulator of `target` that can; return its name and the run.

    The forecast of each simulator that tries is announced before. Raises `CircuitError`.
    """
    name, run, plain = _act(router, target, task, partial(_simulate, announce_forecast))
    return name, run if plain is None else plain.restored(run)


def check_circuit(router: Router, target: str, task: Task) -> None:
    """Parse `task` as the simulator that would run it does; raises `CircuitError`."""
    _act(router, target, task, _check)


def _simulate(announce_forecast: Callable[[Forecast], None], simulator: Simulator, task: Task) -> Run:
    announce_forecast(simulator.forecast(task))
    return simulator.simulate(task)


def _check(simulator: Simulator, task: Task) -> None:
    simulator.check(task)


def _act(router: Router, target: str, task: Task, act: Callable[[Simulator, Task], T]) -> tuple[str, T, Lowered | None]:
    """Act on `task`, or on its plain operations if it is lowered; return also the simulator and the lowered task."""
    chosen = parse_target(target)
    plain = lowered(task, chosen.method)
    if plain is None:
        return (*_first(router, chosen, task, act), None)
    try:
        return (*_first(router, chosen, plain.task, act), plain)
    except CircuitError as fault:
        raise plain.placed(fault) from fault


def _first(router: Router, chosen: Target, task: Task, act: Callable[[Simulator, Task], T]) -> tuple[str, T]:
    """Act on `task` with the first simulator that can; return its name and the outcome."""
    if task.shots is not None and not task.scan.measures:
        raise CircuitError(FaultCode.ADMISSION, _NOT_MEASURED)
    task = task if chosen.method is None else replace(task, method=chosen.method)
    faults: list[CircuitError] = []
    for name in chosen.simulators:
        try:
            return name, _act_with(router, name, task, act)
        except CircuitError as fault:
            if fault.code not in _PASSED_ON:
                raise
            faults.append(fault)
    raise _most_useful(faults)


def _act_with(router: Router, name: str, task: Task, act: Callable[[Simulator, Task], T]) -> T:
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


def _most_useful(faults: list[CircuitError]) -> CircuitError:
    """Return the fault that helps a user most, with the command that installs a missing simulator."""
    best = min(faults, key=_rank)
    missing = next((fault for fault in faults if _is_missing(fault) and fault is not best), None)
    if missing is None:
        return best
    return CircuitError(best.code, f"{best.message}; {missing.message}", line=best.line, column=best.column)


def _rank(fault: CircuitError) -> tuple[bool, bool, bool]:
    """Order faults: memory first, then those with a place, and last those that the circuit does not cause."""
    return (
        fault.code is not FaultCode.MEMORY,
        fault.code is FaultCode.INTERNAL or _is_missing(fault),
        fault.line is None,
    )


def _is_missing(fault: CircuitError) -> bool:
    return isinstance(fault.__cause__, MissingExtraError)
