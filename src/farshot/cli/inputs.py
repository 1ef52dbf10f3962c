"""Labelled circuits from the files, folders and patterns that the user names."""

from __future__ import annotations

import glob
import os
import sys
from collections import Counter
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial
from importlib.resources import files
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from farshot.cli.error_output import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence


_SUFFIX = ".qasm"
_SUFFIXES = (_SUFFIX, ".qasm2", ".qasm3")
"""The endings of circuit files in a folder; capitals count too."""
_ENDINGS = " or ".join((", ".join(_SUFFIXES[:-1]), _SUFFIXES[-1]))
_MAX_BYTES = 64 * 2**20


@dataclass(frozen=True, slots=True)
class _Source:
    """One circuit to read: its possible labels, shortest first, and a function that reads it."""

    names: tuple[str, ...]
    read: Callable[[], bytes]


def circuits(arguments: Sequence[str], *, examples: bool = False) -> dict[str, str]:
    """Return the text of every circuit that `arguments` name, by label and in order; raises `InputError`."""
    sources = [*(_example_sources() if examples else ()), *_named_sources(arguments)]
    if not sources:
        message = "no circuits named: give .qasm files, folders, quoted '*.qasm' patterns, - or --examples"
        raise InputError(message)
    labels = unique_labels([source.names for source in sources])
    return {label: text_of(source.read()) for label, source in zip(labels, sources, strict=True)}


def text_of(data: bytes) -> str:
    """Return `data` as UTF-8. Other bytes become lone surrogates, which fail that circuit alone.

    >>> text_of(b"h q[0];")
    'h q[0];'
    """
    return data.decode("utf-8-sig", "surrogateescape")


def unique_labels(names: Sequence[tuple[str, ...]]) -> list[str]:
    """Return one label for each source: the first of its names that no other source has.

    >>> unique_labels([("bell", "a/bell.qasm"), ("bell", "b/bell.qasm"), ("ghz", "a/ghz.qasm")])
    ['a/bell.qasm', 'b/bell.qasm', 'ghz']
    """
    chosen = [0] * len(names)
    while True:
        labels = [options[position] for options, position in zip(names, chosen, strict=True)]
        uses = Counter(labels)
        clashing = [index for index, label in enumerate(labels) if uses[label] > 1]
        if not clashing:
            return labels
        movable = [index for index in clashing if chosen[index] + 1 < len(names[index])]
        if not movable:
            message = f"two circuits have the label {names[clashing[0]][-1]!r}: rename one of the files"
            raise InputError(message)
        for index in movable:
            chosen[index] += 1


def _example_sources() -> Iterator[_Source]:
    for entry in sorted(files("farshot").joinpath("examples").iterdir(), key=lambda entry: entry.name):
        if entry.name.endswith(_SUFFIX):
            yield _Source((entry.name.removesuffix(_SUFFIX), f"examples/{entry.name}"), entry.read_bytes)


def _named_sources(arguments: Sequence[str]) -> Iterable[_Source]:
    """Return each file once, also if a folder and a pattern both hold it."""
    found: dict[str, _Source] = {}
    for argument in arguments:
        if argument == "-":
            found.setdefault("-", _Source(("stdin",), partial(sys.stdin.buffer.read, _MAX_BYTES)))
            continue
        for path in expand(argument):
            found.setdefault(_absolute(path), _file_source(path))
    return found.values()


def _file_source(path: Path) -> _Source:
    """Return a file as a source. Its names are valid Unicode, whatever their bytes are."""
    names = (path.stem, path.as_posix(), _absolute(path))
    labels = tuple(os.fsencode(name).decode("utf-8", "backslashreplace") for name in names)
    return _Source(labels, partial(_read_file, path))


def _absolute(path: Path) -> str:
    return os.path.normpath(path.absolute())


def expand(argument: str) -> list[Path]:
    """Return the files that one argument names; raises `InputError` if there is none."""
    path = Path(argument)
    if argument and _exists(path):
        found = _files_of(path)
        message = f"no {_ENDINGS} file in the folder {argument!r} or below it"
    elif glob.has_magic(argument):
        matches = sorted(glob.glob(argument, recursive=True))  # noqa: PTH207 -- the pattern may be absolute
        found = list(chain.from_iterable(_files_of(Path(match)) for match in matches))
        message = f"nothing matches the pattern {argument!r}"
    else:
        found = []
        message = _missing_file(argument, path)
    if not found:
        raise InputError(message)
    return found


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return False


def _files_of(path: Path) -> list[Path]:
    """Return a file itself, or the circuits below a folder, sorted."""
    if not path.is_dir():
        return [path]
    walk = os.walk(path, onerror=_raise_unreadable)
    return sorted(Path(root, name) for root, _, names in walk for name in names if name.lower().endswith(_SUFFIXES))


def _raise_unreadable(error: OSError) -> None:
    message = f"{error.filename!r} cannot be read: {error.strerror}"
    raise InputError(message) from error


def _read_file(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_MAX_BYTES)
    except OSError as error:
        message = f"{str(path)!r} cannot be read: {error.strerror}"
        raise InputError(message) from error


def _missing_file(argument: str, path: Path) -> str:
    """Return the message that there is no such file, with the name that is nearest."""
    if not _exists(path.parent):
        return f"no file {argument!r}: there is no folder {str(path.parent)!r}"
    if near := _nearest_name(path.name, _names_in(path.parent)):
        return f"no file {argument!r}; did you mean {str(path.with_name(near))!r}?"
    return f"no file {argument!r}; give .qasm files, folders, quoted '*.qasm' patterns, or - for standard input"


def _names_in(folder: Path) -> list[str]:
    try:
        return sorted(entry.name for entry in folder.iterdir())
    except OSError:
        return []


def _nearest_name(wanted: str, names: list[str]) -> str | None:
    if not wanted:
        return None
    if wanted + _SUFFIX in names:
        return wanted + _SUFFIX
    by_stem = {name.removesuffix(_SUFFIX): name for name in names}
    near = get_close_matches(wanted.removesuffix(_SUFFIX), by_stem, n=1)
    return by_stem[near[0]] if near else None
