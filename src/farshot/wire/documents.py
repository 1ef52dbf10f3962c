"""The documents of the HTTP API, of requests and of answers.

Numbers in requests have bounds, which are checked as they are decoded.
"""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import Annotated, Any, TypeAlias

import msgspec

from farshot.contract import JobStatus
from farshot.model import MAX_CIRCUITS, MAX_PRIORITY, MAX_SECONDS, MAX_SEED, MAX_SHOTS

_MAX_SEED_DIGITS = len(str(MAX_SEED))

Position: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=MAX_SHOTS)]
"""A position in a batch, or the number of shots in `[start, end, shots]`."""
Priority: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=MAX_PRIORITY)]
Seconds: TypeAlias = Annotated[float, msgspec.Meta(gt=0, le=MAX_SECONDS)]
Seed: TypeAlias = (
    Annotated[int, msgspec.Meta(ge=0, le=MAX_SEED)]
    | Annotated[str, msgspec.Meta(pattern=f"^[0-9]{{1,{_MAX_SEED_DIGITS}}}$")]
)
"""A seed, or its digits as text, since many readers of JSON round numbers beyond 2**53."""
Shots: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=MAX_SHOTS)]
Size: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=MAX_CIRCUITS)]
"""A number of circuits."""


def to_plain_number(value: object) -> float:
    """Return a number of a subclass of `int` or `float` as a plain number, for encoders."""
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    raise NotImplementedError


def read_seed(given: int | str | None) -> int | None:
    """Return the seed of a document as a number. It may exceed the largest seed.

    >>> read_seed("9223372036854775807") == read_seed(2**63 - 1)
    True
    """
    return None if given is None else int(given)


@cache
def outline_of(kind: type[msgspec.Struct]) -> type[msgspec.Struct]:
    """Return a struct with the members of `kind`, each optional and not decoded."""
    members = [(field.name, msgspec.Raw, None) for field in msgspec.structs.fields(kind)]
    return msgspec.defstruct(kind.__name__, members, forbid_unknown_fields=True)


def given_members(outline: msgspec.Struct) -> dict[str, msgspec.Raw]:
    """Return the members that are present in a decoded outline."""
    return {name: raw for name, raw in msgspec.structs.asdict(outline).items() if raw is not None}


