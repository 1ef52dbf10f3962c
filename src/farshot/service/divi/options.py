"""The options of Divi's client as a target, a seed and a time; what has no counterpart here is refused by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from farshot.admission.batch import check_seconds, check_seed
from farshot.errors import BatchError, OptionError
from farshot.labels import shown
from farshot.simulators.targets import AUTO

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


CLUSTER = "qoro_maestro"
"""The cluster that Divi's client chooses by itself; here it stands for `auto`."""

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
    """What the options of a job come to."""

    simulator: str | None = None
    method: str | None = None
    seed: int | None = None
    timeout: float | None = None

    @property
    def target(self) -> str:
        """The target that does it."""
        if self.simulator is None and self.method is None:
            return AUTO
        simulator = self.simulator or ("aer" if self.method in _ONLY_AER else "prism")
        return simulator if self.method is None else f"{simulator}:{self.method}"


def options_of(cluster: str | None, config: Mapping[str, Any]) -> Options:
    """Return what the name of a cluster and the options of either version come to.

    Raises `OptionError` for an option that is not known here or not supported, `BatchError` for a value that is wrong.

    >>> options_of("qoro_maestro", {"simulation_type": 1}).target
    'prism:mps'
    """
    options = Options()
    if cluster not in {None, CLUSTER, AUTO}:
        simulator, _, method = str(cluster).partition(":")
        options.simulator, options.method = simulator, method or None
    for name, value in config.items():
        if value is not None:
            _reader(name, _READERS)(options, value)
    return options


def _reader(name: str, readers: Mapping[str, _Reader]) -> _Reader:
    if name not in readers:
        message = f"the option {name[:80]!r} is not supported here; supported are {', '.join(readers)}"
        raise OptionError(message)
    return readers[name]


def _simulator(options: Options, code: object) -> None:
    found = _named("simulator_type", code, _SIMULATORS, _OTHER_SIMULATORS)
    if options.simulator not in {None, found}:
        message = f"simulator_type asks for {found}, the cluster is {options.simulator}: choose one"
        raise BatchError(message)
    options.simulator = found


def _method(options: Options, code: object) -> None:
    found = _named("simulation_type", code, _METHODS, _OTHER_METHODS)
    if options.method not in {None, found}:
        message = f"simulation_type asks for {found}, the cluster is {options.method}: choose one"
        raise BatchError(message)
    options.method = found


def _named(name: str, code: object, known: Mapping[int, str], others: Mapping[int, str]) -> str:
    if type(code) is int and code in known:
        return known[code]
    other = others.get(code) if type(code) is int else None
    supported = ", ".join(f"{each} ({text})" for each, text in known.items())
    message = f"{name} {shown(code)}{f' ({other})' if other else ''} is not supported here; supported are {supported}"
    raise OptionError(message)


def _seed(options: Options, value: object) -> None:
    options.seed = check_seed(value)


def _meta(options: Options, value: object) -> None:
    if not isinstance(value, dict):
        message = f"api_meta must be an object, not {shown(value)}"
        raise OptionError(message)
    for name, item in value.items():
        if item is not None:
            _reader(f"api_meta.{name}", _META)(options, item)


def _seconds(options: Options, value: object) -> None:
    options.timeout = check_seconds("max_execution_time", value)


if TYPE_CHECKING:
    _Reader = Callable[[Options, Any], None]

_READERS: dict[str, _Reader] = {
    "simulator_type": _simulator,
    "simulation_type": _method,
    "seed": _seed,
    "api_meta": _meta,
}
_META: dict[str, _Reader] = {"api_meta.max_execution_time": _seconds}
