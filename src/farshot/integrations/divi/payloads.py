"""The arguments of a submission in each release of Divi. This module imports Divi."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import divi.backends as divi_backends

from farshot.errors import BatchError, OptionError
from farshot.integrations.divi.job_pieces import parametric, pieces_of

if TYPE_CHECKING:
    from farshot.integrations.divi.job_pieces import Piece


def pieces_from(circuits: Any) -> list[Piece]:  # noqa: ANN401 -- Divi's types
    """Return the circuits of a program in pieces that are a job each; raises `ValueError` or `TypeError`."""
    if not isinstance(circuits, str | bytes | Mapping) and any(map(_is_payload, circuits)):
        if not all(map(_is_payload, circuits)):
            message = "parametric circuits and texts cannot be mixed in one batch"
            raise OptionError(message)
        return pieces_of([parametric(payload) for payload in circuits])
    return check_not_empty([_by_label(circuits)])


def _is_payload(value: object) -> bool:
    return hasattr(value, "parameter_sets")


def check_not_empty(pieces: list[Piece]) -> list[Piece]:
    """Return the pieces; raises `BatchError` if there is no circuit in them."""
    if not any(pieces):
        message = "the batch is empty"
        raise BatchError(message)
    return pieces


def _by_label(circuits: Any) -> dict[str, str]:  # noqa: ANN401 -- Divi's types
    normalise = getattr(divi_backends, "normalise_circuit_batch", None)
    if normalise is not None:
        return dict(normalise(circuits))
    if isinstance(circuits, Mapping):
        return dict(circuits)
    message = f"circuits must be a mapping of label to OpenQASM text, not {type(circuits).__name__}"
    raise OptionError(message)


def check_options(options: Mapping[str, Any]) -> None:
    """Raise `BatchError` for options that templates do not support."""
    found = [name for name in ("circuit_ham_map", "shot_groups") if options.get(name) is not None]
    if found or "|" in (options.get("ham_ops") or ""):
        message = f"templates take one group of observables for all rows: {', '.join(found) or 'ham_ops with |'}"
        raise BatchError(message)
