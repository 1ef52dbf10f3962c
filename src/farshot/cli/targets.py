"""`targets`: the targets of this machine or of a service."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from farshot import plugins
from farshot.cli.backends import service_of
from farshot.cli.data_output import write_json
from farshot.cli.error_output import DONE
from farshot.cli.messages import note
from farshot.errors import TargetError
from farshot.simulators.targets import GROUP, check_target, known_targets

if TYPE_CHECKING:
    from farshot.cli.options import Location
    from farshot.config.login import Service


_DESCRIPTIONS = {
    "auto": "the fastest simulator that answers exactly",
    "prism": "prism-q, which chooses its method",
    "prism:statevector": "exact; memory doubles with every qubit",
    "prism:stabilizer": "Clifford circuits of any width",
    "prism:mps": "wide circuits of little entanglement; may approximate",
    "aer": "Qiskit Aer, method chosen for the circuit",
    "aer:statevector": "exact; memory doubles with every qubit",
    "aer:density_matrix": "mixed states; up to about 14 qubits",
    "aer:stabilizer": "Clifford circuits of any width",
    "aer:mps": "wide circuits of little entanglement; may approximate",
}


@dataclass(frozen=True, slots=True)
class TargetState:
    """The state of one target."""

    name: str
    usable: bool
    description: str
    needs: str | None
    """The reason why it cannot be used; None if it can."""


def target_states() -> list[TargetState]:
    """Return every target, also of installed plug-ins, with the methods of a simulator behind it."""
    names = list(dict.fromkeys((*known_targets(), *plugins.names(GROUP))))
    simulators = [name.partition(":")[0] for name in names]
    return [_local_target(name) for name in sorted(names, key=lambda name: simulators.index(name.partition(":")[0]))]


def _local_target(name: str) -> TargetState:
    try:
        check_target(name)
    except TargetError as error:
        return TargetState(name, usable=False, description=_DESCRIPTIONS.get(name, ""), needs=str(error))
    return TargetState(name, usable=True, description=_DESCRIPTIONS.get(name, "a plug-in"), needs=None)


def show_targets(where: Location, *, as_json: bool) -> int:
    """List the targets of the service to ask, else those of this machine."""
    service = service_of(where)
    states = _service_targets(service) if service else target_states()
    if as_json:
        write_json([asdict(state) for state in states])
        return DONE
    note(f"at {service.url} ({service.url_origin})" if service else "on this machine")
    _print_table(states)
    return DONE


def _service_targets(service: Service) -> list[TargetState]:
    from farshot.cli.service_queries import targets_of

    return [
        TargetState(
            document.name,
            usable=document.unavailable is None,
            description=_DESCRIPTIONS.get(document.name, "a target of the service"),
            needs=document.unavailable,
        )
        for document in targets_of(service)
    ]


def _print_table(states: list[TargetState]) -> None:
    from rich.table import Table
    from rich.text import Text

    from farshot.cli.result_tables import stdout

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("target", no_wrap=True, style="bold cyan")
    table.add_column("usable", no_wrap=True)
    table.add_column("what it is")
    for state in states:
        usable = Text("yes", style="green") if state.usable else Text("no", style="red")
        table.add_row(Text(state.name), usable, Text(state.needs or state.description))
    stdout().print(table)
