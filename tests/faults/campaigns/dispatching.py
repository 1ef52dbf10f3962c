"""A program that runs what others submitted, under short leases: `dispatching FOLDER LEASE_SECONDS`.

It prints the name under which it holds leases, and a line for each report that the store refused.
"""
# ruff: noqa: T201 -- its lines are what it answers

import sys
from contextlib import closing

from farshot.dispatch.changes import Changes
from farshot.dispatch.dispatcher import Dispatcher
from farshot.dispatch.lease_holders import holder_name
from farshot.executors.local import LocalExecutor
from farshot.store import BootClock, SqlStore, open_engine, sqlite_url

from .programs import Path


class TellingStore(SqlStore):
    """Says what it refuses."""

    def exchange(self, parts, holder, limit, excluded=(), submissions=()):
        exchanged = super().exchange(parts, holder, limit, excluded, submissions)
        for done in exchanged.recorded:
            if not done.accepted:
                print("refused", done.part.size, flush=True)
        return exchanged


def main(folder, lease_seconds):
    lease, holder = float(lease_seconds), holder_name()
    store = TellingStore(open_engine(sqlite_url(Path(folder))), BootClock(), lease_seconds=lease)
    dispatcher = Dispatcher(store, LocalExecutor(1), Changes(), holder=holder, lease_seconds=lease)
    with closing(store), closing(dispatcher):
        dispatcher.start()
        print("holder", holder, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
