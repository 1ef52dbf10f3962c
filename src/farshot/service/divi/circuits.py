"""The arrival of a job of Divi's client: each call brings circuits, or rows of a template; the last one completes it.

A call is known by a digest of all its members.
"""

from __future__ import annotations

from dataclasses import replace
from hashlib import blake2b
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

import msgspec

from farshot.admission.batch import Contents, check_shots, check_values, contents_of, observables, shot_plan
from farshot.dispatch.sharding import Demand, sampled
from farshot.errors import BatchError, UploadError
from farshot.model import JobSpec, ShotGroup, ShotPlan
from farshot.service.divi.packed_texts import (
    MAX_CALL_BYTES,
    Unpacker,
    dense_observables,
    group_sizes,
    letters_size,
    unpacked_size,
)
from farshot.service.divi.ranges import first_ranges
from farshot.service.divi.stored_forms import DiviJob, DiviPart, encode, read_job, read_part
from farshot.service.logs import log_accepted
from farshot.service.submissions import accept_as, part_of
from farshot.templates.template import Template, check_parameters, check_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from farshot.model import JobRecord, Observables
    from farshot.service.context import Call
    from farshot.service.divi.documents import AddRequest
    from farshot.submission import UploadPart


_DEFAULT_SHOTS = 1000
"""The shots that the client assumes if it was given none: it divides counts by them for probabilities."""
_PlacedPart = tuple[int, int, DiviPart]
"""The positions [start, end) of the circuits of a part, and the part."""


def add(call: Call, document: AddRequest) -> JobRecord:
    """Keep the circuits of one call, accept the job with the last one, and return it.

    The same call again, sent after a lost answer, changes nothing.
    Raises as `submit` of the service's own API, and `UploadError` if the job takes no more circuits.
    """
    record = call.job()
    digest = blake2b(msgspec.json.encode(document), digest_size=16).digest()
    part = _new_part(call, record, document, digest)
    with call.service.lock_of(record.owner):
        try:
            return _keep(call, document, None if _has_part(call, record, digest) else part)
        except UploadError:
            if (found := call.job()).uploading or not _has_part(call, record, digest):
                raise
            return found  # another process has taken the same call meanwhile


def _keep(call: Call, document: AddRequest, part: UploadPart | None) -> JobRecord:
    """Keep a part, unless it or the whole job would be too large: a refused call leaves nothing behind."""
    record = call.job()
    spec = _job_spec(call, record, part) if document.is_last and record.uploading else None
    if part is None:
        return record if spec is None else accept_as(call, record, spec)
    if spec is None:
        return call.parts.uploads.append(record.id, part)
    accepted = call.parts.uploads.complete(record.id, part, spec, record.circuits + len(part.labels))
    log_accepted(accepted)
    return accepted


def estimate_size(document: AddRequest) -> int:
    """Return about how many bytes the texts of a call unpack to; raises `BatchError` if circuits have too many."""
    circuits = unpacked_size([*(document.circuits or {}).values(), document.circuit_template or ""])
    if circuits > MAX_CALL_BYTES:
        message = f"the circuits of the call have {circuits:,} bytes, unpacked; the limit is {MAX_CALL_BYTES:,}"
        raise BatchError(message)
    return circuits + letters_size(document.observables or "")


def _has_part(call: Call, record: JobRecord, digest: bytes) -> bool:
    return any(receipt.digest == digest for receipt in call.parts.uploads.receipts(record.id))


def _new_part(call: Call, record: JobRecord, document: AddRequest, digest: bytes) -> UploadPart | None:
    """Return the part that the call brings; None if the job has it already, even if only since a moment."""
    if _has_part(call, record, digest):
        return None
    try:
        return _build_part(call, record, document, digest)
    except UploadError:
        if _has_part(call, record, digest):
            return None
        raise


def _build_part(call: Call, record: JobRecord, document: AddRequest, digest: bytes) -> UploadPart:
    job = _divi_job(call, record)
    contents = _contents(document)
    _check_kind(job, document)
    if not document.is_last:
        _check_measurement(call, record, document, len(contents.labels))
    options = DiviPart(
        shots=document.shots,
        shot_groups=document.shot_groups,
        observables=document.observables,
        circuit_ham_map=document.circuit_ham_map,
    )
    demands = _demands(call, record, job, options, len(contents.labels))
    return replace(part_of(call, 0, contents, demands, encode(options)), digest=digest, template=contents.template)


def _demands(call: Call, record: JobRecord, job: DiviJob, part: DiviPart, circuits: int) -> Demand | list[Demand]:
    """Return the demands of the circuits of a call, which follow those that the job has already."""
    if part.observables is None:
        return sampled(_shot_groups(part, circuits), job.target)
    sizes = group_sizes(part.observables)
    all_groups = Demand(terms=sum(sizes), target=job.target)
    if part.circuit_ham_map is None:
        return all_groups
    demands = [all_groups] * circuits
    before = sum(receipt.circuits for receipt in call.parts.uploads.receipts(record.id))
    for chosen in first_ranges(part.circuit_ham_map, len(sizes), before + circuits):
        start, end = max(0, chosen.start - before), max(0, chosen.end - before)
        demands[start:end] = [Demand(terms=sizes[chosen.group], target=job.target)] * (end - start)
    return demands


