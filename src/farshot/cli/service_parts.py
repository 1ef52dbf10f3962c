"""The parts of a running service, put together: runtime, uploads, accounts, retention."""

from __future__ import annotations

from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from farshot import plugins
from farshot.cli.retention import Retention
from farshot.cli.service_options import open_store
from farshot.cli.targets import target_states
from farshot.dispatch.health import DRAIN
from farshot.protocols import EXECUTORS, ExecutorOptions
from farshot.runtime import Runtime
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
    from farshot.protocols import Executor


class ServiceParts:
    """A runtime and all else that a service needs, as its settings say. Work begins with `start`."""

    def __init__(self, engine: Engine, settings: ServiceSettings) -> None:
        self._settings = settings
        self._url = engine.url.render_as_string(hide_password=False)
        self._jobs = SqlStore(engine, running_limit=settings.quota.running_shards, quota=settings.quota.quota)
        self._uploads = SqlUploads(engine, quota=settings.quota.quota)
        self._accounts = SqlAccounts(engine)
        self._retention = Retention(self._jobs, self._uploads, settings.retention)
        self.executor = _open_executor(settings)
        self.runtime = Runtime(self._jobs, self.executor)
        self._offered = self._targets()

    @classmethod
    @contextmanager
    def opened(cls, settings: ServiceSettings) -> Iterator[ServiceParts]:
        """Yield the parts that the settings describe; raises `StoreError` if the store cannot be opened."""
        engine = open_store(settings)
        try:
            with closing(cls(engine, settings)) as parts:
                yield parts
        finally:
            engine.dispose()

    def start(self) -> None:
        """Begin to work on the open jobs of the store."""
        self.runtime.start()
        self._retention.start()

    def hold(self) -> None:
        """Take no new shards until `resume`: those that run end, accepted jobs wait."""
        if dispatcher := self.runtime.dispatcher:
            dispatcher.hold("an operator wants no new work begun")

    def resume(self) -> None:
        """Take shards again."""
        if dispatcher := self.runtime.dispatcher:
            dispatcher.resume()

    def hold_or_resume(self) -> None:
        """Take no new shards; take some again if they were held."""
        if DRAIN in self.runtime.troubles():
            self.resume()
        else:
            self.hold()

    def drain(self) -> None:
        """Take no more work, and give running shards the grace of the settings."""
        self.runtime.drain(self._settings.server.grace)

    def close(self) -> None:
        """Give back the shards that still run, end the workers and close the store."""
        self._retention.close()
        self.runtime.close()

    def context(self) -> Context:
        """Return what the HTTP API needs of them."""
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
            changes=self.runtime.changes,
            add=self.runtime.add,
            wake=self.runtime.wake,
            targets=lambda: self._offered,
            work=WorkControl(
                troubles=self._troubles,
                restarts=lambda: self.executor.restarts,
                set_aside=lambda: dispatcher.set_aside if (dispatcher := self.runtime.dispatcher) else 0,
                held=lambda: dispatcher.held if (dispatcher := self.runtime.dispatcher) else 0,
                hold=self.hold,
                resume=self.resume,
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

    def _troubles(self) -> dict[str, str]:
        shortage = self._jobs.disk.shortage()
        found = self.runtime.troubles()
        return dict(found) if shortage is None else {**found, "disk": shortage}

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


def _open_executor(settings: ServiceSettings) -> Executor:
    options = ExecutorOptions(
        workers=settings.server.workers,
        memory_limit=settings.limits.memory,
        circuit_timeout=settings.limits.circuit_timeout,
        target_timeouts={
            name: target.circuit_timeout for name, target in settings.targets.items() if target.circuit_timeout
        },
    )
    executor: Executor = plugins.load(EXECUTORS, settings.server.executor)(options)
    return executor
