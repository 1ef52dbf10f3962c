"""Jobs as folders: the circuits as files, and `batch.json` with labels and options, which `run` takes."""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from farshot.cli.backends import find_job, open_jobs
from farshot.cli.cell_texts import count_of
from farshot.cli.data_output import json_options, write_json
from farshot.cli.error_output import DONE, InputError
from farshot.cli.inputs import text_of
from farshot.cli.messages import note

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from farshot.cli.options import Location


BATCH = "batch.json"
_PLAIN_LABEL = re.compile(r"\w[\w.-]{0,99}", re.ASCII)


def export(where: Location, given: str, folder: Path, *, as_json: bool) -> int:
    """Write the circuits and options of a job into a new or empty folder."""
    with open_jobs(where) as backend:
        job_id = find_job(backend, given)
        options, circuits = backend.options(job_id), backend.circuits(job_id)
        files = file_names(circuits)
        document = {"job_id": job_id, "options": json_options(options), "circuits": files}
        with _writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
            if any(folder.iterdir()):
                message = f"{str(folder)!r} is not empty: name a new folder, nothing is overwritten"
                raise InputError(message)
        for label, name in files.items():
            with _writing(folder / name):
                (folder / name).write_bytes(circuits[label].encode("utf-8", "surrogatepass"))
        with _writing(folder / BATCH):
            (folder / BATCH).write_bytes(json.dumps(document, indent=1).encode())
    if as_json:
        write_json({"job_id": job_id, "folder": str(folder), "circuits": len(files)})
    else:
        typer.echo(str(folder / BATCH))
        note(f"{count_of(len(files), 'circuit')} written; `farshot run {folder / BATCH}` gives the same results again")
    return DONE


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Raise `InputError` if `path` cannot be written in this context."""
    try:
        yield
    except OSError as error:
        message = f"{str(path)!r} cannot be written: {error.strerror}"
        raise InputError(message) from error


def file_names(labels: Iterable[str]) -> dict[str, str]:
    """Return a file name for each label: the label itself if that is a plain word and still free.

    >>> file_names(["bell", "Bell", "a/b"])
    {'bell': 'bell.qasm', 'Bell': 'circuit-1.qasm', 'a/b': 'circuit-2.qasm'}
    """
    names: dict[str, str] = {}
    taken: set[str] = set()
    for position, label in enumerate(labels):
        is_plain = _PLAIN_LABEL.fullmatch(label) and not label.startswith("circuit-") and label.casefold() not in taken
        names[label] = f"{label if is_plain else f'circuit-{position}'}.qasm"
        taken.add(label.casefold())
    return names


def is_batch(files: Sequence[str]) -> bool:
    """Return whether `files` is the one file of an exported batch."""
    return len(files) == 1 and Path(files[0]).name == BATCH


def read_batch(name: str) -> tuple[dict[str, str], dict[str, Any]]:
    """Return the circuits by label and the options of an exported batch; raises `InputError`."""
    path = Path(name)
    try:
        document = json.loads(path.read_bytes())
        files, options = dict(document["circuits"]), dict(document["options"])
        circuits = {label: text_of(_file_beside(path.parent, file).read_bytes()) for label, file in files.items()}
        return circuits, options | {"seed": int(options["seed"])}
    except OSError as error:
        message = f"{error.filename!r} cannot be read: {error.strerror}"
        raise InputError(message) from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        message = f"{name!r} is no batch that `farshot export` wrote: {error!r:.200}"
        raise InputError(message) from error


def _file_beside(folder: Path, file: object) -> Path:
    name = str(file)
    if Path(name).name != name:
        message = f"{name!r} is no file beside it"
        raise ValueError(message)
    return folder / name


def chosen_options(exported: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the exported options, with those given on the command line in their place."""
    changes = {name: value for name, value in given.items() if value not in {None, False, "auto"}}
    left_out = {"shots", "shot_groups"} if "shots" in changes else set()
    left_out |= {"ham_ops", "circuit_ham_map"} if "ham_ops" in changes else set()
    return {name: value for name, value in exported.items() if name not in left_out} | changes
