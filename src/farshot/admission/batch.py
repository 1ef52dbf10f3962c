"""The checks of one submission, made before anything is stored.

Any error is a `BatchError` (a `ValueError`) or an `OptionError` (a `TypeError` too) about the call as a whole. The text
of a circuit is not checked here: an error in it is that circuit's own fault.
"""

from __future__ import annotations

import re
import secrets
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter, index
from typing import TYPE_CHECKING, SupportsFloat

import msgspec

from farshot.errors import BatchError
from farshot.labels import (
    MAX_LABEL_LENGTH,
    MAX_SOURCE_BYTES,
    check_label,
    check_number,
    has_surrogate,
    plain,
    reject,
    reject_type,
    shown,
)
from farshot.model import (
    MAX_COUNT,
    MAX_PRIORITY,
    MAX_SECONDS,
    MAX_SEED,
    MAX_SHOTS,
    JobSpec,
    Observables,
    ShotGroup,
    ShotPlan,
    TermRange,
)
from farshot.submission import Batch
from farshot.templates.template import Template, check_rows, check_source

if TYPE_CHECKING:
    from farshot.model import TemplateSource


MAX_OBSERVABLES_BYTES = 8 * 2**20
MAX_TERMS = 500_000
"""Terms of the observables of a job, in all groups together."""
MAX_VALUES = 200_000_000
"""Expectation values of a job: its circuits times the terms of each."""
_TERM = re.compile("[IXYZ]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """The options of one submission as the caller gave them."""

    target: str
    default_shots: int
    """The number of shots if `shots` is None."""
    default_seed: int | None = None
    """The seed of the job if `seed` is None."""
    ham_ops: object = None
    circuit_ham_map: object = None
    shot_groups: object = None
    shots: object = None
    seed: object = None
    tag: object = None
    key: object = None
    timeout: float | None = None


@dataclass(frozen=True, slots=True)
class Contents:
    """The checked circuits of a batch: texts, or the packed rows of a template."""

    template: TemplateSource | None
    labels: Sequence[str]
    sources: Sequence[str] | Sequence[bytes]


def admit(circuits: object, request: Request) -> Batch:
    """Return the checked batch, or raise `BatchError` or `OptionError`."""
    return batch_of(contents_of(circuits), request)


def contents_of(circuits: object) -> Contents:
    """Return the checked circuits of a mapping or a template, or raise `BatchError` or `OptionError`."""
    if isinstance(circuits, Template):
        return Contents(check_source(circuits), *check_rows(circuits))
    return Contents(None, *_check_circuits(circuits))


def batch_of(contents: Contents, request: Request) -> Batch:
    """Return the batch of checked circuits, or raise `BatchError` or `OptionError`."""
    spec = job_spec(request, contents.template, len(contents.labels))
    tag = check_text("tag", request.tag)
    seed = None if request.seed is None else spec.seed
    template = () if contents.template is None else (contents.template,)
    options = (spec.target, seed, spec.shots, spec.observables, tag, spec.timeout, *template)
    key = check_text("key", request.key)
    return Batch(
        labels=contents.labels,
        sources=contents.sources,
        spec=spec,
        tag=tag,
        key=key or uuid.uuid4().hex,
        options=msgspec.msgpack.encode(options),
        is_named=bool(key),
    )


def job_spec(request: Request, template: TemplateSource | None, circuits: int) -> JobSpec:
    """Return the options of a job of so many circuits, or raise `BatchError` or `OptionError`."""
    if request.seed is not None:
        seed = check_seed(request.seed)
    elif request.default_seed is not None:
        seed = check_seed(request.default_seed, "default_seed")
    else:
        seed = secrets.randbelow(MAX_SEED + 1)
    return JobSpec(
        target=request.target,
        seed=seed,
        shots=_check_plan(request, circuits),
        observables=_check_observables(request, circuits),
        timeout=request.timeout,
        template=template,
    )


def _check_circuits(circuits: object) -> tuple[list[str], list[str]]:
    if not isinstance(circuits, Mapping):
        reject_type(
            f"circuits must be a mapping of label to OpenQASM text, or a Template, not {type(circuits).__name__}"
        )
    check_number(circuits)
    for label, source in circuits.items():
        check_label(label)
        if not isinstance(source, str):
            reject_type(f"circuit {label!r} must be OpenQASM text, not {type(source).__name__}")
        if len(source) > MAX_SOURCE_BYTES:
            reject(f"circuit {label!r} has {len(source):,} characters; the limit is {MAX_SOURCE_BYTES:,}")
    return [plain(label) for label in circuits], [plain(source) for source in circuits.values()]


def check_text(name: str, value: object) -> str | None:
    """Return `value` as a short text without NUL; None stays None."""
    if value is None:
        return None
    if not isinstance(value, str):
        reject_type(f"{name} must be text, not {type(value).__name__}")
    if not 0 < len(value) <= MAX_LABEL_LENGTH or has_surrogate(value) or "\0" in value:
        reject(f"{name} must be 1 to {MAX_LABEL_LENGTH:,} characters of valid text without NUL")
    return plain(value)


def _check_integer(name: str, value: object) -> int:
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        reject_type(f"{name} must be an integer, not {shown(value)}")
    number = index(value)
    if not -MAX_COUNT <= number <= MAX_COUNT:
        reject(f"{name} must be an integer of at most 63 bits, not one of {number.bit_length():,}")
    return number


def check_shots(value: object) -> int:
    """Return `value` as a number of shots from 1 to `MAX_SHOTS`."""
    shots = _check_integer("shots", value)
    if not 1 <= shots <= MAX_SHOTS:
        reject(f"shots must be from 1 to {MAX_SHOTS:,}, not {shots:,}")
    return shots


def check_priority(value: object) -> int:
    """Return `value` as the priority of a job among those of its owner, 0 (the lowest) to 9."""
    return check_count("priority", value, least=0, most=MAX_PRIORITY)


def check_count(name: str, value: object, least: int = 1, most: int = MAX_COUNT) -> int:
    """Return `value` as an integer from `least` to `most`."""
    count = _check_integer(name, value)
    if count < least:
        reject(f"{name} must be {least} or more, not {count}")
    if count > most:
        reject(f"{name} must be at most {most:,}, not {count:,}")
    return count


def check_seconds(name: str, value: object) -> float:
    """Return `value` as a time above zero and up to `MAX_SECONDS`, in seconds."""
    if isinstance(value, bool | str) or not isinstance(value, SupportsFloat):
        reject_type(f"{name} must be a number of seconds, not {shown(value)}")
    try:
        seconds = float(value)
    except OverflowError:
        message = f"{name} must be a number of seconds that a float holds"
        raise BatchError(message) from None
    if not seconds > 0:
        reject(f"{name} must be above zero seconds, not {seconds:g}")
    if seconds > MAX_SECONDS:
        reject(f"{name} must be at most {MAX_SECONDS:,.0f} seconds, not {seconds:g}")
    return seconds


def check_seed(value: object, name: str = "seed") -> int:
    """Return `value` as a seed from 0 to 2**63 - 1."""
    seed = _check_integer(name, value)
    if seed < 0:
        reject(f"{name} must be from 0 to 2**63 - 1, not {seed}")
    return seed


def _check_plan(request: Request, circuits: int) -> ShotPlan | None:
    if request.ham_ops is not None:
        if request.shot_groups is not None:
            reject("shot_groups and ham_ops exclude each other: expectation values are exact")
        return None
    if request.shot_groups is None:
        shots = request.default_shots if request.shots is None else check_shots(request.shots)
        return ShotPlan((ShotGroup(0, circuits, shots),))
    if request.shots is not None:
        reject("shots and shot_groups exclude each other")
    return shot_plan(request.shot_groups, circuits)


def shot_plan(groups: object, circuits: int) -> ShotPlan:
    """Return the plan of [start, end, shots] triples, which must tile `circuits` positions exactly.

    >>> shot_plan([[0, 2, 100], [2, 3, 50]], 3).shots_at(1)
    100
    """
    triples = sorted(_check_rows("shot_groups", groups, ("start", "end", "shots")))
    expected = 0
    for start, end, _ in triples:
        if start != expected or end <= start:
            reject(
                f"shot_groups must tile the batch: a group was expected to start at {expected}, got [{start}, {end})"
            )
        expected = end
    if expected != circuits:
        reject(f"shot_groups must tile the batch: they end at {expected}, the batch at {circuits}")
    return ShotPlan(tuple(ShotGroup(start, end, check_shots(shots)) for start, end, shots in triples))


def _check_rows(name: str, value: object, columns: tuple[str, ...]) -> list[tuple[int, ...]]:
    if isinstance(value, str | bytes) or not isinstance(value, Sequence):
        reject_type(f"{name} must be a sequence of [{', '.join(columns)}], not {type(value).__name__}")
    if not value:
        reject(f"{name} is empty")
    return [_check_row(name, row, columns) for row in value]


def _check_row(name: str, row: object, columns: tuple[str, ...]) -> tuple[int, ...]:
    if isinstance(row, str | bytes) or not isinstance(row, Sequence) or len(row) != len(columns):
        reject(f"{name} must hold [{', '.join(columns)}], not {shown(row, 60)}")
    return tuple(_check_integer(f"{column} of {name}", value) for column, value in zip(columns, row, strict=True))


def _check_observables(request: Request, circuits: int) -> Observables | None:
    if request.ham_ops is not None:
        return observables(request.ham_ops, request.circuit_ham_map, circuits)
    if request.circuit_ham_map is not None:
        reject("circuit_ham_map needs ham_ops")
    return None


def observables(ham_ops: object, circuit_ham_map: object, circuits: int) -> Observables:
    """Return the observables of `ham_ops`: terms joined by `;`, groups joined by `|`.

    >>> observables("ZZ;XI|IY", [[0, 1], [1, 2]], 2).terms_at(1)
    ('IY',)
    """
    if not isinstance(ham_ops, str):
        reject_type(f"ham_ops must be text such as 'ZZI;XXI', not {type(ham_ops).__name__}")
    check_terms(ham_ops)
    groups = tuple(_split_terms(group, number) for number, group in enumerate(ham_ops.split("|"), 1))
    if circuit_ham_map is None:
        return check_values(Observables(groups), circuits)
    return check_values(Observables(groups, _check_ranges(circuit_ham_map, len(groups), circuits)), circuits)


def check_terms(ham_ops: str) -> None:
    """Raise `BatchError` for more observables than a job may have."""
    if len(ham_ops) > MAX_OBSERVABLES_BYTES:
        reject(f"ham_ops has {len(ham_ops):,} characters; the limit is {MAX_OBSERVABLES_BYTES:,}")
    if ham_ops.count(";") + ham_ops.count("|") >= MAX_TERMS:
        reject(f"ham_ops may hold {MAX_TERMS:,} terms")


def check_values(found: Observables, circuits: int) -> Observables:
    """Return the observables, or raise `BatchError` if so many circuits have too many values of them."""
    sizes = list(map(len, found.groups))
    mapped = sum(chosen.end - chosen.start for chosen in found.ranges)
    values = sum((chosen.end - chosen.start) * sizes[chosen.group] for chosen in found.ranges)
    values += (circuits - mapped) * sum(sizes)
    if values > MAX_VALUES:
        reject(f"{circuits:,} circuits have {values:,} expectation values; the limit is {MAX_VALUES:,}: split the job")
    return found


def _split_terms(group: str, number: int) -> tuple[str, ...]:
    terms = tuple(dict.fromkeys(group.split(";")))
    for position, term in enumerate(terms, 1):
        if not _TERM.fullmatch(term):
            what = "is empty" if not term else f"has letters other than I, X, Y, Z: {term[:40]!r}"
            reject(f"ham_ops: term {position} of group {number} {what}; terms are joined by ';', groups by '|'")
    lengths = sorted({len(term) for term in terms})
    if len(lengths) > 1:
        reject(f"ham_ops: the terms of group {number} have different lengths: {lengths[0]} and {lengths[-1]}")
    return terms


def _check_ranges(value: object, groups: int, circuits: int) -> tuple[TermRange, ...]:
    pairs = _check_rows("circuit_ham_map", value, ("start", "end"))
    if len(pairs) != groups:
        reject(f"circuit_ham_map has {len(pairs)} ranges for {groups} groups of ham_ops; give one for each")
    ranges = sorted((TermRange(start, end, group) for group, (start, end) in enumerate(pairs)), key=attrgetter("start"))
    reached = 0
    for chosen in ranges:
        if not reached <= chosen.start < chosen.end <= circuits:
            reject(
                f"circuit_ham_map: [{chosen.start}, {chosen.end}) overlaps another range, is empty, "
                f"or lies outside the {circuits} circuits of the batch"
            )
        reached = chosen.end
    return tuple(ranges)
