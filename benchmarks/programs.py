"""Divi's programs and templates: `python benchmarks/programs.py [qaoa rows client]`, in one run, in turns, medians.

`qaoa` runs a max-cut from its first circuit to its solution with `LocalBackend` and with the two simulators that Divi
brings. `rows` runs a template beside the same circuits bound, `client` sends both with Divi's own client to a service.
Needs `pip install '.[aer,server]' 'qoro-divi[aer]==0.15.1'`.
"""

from __future__ import annotations

import argparse
import logging
import os
import random
import statistics
import tempfile
import time
import warnings
from functools import partial
from typing import TYPE_CHECKING, Any

os.environ["RAYON_NUM_THREADS"] = "1"

from rich.console import Console
from rich.table import Table

import farshot
from contestants import aer_batch, local_backend
from service import serving
from workloads import paulis

if TYPE_CHECKING:
    from collections.abc import Callable

    Batch = tuple[farshot.Template, dict[str, str], str]

SHOTS = 1000
QUBITS = 10
ROWS = 1000


def medians(runs: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Return the median seconds of each run; all are warmed up first, then take turns in changing order."""
    times: dict[str, list[float]] = {who: [] for who in runs}
    order = random.Random(1)
    for turn in range(rounds + 1):
        for who in order.sample(list(runs), len(runs)):
            started = time.perf_counter()
            runs[who]()
            if turn:
                times[who].append(time.perf_counter() - started)
    return {who: statistics.median(found) for who, found in times.items()}


def show(title: str, found: dict[str, dict[str, float]]) -> None:
    """Print seconds, and how many times those of the first contestant they are."""
    table = Table("work", "who", "seconds", "times the first", title=title)
    for work, seconds in found.items():
        first = next(iter(seconds.values()))
        for who, value in seconds.items():
            table.add_row(work, who, f"{value:.3f}", f"{value / first:.3f}")
        table.add_section()
    Console().print(table)


def qaoa(folder: str, rounds: int) -> None:
    """Max-cuts, with energies as exact values and from counts, one circuit a step and many."""
    from divi.backends import MaestroSimulator, QiskitSimulator

    from farshot.integrations import divi

    found = {}
    with farshot.LocalBackend(shots=SHOTS, data_dir=folder) as inner:
        for kind in ("values", "counts"):
            options = {"force_sampling": kind == "counts"}
            backends = {
                "LocalBackend": divi.backend(inner, **options),
                "MaestroSimulator": MaestroSimulator(shots=SHOTS, **options),
                "QiskitSimulator": QiskitSimulator(shots=SHOTS, **options),
            }
            for steps in ("20 steps of 1", "2 steps of 50"):
                runs = {who: partial(max_cut, backend, steps) for who, backend in backends.items()}
                found[f"{kind}, {steps}"] = medians(runs, rounds)
    show(f"QAOA of {QUBITS} qubits and 2 layers, end to end", found)


def max_cut(backend: Any, steps: str) -> None:  # noqa: ANN401 -- any of Divi's kinds of backend
    """Run one program."""
    import networkx as nx
    from divi.qprog import QAOA
    from divi.qprog.optimizers import MonteCarloOptimizer, ScipyMethod, ScipyOptimizer
    from divi.qprog.problems import MaxCutProblem

    one_each = steps.endswith("of 1")
    QAOA(
        MaxCutProblem(nx.random_regular_graph(3, QUBITS, seed=1)),
        n_layers=2,
        backend=backend,
        optimizer=ScipyOptimizer(method=ScipyMethod.COBYLA)
        if one_each
        else MonteCarloOptimizer(population_size=50, n_best_sets=10),
        max_iterations=20 if one_each else 2,
        seed=1,
    ).run()


def rows(folder: str, rounds: int) -> None:
    """Rows of a template, and the same circuits bound: by us and in one call of Aer."""
    compare_rows("QAOA with its own terms", circuits(*cost_layers()), folder, rounds)
    compare_rows("layers of rotations, 20 terms", circuits(*ansatz()), folder, rounds)


def compare_rows(title: str, batch: Batch, folder: str, rounds: int) -> None:
    """Run one template with one worker and with two; Aer by itself, as its seconds disturb who comes after it."""
    template, bound, terms = batch
    found = {}
    for workers in (1, 2):
        with farshot.LocalBackend(data_dir=f"{folder}/{title}/{workers}", workers=workers) as backend:
            ours = local_backend(backend)
            for kind, ham_ops in (("counts", None), ("values", terms)):
                runs = {
                    "template": partial(ours, template, SHOTS, ham_ops),  # type: ignore[arg-type]
                    "bound": partial(ours, bound, SHOTS, ham_ops),
                }
                found[f"{kind}, {workers} worker{'s' * (workers > 1)}"] = medians(runs, rounds)
                if workers == 1:
                    aer = {"bound, Aer in one call": partial(aer_batch("statevector"), bound, SHOTS, ham_ops)}
                    found[f"{kind}, beside Aer"] = medians({"template": runs["template"], **aer}, max(3, rounds // 8))
    show(f"{ROWS:,} rows of {QUBITS} qubits: {title}", found)


def client(_folder: str, rounds: int) -> None:
    """Rows of a template, and the same circuits bound, as Divi's client sends them to a service."""
    from divi.backends.runners import _qoro
    from divi.circuits import CircuitPayload
    from qiskit.circuit import Parameter

    template, bound, terms = circuits(*ansatz())
    rows = tuple((label, tuple(row)) for label, row in template.rows.items())
    payload = CircuitPayload(template.source, tuple(map(Parameter, template.parameter_names)), rows)
    found = {}
    with serving() as server:
        _qoro.API_URL = f"{server.url}/api"
        service = _qoro.QoroService(server.token("ann"), polling_interval=0.01)
        for kind, options in (("counts", {}), ("values", {"ham_ops": terms})):
            runs = {
                "template": partial(sent, service, [payload], options),
                "bound": partial(sent, service, bound, options),
            }
            found[kind] = medians(runs, rounds)
    show(f"{ROWS:,} rows of {QUBITS} qubits, sent by Divi's client", found)


def sent(service: Any, batch: Any, options: dict[str, Any]) -> None:  # noqa: ANN401 -- Divi's own kinds
    """Submit, wait, fetch."""
    handle = service.submit_circuits(batch, **options)
    service.poll_job_status(handle, loop_until_complete=True, verbose=False)
    if len(service.get_job_results(handle).results) != ROWS:
        raise RuntimeError


def circuits(source: str, names: list[str], terms: str) -> Batch:
    """Return a template with its rows, the same circuits bound, and observables."""
    rng = random.Random(1)
    values = {f"r{number:04}": [rng.uniform(-3.1, 3.1) for _ in names] for number in range(ROWS)}
    template = farshot.Template(source, names, values)
    return template, {label: template.bind(label) for label in values}, terms


def cost_layers() -> tuple[str, list[str], str]:
    """Return the QAOA of a max-cut of 2 layers: its text, the names of its parameters, and what it measures."""
    import networkx as nx

    edges = sorted(tuple(sorted(edge)) for edge in nx.random_regular_graph(3, QUBITS, seed=1).edges)
    lines = ["OPENQASM 2.0;", 'include "qelib1.inc";', f"qreg q[{QUBITS}];", f"creg c[{QUBITS}];", "h q;"]
    for layer in range(2):
        for one, other in edges:
            lines += [f"cx q[{one}],q[{other}];", f"rz(2*g[{layer}]) q[{other}];", f"cx q[{one}],q[{other}];"]
        lines += [f"rx(2*b[{layer}]) q[{qubit}];" for qubit in range(QUBITS)]
    terms = ";".join("".join("Z" if qubit in edge else "I" for qubit in range(QUBITS)) for edge in edges)
    return "\n".join([*lines, "measure q -> c;"]) + "\n", ["g[0]", "g[1]", "b[0]", "b[1]"], terms


def ansatz() -> tuple[str, list[str], str]:
    """Return layers of rotations and of a chain of entangling gates, as `cost_layers`, and random terms."""
    names = [f"w[{number}]" for number in range(6 * QUBITS)]
    angles = iter(names)
    lines = ["OPENQASM 2.0;", 'include "qelib1.inc";', f"qreg q[{QUBITS}];", f"creg c[{QUBITS}];"]
    for _ in range(3):
        lines += [f"{gate}({next(angles)}) q[{qubit}];" for qubit in range(QUBITS) for gate in ("ry", "rz")]
        lines += [f"cx q[{qubit}],q[{qubit + 1}];" for qubit in range(QUBITS - 1)]
    return "\n".join([*lines, "measure q -> c;"]) + "\n", names, paulis(QUBITS, 20, random.Random(1))


def main() -> None:
    """Run what the command line names, else all of it."""
    parts = {"qaoa": qaoa, "rows": rows, "client": client}
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*parts, []], metavar="PART", help=", ".join(parts))
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore", category=UserWarning, module="divi")
    logging.getLogger("divi").setLevel(logging.ERROR)
    for name in arguments.parts or parts:
        with tempfile.TemporaryDirectory() as folder:
            parts[name](folder, arguments.rounds)


if __name__ == "__main__":
    main()
