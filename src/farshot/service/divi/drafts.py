"""The beginning of a job of Divi's client: its options become a target, a seed and a time limit."""

from __future__ import annotations

import secrets
import uuid
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from farshot.admission.batch import check_text
from farshot.errors import BatchError, NotOfferedError, OptionError, TargetError
from farshot.model import MAX_SEED
from farshot.service.divi.options import options_of
from farshot.service.divi.stored_forms import DiviJob, encode
from farshot.service.submissions import check_offered
from farshot.simulators.targets import check_target
from farshot.submission import Draft

if TYPE_CHECKING:
    from farshot.model import JobRecord
    from farshot.service.context import Call
    from farshot.service.divi.documents import InitRequest


QUBO_REFUSAL = (
    "characterising and validating QUBO problems is a product of Divi's cloud service; this service runs circuits: "
    "submit the circuits of the problem instead"
)


def begin(call: Call, document: InitRequest) -> JobRecord:
    """Begin a job and return it; it does not run before it is whole. Raises as `submit` of the service's own API."""
    if document.job_type == "VALIDATE":
        raise NotOfferedError(QUBO_REFUSAL)
    _check_hardware(document)
    older = document.maestro_config is None
    config = document.execution_configuration if older else document.maestro_config
    job = make_divi_job(call, document.job_type, document.simulator_cluster, config, older=older)
    options = encode(job)
    draft = Draft(
        owner=call.user.name,
        key=uuid.uuid4().hex,
        digest=blake2b(options, digest_size=16).digest(),
        tag=check_text("tag", document.tag or None),
        target=job.target,
        priority=0,
        options=options,
    )
    with call.service.lock_of(draft.owner):
        return call.parts.uploads.open(draft)


def _check_hardware(document: InitRequest) -> None:
    if document.qpu_system_name is not None:
        message = f"there is no QPU system {document.qpu_system_name[:80]!r} here: choose a simulator cluster"
        raise TargetError(message)
    if document.device_config is not None:
        message = "device_config is for QPU systems, of which there are none here"
        raise OptionError(message)
    if document.execution_configuration is not None and document.maestro_config is not None:
        message = "execution_configuration and maestro_config exclude each other"
        raise BatchError(message)


def make_divi_job(call: Call, kind: str, cluster: str | None, config: dict[str, Any] | None, *, older: bool) -> DiviJob:
    """Return the options of a job in terms of this service; raises `OptionError`, `BatchError` or `TargetError`."""
    options, limit = options_of(cluster, config or {}), call.parts.limits.job_timeout
    return DiviJob(
        kind=kind,
        target=check_offered(call, check_target(options.target)),
        cluster=cluster,
        seed=secrets.randbelow(MAX_SEED + 1) if options.seed is None else options.seed,
        timeout=options.timeout if limit is None else min(options.timeout or limit, limit),
        config=config,
        older=older,
    )
