"""The parts of a running service: store, executor, dispatcher, retention."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from farshot.cli.retention import Retention
from farshot.cli.service_options import open_store
from farshot.cli.targets import target_states
from farshot.dispatch.changes import Changes
from farshot.dispatch.dispatcher import Dispatcher
from farshot.dispatch.health import DRAIN
from farshot.dispatch.lease_holders import holder_name
from farshot.executors.local import LocalExecutor
from farshot.executors.memory_limits import usable_cores
from farshot.service.context import Context, Limits, WorkControl
from farshot.service.loader_process import Plan
from farshot.store import SqlStore
from farshot.store.accounts import SqlAccounts
from farshot.store.uploads import SqlUploads
from farshot.wire import TargetDocument, encode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

    from farshot.cli.targets import TargetState
    from farshot.config.settings import ServiceSettings
    from farshot.model import JobRecord
    from farshot.submission import Submission


class ServiceRuntime:
    """A store with the executor and the dispatcher that run its jobs. Work begins with `start`."""

    def __init__(self, engine: Engine, settings: ServiceSettings) -> None:
        self._settings = settings
        self._url = engine.url.render_as_string(hide_password=False)
        self._changes = Changes()
        self._jobs = SqlStore(engine, running_limit=settings.quota.running_shards, quota=settings.quota.quota)
        self._uploads = SqlUploads(engine, quota=settings.quota.quota)
        self._accounts = SqlAccounts(engine)
        self._retention = Retention(self._jobs, self._uploads, settings.retention)
        self.executor = LocalExecutor(
            settings.server.workers or usable_cores(),
            settings.limits.memory,
            settings.limits.circuit_timeout,
            {name: target.circuit_timeout for name, target in settings.targets.items() if target.circuit_timeout},
            lane=True,
        )
        self._dispatcher = Dispatcher(
            self._jobs,
            self.executor,
            self._changes,
            holder=holder_name(),
            lease_seconds=self._jobs.lease_seconds,
        )
        self._offered = self._targets()
        self._started = threading.Event()

    @classmethod
    @contextmanager
    def opened(cls, settings: ServiceSettings) -> Iterator[ServiceRuntime]:
        """Yield the runtime that the settings describe; raises `StoreError` if the store cannot be opened."""
        engine = open_store(settings)
        try:
            runtime = cls(engine, settings)
            try:
                yield runtime
            finally:
                runtime.close()
        finally:
            engine.dispose()

    def start(self) -> None:
        """Begin to work on the open jobs of the store."""
        self._dispatcher.start()
        self._retention.start()
        self._started.set()

    def hold(self) -> None:
        """Take no new shards until `resume`: those that run end, accepted jobs wait."""
        self._dispatcher.hold("an operator wants no new work begun")

    def hold_or_resume(self) -> None:
        """Take no new shards; take some again if they were held."""
        if self._dispatcher.health.has(DRAIN):
            self._dispatcher.resume()
        else:
            self.hold()

    def drain(self) -> None:
        """Take no more work, and give running shards the grace of the settings."""
        if self._started.is_set():
            self._dispatcher.drain(self._settings.server.grace)

    def close(self) -> None:
        """Give back the shards that still run, and end the workers."""
        self._retention.close()
        if self._started.is_set():
            self._dispatcher.close()

    def parts(self) -> Context:
        """Return the parts that the HTTP API needs."""
        limits, quota = self._limits(), self._settings.quota.quota
        plan = Plan(
            url=self._url,
            limits=limits,
            quota=quota,
            targets=self._offered,
            log_format=self._settings.server.log_format,
        )
        return Context(
            jobs=self._jobs,
            uploads=self._uploads,
            accounts=self._accounts,
            changes=self._changes,
            add=self._add,
            wake=self._wake,
            targets=lambda: self._offered,
            work=WorkControl(
                troubles=self._troubles,
                restarts=lambda: self.executor.restarts,
                set_aside=lambda: self._dispatcher.set_aside,
                held=lambda: self._dispatcher.held,
                hold=self.hold,
                resume=self._dispatcher.resume,
            ),
            limits=limits,
            plan=encode(plan),
        )

    def _limits(self) -> Limits:
        limits = self._settings.limits
        return Limits(
            body_bytes=limits.body,
            shots=limits.shots,
            workers=self.executor.workers,
            quota=self._settings.quota.quota,
            job_timeout=limits.job_timeout,
        )

    def _add(self, submission: Submission) -> JobRecord:
        """Store a job. If that saves a commit, the dispatcher stores and claims it in the same one."""
        if self._jobs.adds_and_claims_at_once and self._started.is_set() and not self._dispatcher.health.troubles():
            record = self._dispatcher.add(submission)
            self._changes.publish()
        else:
            record = self._jobs.add(submission)
            self._wake()
        return record

    def _wake(self) -> None:
        self._dispatcher.wake()
        self._changes.publish()

    def _troubles(self) -> dict[str, str]:
        shortage = self._jobs.disk.shortage()
        found = self._dispatcher.health.reasons() if self._started.is_set() else {"start": "the service starts"}
        return found if shortage is None else {**found, "disk": shortage}

    def _targets(self) -> list[TargetDocument]:
        offered = self._settings.targets
        return [self._target(state) for state in target_states() if not offered or state.name in offered]

    def _target(self, state: TargetState) -> TargetDocument:
        simulator, _, method = state.name.partition(":")
        return TargetDocument(
            name=state.name,
            simulator=simulator,
            method=method or None,
            unavailable=state.needs,
            memory_bytes=self.executor.memory,
            circuit_timeout=self.executor.circuit_timeout(state.name),
        )
