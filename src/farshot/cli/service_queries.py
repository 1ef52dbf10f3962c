"""What commands ask a service beyond what every backend can: who we are there, and how long a job still takes."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, TypeVar

import msgspec

from farshot.backends.http.records import job_path
from farshot.backends.http.transport import ApiRequest, Transport
from farshot.wire import JobDocument, MeDocument, TargetsDocument, read_answer

if TYPE_CHECKING:
    from farshot.config.login import Service
    from farshot.wire import TargetDocument


_PATIENCE = 2.0
"""Seconds for which a service that does not answer is asked again."""

_Document = TypeVar("_Document", bound=msgspec.Struct)


def who_am_i(service: Service) -> MeDocument:
    """Return whose token it is; raises `AccessError` where it is nobody's, `ServiceError` where nobody answers."""
    return _ask(service, "/v1/me", MeDocument)


def document_of(service: Service, job_id: str) -> JobDocument:
    """Return all that the service says of a job."""
    return _ask(service, job_path(job_id), JobDocument)


def targets_of(service: Service) -> list[TargetDocument]:
    """Return the targets that the service offers."""
    return _ask(service, "/v1/targets", TargetsDocument).targets


def _ask(service: Service, path: str, kind: type[_Document]) -> _Document:
    with closing(Transport(service.url, service.token or "", _PATIENCE)) as transport:
        return read_answer(transport.ask(ApiRequest(method="GET", path=path)).content, kind)
