"""The documents of the API. JSON in requests, JSON in answers."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, TypeAlias

import msgspec

from farshot.contract import JobStatus
from farshot.wire.numbers import Position, Priority, Seconds, Seed, Shots, Size


class TemplateDocument(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One parametric circuit; each of `parameters` stands for a number in its angles."""

    source: str
    parameters: list[str]


class JobRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A batch: `circuits` by label, or a `template` and its `rows` by label. The options are those of
    `submit_circuits`; `default_seed` is taken where there is no `seed` and is no part of what a key stands for. A seed
    may be given as text, since many readers of JSON round large numbers.

    With `upload` the circuits or rows follow in parts, and `digest` (32 hexadecimal digits) says which batch it is. A
    null in a row stands for what is not finite, and fails that row.
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
    """One part of an upload: circuits, or rows where the job has a template."""

    circuits: dict[str, str] | None = None
    rows: dict[str, list[float | None]] | None = None


class FinalizeRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The end of an upload. `circuits` is how many the job must hold by now; null: whatever has arrived."""

    circuits: Size | None = None


class FaultDocument(msgspec.Struct, frozen=True):
    """Why a job ended early: one of the fixed codes, and what to do."""

    code: str
    message: str


class Remaining(msgspec.Struct, frozen=True):
    """An estimate of the seconds until a running job ends, and the range that it lies in nine times of ten."""

    seconds: float
    low: float
    high: float


class ForecastDocument(msgspec.Struct, frozen=True):
    """How circuits of a job that run now are run: by which simulator and method, and about how many seconds one of
    them takes in all, the longest. Null where it is not known before one is done.
    """

    simulator: str
    method: str | None
    seconds: float | None


class OptionsDocument(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What holds for every circuit of a job, as it was submitted. Submitting its circuits with these gives the same
    counts. `seed` is a decimal number as text, for it may be beyond what a JSON number holds everywhere.

    Where one job is looked at, and what it measures is long, `ham_ops`, `circuit_ham_map` and `shot_groups` are left
    out, and it is not `complete`: the options have a path of their own.
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

    A null in a row stands for what is not finite. `next` is the cursor of the next page; null on the last.
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
    """Where a job stands. `cursor` names its last change; `run_time` is the seconds of simulation over its circuits.

    `jobs_ahead` counts the jobs that are served before a waiting one; `running` says how circuits that run are run,
    each simulator and method once, from about a second on after they have begun. These, `remaining` and `parts` are
    there where one job is asked for, `options` where that is without `after`. `circuits_cancelled` answers a cancel.
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
    """Jobs, the newest first. `next` is the cursor of the next page; null where this is the last."""

    jobs: list[JobDocument]
    next: str | None


class EventsDocument(msgspec.Struct, frozen=True):
    """The jobs that changed, as they are now, in the order of their last change. `cursor` is for the next call."""

    jobs: list[JobDocument]
    cursor: str


class ResultsDocument(msgspec.Struct, frozen=True):
    """A page of result entries in order of position. `next` is the cursor of the next page; null on the last.

    An entry has `label` and `metadata`, and `results`: counts by bitstring, or values by term; or it has `error`.
    Counts wider than 4,096 bits come as `hex_counts` in place of `results`, with `width`: a key such as `0x1f` is a
    number, of which bit k is classical bit k.
    """

    job_id: str
    status: JobStatus
    results: list[dict[str, Any]]
    next: str | None


class TargetDocument(msgspec.Struct, frozen=True):
    """A name that circuits can be sent to. `unavailable` says why it cannot be used here; null: it can."""

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
    """Amounts, used or allowed; null: without a limit."""

    queued_circuits: int | None
    running_shards: int | None
    shots_per_day: int | None
    stored_bytes: int | None


class WorkDocument(msgspec.Struct, frozen=True):
    """The work of a service: what is wrong with it, by part, and how many shards it holds.

    A service that was told to take no new shards has the trouble `drain`, and is drained once it holds none.
    """

    troubles: dict[str, str]
    held_shards: int


class MeDocument(msgspec.Struct, frozen=True):
    """Who asks, what it has, and what it may have."""

    name: str
    role: str
    usage: QuotaDocument
    quota: QuotaDocument


class UsageDocument(msgspec.Struct, frozen=True):
    """What a user has, and what it may have."""

    name: str
    usage: QuotaDocument
    quota: QuotaDocument


class UsagesDocument(msgspec.Struct, frozen=True):
    """Who uses how much: every user and whoever else owns jobs, those first who have most in the store."""

    users: list[UsageDocument]


class UserDocument(msgspec.Struct, frozen=True):
    """A user; its quota has the limits that are its own, null where it has those of everybody."""

    name: str
    role: str
    quota: QuotaDocument


class UsersDocument(msgspec.Struct, frozen=True):
    """Every user, by name."""

    users: list[UserDocument]


_Limit: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)] | msgspec.UnsetType | None


class LimitsRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Limits of one user. One that is left out stays; null gives the user the limit of everybody."""

    queued_circuits: _Limit = msgspec.UNSET
    running_shards: _Limit = msgspec.UNSET
    shots_per_day: _Limit = msgspec.UNSET
    stored_bytes: _Limit = msgspec.UNSET


class TokenRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A token for `user`, who is made where there is none of that name. `admin` null: a user that is there keeps its
    role, a new one is no admin. The token is good for `expires_in` seconds; null: until it is revoked.
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
    """A new token with its text, which is shown this once, and the role of its user."""

    token: str
    role: str


class TokensDocument(msgspec.Struct, frozen=True):
    """Every token, by user and age."""

    tokens: list[TokenDocument]


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An error, as RFC 9457 has it. `type` is stable; `label` names the circuit at fault where there is one."""

    type: str
    title: str
    status: int
    detail: str
    label: str | None = None
    job_id: str | None = None
    job_status: JobStatus | None = None
    retry_after: float | None = None
