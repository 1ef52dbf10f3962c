"""The tables, which `migrations/` create. The database itself refuses impossible rows.

`jobs`: one with a `draft` is still being uploaded and has no shards; `changed` is the number of its last change.
`parts`: the pieces in which a job arrived. `payloads`: the circuits, apart from `shards` so that a change of state does
not rewrite them.

`shards`: those of an owner are in order of `rank`, the negative priority. `cost` is the guessed seconds, and `charged`
those charged to the owner and not recorded yet; below zero it counts as nothing, since the excess was charged when it
was recorded. `forecast` is for the circuit that a leased shard is at, and means nothing if it is not leased.

`attempts`: one without a holder was given back with nothing wrong, and is not counted, but keeps its results.
`changes`: the number of changes of all jobs, and the virtual time (`served`). `turns`: the fair order of owners.

A `checksum` covers a row but for its state (`encoding.py`); a row from before there were any has none.
"""

from __future__ import annotations

import sqlalchemy as sa

metadata = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

_sequence = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_OPEN_SHARD = "status IN ('QUEUED', 'LEASED')"
_LEASED_SHARD = "status = 'LEASED'"

jobs = sa.Table(
    "jobs",
    metadata,
    sa.Column("seq", _sequence, primary_key=True, autoincrement=True),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("digest", sa.LargeBinary, nullable=False),
    sa.Column("tag", sa.Text),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("cancel_requested", sa.Boolean, nullable=False, server_default=sa.text("false")),
    sa.Column("target", sa.Text, nullable=False),
    sa.Column("spec", sa.LargeBinary, nullable=False),
    sa.Column("draft", sa.LargeBinary),
    sa.Column("priority", sa.Integer, nullable=False, server_default=sa.text("0")),
    sa.Column("circuits", sa.Integer, nullable=False),
    sa.Column("shots", sa.BigInteger, nullable=False, server_default=sa.text("0")),
    sa.Column("bytes", sa.BigInteger, nullable=False, server_default=sa.text("0")),
    sa.Column("changed", sa.BigInteger, nullable=False, server_default=sa.text("0")),
    sa.Column("done", sa.Integer, nullable=False, server_default=sa.text("0")),
    sa.Column("failed", sa.Integer, nullable=False, server_default=sa.text("0")),
    sa.Column("run_time", sa.Float, nullable=False, server_default=sa.text("0")),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("started_at", sa.Float),
    sa.Column("finished_at", sa.Float),
    sa.Column("timeout", sa.Float),
    sa.Column("deadline", sa.Float),
    sa.Column("deadline_boot", sa.Text),
    sa.Column("fault", sa.LargeBinary),
    sa.Column("checksum", sa.BigInteger),
    sa.UniqueConstraint("owner", "key"),
    sa.CheckConstraint("status IN ('PENDING', 'RUNNING', 'COMPLETED', 'FAILED', 'CANCELLED')", name="status"),
    sa.CheckConstraint("0 <= failed AND failed <= done AND done <= circuits", name="progress"),
    sa.CheckConstraint("(status IN ('PENDING', 'RUNNING')) = (finished_at IS NULL)", name="finished"),
    sa.CheckConstraint("status <> 'COMPLETED' OR (done = circuits AND failed = 0)", name="completed"),
    sa.CheckConstraint("status <> 'FAILED' OR failed > 0 OR fault IS NOT NULL", name="failed"),
    sa.CheckConstraint("fault IS NULL OR status = 'FAILED'", name="fault"),
    sa.CheckConstraint("draft IS NULL OR status IN ('PENDING', 'CANCELLED')", name="draft"),
    sa.CheckConstraint("(deadline IS NULL) = (deadline_boot IS NULL)", name="deadline"),
    sa.CheckConstraint("status <> 'CANCELLED' OR cancel_requested", name="cancelled"),
    sa.Index("ix_jobs_tag", "tag", "seq"),
    sa.Index("ix_jobs_status", "status", "seq"),
    sa.Index("ix_jobs_owner", "owner", "seq"),
    sa.Index("ix_jobs_changed", "changed"),
    sa.Index("ix_jobs_followed", "owner", "changed"),
)

