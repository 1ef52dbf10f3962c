"""Three max-cuts as one merged ensemble: the same energies as on Divi's simulator, from several threads at once."""

import threading

import networkx as nx
from divi.qprog import BatchConfig, BatchMode, ProgramEnsemble

from samples import MODERN, Watched, divi, divi_backends, farshot, local, losses, qaoa, show

GRAPHS = {3: nx.path_graph(3), 4: nx.star_graph(3), 5: nx.bull_graph()}


class Threads(Watched):
    def __init__(self, **options):
        super().__init__(**options)
        self.threads = set()

    def submit_circuits(self, circuits, **options):
        self.threads.add(threading.current_thread())
        return super().submit_circuits(circuits, **options)


class Cuts(ProgramEnsemble):
    def create_programs(self, _state=None):
        super().create_programs()
        self.programs = {("cut", nodes): qaoa(self.backend, graph, seed=nodes) for nodes, graph in GRAPHS.items()}

    def aggregate_results(self):
        return {key[1]: losses(program) for key, program in self.programs.items()}


def run(backend, mode=BatchMode.MERGED):
    ensemble = Cuts(backend=backend)
    ensemble.create_programs()
    blocking = {} if MODERN else {"blocking": True}
    ensemble.run(batch_config=BatchConfig(mode=mode), **blocking)
    return ensemble.aggregate_results(), ensemble


def check_alike(found, expected):
    for nodes, values in expected.items():
        assert max(abs(a - b) for a, b in zip(found[nodes], values, strict=True)) < 1e-3, (nodes, found, expected)


inner = local(Threads, shots=20_000)
expected, _ = run(divi_backends.MaestroSimulator(shots=2000))

merged, ensemble = run(divi.backend(inner))
check_alike(merged, expected)
assert ensemble.total_run_time > 0
assert threading.main_thread() not in inner.threads
largest = max(inner.submitted, key=lambda pair: len(pair[0]))
assert len(largest[0]) == 3
assert len(largest[1]["circuit_ham_map"]) == 3
jobs = len(inner.submitted)
assert all(job.status == "COMPLETED" for job in inner.jobs())

inner.submitted.clear()
apart, _ = run(divi.backend(inner), BatchMode.OFF)
check_alike(apart, expected)
assert all(isinstance(circuits, farshot.Template) for circuits, _ in inner.submitted)

sampled, _ = run(divi.backend(inner, force_sampling=True, seed=11))
show(jobs=jobs, threads=len(inner.threads), merged=merged, expected=expected, sampled=sampled)
