"""The tables. The database itself refuses impossible rows; migrations create them in `migrations/`.

`payloads` stands apart from `shards` so that a change of state does not rewrite the circuits; `parts` are what a
job arrived in. A job with a `draft` is still being uploaded and has no shards. `changes` counts the changes of all
jobs; a job's `changed` is the count at its last one. `turns` orders the owners fairly; the latest turn that was
served is kept beside the count. The shards of an owner are in order of `rank`, which is their priority below zero;
`cost` is what a shard is guessed to take, and `charged` what its owner was charged for it and it has not recorded yet;
below zero it is nothing: what was recorded beyond it was charged then. A `forecast` says how the circuit is run that a
leased shard is at; of one that is not leased it means nothing. One of the `attempts` has no holder once it was
given back with nothing wrong: it counts as none, but its results stay with it.

A `checksum` covers what a row says beside its state (`checksums.py`); a row from before there were any has none.
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
    literal_column,
    text,
)

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
_LEASED_SHARD = "status = 'LEASED'"

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
    Column("draft", LargeBinary),
    Column("priority", Integer, nullable=False, server_default=text("0")),
    Column("circuits", Integer, nullable=False),
    Column("shots", BigInteger, nullable=False, server_default=text("0")),
    Column("bytes", BigInteger, nullable=False, server_default=text("0")),
    Column("changed", BigInteger, nullable=False, server_default=text("0")),
    Column("done", Integer, nullable=False, server_default=text("0")),
    Column("failed", Integer, nullable=False, server_default=text("0")),
    Column("run_time", Float, nullable=False, server_default=text("0")),
    Column("created_at", Float, nullable=False),
    Column("started_at", Float),
    Column("finished_at", Float),
    Column("timeout", Float),
    Column("deadline", Float),
    Column("deadline_boot", Text),
    Column("fault", LargeBinary),
    Column("checksum", BigInteger),
    UniqueConstraint("owner", "key"),
    CheckConstraint("status IN ('PENDING', 'RUNNING', 'COMPLETED', 'FAILED', 'CANCELLED')", name="status"),
    CheckConstraint("0 <= failed AND failed <= done AND done <= circuits", name="progress"),
    CheckConstraint("(status IN ('PENDING', 'RUNNING')) = (finished_at IS NULL)", name="finished"),
    CheckConstraint("status <> 'COMPLETED' OR (done = circuits AND failed = 0)", name="completed"),
    CheckConstraint("status <> 'FAILED' OR failed > 0 OR fault IS NOT NULL", name="failed"),
    CheckConstraint("fault IS NULL OR status = 'FAILED'", name="fault"),
    CheckConstraint("draft IS NULL OR status IN ('PENDING', 'CANCELLED')", name="draft"),
    CheckConstraint("(deadline IS NULL) = (deadline_boot IS NULL)", name="deadline"),
    CheckConstraint("status <> 'CANCELLED' OR cancel_requested", name="cancelled"),
    Index("ix_jobs_tag", "tag", "seq"),
    Index("ix_jobs_status", "status", "seq"),
    Index("ix_jobs_owner", "owner", "seq"),
    Index("ix_jobs_changed", "changed"),
    Index("ix_jobs_followed", "owner", "changed"),
)

shards = Table(
    "shards",
    metadata,
    Column("seq", _sequence, primary_key=True, autoincrement=True),
    Column("job_id", Text, ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
    Column("owner", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("part", Integer, nullable=False),
    Column("slot", Integer, nullable=False),
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
    Column("checksum", BigInteger),
    Column("rank", Integer, nullable=False, server_default=text("0")),
    Column("cost", Float, nullable=False, server_default=text("0")),
    Column("charged", Float, nullable=False, server_default=text("0")),
    Column("forecast", LargeBinary),
    UniqueConstraint("job_id", "number"),
    UniqueConstraint("job_id", "part", "slot", name="uq_shards_payload"),
    ForeignKeyConstraint(
        ["job_id", "part", "slot"],
        ["payloads.job_id", "payloads.part", "payloads.slot"],
        name="fk_shards_payload",
        ondelete="CASCADE",
    ),
    CheckConstraint("status IN ('QUEUED', 'LEASED', 'DONE', 'CANCELLED')", name="status"),
    CheckConstraint("size > 0 AND 0 <= done AND done <= size", name="progress"),
    CheckConstraint("status <> 'DONE' OR done = size", name="finished"),
    CheckConstraint("verdict IS NULL OR suspect IS NOT NULL", name="blamed"),
    CheckConstraint("(status = 'LEASED') = (holder IS NOT NULL)", name="held"),
    CheckConstraint("(status = 'LEASED') = (lease_until IS NOT NULL)", name="until"),
    CheckConstraint("(status = 'LEASED') = (lease_boot IS NOT NULL)", name="boot"),
    Index(
        "ix_shards_waiting",
        "owner",
        "rank",
        "seq",
        sqlite_where=text(_OPEN_SHARD),
        postgresql_where=text(_OPEN_SHARD),
    ),
    Index("ix_shards_leased", "owner", sqlite_where=text(_LEASED_SHARD), postgresql_where=text(_LEASED_SHARD)),
)

# Literals, as in the indexes: with a parameter in their place SQLite reads every shard there ever was.
shards_open = shards.c.status.in_([literal_column("'QUEUED'"), literal_column("'LEASED'")])
shards_leased = shards.c.status == literal_column("'LEASED'")

parts = Table(
    "parts",
    metadata,
    Column("job_id", Text, ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("digest", LargeBinary, nullable=False),
    Column("circuits", Integer, nullable=False),
    Column("marks", LargeBinary, nullable=False),
    Column("options", LargeBinary),
    Column("template", LargeBinary),
    Column("checksum", BigInteger),
    CheckConstraint("number >= 0 AND circuits > 0", name="size"),
)

payloads = Table(
    "payloads",
    metadata,
    Column("job_id", Text, primary_key=True),
    Column("part", Integer, primary_key=True),
    Column("slot", Integer, primary_key=True),
    Column("size", Integer, nullable=False),
    Column("cost", Float, nullable=False),
    Column("labels", LargeBinary, nullable=False),
    Column("sources", LargeBinary, nullable=False),
    Column("labels_checksum", BigInteger),
    Column("sources_checksum", BigInteger),
    ForeignKeyConstraint(["job_id", "part"], ["parts.job_id", "parts.number"], ondelete="CASCADE"),
    CheckConstraint("size > 0 AND cost >= 0", name="size"),
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
    Column("seq", _sequence, primary_key=True, autoincrement=True),
    Column("job_id", Text, nullable=False),
    Column("first", Integer, nullable=False),
    Column("shard", Integer, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("size", Integer, nullable=False),
    Column("results", LargeBinary, nullable=False),
    Column("checksum", BigInteger),
    ForeignKeyConstraint(
        ["job_id", "shard", "attempt"],
        ["attempts.job_id", "attempts.shard", "attempts.attempt"],
        ondelete="CASCADE",
    ),
    UniqueConstraint("job_id", "first"),
    CheckConstraint("size > 0", name="size"),
    Index("ix_results_seq", "job_id", "seq"),
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

changes = Table(
    "changes",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("count", BigInteger, nullable=False),
    Column("served", Float, nullable=False),
    CheckConstraint("id = 1", name="single"),
)

turns = Table(
    "turns",
    metadata,
    Column("owner", Text, primary_key=True),
    Column("turn", Float, nullable=False),
)

spent = Table(
    "spent",
    metadata,
    Column("seq", _sequence, primary_key=True, autoincrement=True),
    Column("owner", Text, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("shots", BigInteger, nullable=False),
    Index("ix_spent_owner", "owner", "created_at"),
)

stored = Table(
    "stored",
    metadata,
    Column("owner", Text, primary_key=True),
    Column("bytes", BigInteger, nullable=False),
)

users = Table(
    "users",
    metadata,
    Column("name", Text, primary_key=True),
    Column("role", Text, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("queued_circuits", BigInteger),
    Column("running_shards", BigInteger),
    Column("shots_per_day", BigInteger),
    Column("stored_bytes", BigInteger),
    CheckConstraint("role IN ('user', 'admin')", name="role"),
    CheckConstraint("length(name) > 0", name="name"),
)

tokens = Table(
    "tokens",
    metadata,
    Column("id", Text, primary_key=True),
    Column("user", Text, ForeignKey("users.name", ondelete="CASCADE"), nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("expires_at", Float),
    Column("revoked_at", Float),
)
