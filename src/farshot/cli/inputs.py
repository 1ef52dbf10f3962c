"""From what the user names on the command line to labelled circuits."""

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
"""The endings of circuits in a folder, in capitals too."""
_ENDINGS = " or ".join((", ".join(_SUFFIXES[:-1]), _SUFFIXES[-1]))
_MOST_BYTES = 64 * 2**20


@dataclass(frozen=True, slots=True)
class _Source:
    """One circuit's text: the names it may go by, shortest first, and how to read it."""

    names: tuple[str, ...]
    read: Callable[[], bytes]


def circuits(arguments: Sequence[str], *, examples: bool = False) -> dict[str, str]:
    """Return label and text of every circuit that `arguments` name, in order; raises `InputError`."""
    sources = [*(_examples() if examples else ()), *_given(arguments)]
    if not sources:
        message = "no circuits named: give .qasm files, folders, quoted '*.qasm' patterns, - or --examples"
        raise InputError(message)
    labels = unique_labels([source.names for source in sources])
    return {label: text_of(source.read()) for label, source in zip(labels, sources, strict=True)}


def text_of(data: bytes) -> str:
    """Return UTF-8 text. Other bytes become lone surrogates, which fail that circuit alone.

    >>> text_of(b"h q[0];")
    'h q[0];'
    """
    return data.decode("utf-8-sig", "surrogateescape")


def unique_labels(names: Sequence[tuple[str, ...]]) -> list[str]:
    """Return one label for each source: the first of its names that nobody else goes by.

    >>> unique_labels([("bell", "a/bell.qasm"), ("bell", "b/bell.qasm"), ("ghz", "a/ghz.qasm")])
    ['a/bell.qasm', 'b/bell.qasm', 'ghz']
    """
    chosen = [0] * len(names)
    while clashing := _clashes(names, chosen):
        movable = [index for index in clashing if chosen[index] + 1 < len(names[index])]
        if not movable:
            message = f"two circuits have the label {names[clashing[0]][-1]!r}: rename one of the files"
            raise InputError(message)
        for index in movable:
            chosen[index] += 1
    return [options[position] for options, position in zip(names, chosen, strict=True)]


def _clashes(names: Sequence[tuple[str, ...]], chosen: Sequence[int]) -> list[int]:
    labels = [options[position] for options, position in zip(names, chosen, strict=True)]
    uses = Counter(labels)
    return [index for index, label in enumerate(labels) if uses[label] > 1]


def _examples() -> Iterator[_Source]:
    for entry in sorted(files("farshot").joinpath("examples").iterdir(), key=lambda entry: entry.name):
        if entry.name.endswith(_SUFFIX):
            yield _Source((entry.name.removesuffix(_SUFFIX), f"examples/{entry.name}"), entry.read_bytes)


def _given(arguments: Sequence[str]) -> Iterable[_Source]:
    """Return each file once, also where a folder and a pattern both hold it."""
    found: dict[str, _Source] = {}
    for argument in arguments:
        if argument == "-":
            found.setdefault("-", _Source(("stdin",), partial(sys.stdin.buffer.read, _MOST_BYTES)))
            continue
        for path in expand(argument):
            found.setdefault(_whole(path), _file_source(path))
    return found.values()


def _file_source(path: Path) -> _Source:
    names = (path.stem, path.as_posix(), _whole(path))
    return _Source(tuple(_shown(name) for name in names), partial(_read, path))


def _whole(path: Path) -> str:
    return os.path.normpath(path.absolute())


def _shown(name: str) -> str:
    """Return a file's name as valid Unicode, whatever its bytes are."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def expand(argument: str) -> list[Path]:
    """Return the files that one argument names; raises `InputError` where there is none."""
    path = Path(argument)
    if argument and _exists(path):
        return _files_of(path) or _refuse(f"no {_ENDINGS} file in the folder {argument!r} or below it")
    if glob.has_magic(argument):
        matches = sorted(glob.glob(argument, recursive=True))  # noqa: PTH207 -- the pattern may be absolute
        return list(chain.from_iterable(_files_of(Path(match)) for match in matches)) or _refuse(
            f"nothing matches the pattern {argument!r}"
        )
    return _refuse(_missing(argument, path))


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return False


def _files_of(path: Path) -> list[Path]:
    """Return a file itself, or the circuits below a folder, sorted."""
    if not path.is_dir():
        return [path]
    walk = os.walk(path, onerror=_unreadable)
    return sorted(Path(root, name) for root, _, names in walk for name in names if name.lower().endswith(_SUFFIXES))


def _refuse(message: str) -> list[Path]:
    raise InputError(message)


def _unreadable(error: OSError) -> None:
    message = f"{error.filename!r} cannot be read: {error.strerror}"
    raise InputError(message) from error


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_MOST_BYTES)
    except OSError as error:
        message = f"{str(path)!r} cannot be read: {error.strerror}"
        raise InputError(message) from error


def _missing(argument: str, path: Path) -> str:
    if not _exists(path.parent):
        return f"no file {argument!r}: there is no folder {str(path.parent)!r}"
    if near := _nearest(path.name, _names_in(path.parent)):
        return f"no file {argument!r}; did you mean {str(path.with_name(near))!r}?"
    return f"no file {argument!r}; give .qasm files, folders, quoted '*.qasm' patterns, or - for standard input"


def _names_in(folder: Path) -> list[str]:
    try:
        return sorted(entry.name for entry in folder.iterdir())
    except OSError:
        return []


def _nearest(wanted: str, names: list[str]) -> str | None:
    if not wanted:
        return None
    if wanted + _SUFFIX in names:
        return wanted + _SUFFIX
    by_stem = {name.removesuffix(_SUFFIX): name for name in names}
    near = get_close_matches(wanted.removesuffix(_SUFFIX), by_stem, n=1)
    return by_stem[near[0]] if near else None
