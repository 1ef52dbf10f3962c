"""What many circuits cost the program that submits them: a hundred thousand in a campaign, else fewer."""

import os
from pathlib import Path

BENCHMARKS = Path(__file__).parent.parent.parent / "benchmarks"
COUNT, LIMIT_MB = (100_000, 600) if os.environ.get("FARSHOT_CAMPAIGN") == "1" else (25_000, 220)
PROGRAM = f"""
import pathlib, random, sys
sys.path.insert(0, {str(BENCHMARKS)!r})
from workloads import vqe
import farshot

rng = random.Random(1)
circuits = {{f"b{{number}}": vqe(4, 3, rng) for number in range({COUNT})}}
with farshot.LocalBackend(shots=1000, seed=1) as backend:
    handle = backend.submit_circuits(circuits)
    print(backend.poll_job_status(handle, loop_until_complete=True, verbose=False))
    results = backend.get_job_results(handle).results
print(len(results), all(sum(entry["results"].values()) == 1000 for entry in results))
status = pathlib.Path("/proc/self/status").read_text()  # what getrusage says begins with the parent's peak
print(int(status.partition("VmHWM:")[2].split()[0]) // 1024)
"""


def test_the_peak_memory_of_many_circuits(python):
    status, counted, peak = python.script(PROGRAM).splitlines()
    assert (status, counted) == ("COMPLETED", f"{COUNT} True")
    assert int(peak) < LIMIT_MB
