"""Divi's client as installed here: version a (0.12) or b (0.15), its names brought to one form."""

import importlib
from importlib.metadata import version

INSTALLED = version("qoro-divi")
VERSION = "a" if INSTALLED.startswith("0.12.") else "b"
MODULE = importlib.import_module("divi.backends._qoro_service" if VERSION == "a" else "divi.backends.runners._qoro")

from divi.backends import ExecutionResult, JobConfig, JobStatus, MaestroSimulator, QoroService  # noqa: E402
from divi.exceptions import ExecutionCancelledError  # noqa: E402

__all__ = [
    "INSTALLED",
    "MODULE",
    "VERSION",
    "ExecutionCancelledError",
    "ExecutionResult",
    "JobConfig",
    "JobStatus",
    "MaestroSimulator",
    "QoroService",
    "job_config",
    "local",
    "submit_templates",
]


def job_config(**options):
    return JobConfig(**{"simulator_cluster": "qoro_maestro", **options})


def submit_templates(service, templates, **options):
    """Submit (text, names, rows) triples, rows by label."""
    if VERSION == "a":
        from divi.circuits import TemplateEntry

        entries = [TemplateEntry(text, tuple(names), _rows(rows)) for text, names, rows in templates]
        return service.submit_circuit_templates(entries, **options)
    from divi.circuits import CircuitPayload
    from qiskit.circuit import Parameter

    payloads = [CircuitPayload(text, tuple(map(Parameter, names)), _rows(rows)) for text, names, rows in templates]
    return service.submit_circuits(payloads, **options)


def _rows(rows):
    return tuple((label, tuple(values)) for label, values in rows.items())


def local(circuits, shots=1000, **options):
    """Return what Divi's own simulator makes of circuits, by label."""
    results = MaestroSimulator(shots=shots).submit_circuits(circuits, **options).results
    return {entry["label"]: entry["results"] for entry in results}
