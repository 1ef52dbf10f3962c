"""The commands around a service and their options: serve, its users and tokens, login."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Annotated

import typer

from farshot.cli.error_output import InputError
from farshot.cli.options import AsJson, Location, TokenText, Url, option
from farshot.cli.service_options import AccountOptions, Config, Expires, StoreDir, StoreUrl, load_settings


def add_service_commands(app: typer.Typer) -> None:
    """Add the commands of this module to `app`."""
    app.command()(serve)
    app.add_typer(_token_app, name="token")
    app.add_typer(_user_app, name="user")
    app.command()(login)
    app.command()(logout)


def serve(
    config: Config = None,
    host: Annotated[str | None, option("NAME", "Where to listen. [default: 127.0.0.1]")] = None,
    port: Annotated[str | None, option("N", "0 takes a free one. [default: 8080]")] = None,
    data_dir: StoreDir = None,
    store: StoreUrl = None,
    workers: Annotated[str | None, option("N", "Worker processes. [default: one a core]")] = None,
    executor: Annotated[str | None, option("NAME", "What runs circuits: local.")] = None,
    tls_cert: Annotated[str | None, option("FILE", "Speak TLS with this certificate (PEM).")] = None,
    tls_key: Annotated[str | None, option("FILE", "Its key, if in a file of its own.")] = None,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Serve other machines without TLS: a proxy in front speaks it.")
    ] = False,
    grace: Annotated[str | None, option("TIME", "What running circuits have at the end. [default: 10s]")] = None,
    target: Annotated[
        list[str] | None, option("NAME[,circuit_timeout=TIME]", "Offer this target only. Repeatable. [default: all]")
    ] = None,
    memory_limit: Annotated[
        str | None, option("SIZE", "Memory of a worker, as in 4GiB. [default: a fair share]")
    ] = None,
    circuit_timeout: Annotated[str | None, option("TIME", "Give up a circuit after this long. [default: 1h]")] = None,
    job_timeout: Annotated[str | None, option("TIME", "Give up a job this long after its start.")] = None,
    max_body: Annotated[str | None, option("SIZE", "The largest request. [default: 16MiB]")] = None,
    shots: Annotated[str | None, option("N", "Shots of a circuit whose job gives none. [default: 1000]")] = None,
    queued_circuits: Annotated[str | None, option("N", "Each user: circuits that wait or run. [default: any]")] = None,
    running_shards: Annotated[str | None, option("N", "Each user: shards at a time. [default: any]")] = None,
    shots_per_day: Annotated[str | None, option("N", "Each user: shots in 24 hours. [default: any]")] = None,
    stored_bytes: Annotated[str | None, option("SIZE", "Each user: what is stored. [default: any]")] = None,
    keep_jobs: Annotated[str | None, option("TIME", "Delete jobs this long after their end. [default: never]")] = None,
    keep_uploads: Annotated[str | None, option("TIME", "Delete uploads this long unfinished. [default: 1d]")] = None,
    log_format: Annotated[str | None, option("FORM", "The log on stderr: text or json. [default: text]")] = None,
) -> None:
    """Serve jobs over HTTP.

    Unless told: to this machine only, on port 8080, with the jobs in your data folder. Ctrl-C or SIGTERM stops it;
    what has not ended stays queued for the next start.

    Every option is also a setting of a TOML file and of the environment: --port is `port` in [server] and
    FARSHOT_SERVER_PORT. Flags come before the environment, that before the file. `farshot doctor` shows what is in
    force.
    """
    given = locals()
    raise typer.Exit(_serve_module().run_service(load_settings(config, given), config))


def _serve_module() -> ModuleType:
    """Return the module that runs a service; raises `InputError` if its extra is not installed."""
    try:
        from farshot.cli import serve
    except ModuleNotFoundError as error:
        if str(error.name).startswith("farshot"):
            raise
        message = f"`farshot serve` needs the package {error.name}: pip install 'farshot[server]'"
        raise InputError(message) from error
    return serve


_token_app = typer.Typer(
    no_args_is_help=True,
    help="Say who may use a service: on its store, also while it runs, or from afar with --url and an admin's token.",
)


@_token_app.command("create")
def create_token(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The user; made where there is none of that name.")],
    admin: Annotated[
        bool | None,
        typer.Option("--admin/--no-admin", help="The user sees everybody's jobs, or its own only.", show_default=False),
    ] = None,
    expires: Expires = None,
    data_dir: StoreDir = None,
    store: StoreUrl = None,
    config: Config = None,
    url: Url = None,
    token: TokenText = None,
    as_json: AsJson = False,
) -> None:
    """Print a new token for a user.

    It is shown this once: the store keeps only what it takes to check it.
    """
    from farshot.cli.users import create_token

    options = _account_options(config, data_dir, store, url, token)
    raise typer.Exit(create_token(options, name, expires, admin=admin, as_json=as_json))


def _account_options(
    config: Path | None, data_dir: str | None, store: str | None, url: str | None, token: str | None
) -> AccountOptions:
    if url and (config or data_dir or store):
        message = "--url is for a service; --data-dir, --store and --config are for a store: give one of them"
        raise InputError(message)
    return AccountOptions(config, data_dir, store, Location(url=url, token=token))


@_token_app.command("list")
def list_tokens(
    data_dir: StoreDir = None,
    store: StoreUrl = None,
    config: Config = None,
    url: Url = None,
    token: TokenText = None,
    as_json: AsJson = False,
) -> None:
    """List tokens: their ids, whose they are, whether they are good."""
    from farshot.cli.users import list_tokens

    raise typer.Exit(list_tokens(_account_options(config, data_dir, store, url, token), as_json=as_json))


@_token_app.command("revoke")
def revoke_token(
    token_id: Annotated[str, typer.Argument(metavar="ID", help="The token's id; see `farshot token list`.")],
    data_dir: StoreDir = None,
    store: StoreUrl = None,
    config: Config = None,
    url: Url = None,
    token: TokenText = None,
    as_json: AsJson = False,
) -> None:
    """Make a token worthless. A running service heeds that within two seconds."""
    from farshot.cli.users import revoke_token

    options = _account_options(config, data_dir, store, url, token)
    raise typer.Exit(revoke_token(options, token_id, as_json=as_json))


_user_app = typer.Typer(
    no_args_is_help=True,
    help="Look at the users of a service, and limit them: on its store, or from afar with --url and an admin's token.",
)


@_user_app.command("list")
def list_users(
    data_dir: StoreDir = None,
    store: StoreUrl = None,
    config: Config = None,
    url: Url = None,
    token: TokenText = None,
    as_json: AsJson = False,
) -> None:
    """List users, their roles, and the limits that are theirs alone."""
    from farshot.cli.users import list_users

    raise typer.Exit(list_users(_account_options(config, data_dir, store, url, token), as_json=as_json))


@_user_app.command("usage")
def show_usage(
    data_dir: StoreDir = None,
    store: StoreUrl = None,
    config: Config = None,
    url: Url = None,
    token: TokenText = None,
    as_json: AsJson = False,
) -> None:
    """Show who uses how much: circuits that wait or run, shards that run, shots of a day, bytes."""
    from farshot.cli.users import show_usage

    raise typer.Exit(show_usage(_account_options(config, data_dir, store, url, token), as_json=as_json))


@_user_app.command("limit")
def limit_user(
    name: Annotated[str, typer.Argument(metavar="NAME")],
    queued_circuits: Annotated[str | None, option("N", "Circuits that wait or run.")] = None,
    running_shards: Annotated[str | None, option("N", "Shards that run at a time.")] = None,
    shots_per_day: Annotated[str | None, option("N", "Shots in 24 hours.")] = None,
    stored_bytes: Annotated[str | None, option("SIZE", "What is stored, as in 10GiB.")] = None,
    data_dir: StoreDir = None,
    store: StoreUrl = None,
    config: Config = None,
    url: Url = None,
    token: TokenText = None,
    as_json: AsJson = False,
) -> None:
    """Give a user limits of its own. What is not given stays; 'default' is what the service gives everybody."""
    from farshot.cli.users import limit_user

    given = {
        "queued_circuits": queued_circuits,
        "running_shards": running_shards,
        "shots_per_day": shots_per_day,
        "stored_bytes": stored_bytes,
    }
    options = _account_options(config, data_dir, store, url, token)
    raise typer.Exit(limit_user(options, name, given, as_json=as_json))


def login(
    url: Annotated[str, typer.Argument(metavar="URL", help="As in http://lab:8080.")], token: TokenText = None
) -> None:
    """Use a service from now on.

    A token is checked there and kept for the other commands. Without --token it is asked for and not shown, or read
    from standard input.
    """
    from farshot.cli.login import login

    raise typer.Exit(login(url, token))


def logout() -> None:
    """Forget the stored login: work on this machine again."""
    from farshot.cli.login import logout

    raise typer.Exit(logout())