class TemplateDocument(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One parametric circuit; each of `parameters` stands for a number in its angles."""

    source: str
    parameters: list[str]


class JobRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A batch: `circuits` by label, or a `template` and its `rows` by label. The options are those of
    `submit_circuits`; `default_seed` is used if there is no `seed` and is not compared when a key is used again. A seed
    may be given as text, since many readers of JSON round large numbers.

    With `upload` the circuits or rows follow in parts, and `digest` (32 hexadecimal digits) identifies the batch. A
    null in a row stands for a number that is not finite, and fails that row.
    """

    circuits: dict[str, str] | None = None
    template: TemplateDocument | None = None
    rows: dict[str, list[float | None]] | None = None
    target: str = "auto"
    shots: Shots | None = None
    seed: Seed | None = None
    default_seed: Seed | None = None
    ham_ops: str | None = None
    circuit_ham_map: list[list[Position]] | None = None
    shot_groups: list[list[Position]] | None = None
    tag: str | None = None
    priority: Priority = 0
    timeout: Seconds | None = None
    upload: bool = False
    digest: str | None = None


class PartRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One part of an upload: circuits, or rows if the job has a template."""

    circuits: dict[str, str] | None = None
    rows: dict[str, list[float | None]] | None = None


class FinalizeRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The end of an upload. `circuits` is the number that the job must have by now; null: any number."""

    circuits: Size | None = None


class FaultDocument(msgspec.Struct, frozen=True):
    """The reason why a job ended early: one of the fixed codes, and a message that says what to do."""

    code: str
    message: str


class Remaining(msgspec.Struct, frozen=True):
    """An estimate of the seconds until a running job ends, and the range that contains it nine times out of ten."""

    seconds: float
    low: float
    high: float


class ForecastDocument(msgspec.Struct, frozen=True):
    """The simulator and method of running circuits of a job, and the estimated total seconds of the longest one. Null:
    not known before one is done.
    """

    simulator: str
    method: str | None
    seconds: float | None


class OptionsDocument(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The options of a job, as it was submitted. Submitting its circuits with these options gives the same counts.
    `seed` is a decimal number as text, since not every reader of JSON holds numbers of that size.

    In the document of a job, `ham_ops`, `circuit_ham_map` and `shot_groups` are left out if they are long; `complete`
    is false then, and the path of the options gives all of them.
    """

    target: str
    seed: str
    shots: int | None = None
    shot_groups: list[list[int]] | None = None
    ham_ops: str | None = None
    circuit_ham_map: list[list[int]] | None = None
    tag: str | None = None
    priority: int = 0
    timeout: float | None = None
    complete: bool = True


class CircuitsDocument(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A page of a job's circuits in order of position: `circuits` by label, or the `rows` of a `template` by label.

    A null in a row stands for a number that is not finite. `next` is the cursor of the next page; null on the last.
    """

    job_id: str
    first: int
    template: TemplateDocument | None = None
    circuits: dict[str, str] | None = None
    rows: dict[str, list[float | None]] | None = None
    next: str | None = None


class PartDocument(msgspec.Struct, frozen=True):
    """A part of an upload that has arrived."""

    number: int
    circuits: int


class JobDocument(msgspec.Struct, frozen=True, kw_only=True):
    """The state of a job. `cursor` names its last change; `run_time` is the seconds of simulation over its circuits.

    `jobs_ahead` counts the jobs that are served before a waiting one; `running` describes the circuits that have been
    running for about a second, each simulator and method once. These, `remaining` and `parts` are present if one job is
    requested, `options` if that is without `after`. `circuits_cancelled` is in the answer to a cancel.
    """

    job_id: str
    status: JobStatus
    uploading: bool
    owner: str
    tag: str | None
    target: str
    priority: int
    circuits: int
    done: int
    failed: int
    cancel_requested: bool
    run_time: float
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    error: FaultDocument | None
    cursor: str
    jobs_ahead: int | None = None
    remaining: Remaining | None = None
    running: list[ForecastDocument] | None = None
    parts: list[PartDocument] | None = None
    circuits_cancelled: int | None = None
    options: OptionsDocument | None = None


class JobListDocument(msgspec.Struct, frozen=True):
    """Jobs, the newest first. `next` is the cursor of the next page; null on the last."""

    jobs: list[JobDocument]
    next: str | None


class EventsDocument(msgspec.Struct, frozen=True):
    """The jobs that changed, in their present state, in order of their last change. `cursor` is for the next call."""

    jobs: list[JobDocument]
    cursor: str


class ResultsDocument(msgspec.Struct, frozen=True):
    """A page of result entries in order of position. `next` is the cursor of the next page; null on the last.

    An entry has `label` and `metadata`, and either `results` (counts by bitstring, or values by term) or `error`.
    Counts wider than 4,096 bits come as `hex_counts` in place of `results`, with `width`: a key such as `0x1f` is a
    number whose bit k is classical bit k.
    """

    job_id: str
    status: JobStatus
    results: list[dict[str, Any]]
    next: str | None


class TargetDocument(msgspec.Struct, frozen=True):
    """A target. `unavailable` is the reason why it cannot be used here; null: it can."""

    name: str
    simulator: str
    method: str | None
    unavailable: str | None
    memory_bytes: int
    circuit_timeout: float


class TargetsDocument(msgspec.Struct, frozen=True):
    """Every target of the service."""

    targets: list[TargetDocument]


class QuotaDocument(msgspec.Struct, frozen=True, kw_only=True):
    """Amounts, used or allowed; null: no limit."""

    queued_circuits: int | None
    running_shards: int | None
    shots_per_day: int | None
    stored_bytes: int | None


class WorkDocument(msgspec.Struct, frozen=True):
    """The work of a service: its troubles by part, and the number of shards it holds.

    A service that was told to claim no new shards has the trouble `drain`, and is drained once it holds none.
    """

    troubles: dict[str, str]
    held_shards: int


class MeDocument(msgspec.Struct, frozen=True):
    """The user that sent the request, with its usage and quota."""

    name: str
    role: str
    usage: QuotaDocument
    quota: QuotaDocument


class UsageDocument(msgspec.Struct, frozen=True):
    """The usage and quota of a user."""

    name: str
    usage: QuotaDocument
    quota: QuotaDocument


class UsagesDocument(msgspec.Struct, frozen=True):
    """The usage of every user and every other owner of jobs, those with the most stored bytes first."""

    users: list[UsageDocument]


class UserDocument(msgspec.Struct, frozen=True):
    """A user. Its quota holds its own limits; null: the default limit applies."""

    name: str
    role: str
    quota: QuotaDocument


class UsersDocument(msgspec.Struct, frozen=True):
    """Every user, in order of name."""

    users: list[UserDocument]


_Limit: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)] | msgspec.UnsetType | None


class LimitsRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Limits of one user. A limit that is left out stays; null restores the default limit."""

    queued_circuits: _Limit = msgspec.UNSET
    running_shards: _Limit = msgspec.UNSET
    shots_per_day: _Limit = msgspec.UNSET
    stored_bytes: _Limit = msgspec.UNSET


class TokenRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A token for `user`, who is created if there is none of that name. `admin` null: an existing user keeps its role,
    a new one is no admin. The token is valid for `expires_in` seconds; null: until it is revoked.
    """

    user: str
    admin: bool | None = None
    expires_in: Annotated[float, msgspec.Meta(gt=0, le=36_500 * 86_400)] | None = None


class TokenDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A token, without its text. `state` is `good`, `expired` or `revoked`."""

    id: str
    user: str
    state: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


class NewTokenDocument(TokenDocument, frozen=True, kw_only=True):
    """A new token with its text, which is shown only once, and the role of its user."""

    token: str
    role: str


class TokensDocument(msgspec.Struct, frozen=True):
    """Every token, in order of user and age."""

    tokens: list[TokenDocument]


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An error, as RFC 9457 describes it. `type` is stable; `label` names the faulty circuit, if there is one."""

    type: str
    title: str
    status: int
    detail: str
    label: str | None = None
    job_id: str | None = None
    job_status: JobStatus | None = None
    retry_after: float | None = None
