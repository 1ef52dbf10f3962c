"""The stored form of a job of Divi's client: the options it was begun with, and those of each call with circuits."""

from __future__ import annotations

from typing import Any

import msgspec


class DiviJob(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The options that a job was begun with. They are the options of its draft, and stay with the job."""

    kind: str
    """The job type of the client, such as EXPECTATION."""
    target: str
    cluster: str | None
    seed: int
    timeout: float | None
    """The time limit of the job, in seconds."""
    config: dict[str, Any] | None
    """The configuration as the client gave it, for it to read again."""
    older: bool
    """True if `config` has the form of the older version."""


class DiviPart(msgspec.Struct, frozen=True):
    """The options of one call with circuits. `shot_groups` count from its first circuit."""

    shots: int | None = None
    shot_groups: list[list[int]] | None = None
    observables: str | None = None
    circuit_ham_map: list[list[int]] | None = None


encode = msgspec.json.Encoder().encode
read_part = msgspec.json.Decoder(DiviPart).decode
_decode_job = msgspec.json.Decoder(DiviJob).decode


def read_job(blob: bytes) -> DiviJob | None:
    """Return the options that a job was begun with; None if it was not begun through this API."""
    try:
        return _decode_job(blob)
    except msgspec.MsgspecError:
        return None
