"""The routes of the API, in one table: their handlers, their parameters and bodies, and their answers."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, TypeAlias

from farshot.service import events, information, job_inputs, jobs, results, uploads, users
from farshot.wire import (
    CircuitsDocument,
    EventsDocument,
    FinalizeRequest,
    JobDocument,
    JobListDocument,
    JobRequest,
    LimitsRequest,
    MeDocument,
    NewTokenDocument,
    OptionsDocument,
    PartRequest,
    ResultsDocument,
    TargetsDocument,
    TokenDocument,
    TokenRequest,
    TokensDocument,
    UsagesDocument,
    UserDocument,
    UsersDocument,
    WorkDocument,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import msgspec
    from starlette.responses import Response

    from farshot.service.context import Call

    Handler: TypeAlias = Callable[[Call], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Route:
    """One method of one path."""

    method: str
    path: str
    handler: Handler
    answers: dict[int, type[msgspec.Struct] | None]
    """The documents of successful answers by status; None: no document."""
    _: KW_ONLY
    query: type[msgspec.Struct] | None = None
    body: type[msgspec.Struct] | None = None
    may_be_empty: bool = False
    """True if the body may be left out."""
    problems: tuple[str, ...] = ()
    """The kinds of problems that it may answer with, in addition to those of every route."""
    has_key: bool = False
    """True if it takes the header Idempotency-Key."""
    text: str | None = None
    """The media type of an answer that is no document."""


_CHANGE = ("forbidden", "body", "too-large", "media-type", "store-full")
_SUBMIT = ("body", "batch", "option", "target", "too-large", "media-type", "quota", "store-full")

ROUTES = (
    Route(
        "POST",
        "/v1/jobs",
        jobs.create_job,
        {200: JobDocument, 201: JobDocument},
        body=JobRequest,
        problems=(*_SUBMIT, "parameter", "key-conflict"),
        has_key=True,
    ),
    Route(
        "GET",
        "/v1/jobs",
        jobs.list_jobs,
        {200: JobListDocument},
        query=jobs.ListQuery,
        problems=("parameter", "forbidden"),
    ),
    Route(
        "GET",
        "/v1/jobs/{job_id}",
        jobs.get_job,
        {200: JobDocument},
        query=jobs.WaitQuery,
        problems=("parameter", "not-found"),
    ),
    Route("DELETE", "/v1/jobs/{job_id}", jobs.delete_job, {204: None}, problems=("not-found", "store-full")),
    Route(
        "PUT",
        "/v1/jobs/{job_id}/parts/{number}",
        uploads.put_part,
        {200: JobDocument},
        body=PartRequest,
        problems=(*_SUBMIT, "parameter", "not-found", "upload"),
    ),
    Route(
        "POST",
        "/v1/jobs/{job_id}/finalize",
        uploads.finalize_job,
        {200: JobDocument},
        body=FinalizeRequest,
        may_be_empty=True,
        problems=(*_SUBMIT, "not-found", "upload"),
    ),
    Route(
        "GET",
        "/v1/jobs/{job_id}/results",
        results.get_results,
        {200: ResultsDocument},
        query=results.ResultsQuery,
        problems=("parameter", "not-found"),
    ),
    Route(
        "GET",
        "/v1/jobs/{job_id}/options",
        job_inputs.get_options,
        {200: OptionsDocument},
        problems=("not-found", "upload"),
    ),
    Route(
        "GET",
        "/v1/jobs/{job_id}/circuits",
        job_inputs.get_circuits,
        {200: CircuitsDocument},
        query=job_inputs.CircuitsQuery,
        problems=("parameter", "not-found"),
    ),
    Route(
        "POST",
        "/v1/jobs/{job_id}/cancel",
        jobs.cancel_job,
        {200: JobDocument},
        problems=("not-found", "ended", "store-full"),
    ),
    Route("GET", "/v1/events", events.get_events, {200: EventsDocument}, query=jobs.WaitQuery, problems=("parameter",)),
    Route("GET", "/v1/targets", information.get_targets, {200: TargetsDocument}),
    Route("GET", "/v1/me", information.get_me, {200: MeDocument}),
    Route("POST", "/v1/admin/drain", information.drain, {200: WorkDocument}, problems=("forbidden",)),
    Route("POST", "/v1/admin/resume", information.resume, {200: WorkDocument}, problems=("forbidden",)),
    Route("GET", "/v1/users", users.list_users, {200: UsersDocument}, problems=("forbidden",)),
    Route(
        "PATCH",
        "/v1/users/{name}",
        users.limit_user,
        {200: UserDocument},
        body=LimitsRequest,
        problems=(*_CHANGE, "account"),
    ),
    Route("GET", "/v1/usage", users.list_usages, {200: UsagesDocument}, problems=("forbidden",)),
    Route("GET", "/v1/tokens", users.list_tokens, {200: TokensDocument}, problems=("forbidden",)),
    Route(
        "POST",
        "/v1/tokens",
        users.create_token,
        {201: NewTokenDocument},
        body=TokenRequest,
        problems=(*_CHANGE, "option"),
    ),
    Route(
        "DELETE",
        "/v1/tokens/{token_id}",
        users.revoke_token,
        {200: TokenDocument},
        problems=("forbidden", "account", "store-full"),
    ),
    Route("GET", "/metrics", information.get_metrics, {200: None}, problems=("forbidden",), text="text/plain"),
)
