"""The commands and their options. Each command imports its work when it is called."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from farshot import __version__
from farshot.cli import options as opt
from farshot.cli.service_app import add_service_commands
from farshot.cli.service_options import Config, StoreUrl  # noqa: TC001 -- read at run time

app = typer.Typer(
    name="farshot",
    help="Run batches of quantum circuits as jobs. Exit status: 0 done, 1 some circuit failed, 2 usage, 130 Ctrl-C.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _show_version(is_wanted: bool) -> None:
    if is_wanted:
        typer.echo(f"farshot {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Take the options that stand before a command."""


@app.command()
def run(
    files: opt.Files = None,
    examples: opt.Examples = False,
    shots: opt.Shots = None,
    seed: opt.Seed = None,
    target: opt.TargetName = "auto",
    observable: opt.ObservableTerms = None,
    tag: opt.Tag = None,
    key: opt.Key = None,
    priority: opt.Priority = 0,
    validate: opt.Validate = False,
    workers: opt.Workers = None,
    circuit_timeout: opt.CircuitTimeout = None,
    job_timeout: opt.JobTimeout = None,
    data_dir: opt.DataDir = None,
    url: opt.Url = None,
    token: opt.TokenText = None,
    as_json: opt.AsJson = False,
    as_csv: opt.AsCsv = False,
) -> None:
    """Run circuits and show their results.

    They run on a service where one is named or stored by `farshot login`, else on this machine.

    A file's label is its name without the suffix, or its path where two would have the same. A circuit that
    cannot run fails alone: the others have their results, and the exit status is 1. Ctrl-C stops the work and
    keeps what is recorded.

    With --json: one object {"job_id", "status", "results": [{"label", "results", "metadata"} or {"label",
    "error"}]}. With --csv: a row for every outcome; a circuit that failed has one row with its error.
    """
    from farshot.cli.reports import form_of
    from farshot.cli.run import run

    form = form_of(as_json=as_json, as_csv=as_csv)
    batch = opt.BatchOptions(files or (), examples, shots, seed, target, observable or (), tag, key, priority, validate)
    limits = opt.TimeLimits(circuit_timeout=circuit_timeout, job_timeout=job_timeout)
    raise typer.Exit(run(batch, form, opt.Location(data_dir, url, token), workers, limits))


@app.command()
def submit(
    files: opt.Files = None,
    examples: opt.Examples = False,
    shots: opt.Shots = None,
    seed: opt.Seed = None,
    target: opt.TargetName = "auto",
    observable: opt.ObservableTerms = None,
    tag: opt.Tag = None,
    key: opt.Key = None,
    priority: opt.Priority = 0,
    validate: opt.Validate = False,
    job_timeout: opt.JobTimeout = None,
    data_dir: opt.DataDir = None,
    url: opt.Url = None,
    token: opt.TokenText = None,
    as_json: opt.AsJson = False,
) -> None:
    """Queue circuits as a job and print its id. A service runs it; on this machine `farshot work` does."""
    from farshot.cli.run import submit

    limits = opt.TimeLimits(job_timeout=job_timeout)
    batch = opt.BatchOptions(files or (), examples, shots, seed, target, observable or (), tag, key, priority, validate)
    raise typer.Exit(submit(batch, opt.Location(data_dir, url, token), limits, as_json=as_json))


@app.command()
def work(workers: opt.Workers = None, circuit_timeout: opt.CircuitTimeout = None, data_dir: opt.DataDir = None) -> None:
    """Run every job that is queued or was left behind, then end. Ctrl-C leaves the rest queued."""
    from farshot.cli.run import work

    raise typer.Exit(work(data_dir, workers, opt.TimeLimits(circuit_timeout=circuit_timeout)))


jobs_app = typer.Typer(invoke_without_command=True)
app.add_typer(jobs_app, name="jobs")


@jobs_app.callback()
def jobs(
    context: typer.Context,
    status: opt.Status = None,
    tag: Annotated[str | None, typer.Option("--tag", metavar="TEXT", help="Only jobs of this tag.")] = None,
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, help="How many at most.")] = 50,
    data_dir: opt.DataDir = None,
    url: opt.Url = None,
    token: opt.TokenText = None,
    as_json: opt.AsJson = False,
) -> None:
    """List jobs, the newest first. With --json: a list of objects."""
    from farshot.cli.jobs import jobs

    if context.invoked_subcommand is None:
        raise typer.Exit(jobs(opt.Location(data_dir, url, token), status, tag, limit, as_json=as_json))
    context.obj = opt.Location(data_dir, url, token)


@jobs_app.command()
def prune(
    context: typer.Context,
    older_than: opt.OlderThan,
    yes: opt.Yes = False,
    dry_run: opt.DryRun = False,
    store: StoreUrl = None,
    data_dir: opt.DataDir = None,
    url: opt.Url = None,
    token: opt.TokenText = None,
    as_json: opt.AsJson = False,
) -> None:
    """Delete the jobs that ended longer ago than that, with their circuits and results. Open jobs stay.

    After `farshot login` those are your own jobs of the service, else all of the store on this machine or of --store.
    """
    from farshot.cli.maintenance import DeleteOptions, prune

    outer: opt.Location = context.obj
    where = opt.Location(data_dir or outer.data_dir, url or outer.url, token or outer.token)
    options = DeleteOptions(agreed=yes, is_dry=dry_run, as_json=as_json)
    raise typer.Exit(prune(where, store, older_than, options))


