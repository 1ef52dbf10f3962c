"""The service that commands ask and the token for it: from flags, else the environment, else a stored login."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from farshot.config import config_folder
from farshot.config.sources import read_toml
from farshot.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Login:
    """The address of a service, and our token there."""

    url: str
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Service:
    """The service in force, and the origins of its address and token."""

    url: str
    url_origin: str
    token: str | None = field(default=None, repr=False)
    token_origin: str | None = None


def login_file() -> Path:
    """Return the path of the file that a login is stored in."""
    return config_folder() / "credentials.toml"


def stored_login() -> Login | None:
    """Return the stored login. A file that others can read is made private first."""
    file = login_file()
    if not file.exists():
        return None
    _make_private(file)
    held = read_toml(file)
    url, token = held.get("url"), held.get("token")
    if not (isinstance(url, str) and isinstance(token, str)):
        message = f"{file} holds no login: `farshot login URL` writes a new one"
        raise ConfigError(message)
    return Login(url, token)


def _make_private(file: Path) -> None:
    try:
        if file.stat().st_mode & 0o077:
            file.chmod(0o600)
    except OSError as error:
        message = f"others can read the token in {file}, and that cannot be changed: {error.strerror}"
        raise ConfigError(message) from error


def store_login(login: Login) -> Path:
    """Store a login, readable by the user only, in place of the one before; return the file."""
    file = login_file()
    text = f"url = {json.dumps(login.url)}\ntoken = {json.dumps(login.token)}\n"
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write_private(file, text)
    except OSError as error:
        message = f"the login cannot be kept in {file}: {error.strerror}"
        raise ConfigError(message) from error
    return file


def _write_private(file: Path, text: str) -> None:
    """Write `file` whole or not at all, and readable by its user only at every moment."""
    descriptor, name = tempfile.mkstemp(dir=file.parent)  # mode 0600
    part = Path(name)
    try:
        with open(descriptor, "w", encoding="utf-8") as stream:  # noqa: PTH123 -- a descriptor has no path
            stream.write(text)
            stream.flush()
            os.fsync(descriptor)
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)


def forget_login() -> Login | None:
    """Delete and return the stored login; None if there was none."""
    try:
        login = stored_login()
    except ConfigError:  # an unreadable file is deleted too
        login = Login("", "")
    login_file().unlink(missing_ok=True)
    return login


def chosen_service(
    url: str | None, token: str | None, environ: Mapping[str, str], *, local: bool = False
) -> Service | None:
    """Return the service to ask; None for the store on this machine.

    `local` is whether a folder was named, which comes before the environment and a stored login. The stored token is
    sent to the stored service only.
    """
    if local and not url:
        return None
    login = stored_login()
    address, origin = _choose("url", url, environ, login.url if login else None)
    if not address or not origin:
        return None
    address = clean_url(address, origin)
    stored_token = login.token if login and login.url == address else None
    return Service(address, origin, *_choose("token", token, environ, stored_token))


def _choose(
    option: str, given: str | None, environ: Mapping[str, str], stored: str | None
) -> tuple[str | None, str | None]:
    """Return the value of an option and its origin: a flag, else the environment, else the stored login."""
    name = f"FARSHOT_{option.upper()}"
    sources = ((given, f"--{option}"), (environ.get(name), f"environment {name}"), (stored, f"file {login_file()}"))
    return next(((value, origin) for value, origin in sources if value), (None, None))


def clean_url(url: str, origin: str) -> str:
    """Return the address of a service without a slash at its end; raises `ConfigError` if it is none.

    >>> clean_url("http://lab:8080/", "--url")
    'http://lab:8080'
    """
    try:
        parts = urlsplit(url)
        is_valid = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
        is_valid = is_valid and url.isascii() and url.isprintable()
        is_valid = is_valid and not (parts.query or parts.fragment or parts.username)
    except ValueError:
        is_valid = False
    if not is_valid:
        message = f"{origin}: the address of a service is as http://HOST:PORT or https://HOST, not {url!r:.80}"
        raise ConfigError(message)
    return url.rstrip("/")
