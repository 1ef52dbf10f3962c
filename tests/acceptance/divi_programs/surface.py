"""What a program may ask of a backend object, call by call."""

import threading

from divi.exceptions import ExecutionCancelledError

from samples import MODERN, divi, divi_backends, farshot, local, show

FLIP = 'OPENQASM 2.0;\ninclude "qelib1.inc";\nqreg q[3];\ncreg c[3];\nx q[0];\nmeasure q[0] -> c[0];\n'
LAYER = "".join(f"rx(0.7) q[{qubit}];\ncx q[{qubit}],q[{(qubit + 1) % 22}];\n" for qubit in range(22))
SLOW = f'OPENQASM 2.0;\ninclude "qelib1.inc";\nqreg q[22];\ncreg c[22];\n{LAYER * 60}measure q -> c;\n'
TURN = FLIP.replace("x q[0]", "rx(2*β[0]) q[0]")


def raised(kinds, call, *arguments, **options):
    try:
        call(*arguments, **options)
    except kinds as error:
        return error
    message = f"{call} raised nothing"
    raise AssertionError(message)


def rows(source, names, values):
    """A parametric circuit of this release of Divi."""
    if MODERN:
        from divi.circuits import CircuitPayload
        from qiskit.circuit import Parameter

        return CircuitPayload(source, tuple(map(Parameter, names)), values)
    from divi.circuits import TemplateEntry

    return TemplateEntry(source, names, values)


def send(payloads, **options):
    submit = backend.submit_circuits if MODERN else backend.submit_circuit_templates
    return submit(payloads, **options)


def finish(handle):
    assert backend.poll_job_status(handle, loop_until_complete=True, verbose=False) == divi_backends.JobStatus.COMPLETED
    return backend.get_job_results(handle)


inner = local(shots=500, workers=2, polling_interval=0.05)
backend = divi.backend(inner, seed=5)
assert isinstance(backend, divi_backends.CircuitRunner)
assert isinstance(backend, divi_backends.AsyncJobBackend)
assert (backend.shots, backend.is_async, backend.supports_expval) == (500, True, True)
assert backend.depth_history == []

# a handle, its results, bit order, widths, seeds
handle = backend.submit_circuits({"b": FLIP, "a": FLIP})
assert isinstance(handle, divi_backends.ExecutionResult)
assert handle.is_async()
assert handle.results is None
found = finish(handle)
assert isinstance(found, divi_backends.ExecutionResult)
assert not found.is_async()
assert found.job_id == handle.job_id
assert handle.results is None
assert [(entry["label"], entry["results"]) for entry in found.results] == [("b", {"001": 500}), ("a", {"001": 500})]
assert backend.get_job_results(handle).results == found.results
assert isinstance(backend.poll_job_status(handle), divi_backends.JobStatus)
assert finish(backend.submit_circuits({"a": FLIP}, ham_ops="ZII;IZI;III")).results[0]["results"] == {
    "ZII": -1.0, "IZI": 1.0, "III": 1.0,
}  # fmt: skip

# templates: a job each, one handle, in order
several = [
    rows(TURN, ("β[0]",), (("one", (0.0,)), ("two", (1.5707963267948966,)))),
    rows(TURN.replace("2*", ""), ("β[0]",), (("three", (3.141592653589793,)),)),
]
handle = send(several)
assert len(inner.jobs()) == 4
found = finish(handle)
assert [(e["label"], e["results"]) for e in found.results] == [
    ("one", {"000": 500}), ("two", {"001": 500}), ("three", {"001": 500}),
]  # fmt: skip
if MODERN:
    assert (handle.backend_jobs, found.backend_jobs) == (2, 2)
    assert found.run_time > 0
values = finish(send(several, ham_ops="ZII")).results
assert [round(entry["results"]["ZII"], 9) for entry in values] == [1.0, -1.0, -1.0]

# mistakes of the caller: nothing is stored
stored = len(inner.jobs())
row = several[0]
for options in ({"ham_ops": "ZII|IZI"}, {"shot_groups": [[0, 3, 10]]}, {"ham_ops": "ZII", "circuit_ham_map": [[0, 3]]}):
    raised(ValueError, send, several, **options)
