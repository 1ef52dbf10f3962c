"""The backends that all of a process share: those of `farshot.run` and of unpickled jobs.

Each is opened when it is first needed and closed at the end of the program; a forked process opens its own.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any, TypeVar

from farshot.config import data_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from farshot.backends.base import Backend
    from farshot.backends.jobs import Job
    from farshot.backends.local import LocalBackend
    from farshot.backends.remote import RemoteBackend
    from farshot.templates.template import Template


_Backend = TypeVar("_Backend", bound="Backend")
_lock = threading.Lock()
_open: dict[tuple[object, ...], Backend] = {}


def run(circuits: Mapping[str, str] | Template | str, **options: Any) -> Job:  # noqa: ANN401 -- those of submit_circuits
    """Submit circuits to the backend on this machine that the process shares, and return the job.

    `circuits` is a mapping of label to OpenQASM, a `farshot.Template`, or one text alone, whose label is `circuit`. The
    options are those of `LocalBackend.submit_circuits`: `shots`, `seed`, `ham_ops`, `target` and the rest.

    `job.result()` waits for the job, and Ctrl-C cancels it then. If the program ends without waiting, the job stays in
    the store, and the next backend of this user runs the rest of it.
    """
    return shared_local().run(circuits, **options)


def shared_local(data_dir: str | None = None, workers: int | None = None) -> LocalBackend:
    """Return the shared backend of a folder."""
    from farshot.backends.local import LocalBackend

    folder = str(data_folder(data_dir))
    return _shared(("local", folder, workers), lambda: LocalBackend(data_dir=folder, workers=workers))


def shared_remote(url: str) -> RemoteBackend:
    """Return the shared backend of a service, with the token of this machine."""
    from farshot.backends.remote import RemoteBackend

    return _shared(("remote", url), lambda: RemoteBackend(url))


def _shared(key: tuple[object, ...], open_backend: Callable[[], _Backend]) -> _Backend:
    with _lock:
        place = (os.getpid(), *key)
        if place not in _open:
            _open[place] = open_backend()
        return _open[place]  # type: ignore[return-value]  # the key implies the class


def _after_fork() -> None:
    """Replace the lock, which a thread of the parent may hold."""
    global _lock  # noqa: PLW0603 -- a forked process has no threads that could release it
    _lock = threading.Lock()


os.register_at_fork(after_in_child=_after_fork)
