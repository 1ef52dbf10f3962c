"""A job of Divi's client arrives: each call brings circuits, or rows of a template; with the last one it is whole."""

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
    from farshot.service.divi.documents import AddRequest, ParameterSet
    from farshot.submission import UploadPart


_SHOTS = 1000
"""What the client takes for the shots of a job that it was given none for: probabilities are counts divided by it."""
_Placed = tuple[int, int, DiviPart]
"""A part and the positions [start, end) of its circuits."""


def add(call: Call, document: AddRequest) -> JobRecord:
    """Keep the circuits of one call, and accept the job with the last one.

    The same call again, as is sent where an answer was lost, changes nothing: it is known by everything that it says.
    Raises as `submit` of the service's own API, and `UploadError` where the job takes no more circuits.
    """
    record = call.job()
    digest = blake2b(msgspec.json.encode(document), digest_size=16).digest()
    part = _new_part(call, record, document, digest)
    with call.service.lock_of(record.owner):
        try:
            return _added(call, document, None if _has(call, record, digest) else part)
        except UploadError:
            if (found := call.job()).uploading or not _has(call, record, digest):
                raise
            return found  # another process has taken the same call meanwhile


def _added(call: Call, document: AddRequest, part: UploadPart | None) -> JobRecord:
    record = call.job()
    spec = _whole(call, record, part) if document.is_last and record.uploading else None
    if part is not None:
        return _put(call, record, part, spec)
    return record if spec is None else accept_as(call, record, spec)


def hidden_size(document: AddRequest) -> int:
    """Return about how many bytes the texts of a call come to; raises `BatchError` where circuits have too many."""
    circuits = unpacked_size([*(document.circuits or {}).values(), document.circuit_template or ""])
    if circuits > MAX_CALL_BYTES:
        message = f"the circuits of the call have {circuits:,} bytes, unpacked; the limit is {MAX_CALL_BYTES:,}"
        raise BatchError(message)
    return circuits + letters_size(document.observables or "")


def _has(call: Call, record: JobRecord, digest: bytes) -> bool:
    return any(receipt.digest == digest for receipt in call.parts.uploads.receipts(record.id))


def _new_part(call: Call, record: JobRecord, document: AddRequest, digest: bytes) -> UploadPart | None:
    """Return what the call brings; None where it was there before, be it since a moment."""
    if _has(call, record, digest):
        return None
    try:
        return _part(call, record, document, digest)
    except UploadError:
        if _has(call, record, digest):
            return None
        raise


def _put(call: Call, record: JobRecord, part: UploadPart, spec: JobSpec | None) -> JobRecord:
    """Keep a part, unless it is too much, or the whole job would be: a call that is refused leaves nothing behind."""
    if spec is None:
        return call.parts.uploads.append(record.id, part)
    accepted = call.parts.uploads.complete(record.id, part, spec, record.circuits + len(part.labels))
    log_accepted(accepted)
    return accepted


def _part(call: Call, record: JobRecord, document: AddRequest, digest: bytes) -> UploadPart:
    job = _job(call, record)
    contents = _contents(document)
    _check_kind(job, document)
    if not document.is_last:
        _check_measured(call, record, document, len(contents.labels))
    options = DiviPart(
        shots=document.shots,
        shot_groups=document.shot_groups,
        observables=document.observables,
        circuit_ham_map=document.circuit_ham_map,
    )
    demands = _demands(call, record, job, options, len(contents.labels))
    return replace(part_of(call, 0, contents, demands, encode(options)), digest=digest, template=contents.template)


def _demands(call: Call, record: JobRecord, job: DiviJob, part: DiviPart, circuits: int) -> Demand | list[Demand]:
    """Return what is asked of the circuits of a call that is kept after all that are there."""
    if part.observables is None:
        return sampled(_groups(part, circuits), job.target)
    sizes = group_sizes(part.observables)
    every = Demand(terms=sum(sizes), target=job.target)
    if part.circuit_ham_map is None:
        return every
    demands = [every] * circuits
    before = sum(receipt.circuits for receipt in call.parts.uploads.receipts(record.id))
    for chosen in first_ranges(part.circuit_ham_map, len(sizes), before + circuits):
        start, end = max(0, chosen.start - before), max(0, chosen.end - before)
        demands[start:end] = [Demand(terms=sizes[chosen.group], target=job.target)] * (end - start)
    return demands


