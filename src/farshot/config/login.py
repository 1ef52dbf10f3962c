"""Which service the commands talk to, and with which token: given, else the environment, else a stored login."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from farshot.config.files import read_toml
from farshot.config.folders import config_folder
from farshot.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Login:
    """A service, and the token it knows us by."""

    url: str
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Service:
    """The service in force, and where its parts came from. Without a token there is no origin of one."""

    url: str
    url_origin: str
    token: str | None = field(default=None, repr=False)
    token_origin: str | None = None


def login_file() -> Path:
    """Return the file that a login is stored in."""
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
    """Keep a login in place of the one before, readable by the user only; return the file."""
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
    """Have `file` hold `text`, whole or not at all, and readable by its user only at every moment."""
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
    """Delete the stored login, which is returned; None where there was none."""
    try:
        login = stored_login()
    except ConfigError:  # whatever the file holds, it goes
        login = Login("", "")
    login_file().unlink(missing_ok=True)
    return login


def chosen_client(
    url: str | None, token: str | None, environ: Mapping[str, str], *, local: bool = False
) -> Service | None:
    """Return the service that is meant; None where the store on this machine is.

    `local` says that a folder was named, which comes before the environment and a stored login. The stored token is
    for the stored service only.
    """
    if local and not url:
        return None
    login = stored_login()
    stored = login.url if login else None
    found, origin = _first((url, "--url"), (environ.get("FARSHOT_URL"), "environment FARSHOT_URL"), (stored, _stored()))
    if not found or not origin:
        return None
    found = clean_url(found, origin)
    own = login.token if login and login.url == found else None
    secret, secret_origin = _first(
        (token, "--token"), (environ.get("FARSHOT_TOKEN"), "environment FARSHOT_TOKEN"), (own, _stored())
    )
    return Service(found, origin, secret, secret_origin)


def _stored() -> str:
    return f"file {login_file()}"


def _first(*candidates: tuple[str | None, str]) -> tuple[str | None, str | None]:
    return next(((value, origin) for value, origin in candidates if value), (None, None))


def clean_url(url: str, origin: str) -> str:
    """Return the address of a service without a slash behind it; raises `ConfigError` where it is none.

    >>> clean_url("http://lab:8080/", "--url")
    'http://lab:8080'
    """
    try:
        parts = urlsplit(url)
        good = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
        good = good and url.isascii() and url.isprintable() and not (parts.query or parts.fragment or parts.username)
    except ValueError:
        good = False
    if not good:
        message = f"{origin}: the address of a service is as http://HOST:PORT or https://HOST, not {url!r:.80}"
        raise ConfigError(message)
    return url.rstrip("/")
