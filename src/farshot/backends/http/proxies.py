"""The proxy between a program and its service, read from the environment."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from farshot.errors import OptionError

_LOOPBACK = frozenset({"localhost", "::1"})


class Proxy(NamedTuple):
    """The address of a proxy and the environment variable that names it."""

    url: str
    variable: str

    def __str__(self) -> str:
        """Return both as text, without a password that may be in the address."""
        parts = urlsplit(self.url)
        return f"the proxy {parts.scheme}://{parts.netloc.rpartition('@')[2]} (of {self.variable})"


def is_loopback(host: str) -> bool:
    """Return whether a host name is that of this machine.

    >>> is_loopback("127.0.0.1"), is_loopback("lab")
    (True, False)
    """
    return host in _LOOPBACK or host.startswith("127.") or host.endswith(".localhost")


def proxy_for(url: str) -> Proxy | None:
    """Return the proxy that the environment names for an address; None if there is none, and for this machine.

    Raises `OptionError` for a proxy that is not an HTTP proxy.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    found = getproxies()
    scheme = parts.scheme if parts.scheme in found else "all"
    if is_loopback(host) or scheme not in found or proxy_bypass(host):
        return None
    proxy = Proxy(found[scheme] if "://" in found[scheme] else f"http://{found[scheme]}", f"{scheme.upper()}_PROXY")
    if urlsplit(proxy.url).scheme not in {"http", "https"}:
        message = f"{proxy} cannot be used, for it is none of HTTP: unset it, or name {host} in NO_PROXY"
        raise OptionError(message)
    return proxy
