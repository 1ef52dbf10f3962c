"""What a job was submitted as: its options, and its circuits."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any

from farshot.errors import CircuitError
from farshot.templates.rows import rows_of
from farshot.templates.template import Template, unpacked

if TYPE_CHECKING:
    from farshot.model import JobRecord, JobSpec, Observables, TermRange
    from farshot.protocols import StoredCircuits


def job_options(spec: JobSpec, record: JobRecord) -> dict[str, Any]:
    """Return the options of a job as `submit_circuits` takes them: with these its circuits give the same outcomes."""
    groups = spec.shots.groups if spec.shots else ()
    plan = {"shots": groups[0].shots} if len(groups) == 1 else {"shot_groups": [list(_fields(g)) for g in groups]}
    options = {
        "target": spec.target,
        "seed": spec.seed,
        **(plan if groups else {}),
        **(_observables(spec.observables) if spec.observables else {}),
        "tag": record.tag,
        "priority": record.priority,
        "timeout": spec.timeout,
    }
    return {name: value for name, value in options.items() if value is not None}


def _fields(group: Any) -> tuple[int, int, int]:  # noqa: ANN401 -- a shot group
    return group.start, group.end, group.shots


def _observables(observables: Observables) -> dict[str, Any]:
    """Return groups of terms and the range of each. A group of several ranges is given once for each."""
    ranges = sorted(observables.ranges, key=_by_group)
    if not ranges:
        return {"ham_ops": _joined(observables.groups)}
    chosen = [observables.groups[one.group] for one in ranges]
    return {"ham_ops": _joined(chosen), "circuit_ham_map": [[one.start, one.end] for one in ranges]}


def _by_group(chosen: TermRange) -> int:
    return chosen.group


def _joined(groups: Sequence[Sequence[str]]) -> str:
    return "|".join(map(";".join, groups))


class JobCircuits(Mapping[str, str]):
    """The circuits of a job: label to OpenQASM, in order of submission.

    A row of a template is put into its text when it is read. One that has no text, for a number in it is not finite,
    is the text of the template, which fails as the row did.
    """

    def __init__(self, pieces: Sequence[StoredCircuits]) -> None:
        """Hold the circuits as they were stored."""
        self._pieces = pieces

    def __len__(self) -> int:
        """Return how many there are."""
        return sum(len(piece.labels) for piece in self._pieces)

    def __iter__(self) -> Iterator[str]:
        """Yield the labels."""
        return chain.from_iterable(piece.labels for piece in self._pieces)

    def __getitem__(self, label: str) -> str:
        """Return the text of a circuit."""
        position = self._positions[label]
        piece = self._pieces[bisect_right(self._starts, position) - 1]
        return _text(piece, piece.sources[position - piece.first])

    def __repr__(self) -> str:
        """Show how many there are."""
        noun = "circuit" if len(self) == 1 else "circuits"
        return f"<{len(self):,} {noun}>"

    @property
    def template(self) -> Template | None:
        """The template whose rows all circuits are, faster to submit than their texts; None where they are not."""
        templates = {piece.template for piece in self._pieces}
        (template,) = templates if len(templates) == 1 else (None,)
        if template is None:
            return None
        described = chain.from_iterable(zip(piece.labels, piece.sources, strict=True) for piece in self._pieces)
        return Template(template.text, template.names, {label: unpacked(row) for label, row in described})

    @cached_property
    def _positions(self) -> dict[str, int]:
        return {label: position for position, label in enumerate(self)}

    @cached_property
    def _starts(self) -> list[int]:
        return [piece.first for piece in self._pieces]


def _text(piece: StoredCircuits, source: bytes) -> str:
    if piece.template is None:
        return source.decode("utf-8", "surrogatepass")
    try:
        return rows_of(piece.template).text(source)
    except CircuitError:
        return piece.template.text
