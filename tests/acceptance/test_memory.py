"""What a hundred thousand circuits cost the program that submits them."""

from pathlib import Path

BENCHMARKS = Path(__file__).parent.parent.parent / "benchmarks"
LIMIT_MB = 600
PROGRAM = f"""
import pathlib, random, sys
sys.path.insert(0, {str(BENCHMARKS)!r})
from workloads import vqe
import farshot

rng = random.Random(1)
circuits = {{f"b{{number}}": vqe(4, 3, rng) for number in range(100_000)}}
with farshot.LocalBackend(shots=1000, seed=1) as backend:
    handle = backend.submit_circuits(circuits)
    print(backend.poll_job_status(handle, loop_until_complete=True, verbose=False))
    results = backend.get_job_results(handle).results
print(len(results), all(sum(entry["results"].values()) == 1000 for entry in results))
status = pathlib.Path("/proc/self/status").read_text()  # what getrusage says begins with the parent's peak
print(int(status.partition("VmHWM:")[2].split()[0]) // 1024)
"""


def test_the_peak_memory_of_a_hundred_thousand_circuits(python):
    status, counted, peak = python.script(PROGRAM).splitlines()
    assert (status, counted) == ("COMPLETED", "100000 True")
    assert int(peak) < LIMIT_MB
