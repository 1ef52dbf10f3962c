"""The address at which the service listens: loopback, any with TLS, others only if the operator says so."""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING

from farshot.errors import FarshotError, OptionError

if TYPE_CHECKING:
    from pathlib import Path


_MAX_BACKLOG = 4096
"""Connections that may wait to be accepted."""


@dataclass(frozen=True, slots=True)
class ListenAddress:
    """The address to listen at, and the files of TLS."""

    host: str = "127.0.0.1"
    port: int = 8000
    """The port; 0 takes a free one."""
    certificate: Path | None = None
    """A PEM file with the certificate and those that vouch for it; None for no TLS."""
    key: Path | None = None
    """A PEM file with the key, without a password; None if `certificate` holds the key too."""
    insecure: bool = False
    """True to serve other machines without TLS, because something in front of the service speaks it."""


def check_address(host: str, *, tls: bool, insecure: bool) -> None:
    """Raise `OptionError` if `host` is unknown, or if other machines would be served without TLS."""
    _check_loopback(host, _look_up_addresses(host, 0), permitted=tls or insecure)


def _look_up_addresses(host: str, port: int) -> list[tuple[int, str]]:
    """Return the families and addresses of `host`, those of IPv4 first."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        message = f"the host {host!r} has no address here: {error}"
        raise OptionError(message) from error
    addresses = [(family, str(address[0])) for family, *_, address in found]
    return sorted(addresses, key=lambda each: each[0] != socket.AF_INET)


def _check_loopback(host: str, addresses: list[tuple[int, str]], *, permitted: bool) -> None:
    if permitted or all(ipaddress.ip_address(address).is_loopback for _, address in addresses):
        return
    message = (
        f"{host!r} can be reached from other machines, and without TLS everybody between reads the tokens: give "
        "--tls-cert and --tls-key, or --insecure if something in front of the service speaks TLS"
    )
    raise OptionError(message)


def listen(binding: ListenAddress) -> socket.socket:
    """Return a listening socket; raises `OptionError` for a refused binding, `FarshotError` for a taken port."""
    if not 0 <= binding.port <= 65535:
        message = f"a port is a number from 0 to 65535, not {binding.port}"
        raise OptionError(message)
    addresses = _look_up_addresses(binding.host, binding.port)
    _check_loopback(binding.host, addresses, permitted=binding.certificate is not None or binding.insecure)
    family, address = addresses[0]
    try:
        sock = socket.create_server((address, binding.port), family=family, backlog=_MAX_BACKLOG)
    except OSError as error:
        raise FarshotError(_describe_error(binding, error)) from error
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)  # noqa: FBT003 -- else a body waits 40 ms for its head
    return sock


def _describe_error(binding: ListenAddress, error: OSError) -> str:
    place = f"port {binding.port} of {binding.host}"
    if error.errno == errno.EADDRINUSE:
        return f"{place} is in use by another program: choose another port (0 takes a free one)"
    if error.errno == errno.EACCES:
        return f"{place} is not open to this user: choose one above 1023"
    return f"cannot listen on {place}: {os.strerror(error.errno or 0)}"


def tls_context(binding: ListenAddress) -> ssl.SSLContext | None:
    """Return the context for TLS 1.2 and later, None without a certificate; raises `OptionError` for unusable files."""
    if binding.certificate is None:
        if binding.key is not None:
            message = "a TLS key needs its certificate"
            raise OptionError(message)
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    _check_pem(binding.certificate, "certificate", b"CERTIFICATE-----")
    _check_pem(binding.key or binding.certificate, "key", b"PRIVATE KEY-----")
    try:
        context.load_cert_chain(binding.certificate, binding.key, password="")  # or the terminal is asked
    except OSError as error:
        reason = "the key is that of another certificate" if "KEY_VALUES_MISMATCH" in str(error) else str(error)
        message = f"the TLS certificate {binding.certificate} and its key cannot be used: {reason}"
        raise OptionError(message) from error
    return context


def _check_pem(file: Path, what: str, mark: bytes) -> None:
    try:
        content = file.read_bytes()
    except OSError as error:
        message = f"the file {file} of the TLS {what} cannot be read: {error.strerror}"
        raise OptionError(message) from error
    if mark not in content:
        message = f"the file {file} holds no TLS {what} in PEM form (a block that ends in {mark.decode()})"
        raise OptionError(message)
    if b"ENCRYPTED" in content and what == "key":
        message = f"the TLS key in {file} has a password: give one without, as `openssl rsa -in {file}` writes it"
        raise OptionError(message)


def url_of(sock: socket.socket, *, tls: bool) -> str:
    """Return the URL at which the listening `sock` is reached."""
    host, port = sock.getsockname()[:2]
    place = f"[{host}]" if sock.family == socket.AF_INET6 else host
    return f"{'https' if tls else 'http'}://{place}:{port}"
