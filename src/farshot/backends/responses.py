"""Responses of the embedded backend, in place of the HTTP responses of a remote one."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from farshot.errors import FarshotError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from farshot.model import JobRecord


@dataclass(frozen=True, slots=True)
class LocalResponse:
    """Meets `farshot.contract.Response` without HTTP.

    >>> LocalResponse(409, {"status": "COMPLETED"}).json()
    {'status': 'COMPLETED'}
    """

    status_code: int
    body: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=lambda: {"content-type": "application/json"})

    @property
    def text(self) -> str:
        """The body as JSON."""
        return json.dumps(dict(self.body))

    def json(self) -> dict[str, Any]:
        """Return the body."""
        return dict(self.body)

    def raise_for_status(self) -> None:
        """Raise `FarshotError` if `status_code` is 400 or more."""
        if self.status_code >= 400:
            message = f"{self.status_code}: {self.body.get('detail', self.text)}"
            raise FarshotError(message)


def job_body(record: JobRecord) -> dict[str, Any]:
    """Return the body of the response for a job."""
    return {
        "job_id": record.id,
        "status": record.status.value,
        "circuits": record.circuits,
        "done": record.done,
        "failed": record.failed,
        "run_time": record.run_time,
        "error": record.fault and {"code": record.fault.code.value, "message": record.fault.message},
    }
