"""The execution configuration of a job: read in the form of the client's version, and set while the job waits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import asdict, replace

from farshot.errors import BegunError, UnknownJobError, UploadError
from farshot.service.context import in_thread, write_in_thread
from farshot.service.divi.documents import ConfigRequest
from farshot.service.divi.drafts import make_divi_job
from farshot.service.divi.jobs import is_newer, reply
from farshot.service.divi.stored_forms import DiviJob, encode, read_job
from farshot.service.request_bodies import document_in

if TYPE_CHECKING:
    from starlette.responses import Response

    from farshot.model import JobRecord
    from farshot.service.context import Call


async def get_execution_config(call: Call) -> Response:
    """Answer with the present configuration of a job."""
    job = await in_thread(call.service, lambda: _divi_job(call, call.job()))
    if is_newer(call):
        return reply({"maestro_config": job.config} if job and job.config is not None and not job.older else {})
    if job is None or job.config is None or not job.older:
        message = f"job {call.job_id} has no execution configuration"
        raise UnknownJobError(message)
    return reply({"execution_configuration": job.config})


def _divi_job(call: Call, record: JobRecord) -> DiviJob | None:
    """Return the options that a job was begun with; None if it was not begun through this API."""
    if not record.uploading:
        return read_job(call.parts.jobs.spec(record.id).kept)
    try:
        return read_job(call.parts.uploads.options(record.id))
    except UploadError:  # it was cancelled before it was whole
        return None


async def set_execution_config(call: Call) -> Response:
    """Replace the configuration of a job that waits."""
    document = await document_in(call, ConfigRequest)
    config = {name: value for name, value in asdict(document).items() if value is not None}
    await write_in_thread(call, lambda: _set_config(call, config))
    return reply({"status": "ok", "job_id": call.job_id, "execution_configuration": config})


def _set_config(call: Call, config: dict[str, Any]) -> None:
    with call.service.lock_of(call.job().owner):
        record = call.job()
        job = _divi_job(call, record)
        if job is None:
            message = f"job {record.id} takes no execution configuration: it was not begun through this API"
            raise BegunError(message)
        new = replace(make_divi_job(call, job.kind, job.cluster, config, older=True), seed=job.seed)
        if not _revise(call, record, new):
            message = f"job {call.job_id} is {call.job().status}: its configuration is what it was begun with"
            raise BegunError(message)


def _revise(call: Call, record: JobRecord, job: DiviJob) -> bool:
    """Store the new options of a job; return whether it still waited for them."""
    if record.uploading:
        return call.parts.uploads.redraft(record.id, job.target, encode(job))
    spec = call.parts.jobs.spec(record.id)
    return call.parts.uploads.respecify(
        record.id, replace(spec, target=job.target, timeout=job.timeout, kept=encode(job))
    )
