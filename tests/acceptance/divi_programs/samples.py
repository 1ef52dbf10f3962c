"""What the programs share: a graph, a molecule, and the two releases of Divi under one set of names."""

import json
import logging
import os
import sys
import tempfile
import warnings
from importlib import import_module

import networkx as nx
import numpy as np
from divi import backends as divi_backends
from divi.qprog import QAOA, VQE, HartreeFockAnsatz
from divi.qprog.optimizers import MonteCarloOptimizer, ScipyMethod, ScipyOptimizer
from divi.qprog.problems import MaxCutProblem
from qiskit.quantum_info import SparsePauliOp

import farshot
from farshot.integrations import divi

warnings.filterwarnings("ignore", category=UserWarning, module="divi")
logging.getLogger("divi").setLevel(logging.ERROR)

MODERN = hasattr(divi_backends, "QoroJobError")
"""Whether this is 0.15 or later."""

SPREAD = 5 * 2**0.5 * (1 if MODERN else 3)
"""How many standard errors of one energy two that were sampled differ by at most: those of 0.12, with Qiskit's
simulator too, were seen to spread more than twice as far as their shots explain.
"""

PAIR = 0.04530261550868928
H2 = SparsePauliOp.from_sparse_list(
    [
        ("", [], -0.09706626861762625),
        ("Z", [0], 0.17141282639402405),
        ("Z", [1], 0.171412826394024),
        ("Z", [2], -0.2234315367466399),
        ("Z", [3], -0.2234315367466399),
        ("ZZ", [0, 1], 0.16868898168693286),
        ("ZZ", [0, 2], 0.12062523481381837),
        ("ZZ", [0, 3], 0.16592785032250779),
        ("ZZ", [1, 2], 0.16592785032250779),
        ("ZZ", [1, 3], 0.12062523481381837),
        ("ZZ", [2, 3], 0.1744128761065161),
        ("YYXX", [0, 1, 2, 3], -PAIR),
        ("YXXY", [0, 1, 2, 3], PAIR),
        ("XYYX", [0, 1, 2, 3], PAIR),
        ("XXYY", [0, 1, 2, 3], -PAIR),
    ],
    num_qubits=4,
)
"""The hydrogen molecule in the smallest basis, in Hartree."""
GROUND = float(min(np.linalg.eigvalsh(H2.to_matrix())))


def local(kind=farshot.LocalBackend, **options):
    return kind(data_dir=tempfile.mkdtemp(), **{"workers": 1, **options})


def cloud(shots, **options):
    """Divi's own client of its cloud, which asks the service that FARSHOT_URL and FARSHOT_TOKEN name instead."""
    client = import_module("divi.backends.runners._qoro" if MODERN else "divi.backends._qoro_service")
    client.API_URL = f"{os.environ['FARSHOT_URL']}/api"
    config = divi_backends.JobConfig(shots=shots, simulator_cluster="qoro_maestro", **options)
    return divi_backends.QoroService(os.environ["FARSHOT_TOKEN"], job_config=config, polling_interval=0.05)


def qiskit_simulator(shots):
    """Divi's simulator that samples, in one process: to send circuits to others takes longer than to run them."""
    return divi_backends.QiskitSimulator(shots=shots, force_sampling=True, n_processes=1)


def cobyla():
    return ScipyOptimizer(method=ScipyMethod.COBYLA)


def qaoa(backend, graph=None, **options):
    problem = MaxCutProblem(nx.bull_graph() if graph is None else graph)
    return QAOA(problem, backend=backend, **{"optimizer": cobyla(), "max_iterations": 3, "seed": 1, **options})


def vqe(backend, **options):
    options = {"optimizer": cobyla(), "max_iterations": 25, "seed": 1, "ansatz": HartreeFockAnsatz(), **options}
    if not MODERN:
        return VQE(hamiltonian=H2, n_electrons=2, backend=backend, **options)
    from divi.qprog.problems import HamiltonianProblem

    return VQE(HamiltonianProblem(H2, n_electrons=2), backend=backend, **options)


def losses(program):
    return [float(value) for step in program.losses_history for value in step.values()]


class Watched(farshot.LocalBackend):
    """Keeps what is submitted to it."""

    def __init__(self, **options):
        super().__init__(**options)
        self.submitted = []

    def submit_circuits(self, circuits, **options):
        self.submitted.append((circuits, options))
        return super().submit_circuits(circuits, **options)


def show(**found):
    json.dump(found, sys.stdout)


__all__ = [
    "GROUND",
    "MODERN",
    "SPREAD",
    "MonteCarloOptimizer",
    "Watched",
    "cloud",
    "cobyla",
    "divi",
    "divi_backends",
    "farshot",
    "local",
    "losses",
    "qaoa",
    "qiskit_simulator",
    "show",
    "vqe",
]
