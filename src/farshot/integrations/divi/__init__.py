"""Farshot for Divi's programs: `backend(...)` returns the object that they take as `backend=`.

    from farshot.integrations import divi
    program = QAOA(problem, backend=divi.backend(farshot.LocalBackend(shots=5000)), ...)

Divi is imported when `backend` is called.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from farshot.backends.base import Backend
from farshot.errors import MissingExtraError, OptionError

if TYPE_CHECKING:
    from farshot.integrations.divi.circuit_runner import DiviBackend

__all__ = ["backend"]


def backend(  # noqa: PLR0913 -- the options of the one object a user makes
    inner: Backend | None = None,
    *,
    shots: int | None = None,
    seed: int | None = None,
    track_depth: bool = False,
    force_sampling: bool = False,
    resolves_parameters: bool = True,
    max_retries: int | None = None,
) -> DiviBackend:
    """Return a backend for Divi's programs: Divi's `CircuitRunner`, and its `AsyncJobBackend`.

    `inner` is the `farshot.LocalBackend` or `farshot.RemoteBackend` that runs the circuits; None makes a
    `LocalBackend`. `shots` is the number of shots of a circuit, by default that of `inner`. With `seed` a program
    repeats its counts, as after `set_seed`. `track_depth` keeps the depth of every circuit. Energies are exact
    expectation values; with `force_sampling` they are estimated from counts. Divi's parametric circuits are sent as
    templates and bound by the workers, unless `resolves_parameters` is False. `max_retries` bounds the polls of one
    waiting call, by default as `inner` does.

    Raises `MissingExtraError` without Divi, `ValueError` or `TypeError` for wrong arguments.
    """
    if find_spec("divi") is None:
        message = "programs of Divi need an extra: pip install 'farshot[divi]'"
        raise MissingExtraError(message)
    from farshot.integrations.divi.circuit_runner import DiviBackend, DiviTemplateBackend, Options

    options = Options(shots, seed, track_depth, force_sampling, resolves_parameters, max_retries)
    return (DiviTemplateBackend if resolves_parameters else DiviBackend)(_checked_inner(inner), options)


def _checked_inner(inner: object) -> Backend:
    if isinstance(inner, Backend):
        return inner
    if inner is not None:
        message = f"a LocalBackend or a RemoteBackend is needed, not {inner!r:.80}"
        raise OptionError(message)
    from farshot.backends.local import LocalBackend

    return LocalBackend()
