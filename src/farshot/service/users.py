"""Routes for admins: users, their tokens, limits and usage."""

from __future__ import annotations

from typing import TYPE_CHECKING

from farshot.errors import ForbiddenError
from farshot.service.accounts import Accounts
from farshot.service.context import in_thread, write_in_thread
from farshot.service.jobs import answer
from farshot.service.request_bodies import document_in
from farshot.wire import LimitsRequest, TokenRequest, TokensDocument, UsagesDocument, UsersDocument

if TYPE_CHECKING:
    from starlette.responses import Response

    from farshot.service.context import Call


def _accounts(call: Call) -> Accounts:
    if call.visible_owner is not None:
        message = "only an admin may see to users and their tokens"
        raise ForbiddenError(message)
    return Accounts(call.parts.accounts, call.parts.jobs, call.parts.limits.quota)


async def list_users(call: Call) -> Response:
    """List users, their roles, and the limits that are theirs alone. For admins."""
    return answer(UsersDocument(await in_thread(call.service, _accounts(call).users)))


async def list_usages(call: Call) -> Response:
    """List what everybody has and may have. For admins."""
    return answer(UsagesDocument(await in_thread(call.service, _accounts(call).usages)))


async def limit_user(call: Call) -> Response:
    """Give a user limits of its own. For admins."""
    accounts, name = _accounts(call), str(call.request.path_params["name"])
    limits = await document_in(call, LimitsRequest)
    return answer(await write_in_thread(call, lambda: accounts.limit(name, limits)))


async def list_tokens(call: Call) -> Response:
    """List tokens: their ids, whose they are, whether they are good. For admins."""
    return answer(TokensDocument(await in_thread(call.service, _accounts(call).tokens)))


async def create_token(call: Call) -> Response:
    """Make a token; its text is in this answer only. For admins."""
    accounts = _accounts(call)
    request = await document_in(call, TokenRequest)
    return answer(await write_in_thread(call, lambda: accounts.create_token(request)), 201)


async def revoke_token(call: Call) -> Response:
    """Make a token worthless, within two seconds; the answer says what it was before. For admins."""
    accounts, ident = _accounts(call), str(call.request.path_params["token_id"])
    return answer(await write_in_thread(call, lambda: accounts.revoke(ident)))