@app.command()
def delete(
    job_ids: Annotated[
        list[str], typer.Argument(metavar="JOB...", help="Ids, or their beginnings.", show_default=False)
    ],
    yes: opt.Yes = False,
    dry_run: opt.DryRun = False,
    data_dir: opt.DataDir = None,
    url: opt.Url = None,
    token: opt.TokenText = None,
    as_json: opt.AsJson = False,
) -> None:
    """Delete jobs with their circuits and results; what runs of them is stopped."""
    from farshot.cli.maintenance import DeleteOptions, delete

    options = DeleteOptions(agreed=yes, is_dry=dry_run, as_json=as_json)
    raise typer.Exit(delete(opt.Location(data_dir, url, token), job_ids, options))


store_app = typer.Typer(no_args_is_help=True, help="Look after the store on this machine.")
app.add_typer(store_app, name="store")


@store_app.command("compact")
def compact_store(data_dir: opt.DataDir = None, as_json: opt.AsJson = False) -> None:
    """Give the space of deleted jobs back to the file system. Others wait meanwhile."""
    from farshot.cli.maintenance import compact

    raise typer.Exit(compact(data_dir, as_json=as_json))


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A new file; nothing is overwritten.")],
    data_dir: opt.DataDir = None,
) -> None:
    """Copy the store to FILE while it is used. To restore: copy FILE to farshot.sqlite3 in an empty folder."""
    from farshot.cli.maintenance import backup

    raise typer.Exit(backup(data_dir, file))


@app.command()
def adopt(data_dir: opt.DataDir = None) -> None:
    """Make a moved or copied store this machine's.

    The machine that it came from must not use it any more.
    """
    from farshot.cli.maintenance import adopt

    raise typer.Exit(adopt(data_dir))


@app.command()
def status(
    job_id: opt.JobId,
    data_dir: opt.DataDir = None,
    url: opt.Url = None,
    token: opt.TokenText = None,
    as_json: opt.AsJson = False,
) -> None:
    """Show where a job stands."""
    from farshot.cli.jobs import status

    raise typer.Exit(status(opt.Location(data_dir, url, token), job_id, as_json=as_json))


@app.command()
def export(
    job_id: opt.JobId,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty folder.")],
    data_dir: opt.DataDir = None,
    url: opt.Url = None,
    token: opt.TokenText = None,
    as_json: opt.AsJson = False,
) -> None:
    """Write the circuits of a job into DIR, one file each, and their labels and options into DIR/batch.json.

    `farshot run DIR/batch.json` then gives the same results again, as the seed is among the options.
    """
    from farshot.cli.batch_folder import export

    raise typer.Exit(export(opt.Location(data_dir, url, token), job_id, folder, as_json=as_json))


@app.command()
def watch(job_id: opt.JobId, data_dir: opt.DataDir = None, url: opt.Url = None, token: opt.TokenText = None) -> None:
    """Follow a job until it has ended. Ctrl-C ends the watching; the job goes on."""
    from farshot.cli.jobs import watch

    raise typer.Exit(watch(opt.Location(data_dir, url, token), job_id))


@app.command()
def results(
    job_id: opt.JobId,
    partial: Annotated[bool, typer.Option("--partial", help="Also while the job is open: what there is.")] = False,
    limit: Annotated[
        int | None, typer.Option("--limit", metavar="N", min=1, help="How many circuits of the table at most.")
    ] = None,
    data_dir: opt.DataDir = None,
    url: opt.Url = None,
    token: opt.TokenText = None,
    as_json: opt.AsJson = False,
    as_csv: opt.AsCsv = False,
) -> None:
    """Print the results of a job, in the same forms as `farshot run`.

    On a terminal a long table is shown by your pager: that of the variable PAGER, or less.
    """
    from farshot.cli.jobs import results
    from farshot.cli.reports import form_of

    form = form_of(as_json=as_json, as_csv=as_csv)
    raise typer.Exit(results(opt.Location(data_dir, url, token), job_id, form, limit=limit, partial=partial))


@app.command()
def cancel(
    job_ids: Annotated[
        list[str] | None,
        typer.Argument(metavar="ID", help="Jobs by id, or by its first 4 characters or more.", show_default=False),
    ] = None,
    tag: Annotated[str | None, typer.Option("--tag", metavar="TEXT", help="Every open job of this tag.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Every open job; asks first.")] = False,
    yes: opt.Yes = False,
    data_dir: opt.DataDir = None,
    url: opt.Url = None,
    token: opt.TokenText = None,
    as_json: opt.AsJson = False,
) -> None:
    """Cancel jobs and stop what runs of them; recorded results stay. A job that has ended stays as it is."""
    from farshot.cli.jobs import cancel

    where = opt.Location(data_dir, url, token)
    raise typer.Exit(cancel(where, job_ids or [], tag, every=every, agreed=yes, as_json=as_json))


add_service_commands(app)


@app.command()
def targets(
    url: opt.Url = None, token: opt.TokenText = None, here: opt.Here = False, as_json: opt.AsJson = False
) -> None:
    """List what circuits can run on: at the service you are logged in at, else on this machine.

    What is missing comes with the command that installs it.
    """
    from farshot.cli.targets import show_targets

    where = opt.Location(Path() if here else None, url, token)
    raise typer.Exit(show_targets(where, as_json=as_json))


@app.command()
def doctor(
    config: Config = None,
    data_dir: opt.DataDir = None,
    url: opt.Url = None,
    token: opt.TokenText = None,
    as_json: opt.AsJson = False,
) -> None:
    """Check that Farshot works here, and show the settings.

    Of each setting it says what is in force and where that came from.
    """
    from farshot.cli.doctor import doctor

    raise typer.Exit(doctor(opt.Location(data_dir, url, token), config, as_json=as_json))
