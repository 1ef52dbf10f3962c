"""A process that is forked while it works on a store: its children make backends of their own on the same one."""

import subprocess
import sys

POOL = """
import multiprocessing
import sys
import threading

import farshot

BELL = 'OPENQASM 2.0; include "qelib1.inc"; qreg q[2]; creg c[2]; h q[0]; cx q[0], q[1]; measure q -> c;'
FOLDER = sys.argv[1]


def run(backend):
    handle = backend.submit_circuits({"bell": BELL}, shots=10)
    backend.poll_job_status(handle, loop_until_complete=True, verbose=False)
    return sum(backend.get_job_results(handle).results[0]["results"].values())


def child(_number):
    with farshot.LocalBackend(data_dir=FOLDER, workers=1) as backend:
        return [run(backend) for _ in range(20)]


with farshot.LocalBackend(data_dir=FOLDER, workers=1) as parent:
    ended, begun, done = threading.Event(), threading.Event(), []

    def work():
        while not ended.is_set():
            done.append(run(parent))
            begun.set()

    thread = threading.Thread(target=work)
    thread.start()
    begun.wait()
    with multiprocessing.get_context("fork").Pool(8) as pool:
        found = pool.map(child, range(8), chunksize=1)
    before = len(done)
    while len(done) == before:
        thread.join(0.01)
    ended.set()
    thread.join()
assert found == [[10] * 20] * 8, found
assert set(done) == {10}
print("all ran")
"""

HELD = """
import os
import sys
import threading
from pathlib import Path

from farshot.store import SqlStore, open_engine, sqlite_url
from farshot.testing.stores.values import make_submission

url = sqlite_url(Path(sys.argv[1]))
store = SqlStore(open_engine(url))
writing, steps = threading.Event(), []


def write(connection):
    writing.set()
    forking.wait()
    steps.append("written")


def fork():
    forking.set()
    child = os.fork()
    if child:
        steps.append("forked")
        return os.waitpid(child, 0)[1]
    own = SqlStore(open_engine(url))
    own.add(make_submission())
    own.close()
    os._exit(0)


forking = threading.Event()
thread = threading.Thread(target=lambda: store._transactions.write(write))
thread.start()
writing.wait()
assert fork() == 0
thread.join()
assert steps == ["written", "forked"], steps
assert len(store.jobs()) == 1
store.close()
"""


def run(script, folder):
    done = subprocess.run(
        [sys.executable, "-c", script, str(folder)], capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_children_of_a_fork_pool_work_on_the_store_that_their_parent_works_on(tmp_path):
    assert run(POOL, tmp_path) == "all ran\n"


def test_a_fork_waits_for_the_transactions_of_other_threads(tmp_path):
    run(HELD, tmp_path)
