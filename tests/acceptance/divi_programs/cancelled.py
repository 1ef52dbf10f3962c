"""Ctrl-C in a program: Divi's own exception, and its job ends CANCELLED, though it would run on for long.

`cancelled.py exact|sampled`, with `cloud` for Divi's own client.
"""

import os
import signal
import sys
import threading
import time

import networkx as nx
from divi.exceptions import ExecutionCancelledError

from samples import cloud, divi, farshot, local, qaoa, show

is_sampled, is_cloud = "sampled" in sys.argv, "cloud" in sys.argv
inner = farshot.RemoteBackend() if is_cloud else local(shots=1000)
backend = cloud(1000, force_sampling=is_sampled) if is_cloud else divi.backend(inner, force_sampling=is_sampled)


def interrupt():
    while not any(job.status == "RUNNING" for job in inner.jobs()):
        time.sleep(0.02)
    os.kill(os.getpid(), signal.SIGINT)


threading.Thread(target=interrupt, daemon=True).start()
raised = None
try:
    qaoa(backend, nx.complete_graph(23), n_layers=10).run()
except (ExecutionCancelledError, KeyboardInterrupt) as error:
    raised = type(error).__name__
statuses = [job.wait(60).value for job in inner.jobs()]
assert raised is not None
assert statuses == ["CANCELLED"], statuses
assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
again = qaoa(backend, max_iterations=1).run()
show(raised=raised, statuses=statuses, afterwards=again.total_circuit_count)
