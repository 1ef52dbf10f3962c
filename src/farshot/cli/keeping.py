"""`jobs prune`, `backup`, `adopt`: what looks after the store on this machine."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import typer

from farshot.cli.data import write_json
from farshot.cli.failures import DONE, InputError
from farshot.cli.texts import count_of, printable
from farshot.config import data_folder
from farshot.store import FILE_NAME, SqlStore, open_engine, sqlite_url

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["adopt", "backup", "prune"]


def prune(data_dir: Path | None, older_than: float, *, as_json: bool) -> int:
    """Delete jobs that ended more than `older_than` seconds ago."""
    with closing(_open(data_dir)) as store:
        deleted = store.prune(older_than)
    if as_json:
        write_json({"deleted": deleted})
    else:
        typer.echo(f"{count_of(deleted, 'job')} deleted")
    return DONE


def backup(data_dir: Path | None, file: Path) -> int:
    """Copy the store to a new file."""
    with closing(_open(data_dir)) as store:
        store.backup(file.expanduser().absolute())
    typer.echo(
        f"the store is copied to {printable(str(file))}; to use the copy, put it as {FILE_NAME} in an empty folder"
    )
    return DONE


def adopt(data_dir: Path | None) -> int:
    """Make the store this machine's."""
    with closing(_open(data_dir, adopting=True)):
        typer.echo(f"the store in {printable(str(data_folder(data_dir)))} is this machine's")
    return DONE


def _open(data_dir: Path | None, *, adopting: bool = False) -> SqlStore:
    folder = data_folder(data_dir)
    if not folder.is_file() and not (folder / FILE_NAME).exists():
        message = f"there is no store in {folder}: give the folder of one with --data-dir"
        raise InputError(message)
    return SqlStore(open_engine(sqlite_url(folder), adopting=adopting))
