"""Retention: jobs and uploads that were kept for their time are deleted while the service runs."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from farshot.errors import FarshotError, UnknownJobError
from farshot.service.logs import tell

if TYPE_CHECKING:
    from farshot.config.settings import RetentionSettings
    from farshot.protocols import UploadStore
    from farshot.store import SqlStore


_log = logging.getLogger("farshot.retention")
_MAX_PAUSE_SECONDS = 3600.0
_MIN_PAUSE_SECONDS = 1.0


class Retention:
    """A thread that deletes the jobs that ended, and the uploads that began, longer ago than the settings keep them."""

    def __init__(self, jobs: SqlStore, uploads: UploadStore, settings: RetentionSettings) -> None:
        self._jobs = jobs
        self._uploads = uploads
        self._settings = settings
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="farshot-retention", daemon=True)

    def start(self) -> None:
        """Start the thread, which begins with a first sweep."""
        self._thread.start()

    def close(self) -> None:
        """End the thread."""
        self._closed.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._closed.is_set():
            try:
                self._sweep()
            except Exception as error:  # noqa: BLE001 -- the next sweep must come after any error
                _log.warning("trying again: %s", error, exc_info=not isinstance(error, FarshotError))
            self._closed.wait(self._pause())

    def _pause(self) -> float:
        """Return the seconds until the next sweep: a tenth of the shortest time, an hour at most."""
        kept = (self._settings.ended_jobs, self._settings.uploads)
        return max(_MIN_PAUSE_SECONDS, min([_MAX_PAUSE_SECONDS, *(seconds / 10 for seconds in kept if seconds)]))

    def _sweep(self) -> None:
        ended, uploads = self._settings.ended_jobs, self._settings.uploads
        deleted = self._jobs.prune(ended) if ended else 0
        abandoned = self._uploads.abandoned(uploads) if uploads else []
        for job_id in abandoned:
            self._forget(job_id)
        if deleted or abandoned:
            tell(_log, logging.INFO, "deleted", ended_jobs=deleted, uploads=len(abandoned))

    def _forget(self, job_id: str) -> None:
        try:
            self._jobs.delete(job_id)
        except UnknownJobError:
            return
