"""What `validate=True` means: every text is looked at, in children of this machine, before anything is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING

from farshot.errors import CircuitsInvalidError, FaultCode

if TYPE_CHECKING:
    from collections.abc import Collection

    from farshot.protocols import Executor
    from farshot.submission import Batch


EVERY_FAULT = frozenset(FaultCode)
FAULTS_OF_TEXTS = EVERY_FAULT - {FaultCode.UNSUPPORTED, FaultCode.MEMORY}
"""Faults that do not depend on the simulators and the memory of the machine that looks."""


def validate(batch: Batch, executor: Executor, faults: Collection[FaultCode]) -> None:
    """Raise `CircuitsInvalidError` with every circuit that has one of `faults`."""
    looked_at = executor.inspect(batch.encoded(slice(None)), batch.spec)
    found = {label: fault for label, fault in zip(batch.labels, looked_at, strict=True) if fault}
    wrong = {label: fault for label, fault in found.items() if fault.code in faults}
    if wrong:
        raise CircuitsInvalidError(wrong)