def _divi_job(call: Call, record: JobRecord) -> DiviJob:
    job = read_job(call.parts.uploads.options(record.id))
    if job is None:
        message = f"job {record.id} was begun through another API: send its circuits there"
        raise UploadError(message)
    return job


def _contents(document: AddRequest) -> Contents:
    unpacker = Unpacker()
    if document.circuit_template is None:
        if document.parameter_sets is not None or document.parameter_names is not None:
            message = "parameter_names and parameter_sets need circuit_template"
            raise BatchError(message)
        packed = document.circuits or {}
        return contents_of({label: unpacker.text(f"circuit {label[:80]!r}", text) for label, text in packed.items()})
    if document.circuits is not None:
        message = "a call brings circuits or the rows of a template, not both"
        raise BatchError(message)
    source = unpacker.text("circuit_template", document.circuit_template)
    template = check_parameters(source, document.parameter_names or [])
    sets = document.parameter_sets or []
    rows = {row.label: row.values for row in sets}
    if len(rows) != len(sets):
        message = "parameter_sets has a label twice"
        raise BatchError(message)
    return Contents(template, *check_rows(Template("", template.names, rows)))


def _check_kind(job: DiviJob, document: AddRequest) -> None:
    """Refuse members that do not fit the type of the job."""
    measured = document.observables is not None
    if job.kind == "EXPECTATION" and (not measured or document.shot_groups is not None or document.shots is not None):
        message = "a job of type EXPECTATION takes observables, and no shots or shot_groups: its values are exact"
        raise BatchError(message)
    if job.kind != "EXPECTATION" and (measured or document.circuit_ham_map is not None):
        message = "observables and circuit_ham_map are for jobs of type EXPECTATION"
        raise BatchError(message)


def _check_measurement(call: Call, record: JobRecord, document: AddRequest, circuits: int) -> None:
    """Refuse wrong observables or shots of a call early; the last call checks those of the whole job.

    Every call brings the same observables: only those of the first one are unpacked.
    """
    if document.observables is None:
        _shot_groups(DiviPart(document.shots, document.shot_groups), circuits)
        return
    earlier = call.parts.uploads.part_options(record.id)
    if not earlier or read_part(earlier[0]).observables != document.observables:
        observables(dense_observables(document.observables), None, circuits)


def _shot_groups(part: DiviPart, circuits: int) -> tuple[ShotGroup, ...]:
    """Return the shots of the circuits of one call, counted from its first one."""
    if part.shot_groups is None:
        shots = _DEFAULT_SHOTS if part.shots is None else check_shots(part.shots)
        return (ShotGroup(0, circuits, shots),)
    if part.shots is not None:
        message = "shots and shot_groups exclude each other"
        raise BatchError(message)
    return shot_plan(part.shot_groups, circuits).groups


def _job_spec(call: Call, record: JobRecord, arriving: UploadPart | None) -> JobSpec:
    """Return the spec for the circuits of all calls, by their positions in the job."""
    job, parts = _divi_job(call, record), _placed_parts(call, record, arriving)
    is_sampled = job.kind != "EXPECTATION"
    return JobSpec(
        target=job.target,
        seed=job.seed,
        shots=ShotPlan(tuple(_merged_shot_groups(parts))) if is_sampled else None,
        observables=None if is_sampled else _observables(parts),
        timeout=job.timeout,
        kept=encode(job),
    )


def _placed_parts(call: Call, record: JobRecord, arriving: UploadPart | None) -> list[_PlacedPart]:
    uploads = call.parts.uploads
    sizes = [receipt.circuits for receipt in uploads.receipts(record.id)]
    options = uploads.part_options(record.id)
    if arriving is not None:
        sizes.append(len(arriving.labels))
        options.append(arriving.options)
    ends = accumulate(sizes, initial=0)
    return [(start, end, read_part(part)) for (start, end), part in zip(pairwise(ends), options, strict=True)]


def _merged_shot_groups(parts: Sequence[_PlacedPart]) -> list[ShotGroup]:
    """Return the shots of all circuits; neighbours with the same number of shots are one group."""
    merged: list[ShotGroup] = []
    for start, end, part in parts:
        for group in _shot_groups(part, end - start):
            first = start + group.start
            if merged and merged[-1].shots == group.shots:
                first = merged.pop().start
            merged.append(ShotGroup(first, start + group.end, group.shots))
    return merged


def _observables(parts: Sequence[_PlacedPart]) -> Observables | None:
    if not parts:
        return None
    circuits, first = parts[-1][1], parts[0][2]
    for _, _, part in parts:
        if (part.observables, part.circuit_ham_map) != (first.observables, first.circuit_ham_map):
            message = "the calls of a job must agree on its observables and its circuit_ham_map"
            raise BatchError(message)
    measured = observables(dense_observables(first.observables or ""), None, 0)
    if first.circuit_ham_map is not None:
        ranges = first_ranges(first.circuit_ham_map, len(measured.groups), circuits)
        measured = msgspec.structs.replace(measured, ranges=ranges)
    return check_values(measured, circuits)
