"""Every route of the API, in one table: what serves it, what it takes, what it gives."""

from __future__ import annotations

from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One method of one path. `problems` are the kinds that it may answer with beside those of every route; `text` is
    the media type of an answer that is no document. A body that `may_be_empty` may be left out.
    """

    method: str
    path: str
    handler: Handler
    query: type[msgspec.Struct] | None = None
    body: type[msgspec.Struct] | None = None
    may_be_empty: bool = False
    answers: dict[int, type[msgspec.Struct] | None]
    problems: tuple[str, ...] = ()
    has_key: bool = False
    text: str | None = None


_CHANGE = ("forbidden", "body", "too-large", "media-type", "store-full")
_SUBMIT = ("body", "batch", "option", "target", "too-large", "media-type", "quota", "store-full")

ROUTES = (
    Route(
        method="POST",
        path="/v1/jobs",
        handler=jobs.create_job,
        body=JobRequest,
        answers={200: JobDocument, 201: JobDocument},
        problems=(*_SUBMIT, "parameter", "key-conflict"),
        has_key=True,
    ),
    Route(
        method="GET",
        path="/v1/jobs",
        handler=jobs.list_jobs,
        query=jobs.ListQuery,
        answers={200: JobListDocument},
        problems=("parameter", "forbidden"),
    ),
    Route(
        method="GET",
        path="/v1/jobs/{job_id}",
        handler=jobs.get_job,
        query=jobs.WaitQuery,
        answers={200: JobDocument},
        problems=("parameter", "not-found"),
    ),
    Route(
        method="DELETE",
        path="/v1/jobs/{job_id}",
        handler=jobs.delete_job,
        answers={204: None},
        problems=("not-found", "store-full"),
    ),
    Route(
        method="PUT",
        path="/v1/jobs/{job_id}/parts/{number}",
        handler=uploads.put_part,
        body=PartRequest,
        answers={200: JobDocument},
        problems=(*_SUBMIT, "parameter", "not-found", "upload"),
    ),
    Route(
        method="POST",
        path="/v1/jobs/{job_id}/finalize",
        handler=uploads.finalize_job,
        body=FinalizeRequest,
        may_be_empty=True,
        answers={200: JobDocument},
        problems=(*_SUBMIT, "not-found", "upload"),
    ),
    Route(
        method="GET",
        path="/v1/jobs/{job_id}/results",
        handler=results.get_results,
        query=results.ResultsQuery,
        answers={200: ResultsDocument},
        problems=("parameter", "not-found"),
    ),
    Route(
        method="GET",
        path="/v1/jobs/{job_id}/options",
        handler=job_inputs.get_options,
        answers={200: OptionsDocument},
        problems=("not-found", "upload"),
    ),
    Route(
        method="GET",
        path="/v1/jobs/{job_id}/circuits",
        handler=job_inputs.get_circuits,
        query=job_inputs.CircuitsQuery,
        answers={200: CircuitsDocument},
        problems=("parameter", "not-found"),
    ),
    Route(
        method="POST",
        path="/v1/jobs/{job_id}/cancel",
        handler=jobs.cancel_job,
        answers={200: JobDocument},
        problems=("not-found", "ended", "store-full"),
    ),
    Route(
        method="GET",
        path="/v1/events",
        handler=events.get_events,
        query=jobs.WaitQuery,
        answers={200: EventsDocument},
        problems=("parameter",),
    ),
    Route(method="GET", path="/v1/targets", handler=information.get_targets, answers={200: TargetsDocument}),
    Route(method="GET", path="/v1/me", handler=information.get_me, answers={200: MeDocument}),
    Route(
        method="POST",
        path="/v1/admin/drain",
        handler=information.drain,
        answers={200: WorkDocument},
        problems=("forbidden",),
    ),
    Route(
        method="POST",
        path="/v1/admin/resume",
        handler=information.resume,
        answers={200: WorkDocument},
        problems=("forbidden",),
    ),
    Route(
        method="GET",
        path="/v1/users",
        handler=users.list_users,
        answers={200: UsersDocument},
        problems=("forbidden",),
    ),
    Route(
        method="PATCH",
        path="/v1/users/{name}",
        handler=users.limit_user,
        body=LimitsRequest,
        answers={200: UserDocument},
        problems=(*_CHANGE, "account"),
    ),
    Route(
        method="GET",
        path="/v1/usage",
        handler=users.list_usages,
        answers={200: UsagesDocument},
        problems=("forbidden",),
    ),
    Route(
        method="GET",
        path="/v1/tokens",
        handler=users.list_tokens,
        answers={200: TokensDocument},
        problems=("forbidden",),
    ),
    Route(
        method="POST",
        path="/v1/tokens",
        handler=users.create_token,
        body=TokenRequest,
        answers={201: NewTokenDocument},
        problems=(*_CHANGE, "option"),
    ),
    Route(
        method="DELETE",
        path="/v1/tokens/{token_id}",
        handler=users.revoke_token,
        answers={200: TokenDocument},
        problems=("forbidden", "account", "store-full"),
    ),
    Route(
        method="GET",
        path="/metrics",
        handler=information.get_metrics,
        answers={200: None},
        problems=("forbidden",),
        text="text/plain",
    ),
)
