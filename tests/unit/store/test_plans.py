"""What is asked often must not read every shard or job that there ever was."""

import pytest
from sqlalchemy import event

from farshot.store import SqlStore, open_engine, sqlite_url
from farshot.testing.stores import ManualClock
from farshot.testing.stores.values import finish, make_submission


@pytest.fixture
def engine(tmp_path):
    engine = open_engine(sqlite_url(tmp_path))
    yield engine
    engine.dispose()


@pytest.fixture
def plans(engine):
    """How SQLite goes about each statement that it is given, under the statement's text."""
    found = {}

    @event.listens_for(engine, "before_cursor_execute")
    def explain(connection, _cursor, statement, values, _context, many):
        if statement.startswith(("SELECT", "UPDATE", "DELETE", "WITH")):
            driver = connection.connection.driver_connection
            rows = driver.execute(f"EXPLAIN QUERY PLAN {statement}", values[0] if many else values)
            found[statement] = [row[3] for row in rows]

    return found


def use_everything(store):
    done, job, other = (
        store.add(make_submission(owner=owner, priority=priority)) for owner, priority in (("a", 0), ("a", 1), ("b", 0))
    )
    finish(store, *store.claim("me", 2))
    shards = store.claim("me", 2)
    store.renew([shard.lease for shard in shards])
    store.lost([shard.lease for shard in shards])
    store.release(shards[0].lease)
    store.revoke("me")
    store.holders()
    for record in (done, job, other):
        store.ahead(record.id)
        store.usage(record.owner)
        store.events(record.owner, 1)
        store.events(None, 1)
        [*store.parts(record.id), *store.recorded(record.id), *store.labels(record.id)]
    store.expire()
    store.cancel(job.id)
    store.delete(other.id)


@pytest.mark.parametrize("running_limit", [None, 4])
def test_no_statement_reads_a_whole_table(engine, plans, running_limit):
    use_everything(SqlStore(engine, ManualClock(), running_limit=running_limit))
    large = ("jobs", "shards", "payloads", "parts", "results", "attempts")
    of_few = ("USING INDEX ix_shards_waiting", "INDEX ix_shards_leased")
    scans = [
        (step, statement)
        for statement, steps in plans.items()
        for step in steps
        if step.startswith("SCAN ") and step.split()[1] in large and not any(name in step for name in of_few)
    ]
    assert scans == []
    assert len(plans) > 25


def test_the_queue_is_read_in_its_order(engine, plans):
    use_everything(SqlStore(engine, ManualClock(), running_limit=4))
    sorted_by_hand = {
        statement for statement, steps in plans.items() if any("TEMP B-TREE FOR ORDER BY" in step for step in steps)
    }
    queue = {statement for statement in plans if "ORDER BY shards.rank, shards.seq" in statement}
    assert queue & sorted_by_hand == set()
    assert any("ix_shards_waiting" in step for statement in queue for step in plans[statement])


def test_who_waits_is_found_without_reading_what_waits(engine, plans):
    use_everything(SqlStore(engine, ManualClock()))
    (steps,) = (steps for statement, steps in plans.items() if statement.startswith("WITH"))
    assert sum("ix_shards_waiting" in step for step in steps) == 3
    assert not any("TEMP B-TREE" in step for step in steps)


def test_a_submission_costs_the_same_whatever_waits(engine):
    store = SqlStore(engine, ManualClock())
    seen = []
    event.listen(engine, "before_cursor_execute", lambda *call: seen.append(call[2]))
    statements = []
    for waiting in (1, 300):
        store.add(make_submission(circuits=waiting, shard=1, owner="a"))
        seen.clear()
        store.add(make_submission(owner="a", priority=9))
        statements.append(list(seen))
    assert statements[0] == statements[1]
    assert not any("FROM shards" in statement or "UPDATE shards" in statement for statement in statements[1])
