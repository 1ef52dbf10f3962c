"""The tables. The database itself refuses impossible rows; migrations create them in `migrations/`.

`payloads` stands apart from `shards` so that a change of state does not rewrite the circuits.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

__all__ = ["attempts", "hosts", "jobs", "metadata", "payloads", "results", "shards"]

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

_sequence = BigInteger().with_variant(Integer(), "sqlite")
_OPEN_SHARD = "status IN ('QUEUED', 'LEASED')"

jobs = Table(
    "jobs",
    metadata,
    Column("seq", _sequence, primary_key=True, autoincrement=True),
    Column("id", Text, nullable=False, unique=True),
    Column("owner", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("tag", Text),
    Column("status", Text, nullable=False),
    Column("cancel_requested", Boolean, nullable=False, server_default=text("false")),
    Column("target", Text, nullable=False),
    Column("spec", LargeBinary, nullable=False),
    Column("circuits", Integer, nullable=False),
    Column("done", Integer, nullable=False, server_default=text("0")),
    Column("failed", Integer, nullable=False, server_default=text("0")),
    Column("run_time", Float, nullable=False, server_default=text("0")),
    Column("created_at", Float, nullable=False),
    Column("finished_at", Float),
    Column("timeout", Float),
    Column("deadline", Float),
    Column("deadline_boot", Text),
    Column("fault", LargeBinary),
    UniqueConstraint("owner", "key"),
    CheckConstraint("status IN ('PENDING', 'RUNNING', 'COMPLETED', 'FAILED', 'CANCELLED')", name="status"),
    CheckConstraint("0 <= failed AND failed <= done AND done <= circuits", name="progress"),
    CheckConstraint("(status IN ('PENDING', 'RUNNING')) = (finished_at IS NULL)", name="finished"),
    CheckConstraint("status <> 'COMPLETED' OR (done = circuits AND failed = 0)", name="completed"),
    CheckConstraint("status <> 'FAILED' OR failed > 0 OR fault IS NOT NULL", name="failed"),
    CheckConstraint("fault IS NULL OR status = 'FAILED'", name="fault"),
    CheckConstraint("(deadline IS NULL) = (deadline_boot IS NULL)", name="deadline"),
    CheckConstraint("status <> 'CANCELLED' OR cancel_requested", name="cancelled"),
    Index("ix_jobs_tag", "tag", "seq"),
    Index("ix_jobs_status", "status", "seq"),
)

shards = Table(
    "shards",
    metadata,
    Column("seq", _sequence, primary_key=True, autoincrement=True),
    Column("job_id", Text, ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("first", Integer, nullable=False),
    Column("size", Integer, nullable=False),
    Column("done", Integer, nullable=False, server_default=text("0")),
    Column("status", Text, nullable=False),
    Column("attempt", Integer, nullable=False, server_default=text("0")),
    Column("holder", Text),
    Column("lease_until", Float),
    Column("lease_boot", Text),
    Column("suspect", Integer),
    Column("verdict", LargeBinary),
    UniqueConstraint("job_id", "number"),
    CheckConstraint("status IN ('QUEUED', 'LEASED', 'DONE', 'CANCELLED')", name="status"),
    CheckConstraint("size > 0 AND 0 <= done AND done <= size", name="progress"),
    CheckConstraint("status <> 'DONE' OR done = size", name="finished"),
    CheckConstraint("verdict IS NULL OR suspect IS NOT NULL", name="blamed"),
    CheckConstraint("(status = 'LEASED') = (holder IS NOT NULL)", name="held"),
    CheckConstraint("(status = 'LEASED') = (lease_until IS NOT NULL)", name="until"),
    CheckConstraint("(status = 'LEASED') = (lease_boot IS NOT NULL)", name="boot"),
    Index("ix_shards_open", "seq", sqlite_where=text(_OPEN_SHARD), postgresql_where=text(_OPEN_SHARD)),
)

payloads = Table(
    "payloads",
    metadata,
    Column("job_id", Text, primary_key=True),
    Column("shard", Integer, primary_key=True),
    Column("labels", LargeBinary, nullable=False),
    Column("sources", LargeBinary, nullable=False),
    ForeignKeyConstraint(["job_id", "shard"], ["shards.job_id", "shards.number"], ondelete="CASCADE"),
)

attempts = Table(
    "attempts",
    metadata,
    Column("job_id", Text, primary_key=True),
    Column("shard", Integer, primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("started_at", Float, nullable=False),
    ForeignKeyConstraint(["job_id", "shard"], ["shards.job_id", "shards.number"], ondelete="CASCADE"),
)

results = Table(
    "results",
    metadata,
    Column("job_id", Text, primary_key=True),
    Column("first", Integer, primary_key=True),
    Column("shard", Integer, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("size", Integer, nullable=False),
    Column("results", LargeBinary, nullable=False),
    ForeignKeyConstraint(
        ["job_id", "shard", "attempt"],
        ["attempts.job_id", "attempts.shard", "attempts.attempt"],
        ondelete="CASCADE",
    ),
    CheckConstraint("size > 0", name="size"),
)

hosts = Table(
    "hosts",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("machine", Text, nullable=False),
    Column("boot", Text, nullable=False),
    Column("name", Text, nullable=False),
    CheckConstraint("id = 1", name="single"),
)
