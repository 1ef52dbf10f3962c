"""Three max-cuts as one ensemble."""

import networkx as nx
from divi.qprog import BatchConfig, BatchMode, ProgramEnsemble

from samples import MODERN, losses, qaoa

GRAPHS = {3: nx.path_graph(3), 4: nx.star_graph(3), 5: nx.bull_graph()}


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
