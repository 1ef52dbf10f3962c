"""`delete`, `jobs prune`, `store compact`, `backup`, `adopt`: the upkeep of a store, or of one's jobs at a service."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import typer

from farshot.cli.backends import LONG_RETRY_SECONDS, find_job, open_jobs, service_of
from farshot.cli.cell_texts import bytes_text, count_of, printable
from farshot.cli.data_output import write_json
from farshot.cli.error_output import DONE, InputError
from farshot.cli.messages import is_confirmed
from farshot.config import data_folder
from farshot.errors import UnknownJobError
from farshot.store import FILE_NAME, SqlStore, open_engine, sqlite_url, store_exists

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from farshot.backends.base import Backend
    from farshot.cli.options import Location
    from farshot.config.login import Service
    from farshot.model import JobRecord


_MAX_JOBS = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteOptions:
    """The options of a deletion."""

    agreed: bool
    """True to delete without a question."""
    is_dry: bool
    """True to count the jobs and delete none."""
    as_json: bool


def prune(where: Location, store: str | None, older_than: float, options: DeleteOptions) -> int:
    """Delete jobs that ended more than `older_than` seconds ago: those of a store, or one's own of a service."""
    service = service_of(where) if store is None else None
    if service:
        return _prune_service(where, service, older_than, options)
    with closing(_open_folder(where.data_dir) if store is None else _open_address(store, where)) as jobs:
        found = jobs.ended(older_than)
        if options.is_dry:
            return _print_count(found, "would be deleted", options)
        action = f"delete {count_of(found, 'job')} with circuits and results"
        if found and not is_confirmed(action, agreed=options.agreed):
            return DONE
        return _print_count(jobs.prune(older_than), "deleted", options)


def _open_address(store: str, where: Location) -> SqlStore:
    """Return the store at an address; raises `InputError` if there is none."""
    if where.url or where.token or where.data_dir:
        message = (
            "--store names a store; --url and --token are for a service, --data-dir for a folder: give one of them"
        )
        raise InputError(message)
    if not store_exists(store):
        message = "there is no store at the address of --store; is it that of another database?"
        raise InputError(message)
    return SqlStore(open_engine(store))


def _prune_service(where: Location, service: Service, older_than: float, options: DeleteOptions) -> int:
    """Delete the user's own jobs, also if the user sees those of others."""
    from farshot.cli.service_queries import who_am_i

    owner, before = who_am_i(service).name, datetime.now(UTC) - timedelta(seconds=older_than)
    with open_jobs(where, retry_seconds=LONG_RETRY_SECONDS) as backend:
        records = (record for record in backend.records(limit=_MAX_JOBS) if record.owner == owner)
        ended = [record.id for record in records if _ended_before(record, before)]
        if options.is_dry:
            return _print_count(len(ended), "would be deleted", options)
        action = f"delete {count_of(len(ended), 'job')} of {owner} at {service.url} with circuits and results"
        if ended and not is_confirmed(action, agreed=options.agreed):
            return DONE
        return _print_count(sum(_is_deleted(backend, job_id) for job_id in ended), "deleted", options)


def _ended_before(record: JobRecord, before: datetime) -> bool:
    return record.finished_at is not None and record.finished_at < before


def _is_deleted(backend: Backend, job_id: str) -> bool:
    try:
        backend.delete(job_id)
    except UnknownJobError:  # deleted by another process meanwhile
        return False
    return True


def delete(where: Location, given: Sequence[str], options: DeleteOptions) -> int:
    """Delete jobs with their circuits and results; one that runs is stopped."""
    with open_jobs(where) as backend:
        found = list(dict.fromkeys(find_job(backend, job_id) for job_id in given))
        open_ones = sum(not backend.record(job_id).status.is_terminal for job_id in found)
        action = f"delete {count_of(len(found), 'job')}" + (f", {open_ones} of them open" if open_ones else "")
        if options.is_dry:
            return _print_count(len(found), "would be deleted", options)
        if not is_confirmed(action, agreed=options.agreed):
            return DONE
        return _print_count(sum(_is_deleted(backend, job_id) for job_id in found), "deleted", options)


def compact(data_dir: Path | None, *, as_json: bool) -> int:
    """Give the space of deleted jobs back to the file system."""
    with closing(_open_folder(data_dir)) as store:
        freed = store.compact()
    if as_json:
        write_json({"freed": freed})
    else:
        typer.echo(f"{bytes_text(freed)} given back")
    return DONE


def _print_count(deleted: int, outcome: str, options: DeleteOptions) -> int:
    if options.as_json:
        write_json({outcome.replace(" ", "_"): deleted})
    else:
        typer.echo(f"{count_of(deleted, 'job')} {outcome}")
    return DONE


def backup(data_dir: Path | None, file: Path) -> int:
    """Copy the store to a new file."""
    with closing(_open_folder(data_dir)) as store:
        store.backup(file.expanduser().absolute())
    typer.echo(
        f"the store is copied to {printable(str(file))}; to use the copy, put it as {FILE_NAME} in an empty folder"
    )
    return DONE


def adopt(data_dir: Path | None) -> int:
    """Make the store this machine's."""
    with closing(_open_folder(data_dir, adopting=True)):
        typer.echo(f"the store in {printable(str(data_folder(data_dir)))} is this machine's")
    return DONE


def _open_folder(data_dir: Path | None, *, adopting: bool = False) -> SqlStore:
    """Return the store in a folder of this machine; raises `InputError` if there is none."""
    folder = data_folder(data_dir)
    if not folder.is_file() and not (folder / FILE_NAME).exists():
        message = f"there is no store in {folder}: give the folder of one with --data-dir"
        raise InputError(message)
    return SqlStore(open_engine(sqlite_url(folder), adopting=adopting))
