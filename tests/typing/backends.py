"""Read by the type checker only: what must type-check in a user's program."""

from threading import Event

import farshot
from farshot.contract import AsyncJobBackend, ExecutionResult, JobStatus, Response


def run(backend: AsyncJobBackend) -> list[dict[str, object]]:
    handle: ExecutionResult = backend.submit_circuits(
        {"a": "..."}, cancellation_event=Event(), ham_ops="ZZ", anything=1
    )
    status: JobStatus = backend.poll_job_status(handle, on_complete=lambda _response: None)
    response: Response = backend.cancel_job(handle)
    response.raise_for_status()
    assert status
    return backend.get_job_results(handle).results or []


run(farshot.LocalBackend())
run(farshot.RemoteBackend("http://lab:8080", on_upload=lambda _sent, _total: None))
with farshot.LocalBackend(shots=1000, workers=None, data_dir=None, target="auto", seed=None) as local:
    local.submit_circuits({"bell": "..."}, ham_ops="ZZ", circuit_ham_map=[[0, 1]], tag="t", key="k", validate=True)
    local.get_job_results(ExecutionResult(job_id="x"), partial=True)
    job: farshot.Job = local.job("x")
    jobs: list[farshot.Job] = local.jobs(status="COMPLETED", tag=None, limit=50)
    entries: list[farshot.JobResult] = farshot.gather(jobs)
    ended: list[farshot.Job] = list(farshot.as_completed(jobs, timeout=1.0))
    labels: list[str] = [entry["label"] for entry in job.stream(cancellation_event=Event())]
