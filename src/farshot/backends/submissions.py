"""Submissions: their options, seeds, cancellation and validation."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from farshot.errors import CircuitsInvalidError, ExecutionCancelledError, FaultCode
from farshot.model import circuit_seed

if TYPE_CHECKING:
    from collections.abc import Collection
    from threading import Event

    from farshot.admission.batch import Request
    from farshot.protocols import Executor
    from farshot.submission import Batch


EVERY_FAULT = frozenset(FaultCode)
FAULTS_OF_TEXTS = EVERY_FAULT - {FaultCode.UNSUPPORTED, FaultCode.MEMORY}
"""Faults that do not depend on the simulators and the memory of the machine that checks."""


@dataclass(frozen=True, slots=True)
class SubmitOptions:
    """How a batch is submitted: its request and options that are not part of it."""

    request: Request
    priority: int
    """0 to 9; of an owner's jobs the highest come first."""
    validate: bool
    """True if every circuit is checked first."""
    event: Event | None
    """The caller's cancellation event."""


class SubmissionSeeds:
    """Derives a seed for each submission from one seed and the submission's number. Safe from any thread."""

    def __init__(self, seed: int | None) -> None:
        self._lock = threading.Lock()
        self.restart(seed)

    def restart(self, seed: int | None) -> None:
        """Count submissions from the first again, with another seed."""
        with self._lock:
            self._seed = seed
            self._submissions = 0

    def next(self) -> int | None:
        """Return the seed of the next submission; None without a seed to derive it from."""
        with self._lock:
            self._submissions += 1
            return None if self._seed is None else circuit_seed(self._seed, f"submission {self._submissions}")


def raise_if_set(event: Event | None) -> None:
    """Raise `ExecutionCancelledError` if the event of a submission is set."""
    if event is not None and event.is_set():
        message = "the cancellation event is set; nothing was submitted"
        raise ExecutionCancelledError(message)


def validate(batch: Batch, executor: Executor, faults: Collection[FaultCode]) -> None:
    """Check every circuit in children of this machine; raises `CircuitsInvalidError` with those that have a fault of
    `faults`.
    """
    inspected = zip(batch.labels, executor.inspect(batch.encoded(slice(None)), batch.spec), strict=True)
    wrong = {label: fault for label, fault in inspected if fault and fault.code in faults}
    if wrong:
        raise CircuitsInvalidError(wrong)
