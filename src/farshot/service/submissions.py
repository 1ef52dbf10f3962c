"""From the document of a batch to a job in the store, whether it comes at once or in parts.

The service looks at sizes, counts, labels and bytes. What a circuit's text says is looked at by the workers.
"""

from __future__ import annotations

import math
import re
import uuid
from contextlib import nullcontext
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from farshot.admission.batch import (
    Contents,
    Request,
    batch_of,
    check_priority,
    check_seconds,
    check_terms,
    check_text,
    contents_of,
    job_spec,
)
from farshot.dispatch.sharding import Demand, cut, cut_sources
from farshot.errors import BatchError, TargetError, UploadError
from farshot.model import MAX_SHOTS
from farshot.service.logs import log_accepted
from farshot.simulators.targets import check_target, known_targets
from farshot.submission import Draft, Submission, UploadPart, digest_of, encoded
from farshot.templates.template import Template, check_names, check_rows
from farshot.wire import JobRequest, encode, read_seed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from farshot.model import JobRecord, JobSpec, TemplateSource
    from farshot.service.context import Call
    from farshot.wire import PartRequest


_FEW_CIRCUITS = 2_000
_FEW_GROUPS = 2_000
_SHORT = 64 * 1024
_DIGEST = re.compile("[0-9a-f]{32}")
_encode = msgspec.msgpack.Encoder().encode
_decode_request = msgspec.json.Decoder(JobRequest).decode


def is_light(document: JobRequest) -> bool:
    """Whether it takes tens of milliseconds of Python to make a job of a batch, not seconds, whatever its bytes."""
    return (
        document.circuits is not None
        and len(document.circuits) <= _FEW_CIRCUITS
        and len(document.ham_ops or "") <= _SHORT
        and len(document.circuit_ham_map or ()) <= _FEW_GROUPS
        and len(document.shot_groups or ()) <= _FEW_GROUPS
    )


def submit(call: Call, document: JobRequest, key: str | None) -> tuple[JobRecord, bool]:
    """Return the job of a batch, and whether it is new; with `upload`, one in the making.

    Raises `BatchError` or `OptionError` where the batch is wrong, `KeyConflictError`, `QuotaError`.
    """
    checked = check_text("key", key)
    if document.upload:
        return _opened(call, document, checked)
    submission = _submission(call, document, checked)
    record = call.parts.add(submission)
    if is_new := record.id == submission.job_id:
        log_accepted(record)
    return record, is_new


def _opened(call: Call, document: JobRequest, key: str | None) -> tuple[JobRecord, bool]:
    """Return the job in the making of this key, and whether it is new."""
    owner = call.user.name
    with nullcontext() if key is None else call.service.lock_of(f"{owner} {key}"):
        is_new = key is None or call.parts.jobs.keyed(owner, key) is None
        return call.parts.uploads.open(_draft(call, document, key)), is_new


def _submission(call: Call, document: JobRequest, key: str | None) -> Submission:
    template = _template(document)
    batch = batch_of(_contents(template, document), _request(call, document, key))
    priority = check_priority(document.priority)
    return Submission(batch, cut(batch, call.parts.limits.workers), call.user.name, priority)


def _template(document: JobRequest) -> TemplateSource | None:
    """Return the template, of which nothing is looked at but its size and the form of its names."""
    if document.template is None:
        return None
    return check_names(document.template.source, document.template.parameters)


def _contents(template: TemplateSource | None, document: JobRequest | PartRequest) -> Contents:
    if template is None:
        if document.rows is not None or document.circuits is None:
            message = "give circuits, or a template and its rows"
            raise BatchError(message)
        return contents_of(document.circuits)
    if document.circuits is not None or document.rows is None:
        message = "a job with a template takes rows, and no circuits"
        raise BatchError(message)
    rows = {label: _numbers(row) for label, row in document.rows.items()}
    return Contents(template, *check_rows(Template("", template.names, rows)))


def _numbers(row: list[float | None]) -> list[float]:
    """Return a row with what JSON cannot say, which is that row's own fault."""
    if None in row:
        return [math.nan if value is None else value for value in row]
    return row  # type: ignore[return-value]  # it holds no None


def _request(call: Call, document: JobRequest, key: str | None) -> Request:
    limits = call.parts.limits
    timeout = None if document.timeout is None else check_seconds("timeout", document.timeout)
    return Request(
        target=offered(call, check_target(document.target)),
        default_shots=limits.shots,
        default_seed=read_seed(document.default_seed),
        ham_ops=document.ham_ops,
        circuit_ham_map=document.circuit_ham_map,
        shot_groups=document.shot_groups,
        shots=document.shots,
        seed=read_seed(document.seed),
        tag=document.tag,
        key=key,
        timeout=timeout if limits.job_timeout is None else float(min(timeout or math.inf, limits.job_timeout)),
    )