shards = sa.Table(
    "shards",
    metadata,
    sa.Column("seq", _sequence, primary_key=True, autoincrement=True),
    sa.Column("job_id", sa.Text, sa.ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("part", sa.Integer, nullable=False),
    sa.Column("slot", sa.Integer, nullable=False),
    sa.Column("first", sa.Integer, nullable=False),
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("done", sa.Integer, nullable=False, server_default=sa.text("0")),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False, server_default=sa.text("0")),
    sa.Column("holder", sa.Text),
    sa.Column("lease_until", sa.Float),
    sa.Column("lease_boot", sa.Text),
    sa.Column("suspect", sa.Integer),
    sa.Column("verdict", sa.LargeBinary),
    sa.Column("checksum", sa.BigInteger),
    sa.Column("rank", sa.Integer, nullable=False, server_default=sa.text("0")),
    sa.Column("cost", sa.Float, nullable=False, server_default=sa.text("0")),
    sa.Column("charged", sa.Float, nullable=False, server_default=sa.text("0")),
    sa.Column("forecast", sa.LargeBinary),
    sa.UniqueConstraint("job_id", "number"),
    sa.UniqueConstraint("job_id", "part", "slot", name="uq_shards_payload"),
    sa.ForeignKeyConstraint(
        ["job_id", "part", "slot"],
        ["payloads.job_id", "payloads.part", "payloads.slot"],
        name="fk_shards_payload",
        ondelete="CASCADE",
    ),
    sa.CheckConstraint("status IN ('QUEUED', 'LEASED', 'DONE', 'CANCELLED')", name="status"),
    sa.CheckConstraint("size > 0 AND 0 <= done AND done <= size", name="progress"),
    sa.CheckConstraint("status <> 'DONE' OR done = size", name="finished"),
    sa.CheckConstraint("verdict IS NULL OR suspect IS NOT NULL", name="blamed"),
    sa.CheckConstraint("(status = 'LEASED') = (holder IS NOT NULL)", name="held"),
    sa.CheckConstraint("(status = 'LEASED') = (lease_until IS NOT NULL)", name="until"),
    sa.CheckConstraint("(status = 'LEASED') = (lease_boot IS NOT NULL)", name="boot"),
    sa.Index(
        "ix_shards_waiting",
        "owner",
        "rank",
        "seq",
        sqlite_where=sa.text(_OPEN_SHARD),
        postgresql_where=sa.text(_OPEN_SHARD),
    ),
    sa.Index("ix_shards_leased", "owner", sqlite_where=sa.text(_LEASED_SHARD), postgresql_where=sa.text(_LEASED_SHARD)),
)

# Literals, as in the indexes: with a parameter in their place SQLite reads every shard there ever was.
shards_open = shards.c.status.in_([sa.literal_column("'QUEUED'"), sa.literal_column("'LEASED'")])
shards_leased = shards.c.status == sa.literal_column("'LEASED'")
has_lapsed = sa.or_(shards.c.lease_boot != sa.bindparam("boot"), shards.c.lease_until < sa.bindparam("now"))
is_claimable = sa.or_(shards.c.status == "QUEUED", has_lapsed)