def _job(call: Call, record: JobRecord) -> DiviJob:
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
    return Contents(template, *check_rows(Template("", template.names, _rows(document.parameter_sets or []))))


def _rows(sets: Sequence[ParameterSet]) -> dict[str, list[float]]:
    rows = {row.label: row.values for row in sets}
    if len(rows) != len(sets):
        message = "parameter_sets has a label twice"
        raise BatchError(message)
    return rows


def _check_kind(job: DiviJob, document: AddRequest) -> None:
    """Refuse what does not fit the type of the job."""
    measured = document.observables is not None
    if job.kind == "EXPECTATION" and (not measured or document.shot_groups is not None or document.shots is not None):
        message = "a job of type EXPECTATION takes observables, and no shots or shot_groups: its values are exact"
        raise BatchError(message)
    if job.kind != "EXPECTATION" and (measured or document.circuit_ham_map is not None):
        message = "observables and circuit_ham_map are for jobs of type EXPECTATION"
        raise BatchError(message)


def _check_measured(call: Call, record: JobRecord, document: AddRequest, circuits: int) -> None:
    """Refuse wrong observables or shots before the job is whole, which looks at all of them.

    Every call brings the same observables: they are unpacked with the first one.
    """
    if document.observables is None:
        _groups(DiviPart(document.shots, document.shot_groups), circuits)
        return
    earlier = call.parts.uploads.part_options(record.id)
    if not earlier or read_part(earlier[0]).observables != document.observables:
        observables(dense_observables(document.observables), None, circuits)


def _groups(part: DiviPart, circuits: int) -> tuple[ShotGroup, ...]:
    """Return the shots of the circuits of one call, counted from its first one."""
    if part.shot_groups is None:
        shots = _SHOTS if part.shots is None else check_shots(part.shots)
        return (ShotGroup(0, circuits, shots),)
    if part.shots is not None:
        message = "shots and shot_groups exclude each other"
        raise BatchError(message)
    return shot_plan(part.shot_groups, circuits).groups


def _whole(call: Call, record: JobRecord, arriving: UploadPart | None) -> JobSpec:
    """Return what holds for the circuits of all calls, by their positions in the job."""
    job, placed = _job(call, record), _placed(call, record, arriving)
    sampled = job.kind != "EXPECTATION"
    return JobSpec(
        target=job.target,
        seed=job.seed,
        shots=ShotPlan(tuple(_plan(placed))) if sampled else None,
        observables=None if sampled else _observables(placed),
        timeout=job.timeout,
        kept=encode(job),
    )


def _placed(call: Call, record: JobRecord, arriving: UploadPart | None) -> list[_Placed]:
    uploads = call.parts.uploads
    sizes = [receipt.circuits for receipt in uploads.receipts(record.id)]
    options = uploads.part_options(record.id)
    if arriving is not None:
        sizes.append(len(arriving.labels))
        options.append(arriving.options)
    ends = accumulate(sizes, initial=0)
    return [(start, end, read_part(part)) for (start, end), part in zip(pairwise(ends), options, strict=True)]


def _plan(placed: Sequence[_Placed]) -> list[ShotGroup]:
    """Return the shots of all circuits; neighbours of the same number are one group."""
    found: list[ShotGroup] = []
    for start, end, part in placed:
        for group in _groups(part, end - start):
            first = start + group.start
            if found and found[-1].shots == group.shots:
                first = found.pop().start
            found.append(ShotGroup(first, start + group.end, group.shots))
    return found


def _observables(placed: Sequence[_Placed]) -> Observables | None:
    if not placed:
        return None
    circuits, first = placed[-1][1], placed[0][2]
    for _, _, part in placed:
        if (part.observables, part.circuit_ham_map) != (first.observables, first.circuit_ham_map):
            message = "the calls of a job must agree on its observables and its circuit_ham_map"
            raise BatchError(message)
    found = observables(dense_observables(first.observables or ""), None, 0)
    if first.circuit_ham_map is None:
        return check_values(found, circuits)
    ranges = first_ranges(first.circuit_ham_map, len(found.groups), circuits)
    return check_values(msgspec.structs.replace(found, ranges=ranges), circuits)
