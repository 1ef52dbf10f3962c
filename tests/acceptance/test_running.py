"""`farshot.run` and its jobs in the programs that people write."""

from samples import BELL


def test_from_a_circuit_to_its_counts_in_one_line(python):
    program = f"""
import farshot
counts = farshot.run({BELL!r}, seed=7, shots=50).result().counts()
print(sum(counts.values()), set(counts) <= {{"00", "11"}})
"""
    assert python.script(program) == "50 True\n"


def test_all_runs_of_a_process_share_one_backend_and_a_forked_one_opens_its_own(python):
    program = f"""
import os, farshot
first, second = (farshot.run({BELL!r}) for _ in range(2))
assert first.backend is second.backend
first.result()
child = os.fork()
if child == 0:
    third = farshot.run({BELL!r})
    assert third.backend is not first.backend
    print(sum(third.result().counts().values()), flush=True)
    os._exit(0)
os.waitpid(child, 0)
print(len(second.result()), flush=True)
"""
    assert python.script(program) == "1000\n1\n"


def test_a_program_that_does_not_wait_leaves_its_job_for_the_next_one(python):
    job_id = python.script(f"import farshot\nprint(farshot.run({BELL!r}, shots=9).id)\n").strip()
    finish = f"import farshot\nprint(sum(farshot.LocalBackend().job({job_id[:8]!r}).result().counts().values()))\n"
    assert python.script(finish) == "9\n"


def test_ctrl_c_in_a_wait_cancels_the_job_and_says_so(python):
    program = """
import os, signal, threading, time, farshot
from farshot.testing.backends import slow_circuits

def interrupt():
    while signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        time.sleep(0.01)
    os.kill(os.getpid(), signal.SIGINT)

job = farshot.run(slow_circuits(200))
threading.Thread(target=interrupt).start()
try:
    job.result()
except farshot.ExecutionCancelledError as error:
    print(error, job.status, error.job_id == job.id)
"""
    out = python.run("-c", program)
    assert "is CANCELLED; " in out
    assert "of 200 circuits were recorded" in out
    assert out.endswith("CANCELLED True\n")


def test_a_job_travels_to_the_processes_of_a_pool_by_its_id(python):
    program = f"""
import multiprocessing, farshot

def total(job):
    return sum(sum(entry["results"].values()) for entry in job.result())

if __name__ == "__main__":
    with farshot.LocalBackend(workers=1, shots=10) as backend:
        jobs = [backend.run({{f"c{{n}}": {BELL!r} for n in range(size)}}) for size in (1, 2, 3)]
        farshot.gather(jobs)
        for method in ("spawn", "fork"):
            with multiprocessing.get_context(method).Pool(2) as pool:
                print(pool.map(total, jobs))
"""
    assert python.script(program) == "[10, 20, 30]\n[10, 20, 30]\n"
