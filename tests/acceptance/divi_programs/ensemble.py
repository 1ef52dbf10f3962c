"""Three max-cuts as one merged ensemble: the same energies as on Divi's simulator, from several threads at once."""

import threading

from cuts import check_alike, run
from divi.qprog import BatchMode

from samples import Watched, divi, divi_backends, farshot, local, show


class Threads(Watched):
    def __init__(self, **options):
        super().__init__(**options)
        self.threads = set()

    def submit_circuits(self, circuits, **options):
        self.threads.add(threading.current_thread())
        return super().submit_circuits(circuits, **options)


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
