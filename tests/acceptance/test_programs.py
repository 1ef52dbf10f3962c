"""The ways in which people run Python."""

import json
import signal

import nbformat
from nbclient import NotebookClient

from processes import children_of, is_alive, until
from samples import BELL

USE = f"""
import farshot
backend = farshot.LocalBackend(shots=100, workers=1)
handle = backend.submit_circuits({{"bell": {BELL!r}}}, seed=3)
backend.poll_job_status(handle, loop_until_complete=True)
print(sum(backend.get_job_results(handle).results[0]["results"].values()))
"""


def test_a_plain_script_without_a_guard(python):
    assert python.script(USE) == "100\n"


def test_a_program_read_from_standard_input(python):
    assert python.run("-", text=USE) == "100\n"


def test_an_interactive_session(python):
    out = python.run("-i", "-q", text=USE)
    assert "100\n" in out


def test_modules_beside_the_script_do_not_reach_the_workers(python):
    for name in ("numpy", "msgspec", "random", "farshot_extra"):
        (python.folder / f"{name}.py").write_text("raise SystemExit('imported by mistake')", encoding="utf-8")
    assert python.run("-P", "-c", USE) == "100\n"


def test_a_running_event_loop(python):
    program = f"""
import asyncio, farshot
async def main():
    with farshot.LocalBackend(shots=100, workers=1) as backend:
        handle = backend.submit_circuits({{"bell": {BELL!r}}})
        print(backend.poll_job_status(handle, loop_until_complete=True))
        jobs = [backend.job(backend.submit_circuits({{f"c{{i}}": {BELL!r}}}).job_id) for i in range(3)]
        print([entries[0]["label"] for entries in await asyncio.gather(*jobs)])
asyncio.run(main())
"""
    assert python.script(program) == "COMPLETED\n['c0', 'c1', 'c2']\n"


def test_a_notebook(python, monkeypatch):
    monkeypatch.setenv("FARSHOT_DATA_DIR", str(python.folder / "data"))
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(USE)])
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    texts = [output.text for output in notebook.cells[0].outputs if output.get("name") == "stdout"]
    assert texts == ["100\n"]


def test_another_process_polls_and_fetches_by_id(python):
    submit = f"""
import farshot
with farshot.LocalBackend(workers=1) as backend:
    handle = backend.submit_circuits({{"bell": {BELL!r}, "again": {BELL!r}}}, seed=5)
    backend.poll_job_status(handle, loop_until_complete=True)
    print(handle.job_id, backend.get_job_results(handle).results[0]["results"])
"""
    job_id, _, counts = python.script(submit).partition(" ")
    fetch = f"""
import farshot
backend = farshot.LocalBackend()
handle = farshot.ExecutionResult(job_id={job_id!r})
assert backend.poll_job_status(handle) == "COMPLETED"
print([entry["label"] for entry in backend.get_job_results(handle).results])
print(backend.get_job_results(handle).results[0]["results"])
"""
    assert python.script(fetch) == f"['bell', 'again']\n{counts}"


def test_a_seed_repeats_its_counts_after_a_restart_and_with_other_workers(python):
    program = f"""
import json, sys, farshot
circuits = {{f"c{{i}}": {BELL!r} for i in range(40)}}
if sys.argv[2] == "reversed":
    circuits = dict(reversed(circuits.items()))
with farshot.LocalBackend(workers=int(sys.argv[1]), seed=11) as backend:
    handle = backend.submit_circuits(circuits)
    backend.poll_job_status(handle, loop_until_complete=True)
    print(json.dumps({{e["label"]: e["results"] for e in backend.get_job_results(handle).results}}))
"""
    found = [json.loads(python.script(program, *how)) for how in (("1", "as is"), ("2", "as is"), ("2", "reversed"))]
    assert found[0] == found[1] == found[2]


def test_two_submissions_of_a_seeded_backend_differ(python):
    program = f"""
import farshot
with farshot.LocalBackend(workers=1, seed=11, shots=10_000) as backend:
    handles = [backend.submit_circuits({{"bell": {BELL!r}}}) for _ in range(2)]
    for handle in handles:
        backend.poll_job_status(handle, loop_until_complete=True)
    first, second = (backend.get_job_results(handle).results[0]["results"] for handle in handles)
    print(first != second)
"""
    assert python.script(program) == "True\n"


def test_an_open_job_of_a_closed_backend_is_finished_by_the_next_one(python):
    submit = """
import farshot
from farshot.testing.backends import slow_circuits
backend = farshot.LocalBackend(workers=1)
print(backend.submit_circuits(slow_circuits(3)).job_id)
backend.close()
"""
    job_id = python.script(submit).strip()
    finish = f"""
import farshot
with farshot.LocalBackend(workers=2) as backend:
    handle = farshot.ExecutionResult(job_id={job_id!r})
    print(backend.poll_job_status(handle), backend.poll_job_status(handle, loop_until_complete=True))
"""
    assert python.script(finish).split()[1] == "COMPLETED"


def test_a_look_starts_no_worker(python):
    program = """
import farshot, subprocess, os
with farshot.LocalBackend() as backend:
    backend.jobs()
    children = subprocess.run(["ps", "--ppid", str(os.getpid()), "-o", "args="], capture_output=True, text=True)
    print("farshot.worker" in children.stdout)
"""
    assert python.script(program) == "False\n"


WAITING = """
import farshot, signal, sys
from farshot.testing.backends import slow_circuits
with farshot.LocalBackend(workers=1) as backend:
    handle = backend.submit_circuits(slow_circuits(200))
    before = signal.getsignal(signal.SIGINT)
    try:
        backend.poll_job_status(
            handle, loop_until_complete=True, progress_callback=lambda *look: print("waiting", flush=True)
        )
    except farshot.ExecutionCancelledError:
        print("cancelled", backend.poll_job_status(handle), signal.getsignal(signal.SIGINT) is before, flush=True)
"""


def test_the_first_interrupt_cancels_the_job(python):
    path = python.folder / "waiting.py"
    path.write_text(WAITING, encoding="utf-8")
    process = python.start(str(path))
    assert process.stdout.readline() == "waiting\n"
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert out.splitlines()[-1] == "cancelled CANCELLED True", err
    assert process.returncode == 0


def test_workers_die_with_their_parent(python):
    path = python.folder / "waiting.py"
    path.write_text(WAITING, encoding="utf-8")
    process = python.start(str(path))
    process.stdout.readline()
    children = children_of(process.pid)
    assert children
    process.kill()
    process.communicate()
    until(lambda: not any(is_alive(child) for child in children))