raised(ValueError, send, [])
raised(ValueError, lambda: send([rows(TURN, ("β[0]",), ())]))
raised(ValueError, lambda: send([rows(TURN, ("β[0]",), (("one", (1.0, 2.0)),))]))
raised(ValueError, send, [row, row])
raised(ValueError, send, [row, rows(TURN.replace("β[0]", "pi"), ("pi",), (("last", (1.0,)),))])
raised(ValueError, backend.submit_circuits, {})
raised(TypeError, backend.submit_circuits, FLIP)
raised(TypeError, backend.submit_circuits, {"a": FLIP}, unheard_of=1)
raised(ValueError, backend.submit_circuits, {"a": FLIP}, ham_ops="ZII", shot_groups=[[0, 1, 10]])
raised(ValueError, backend.poll_job_status, divi_backends.ExecutionResult())
raised(ValueError, backend.cancel_job, divi_backends.ExecutionResult())
raised(farshot.FarshotError, backend.cancel_job, divi_backends.ExecutionResult(job_id="nobody's"))
raised(ValueError, divi.backend, inner, shots=0)
raised(TypeError, divi.backend, "http://127.0.0.1")
if MODERN:
    raised(TypeError, backend.submit_circuits, [row, FLIP])
    assert [e["label"] for e in finish(backend.submit_circuits([FLIP, FLIP])).results] == ["0", "1"]
    stored += 1
gone = threading.Event()
gone.set()
raised(ExecutionCancelledError, backend.submit_circuits, {"a": FLIP}, cancellation_event=gone)
assert len(inner.jobs()) == stored

# an end is told once; a look tells nothing but the end
ends, looks = [], []
handle = backend.submit_circuits({"a": FLIP})
backend.poll_job_status(
    handle, loop_until_complete=True, on_complete=ends.append, progress_callback=lambda *look: looks.append(look)
)
assert len(ends) == 1
assert ends[0].json()["status"] == "COMPLETED"
assert ends[0]["run_time"] > 0
assert [attempt for attempt, _ in looks] == list(range(1, len(looks) + 1))
assert {status for _, status in looks} <= {"PENDING", "RUNNING"}
assert backend.cancel_job(handle).status_code == 409

# a wait that is given up leaves the job alone; a cancelled job stays cancelled
handle = backend.submit_circuits({"slow": SLOW})
assert raised(farshot.FarshotError, backend.get_job_results, handle)
raised(ExecutionCancelledError, backend.poll_job_status, handle, loop_until_complete=True, cancellation_event=gone)
assert not inner.job(handle.job_id).status.is_terminal
limited = divi.backend(inner, max_retries=3)
spent = raised(Exception, limited.poll_job_status, handle, loop_until_complete=True)
assert (type(spent).__name__, spent.retries, spent.job_id) == ("MaxRetriesReachedError", 3, handle.job_id)
bounded = divi.backend(local(max_retries=2))
assert bounded.max_retries == 2
endless = bounded.submit_circuits({"slow": SLOW})
spent = raised(Exception, bounded.poll_job_status, endless, loop_until_complete=True, verbose=False)
assert (type(spent).__name__, spent.retries) == ("MaxRetriesReachedError", 2)
assert bounded.cancel_job(endless).status_code == 200
bounded.close()

# of several jobs each is cancelled, whatever becomes of the others
alone = backend.submit_circuits({"slow": SLOW})
both = divi_backends.ExecutionResult(job_id=f"{'0' * 32}+{alone.job_id}")
assert backend.cancel_job(both).status_code == 200
assert inner.job(alone.job_id).wait(60) == "CANCELLED"
raised(farshot.UnknownJobError, backend.cancel_job, divi_backends.ExecutionResult(job_id="0" * 32))
later = threading.Event()
threading.Timer(0.2, later.set).start()
raised(ExecutionCancelledError, backend.poll_job_status, handle, loop_until_complete=True, cancellation_event=later)
assert backend.cancel_job(handle).status_code == 200
assert backend.cancel_job(handle).status_code == 409
assert inner.job(handle.job_id).wait(60) == "CANCELLED"


def outcome(handle, **options):
    """What a program gets to see of a job that did not complete."""
    if MODERN:
        error = raised(Exception, backend.poll_job_status, handle, loop_until_complete=True, **options)
        return type(error).__name__, "".join(error.__notes__)
    return backend.poll_job_status(handle, loop_until_complete=True, **options).value, ""


seen = [outcome(handle), outcome(backend.submit_circuits({"good": FLIP, "bad": FLIP.replace("x q", "y z")}))]
if MODERN:
    assert [name for name, _ in seen] == ["JobCancelledError", "JobFailedError"]
    assert "bad: parse: line 5" in seen[1][1], seen
    timed = local(job_timeout=0.5)
    backend = divi.backend(timed)
    assert outcome(backend.submit_circuits({"slow": SLOW}))[0] == "JobTimedOutError"
    bad = backend.submit_circuits({"bad": "nothing"})
    raised(ExecutionCancelledError, backend.poll_job_status, bad, loop_until_complete=True, cancellation_event=gone)
else:
    assert [name for name, _ in seen] == ["CANCELLED", "FAILED"]
    assert backend.max_retries > 5000
show(seen=seen)
