"""`ServiceAccounts`: the users and tokens of a service, seen to over its API with an admin's token."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote

import msgspec

from farshot.backends.http.transport import ApiRequest, Transport
from farshot.wire import (
    JSON,
    NewTokenDocument,
    TokenDocument,
    TokensDocument,
    UsagesDocument,
    UserDocument,
    UsersDocument,
    encode,
    read_answer,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farshot.config.login import Service
    from farshot.wire import LimitsRequest, TokenRequest, UsageDocument


_PATIENCE = 2.0
"""Seconds for which a service that does not answer is asked again."""
_Document = TypeVar("_Document", bound=msgspec.Struct)


class ServiceAccounts:
    """Does what `farshot.service.accounts.Accounts` does, from afar. Raises `AccessError` where we are no admin."""

    def __init__(self, transport: Transport) -> None:
        """Ask over `transport`."""
        self._transport = transport

    @classmethod
    @contextmanager
    def opened(cls, service: Service) -> Iterator[ServiceAccounts]:
        """Yield the users of a service."""
        transport = Transport(service.url, service.token or "", _PATIENCE)
        try:
            yield cls(transport)
        finally:
            transport.close()

    def users(self) -> list[UserDocument]:
        """Return every user, by name."""
        return self._ask(UsersDocument, ApiRequest(method="GET", path="/v1/users")).users

    def usages(self) -> list[UsageDocument]:
        """Return what everybody has and may have; those first who have most in the store."""
        return self._ask(UsagesDocument, ApiRequest(method="GET", path="/v1/usage")).users

    def limit(self, name: str, limits: LimitsRequest) -> UserDocument:
        """Give a user limits of its own; those that are left out stay."""
        return self._send(UserDocument, "PATCH", f"/v1/users/{quote(name, safe='')}", limits)

    def tokens(self) -> list[TokenDocument]:
        """Return every token, by user and age."""
        return self._ask(TokensDocument, ApiRequest(method="GET", path="/v1/tokens")).tokens

    def create_token(self, request: TokenRequest) -> NewTokenDocument:
        """Return a new token with its text. It is asked for once: a second one would be good as well."""
        return self._send(NewTokenDocument, "POST", "/v1/tokens", request)

    def revoke(self, ident: str) -> TokenDocument:
        """Make a token worthless and return it as it was before."""
        return self._ask(TokenDocument, ApiRequest(method="DELETE", path=f"/v1/tokens/{quote(ident, safe='')}"))

    def _send(self, kind: type[_Document], method: str, path: str, body: msgspec.Struct) -> _Document:
        ask = ApiRequest(method=method, path=path, headers={"Content-Type": JSON}, body=encode(body), seconds=0.0)
        return self._ask(kind, ask)

    def _ask(self, kind: type[_Document], ask: ApiRequest) -> _Document:
        return read_answer(self._transport.ask(ask).content, kind)
