"""The execution configuration of a job: read in the form of either version, and set while the job waits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import asdict, replace

from farshot.errors import UploadError
from farshot.service.context import in_thread, write_in_thread
from farshot.service.divi.clients import is_newer
from farshot.service.divi.documents import ConfigRequest
from farshot.service.divi.drafts import chosen
from farshot.service.divi.jobs import reply
from farshot.service.divi.stored_forms import DiviJob, encode, read_job
from farshot.service.problems import BegunError, MissingError
from farshot.service.request_bodies import document_in

if TYPE_CHECKING:
    from starlette.responses import Response

    from farshot.model import JobRecord
    from farshot.service.context import Call


async def get_execution_config(call: Call) -> Response:
    """Give the configuration that a job was begun with, or has got since."""
    job = await in_thread(call.service, lambda: _job(call, call.job()))
    if is_newer(call):
        return reply({"maestro_config": job.config} if job and job.config is not None and not job.older else {})
    if job is None or job.config is None or not job.older:
        message = f"job {call.job_id} has no execution configuration"
        raise MissingError(message)
    return reply({"execution_configuration": job.config})


def _job(call: Call, record: JobRecord) -> DiviJob | None:
    """Return how a job was begun; None where that was not through this API."""
    if not record.uploading:
        return read_job(call.parts.jobs.spec(record.id).kept)
    try:
        return read_job(call.parts.uploads.options(record.id))
    except UploadError:  # it was cancelled before it was whole
        return None


async def set_execution_config(call: Call) -> Response:
    """Give a job that waits another configuration in place of the one that it has."""
    document = await document_in(call, ConfigRequest)
    config = {name: value for name, value in asdict(document).items() if value is not None}
    await write_in_thread(call, lambda: _set(call, config))
    return reply({"status": "ok", "job_id": call.job_id, "execution_configuration": config})


def _set(call: Call, config: dict[str, Any]) -> None:
    with call.service.lock_of(call.job().owner):
        _set_locked(call, config)


def _set_locked(call: Call, config: dict[str, Any]) -> None:
    record = call.job()
    job = _job(call, record)
    if job is None:
        message = f"job {record.id} takes no execution configuration: it was not begun through this API"
        raise BegunError(message)
    new = replace(chosen(call, job.kind, job.cluster, config, older=True), seed=job.seed)
    if not _revise(call, record, new):
        message = f"job {call.job_id} is {call.job().status}: its configuration is what it was begun with"
        raise BegunError(message)


def _revise(call: Call, record: JobRecord, job: DiviJob) -> bool:
    """Write it down; say whether the job still waits."""
    if record.uploading:
        return call.parts.uploads.redraft(record.id, job.target, encode(job))
    spec = call.parts.jobs.spec(record.id)
    return call.parts.uploads.respecify(
        record.id, replace(spec, target=job.target, timeout=job.timeout, kept=encode(job))
    )
