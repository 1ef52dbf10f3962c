"""The options of Divi's client as a target, a seed and a time limit; others are refused by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from farshot.admission.batch import check_seconds, check_seed
from farshot.errors import BatchError, OptionError
from farshot.labels import shown
from farshot.simulators.targets import AUTO

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


DEFAULT_CLUSTER = "qoro_maestro"
"""The default cluster of Divi's client; here it means the target `auto`."""

_SIMULATORS = {0: "aer", 1: "prism"}
_METHODS = {0: "statevector", 1: "mps", 2: "stabilizer", 7: "density_matrix"}
_OTHER_SIMULATORS = {
    2: "the composite of Qiskit Aer",
    3: "the composite of QCSim",
    4: "GPU",
    5: "Quest",
    6: "distributed GPU",
    7: "distributed GPU over MPI",
}
_OTHER_METHODS = {
    3: "tensor network",
    4: "Pauli propagator",
    5: "extended stabilizer",
    6: "path integral",
    8: "matrix product operator",
}
_ONLY_AER = frozenset({"density_matrix"})


@dataclass(slots=True)
class Options:
    """The options of a job in terms of this service."""

    simulator: str | None = None
    method: str | None = None
    seed: int | None = None
    timeout: float | None = None
    """The time limit of the job, in seconds."""

    @property
    def target(self) -> str:
        """The target for the simulator and the method."""
        if self.simulator is None and self.method is None:
            return AUTO
        simulator = self.simulator or ("aer" if self.method in _ONLY_AER else "prism")
        return simulator if self.method is None else f"{simulator}:{self.method}"


def options_of(cluster: str | None, config: Mapping[str, Any]) -> Options:
    """Return the options for the name of a cluster and a configuration in the form of either version.

    Raises `OptionError` for an option that is unknown or not supported here, `BatchError` for a value that is wrong.

    >>> options_of("qoro_maestro", {"simulation_type": 1}).target
    'prism:mps'
    """
    options = Options()
    if cluster not in {None, DEFAULT_CLUSTER, AUTO}:
        simulator, _, method = str(cluster).partition(":")
        options.simulator, options.method = simulator, method or None
    for name, value in config.items():
        _set_option(options, name, value, _SETTERS)
    return options


def _set_option(options: Options, name: str, value: object, setters: Mapping[str, _Setter]) -> None:
    if value is None:
        return
    if name not in setters:
        message = f"the option {name[:80]!r} is not supported here; supported are {', '.join(setters)}"
        raise OptionError(message)
    setters[name](options, value)


def _set_simulator(options: Options, code: object) -> None:
    options.simulator = _decode("simulator_type", code, options.simulator, _SIMULATORS, _OTHER_SIMULATORS)


def _set_method(options: Options, code: object) -> None:
    options.method = _decode("simulation_type", code, options.method, _METHODS, _OTHER_METHODS)


def _decode(name: str, code: object, chosen: str | None, known: Mapping[int, str], others: Mapping[int, str]) -> str:
    """Return the simulator or method for a code of the option `name`, which must agree with that of the cluster."""
    if type(code) is not int or code not in known:
        other = others.get(code) if type(code) is int else None
        text = f"{name} {shown(code)}{f' ({other})' if other else ''}"
        supported = ", ".join(f"{each} ({meaning})" for each, meaning in known.items())
        message = f"{text} is not supported here; supported are {supported}"
        raise OptionError(message)
    if chosen not in {None, known[code]}:
        message = f"{name} asks for {known[code]}, the cluster is {chosen}: choose one"
        raise BatchError(message)
    return known[code]


def _set_seed(options: Options, value: object) -> None:
    options.seed = check_seed(value)


def _set_meta(options: Options, value: object) -> None:
    if not isinstance(value, dict):
        message = f"api_meta must be an object, not {shown(value)}"
        raise OptionError(message)
    for name, item in value.items():
        _set_option(options, f"api_meta.{name}", item, _META_SETTERS)


def _set_timeout(options: Options, value: object) -> None:
    options.timeout = check_seconds("max_execution_time", value)


if TYPE_CHECKING:
    _Setter = Callable[[Options, Any], None]

_SETTERS: dict[str, _Setter] = {
    "simulator_type": _set_simulator,
    "simulation_type": _set_method,
    "seed": _set_seed,
    "api_meta": _set_meta,
}
_META_SETTERS: dict[str, _Setter] = {"api_meta.max_execution_time": _set_timeout}
