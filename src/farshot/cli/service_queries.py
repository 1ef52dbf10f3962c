"""Requests of commands to a service beyond what every backend can: our user there, targets, users and tokens."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote

import msgspec

from farshot.backends.http.records import job_path
from farshot.backends.http.transport import ApiRequest, Transport
from farshot.wire import (
    JSON,
    JobDocument,
    MeDocument,
    NewTokenDocument,
    TargetsDocument,
    TokenDocument,
    TokensDocument,
    UsagesDocument,
    UserDocument,
    UsersDocument,
    encode,
    read_answer,
)

if TYPE_CHECKING:
    from farshot.config.login import Service
    from farshot.wire import LimitsRequest, TargetDocument, TokenRequest, UsageDocument


_RETRY_SECONDS = 2.0
"""Seconds for which a service that does not answer is asked again."""

_Document = TypeVar("_Document", bound=msgspec.Struct)


def who_am_i(service: Service) -> MeDocument:
    """Return the user of the token; raises `AccessError` if it is nobody's, `ServiceError` if nobody answers."""
    return _get(service, "/v1/me", MeDocument)


def document_of(service: Service, job_id: str) -> JobDocument:
    """Return the whole document of a job."""
    return _get(service, job_path(job_id), JobDocument)


def targets_of(service: Service) -> list[TargetDocument]:
    """Return the targets that the service offers."""
    return _get(service, "/v1/targets", TargetsDocument).targets


class ServiceAccounts:
    """The users and tokens of a service, as `farshot.service.accounts.Accounts` has them.

    Every method raises `AccessError` if the token is not an admin's.
    """

    def __init__(self, service: Service) -> None:
        self._service = service

    def users(self) -> list[UserDocument]:
        """Return every user, by name."""
        return _get(self._service, "/v1/users", UsersDocument).users

    def usages(self) -> list[UsageDocument]:
        """Return the usage and the quota of every user; those with most in the store first."""
        return _get(self._service, "/v1/usage", UsagesDocument).users

    def limit(self, name: str, limits: LimitsRequest) -> UserDocument:
        """Give a user limits of its own; those that are left out stay."""
        return self._send("PATCH", f"/v1/users/{quote(name, safe='')}", limits, UserDocument)

    def tokens(self) -> list[TokenDocument]:
        """Return every token, by user and age."""
        return _get(self._service, "/v1/tokens", TokensDocument).tokens

    def create_token(self, request: TokenRequest) -> NewTokenDocument:
        """Return a new token with its text. It is asked for once: a second one would be good as well."""
        return self._send("POST", "/v1/tokens", request, NewTokenDocument)

    def revoke(self, ident: str) -> TokenDocument:
        """Make a token worthless and return it as it was before."""
        request = ApiRequest(method="DELETE", path=f"/v1/tokens/{quote(ident, safe='')}")
        return _ask(self._service, request, TokenDocument)

    def _send(self, method: str, path: str, body: msgspec.Struct, kind: type[_Document]) -> _Document:
        headers = {"Content-Type": JSON}
        request = ApiRequest(method=method, path=path, headers=headers, body=encode(body), seconds=0.0)
        return _ask(self._service, request, kind)


def _get(service: Service, path: str, kind: type[_Document]) -> _Document:
    return _ask(service, ApiRequest(method="GET", path=path), kind)


def _ask(service: Service, request: ApiRequest, kind: type[_Document]) -> _Document:
    with closing(Transport(service.url, service.token or "", _RETRY_SECONDS)) as transport:
        return read_answer(transport.ask(request).content, kind)
