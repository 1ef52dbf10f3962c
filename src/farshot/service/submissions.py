"""Submission: turns the document of a batch, which comes at once or in parts, into a job in the store.

The service checks sizes, counts, labels and bytes. The text of a circuit is read by the workers only.
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


_DIGEST = re.compile("[0-9a-f]{32}")
_decode_request = msgspec.json.Decoder(JobRequest).decode


def submit(call: Call, document: JobRequest, key: str | None) -> tuple[JobRecord, bool]:
    """Return the job of a batch, which with `upload` is still in the making, and whether it is new.

    Raises `BatchError` or `OptionError` if the batch is wrong, `KeyConflictError`, `QuotaError`.
    """
    key = check_text("key", key)
    if document.upload:
        return _open_upload(call, document, key)
    batch = batch_of(_contents(_template(document), document), _request(call, document, key))
    priority = check_priority(document.priority)
    submission = Submission(batch, cut(batch, call.parts.limits.workers), call.user.name, priority)
    record = call.parts.add(submission)
    if is_new := record.id == submission.job_id:
        log_accepted(record)
    return record, is_new


def _open_upload(call: Call, document: JobRequest, key: str | None) -> tuple[JobRecord, bool]:
    """Return the job in the making with this key, and whether it is new."""
    owner = call.user.name
    with nullcontext() if key is None else call.service.lock_of(f"{owner} {key}"):
        is_new = key is None or call.parts.jobs.keyed(owner, key) is None
        return call.parts.uploads.open(_draft(call, document, key)), is_new


def _template(document: JobRequest) -> TemplateSource | None:
    """Return the template; only its size and the form of its names are checked."""
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
    rows = {label: _with_nan(row) for label, row in document.rows.items()}
    return Contents(template, *check_rows(Template("", template.names, rows)))


def _with_nan(row: list[float | None]) -> list[float]:
    """Return a row with NaN for each null, because JSON has none; such a row fails on its own later."""
    if None in row:
        return [math.nan if value is None else value for value in row]
    return row  # type: ignore[return-value]  # it holds no None


def _request(call: Call, document: JobRequest, key: str | None) -> Request:
    limits = call.parts.limits
    timeout = None if document.timeout is None else check_seconds("timeout", document.timeout)
    return Request(
        target=check_offered(call, check_target(document.target)),
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


def check_offered(call: Call, target: str) -> str:
    """Return `target`; raises `TargetError` if the service does not offer it."""
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
    identity = encode(replace(document, seed=request.seed, default_seed=None, priority=0))
    return Draft(
        owner=call.user.name,
        key=key or uuid.uuid4().hex,
        digest=bytes.fromhex(document.digest) if document.digest else blake2b(identity, digest_size=16).digest(),
        tag=check_text("tag", request.tag),
        target=request.target,
        priority=check_priority(document.priority),
        options=encode(document),
    )


def put(call: Call, number: int, document: PartRequest) -> JobRecord:
    """Keep a part of a job in the making, and return the job. Raises as `submit`, and `UploadError`."""
    record = call.job()
    options = _read_options(call, record)
    contents = _contents(_template(options), document)
    part = part_of(call, number, contents, _demand(call, options))
    return call.parts.uploads.put(record.id, part)


def _read_options(call: Call, record: JobRecord) -> JobRequest:
    """Return the document that opened a job in the making; raises `UploadError` if another API opened it."""
    try:
        return _decode_request(call.parts.uploads.options(record.id))
    except msgspec.ValidationError:
        message = f"job {record.id} was begun through another API, or with options that are refused now: submit it anew"
        raise UploadError(message) from None


def _demand(call: Call, options: JobRequest) -> Demand:
    """Return the highest demand of any circuit of a job in the making: the one of each is unknown until it is whole."""
    if options.ham_ops:
        sizes = _group_sizes(options.ham_ops)
        return Demand(terms=(max if options.circuit_ham_map else sum)(sizes), target=options.target)
    shots = [group[-1] for group in options.shot_groups or () if group]
    return Demand(min(max(shots, default=options.shots or call.parts.limits.shots), MAX_SHOTS), target=options.target)


@lru_cache(maxsize=2)
def _group_sizes(ham_ops: str) -> tuple[int, ...]:
    """Return how many terms each group has. Cached, because each part of a job asks for those of the whole job."""
    return tuple(len(set(group.split(";"))) for group in ham_ops.split("|"))


def part_of(
    call: Call, number: int, contents: Contents, demands: Demand | Sequence[Demand], options: bytes = b""
) -> UploadPart:
    """Return a part of a job as the store keeps it; a single demand holds for each of its circuits."""
    sources = encoded(contents.sources)
    digest = digest_of(b"", contents.labels, sources)
    marks = b"".join(blake2b(label.encode(), digest_size=8).digest() for label in contents.labels)
    shards = cut_sources(contents.template, contents.sources, call.parts.limits.workers, demands)
    return UploadPart(number, digest, contents.labels, sources, shards, marks, options)


def accept(call: Call, expected: int | None) -> JobRecord:
    """Accept a whole job and return it, also if another process accepts it at the same time.

    Raises as `submit`, and `UploadError` if it does not hold the `expected` number of circuits.
    """
    record = call.job()
    if not record.uploading:
        return record
    if expected is not None and expected != record.circuits:
        message = (
            f"job {record.id} holds {record.circuits:,} circuits, not {expected:,}: put the parts that are missing"
        )
        raise UploadError(message)
    try:
        document = _read_options(call, record)
        spec = job_spec(_request(call, document, None), _template(document), record.circuits)
        return accept_as(call, record, spec)
    except UploadError:
        if (found := call.job()).uploading:
            raise
        return found


def accept_as(call: Call, record: JobRecord, spec: JobSpec) -> JobRecord:
    """Accept a whole job with the given `spec`, if it has not changed since `record`. Raises as `accept`."""
    accepted = call.parts.uploads.accept(record.id, spec, record.circuits)
    log_accepted(accepted)
    return accepted