def offered(call: Call, target: str) -> str:
    """Return `target`; raises `TargetError` where the service does not offer it."""
    names = [offered.name for offered in call.parts.targets()]
    simulator = target.partition(":")[0]
    if target in names or (simulator in names and target not in known_targets()):
        return target
    message = f"the service does not offer the target {target!r:.80}, but {', '.join(names)}"
    raise TargetError(message)


def _draft(call: Call, document: JobRequest, key: str | None) -> Draft:
    if document.circuits is not None or document.rows is not None:
        message = "the circuits of an upload follow in its parts"
        raise BatchError(message)
    if document.digest is not None and not _DIGEST.fullmatch(document.digest):
        message = "digest must be 32 hexadecimal digits"
        raise BatchError(message)
    request = _request(call, document, key)
    check_terms(document.ham_ops or "")
    _template(document)
    options = encode(document)
    stands_for = encode(replace(document, seed=request.seed, default_seed=None, priority=0))
    return Draft(
        owner=call.user.name,
        key=key or uuid.uuid4().hex,
        digest=bytes.fromhex(document.digest) if document.digest else blake2b(stands_for, digest_size=16).digest(),
        tag=check_text("tag", request.tag),
        target=request.target,
        priority=check_priority(document.priority),
        options=options,
    )


def put(call: Call, number: int, document: PartRequest) -> JobRecord:
    """Keep a part of a job in the making. Raises as `submit`, and `UploadError`."""
    record = call.job()
    options = _options(call, record)
    contents = _contents(_template(options), document)
    part = part_of(call, number, contents, _demand(call, options))
    return call.parts.uploads.put(record.id, part)


def _options(call: Call, record: JobRecord) -> JobRequest:
    """Return what a job in the making was opened with; raises `UploadError` where that was not here."""
    try:
        return _decode_request(call.parts.uploads.options(record.id))
    except msgspec.ValidationError:
        message = f"job {record.id} was begun through another API, or with options that are refused now: submit it anew"
        raise UploadError(message) from None


def _demand(call: Call, options: JobRequest) -> Demand:
    """Return the most that a job in the making asks of a circuit; of which one is not known before it is whole."""
    if options.ham_ops:
        sizes = _group_sizes(options.ham_ops)
        return Demand(terms=(max if options.circuit_ham_map else sum)(sizes), target=options.target)
    shots = [group[-1] for group in options.shot_groups or () if group]
    return Demand(min(max(shots, default=options.shots or call.parts.limits.shots), MAX_SHOTS), target=options.target)


@lru_cache(maxsize=2)
def _group_sizes(ham_ops: str) -> tuple[int, ...]:
    """Return how many terms each group has; those of a job are looked at for each of its parts."""
    return tuple(len(set(group.split(";"))) for group in ham_ops.split("|"))


def part_of(
    call: Call, number: int, contents: Contents, demands: Demand | Sequence[Demand], options: bytes = b""
) -> UploadPart:
    """Return a part of a job as the store keeps it; one demand is that of each of its circuits."""
    sources = encoded(contents.sources)
    digest = digest_of(b"", contents.labels, sources)
    marks = b"".join(blake2b(label.encode(), digest_size=8).digest() for label in contents.labels)
    shards = cut_sources(contents.template, contents.sources, call.parts.limits.workers, demands)
    return UploadPart(number, digest, contents.labels, sources, shards, marks, options)


def accept(call: Call, expected: int | None) -> JobRecord:
    """Accept a job that is whole; whoever accepts it meanwhile has done so.

    Raises as `submit`, and `UploadError` where it holds other than `expected`.
    """
    record = call.job()
    if not record.uploading:
        return record
    _check_count(record, expected)
    try:
        return accept_as(call, record, _spec(call, record))
    except UploadError:
        if (found := call.job()).uploading:
            raise
        return found


def accept_as(call: Call, record: JobRecord, spec: JobSpec) -> JobRecord:
    """Accept a whole job, as it was found, for what `spec` says. Raises as `accept`."""
    accepted = call.parts.uploads.accept(record.id, spec, record.circuits)
    log_accepted(accepted)
    return accepted


def _check_count(record: JobRecord, expected: int | None) -> None:
    if expected is not None and expected != record.circuits:
        message = (
            f"job {record.id} holds {record.circuits:,} circuits, not {expected:,}: put the parts that are missing"
        )
        raise UploadError(message)


def _spec(call: Call, record: JobRecord) -> JobSpec:
    document = _options(call, record)
    return job_spec(_request(call, document, None), _template(document), record.circuits)
