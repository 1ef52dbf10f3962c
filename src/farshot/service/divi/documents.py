"""The documents that Divi's client sends. A member that is not known here is refused, not ignored."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from farshot.model import MAX_CIRCUITS
from farshot.wire import Position, Shots


class InitRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The options of a new job. Older clients send `execution_configuration`, newer ones `maestro_config`."""

    job_type: Literal["EXECUTE", "EXPECTATION", "VALIDATE"]
    tag: str | None = None
    use_packing: bool = False
    simulator_cluster: str | None = None
    qpu_system_name: str | None = None
    execution_configuration: dict[str, Any] | None = None
    maestro_config: dict[str, Any] | None = None
    device_config: dict[str, Any] | None = None


class ParameterSet(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A row of a template."""

    label: str
    values: list[float]


class AddRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Some circuits of a job: `circuits` by label, or rows of a template. Each text is packed.

    `shot_groups` count from the first circuit of this call, `circuit_ham_map` from the first one of the job.
    """

    mode: Literal["append"] = "append"
    finalized: Literal["true", "false"] | bool = "false"
    circuits: dict[str, str] | None = None
    circuit_template: str | None = None
    parameter_names: list[str] | None = None
    parameter_sets: list[ParameterSet] | None = None
    observables: str | None = None
    circuit_ham_map: list[list[Position]] | None = None
    shot_groups: list[list[Position]] | None = None
    shots: Shots | None = None

    @property
    def is_last(self) -> bool:
        """Return whether this call completes the job."""
        return self.finalized in {True, "true"}


class ConfigRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The configuration that an older client sends for a job that waits."""

    bond_dimension: Any = None
    truncation_threshold: Any = None
    simulator_type: Any = None
    simulation_type: Any = None
    api_meta: Any = None
    noisy_device: Any = None
    noise_realizations: Any = None


class DiviQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A page of results."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 100
    offset: Annotated[int, msgspec.Meta(ge=0, le=MAX_CIRCUITS)] = 0


class TransactionQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A page of transactions."""

    page: Annotated[int, msgspec.Meta(ge=1, le=MAX_CIRCUITS)] = 1
    page_size: Annotated[int, msgspec.Meta(ge=1, le=100)] = 20
