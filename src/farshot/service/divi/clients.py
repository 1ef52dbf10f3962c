"""Which version of Divi's client asks, where the versions differ."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from farshot.service.context import Call


def is_newer(call: Call) -> bool:
    """Whether the client says that it is Divi; older ones name only the library that they speak HTTP with.

    Whoever else asks is answered as an older one, which is understood by both.
    """
    return call.request.headers.get("user-agent", "").startswith("divi/")
