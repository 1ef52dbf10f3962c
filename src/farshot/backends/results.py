"""`JobResult`: the outcomes of a job, packed until they are read."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import accumulate, chain, islice
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias, overload

from farshot.backends.entries import entry_of, failure_entry, outcomes_of, part_entries
from farshot.errors import CircuitError, ResultError
from farshot.model import CircuitResult, Counts, Fault, Values
from farshot.packing import unpack

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from farshot.backends.entries import RecordedSlice
    from farshot.model import Observables


_MAX_NAMED = 5
_Entry = dict[str, Any]
ResultPiece: TypeAlias = "RecordedCircuits | MissingCircuits"


class RecordedCircuits:
    """Consecutive circuits that have an outcome: a part as it was recorded, decoded when it is first read."""

    def __init__(self, part: RecordedSlice, observables: Observables | None, skip: int = 0) -> None:
        """Leave out the first `skip` circuits of the part."""
        self._part = part
        self._observables = observables
        self._skip = skip
        self.first = part.first + skip
        self.labels = part.labels[skip:]

    @cached_property
    def outcomes(self) -> Sequence[CircuitResult]:
        """The outcomes, as they were recorded."""
        return outcomes_of(self._part)[self._skip :]

    def entries(self) -> Iterator[_Entry]:
        """Build the entries one by one; none is kept."""
        return (entry for _, entry in part_entries(self._part, self._observables, self._skip))

    def entry(self, index: int) -> _Entry:
        """Build the entry of one circuit."""
        terms = self._observables.terms_at(self.first + index) if self._observables else ()
        return entry_of(self.labels[index], self.outcomes[index], terms, self._part.attempt)

    def outcome(self, index: int) -> Counts | Values | Fault:
        """Return the outcome of one circuit."""
        return self.outcomes[index].outcome

    def behind(self, reached: int) -> RecordedCircuits:
        """Return the circuits from position `reached` on."""
        skip = self._skip + max(0, reached - self.first)
        return self if skip == self._skip else RecordedCircuits(self._part, self._observables, skip)


class MissingCircuits:
    """Consecutive circuits that will never have an outcome, and the reason."""

    def __init__(self, first: int, labels: Sequence[str], fault: Fault) -> None:
        self.first = first
        self.labels = labels
        self._fault = fault
        self.outcomes: Sequence[CircuitResult] = ()

    def entries(self) -> Iterator[_Entry]:
        """Build the entries one by one."""
        return map(self.entry, range(len(self.labels)))

    def entry(self, index: int) -> _Entry:
        """Build the entry of one circuit."""
        return failure_entry(self.labels[index], self._fault)

    def outcome(self, _index: int) -> Fault:
        """Return why there is no outcome."""
        return self._fault

    def behind(self, reached: int) -> MissingCircuits:
        """Return the circuits from position `reached` on."""
        skip = max(0, reached - self.first)
        return MissingCircuits(self.first + skip, self.labels[skip:], self._fault) if skip else self


def in_order(pieces: Iterable[ResultPiece]) -> Generator[ResultPiece, None, None]:
    """Yield the pieces by position, each circuit once: if two have it, that of the piece that begins first."""
    return each_once(sorted(pieces, key=lambda piece: piece.first))


def each_once(pieces: Iterable[ResultPiece]) -> Generator[ResultPiece, None, None]:
    """Yield pieces that are sorted by position, each circuit once."""
    reached = 0
    for piece in pieces:
        fresh = piece.behind(reached)
        if fresh.labels:
            yield fresh
            reached = fresh.first + len(fresh.labels)


class JobResult(Sequence[_Entry]):
    """The entries of a job's circuits in order of submission, each built when it is read.

    It is a list of the entries that `get_job_results` returns, and is read by label too: `result["bell"]` is an entry,
    `result.counts("bell")` the counts of a sampled circuit, `result.values("bell")` the expectation values of one that
    was measured for observables. The label may be left out if there is one circuit.

    Raises `ResultError` (a `LookupError`) if there is no such circuit or it has no such outcome, `CircuitError` if it
    failed.
    """

    def __init__(self, job_id: str, pieces: Sequence[ResultPiece]) -> None:
        self.job_id = job_id
        self._pieces = pieces
        self._ends = list(accumulate(len(piece.labels) for piece in pieces))

    def __len__(self) -> int:
        """Return the number of circuits."""
        return self._ends[-1] if self._ends else 0

    def __iter__(self) -> Iterator[_Entry]:
        """Yield the entries."""
        return chain.from_iterable(piece.entries() for piece in self._pieces)

    @overload
    def __getitem__(self, key: int | str) -> _Entry: ...
    @overload
    def __getitem__(self, key: slice) -> list[_Entry]: ...
    def __getitem__(self, key: int | str | slice) -> _Entry | list[_Entry]:
        """Return the entry at an index or of a label, or those of a slice."""
        if isinstance(key, slice):
            return [self[index] for index in range(*key.indices(len(self)))]
        piece, index = self._piece_at(self._index(key) if isinstance(key, str) else key)
        return piece.entry(index)

    def __contains__(self, value: object) -> bool:
        """Return whether there is a circuit of this label, or an entry that equals this one."""
        return value in self._indices if isinstance(value, str) else super().__contains__(value)

    def __eq__(self, other: object) -> bool:
        """Return whether both are sequences of the same entries."""
        if isinstance(other, str | bytes) or not isinstance(other, Sequence):
            return NotImplemented
        return len(self) == len(other) and all(one == another for one, another in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]  # as a list has none

    def __repr__(self) -> str:
        """Return the number of circuits and the job as text."""
        noun = "circuit" if len(self) == 1 else "circuits"
        return f"<results of {len(self):,} {noun} of job {self.job_id}>"

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels, in order of submission."""
        return tuple(chain.from_iterable(piece.labels for piece in self._pieces))

    @property
    def faults(self) -> dict[str, CircuitError]:
        """The fault of each circuit that has no result, by label."""
        return dict(self.each_fault())

    def each_fault(self) -> Iterator[tuple[str, CircuitError]]:
        """Yield the label and the fault of each circuit that failed."""
        for piece in self._pieces:
            for index, label in enumerate(piece.labels):
                outcome = piece.outcome(index)
                if isinstance(outcome, Fault):
                    yield label, _error(outcome, outcome.message)

    def counts(self, label: str | None = None) -> dict[str, int]:
        """Return how often each bitstring was measured; its rightmost character is bit 0 of the first register."""
        label, outcome = self._outcome(label)
        if isinstance(outcome, Counts):
            return unpack(outcome)
        return _raise_for(label, outcome, "was measured for observables: ask for .values()")

    def values(self, label: str | None = None) -> dict[str, float]:
        """Return the expectation value of each term; its leftmost character is qubit 0."""
        label, outcome = self._outcome(label)
        if isinstance(outcome, Values):
            entry: dict[str, float] = self[label]["results"]
            return entry
        return _raise_for(label, outcome, "was sampled: ask for .counts()")

    def packed(self) -> dict[str, CircuitResult]:
        """Return the outcomes as they were recorded, by label: fast to copy, and small.

        `farshot.packing` makes arrays of the `Counts` in it. A circuit that never ran is left out.
        """
        return dict(chain.from_iterable(zip(piece.labels, piece.outcomes, strict=False) for piece in self._pieces))

    @cached_property
    def _indices(self) -> dict[str, int]:
        return {label: index for index, label in enumerate(self.labels)}

    def _index(self, label: str) -> int:
        index = self._indices.get(label)
        if index is None:
            message = f"job {self.job_id} has no outcome of a circuit {label!r:.80}; {self._labels_text()}"
            raise ResultError(message)
        return index

    def _labels_text(self) -> str:
        if not self._indices:
            return "it has none at all yet"
        named = ", ".join(f"{label!r:.80}" for label in islice(self._indices, _MAX_NAMED))
        return f"it has {named}" + (f" and {len(self) - _MAX_NAMED:,} more" if len(self) > _MAX_NAMED else "")

    def _piece_at(self, index: int) -> tuple[ResultPiece, int]:
        position = index + len(self) if index < 0 else index
        if not 0 <= position < len(self):
            message = f"job {self.job_id} has {len(self):,} entries, and none at {index}"
            raise IndexError(message)
        number = bisect_right(self._ends, position)
        return self._pieces[number], position - (self._ends[number] - len(self._pieces[number].labels))

    def _outcome(self, label: str | None) -> tuple[str, Counts | Values | Fault]:
        if label is None and len(self) != 1:
            message = f"job {self.job_id} has {len(self):,} circuits: say which; {self._labels_text()}"
            raise ResultError(message)
        piece, index = self._piece_at(0 if label is None else self._index(label))
        return piece.labels[index], piece.outcome(index)


def _raise_for(label: str, outcome: Counts | Values | Fault, otherwise: str) -> NoReturn:
    if isinstance(outcome, Fault):
        raise _error(outcome, f"circuit {label!r:.80} failed: {outcome.message}")
    message = f"circuit {label!r:.80} {otherwise}"
    raise ResultError(message)


def _error(fault: Fault, message: str) -> CircuitError:
    return CircuitError(fault.code, message, line=fault.line, column=fault.column)