parts = sa.Table(
    "parts",
    metadata,
    sa.Column("job_id", sa.Text, sa.ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("digest", sa.LargeBinary, nullable=False),
    sa.Column("circuits", sa.Integer, nullable=False),
    sa.Column("marks", sa.LargeBinary, nullable=False),
    sa.Column("options", sa.LargeBinary),
    sa.Column("template", sa.LargeBinary),
    sa.Column("checksum", sa.BigInteger),
    sa.CheckConstraint("number >= 0 AND circuits > 0", name="size"),
)

payloads = sa.Table(
    "payloads",
    metadata,
    sa.Column("job_id", sa.Text, primary_key=True),
    sa.Column("part", sa.Integer, primary_key=True),
    sa.Column("slot", sa.Integer, primary_key=True),
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("cost", sa.Float, nullable=False),
    sa.Column("labels", sa.LargeBinary, nullable=False),
    sa.Column("sources", sa.LargeBinary, nullable=False),
    sa.Column("labels_checksum", sa.BigInteger),
    sa.Column("sources_checksum", sa.BigInteger),
    sa.ForeignKeyConstraint(["job_id", "part"], ["parts.job_id", "parts.number"], ondelete="CASCADE"),
    sa.CheckConstraint("size > 0 AND cost >= 0", name="size"),
)

is_payload_of_shard = sa.and_(
    payloads.c.job_id == shards.c.job_id, payloads.c.part == shards.c.part, payloads.c.slot == shards.c.slot
)

attempts = sa.Table(
    "attempts",
    metadata,
    sa.Column("job_id", sa.Text, primary_key=True),
    sa.Column("shard", sa.Integer, primary_key=True),
    sa.Column("attempt", sa.Integer, primary_key=True),
    sa.Column("holder", sa.Text, nullable=False),
    sa.Column("started_at", sa.Float, nullable=False),
    sa.ForeignKeyConstraint(["job_id", "shard"], ["shards.job_id", "shards.number"], ondelete="CASCADE"),
)

results = sa.Table(
    "results",
    metadata,
    sa.Column("seq", _sequence, primary_key=True, autoincrement=True),
    sa.Column("job_id", sa.Text, nullable=False),
    sa.Column("first", sa.Integer, nullable=False),
    sa.Column("shard", sa.Integer, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("results", sa.LargeBinary, nullable=False),
    sa.Column("checksum", sa.BigInteger),
    sa.ForeignKeyConstraint(
        ["job_id", "shard", "attempt"], ["attempts.job_id", "attempts.shard", "attempts.attempt"], ondelete="CASCADE"
    ),
    sa.UniqueConstraint("job_id", "first"),
    sa.CheckConstraint("size > 0", name="size"),
    sa.Index("ix_results_seq", "job_id", "seq"),
)

hosts = sa.Table(
    "hosts",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("machine", sa.Text, nullable=False),
    sa.Column("boot", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.CheckConstraint("id = 1", name="single"),
)

changes = sa.Table(
    "changes",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("count", sa.BigInteger, nullable=False),
    sa.Column("served", sa.Float, nullable=False),
    sa.CheckConstraint("id = 1", name="single"),
)

turns = sa.Table(
    "turns", metadata, sa.Column("owner", sa.Text, primary_key=True), sa.Column("turn", sa.Float, nullable=False)
)

spent = sa.Table(
    "spent",
    metadata,
    sa.Column("seq", _sequence, primary_key=True, autoincrement=True),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("shots", sa.BigInteger, nullable=False),
    sa.Index("ix_spent_owner", "owner", "created_at"),
)

stored = sa.Table(
    "stored", metadata, sa.Column("owner", sa.Text, primary_key=True), sa.Column("bytes", sa.BigInteger, nullable=False)
)

users = sa.Table(
    "users",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("queued_circuits", sa.BigInteger),
    sa.Column("running_shards", sa.BigInteger),
    sa.Column("shots_per_day", sa.BigInteger),
    sa.Column("stored_bytes", sa.BigInteger),
    sa.CheckConstraint("role IN ('user', 'admin')", name="role"),
    sa.CheckConstraint("length(name) > 0", name="name"),
)

tokens = sa.Table(
    "tokens",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("user", sa.Text, sa.ForeignKey("users.name", ondelete="CASCADE"), nullable=False),
    sa.Column("digest", sa.LargeBinary, nullable=False),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("expires_at", sa.Float),
    sa.Column("revoked_at", sa.Float),
)
