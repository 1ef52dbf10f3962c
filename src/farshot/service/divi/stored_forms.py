"""What is kept of a job of Divi's client: how it was begun, and what each call said beside its circuits."""

from __future__ import annotations

from typing import Any

import msgspec


class DiviJob(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a job was begun. It is the options of the draft, and stays with the job.

    `config` is what the client gave, for it to read again; `older` says which version's form that is.
    """

    kind: str
    target: str
    cluster: str | None
    seed: int
    timeout: float | None
    config: dict[str, Any] | None
    older: bool


class DiviPart(msgspec.Struct, frozen=True):
    """What one call said beside its circuits. `shot_groups` count from its first circuit."""

    shots: int | None = None
    shot_groups: list[list[int]] | None = None
    observables: str | None = None
    circuit_ham_map: list[list[int]] | None = None


encode = msgspec.json.Encoder().encode
read_part = msgspec.json.Decoder(DiviPart).decode
_decode_job = msgspec.json.Decoder(DiviJob).decode


def read_job(blob: bytes) -> DiviJob | None:
    """Return how a job was begun; None where that was not done through this API."""
    try:
        return _decode_job(blob)
    except msgspec.MsgspecError:
        return None
