"""`login` and `logout`: the service that the other commands ask by default."""

from __future__ import annotations

import os
import sys

import typer

from farshot.cli.cell_texts import printable
from farshot.cli.error_output import DONE, InputError
from farshot.cli.messages import note
from farshot.cli.service_queries import who_am_i
from farshot.config.login import Login, Service, clean_url, forget_login, login_file, store_login


def login(url: str, token: str | None) -> int:
    """Store a service and our token there after the service has confirmed the token."""
    address = clean_url(url, "URL")
    secret = token or _read_token(address)
    me = who_am_i(Service(address, "URL", secret))
    file = store_login(Login(address, secret))
    typer.echo(f"logged in at {address} as {printable(me.name)} ({printable(me.role)}); kept in {file}")
    if os.environ.get("FARSHOT_URL") or os.environ.get("FARSHOT_TOKEN"):
        note("FARSHOT_URL and FARSHOT_TOKEN are in the environment and come before this login")
    return DONE


def _read_token(url: str) -> str:
    """Ask for the token without showing it; without a terminal, read a line of standard input."""
    if sys.stdin.isatty():
        from getpass import getpass

        text = getpass(f"token for {url}: ").strip()
    else:
        text = sys.stdin.readline().strip()
    if not text:
        message = "no token given; whoever runs the service prints one with `farshot token create NAME`"
        raise InputError(message)
    return text


def logout() -> int:
    """Forget the stored login. The token stays good: only the service can revoke it."""
    forgotten = forget_login()
    typer.echo(f"{login_file()} is deleted; the token stays good until it is revoked" if forgotten else "not logged in")
    return DONE
