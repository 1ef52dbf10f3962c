"""Jobs, their shards and payloads, attempts, results; the machine that uses the store."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the first tables."""
    op.create_table(
        "jobs",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("tag", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("cancel_requested", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("spec", sa.LargeBinary(), nullable=False),
        sa.Column("circuits", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("failed", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("run_time", sa.Float(), server_default=sa.text("0"), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("finished_at", sa.Float(), nullable=True),
        sa.Column("timeout", sa.Float(), nullable=True),
        sa.Column("deadline", sa.Float(), nullable=True),
        sa.Column("deadline_boot", sa.Text(), nullable=True),
        sa.Column("fault", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint("(status IN ('PENDING', 'RUNNING')) = (finished_at IS NULL)", name=op.f("ck_jobs_finished")),
        sa.CheckConstraint("status <> 'CANCELLED' OR cancel_requested", name=op.f("ck_jobs_cancelled")),
        sa.CheckConstraint("status <> 'COMPLETED' OR (done = circuits AND failed = 0)", name=op.f("ck_jobs_completed")),
        sa.CheckConstraint("(deadline IS NULL) = (deadline_boot IS NULL)", name=op.f("ck_jobs_deadline")),
        sa.CheckConstraint("fault IS NULL OR status = 'FAILED'", name=op.f("ck_jobs_fault")),
        sa.CheckConstraint("status <> 'FAILED' OR failed > 0 OR fault IS NOT NULL", name=op.f("ck_jobs_failed")),
        sa.CheckConstraint(
            "status IN ('PENDING', 'RUNNING', 'COMPLETED', 'FAILED', 'CANCELLED')", name=op.f("ck_jobs_status")
        ),
        sa.CheckConstraint("0 <= failed AND failed <= done AND done <= circuits", name=op.f("ck_jobs_progress")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_jobs")),
        sa.UniqueConstraint("id", name=op.f("uq_jobs_id")),
        sa.UniqueConstraint("owner", "key", name=op.f("uq_jobs_owner")),
    )
    op.create_index("ix_jobs_status", "jobs", ["status", "seq"], unique=False)
    op.create_index("ix_jobs_tag", "jobs", ["tag", "seq"], unique=False)
    op.create_table(
        "shards",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("job_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("first", sa.Integer(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("attempt", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("holder", sa.Text(), nullable=True),
        sa.Column("lease_until", sa.Float(), nullable=True),
        sa.Column("lease_boot", sa.Text(), nullable=True),
        sa.Column("suspect", sa.Integer(), nullable=True),
        sa.Column("verdict", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint("(status = 'LEASED') = (holder IS NOT NULL)", name=op.f("ck_shards_held")),
        sa.CheckConstraint("(status = 'LEASED') = (lease_boot IS NOT NULL)", name=op.f("ck_shards_boot")),
        sa.CheckConstraint("(status = 'LEASED') = (lease_until IS NOT NULL)", name=op.f("ck_shards_until")),
        sa.CheckConstraint("status <> 'DONE' OR done = size", name=op.f("ck_shards_finished")),
        sa.CheckConstraint("verdict IS NULL OR suspect IS NOT NULL", name=op.f("ck_shards_blamed")),
        sa.CheckConstraint("status IN ('QUEUED', 'LEASED', 'DONE', 'CANCELLED')", name=op.f("ck_shards_status")),
        sa.CheckConstraint("size > 0 AND 0 <= done AND done <= size", name=op.f("ck_shards_progress")),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_shards_job_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_shards")),
        sa.UniqueConstraint("job_id", "number", name=op.f("uq_shards_job_id")),
    )
    op.create_index(
        "ix_shards_open",
        "shards",
        ["seq"],
        unique=False,
        sqlite_where=sa.text("status IN ('QUEUED', 'LEASED')"),
        postgresql_where=sa.text("status IN ('QUEUED', 'LEASED')"),
    )
    op.create_table(
        "attempts",
        sa.Column("job_id", sa.Text(), nullable=False),
        sa.Column("shard", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("started_at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(
            ["job_id", "shard"], ["shards.job_id", "shards.number"], name=op.f("fk_attempts_job_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("job_id", "shard", "attempt", name=op.f("pk_attempts")),
    )
    op.create_table(
        "payloads",
        sa.Column("job_id", sa.Text(), nullable=False),
        sa.Column("shard", sa.Integer(), nullable=False),
        sa.Column("labels", sa.LargeBinary(), nullable=False),
        sa.Column("sources", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["job_id", "shard"], ["shards.job_id", "shards.number"], name=op.f("fk_payloads_job_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("job_id", "shard", name=op.f("pk_payloads")),
    )
    op.create_table(
        "results",
        sa.Column("job_id", sa.Text(), nullable=False),
        sa.Column("first", sa.Integer(), nullable=False),
        sa.Column("shard", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("results", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("size > 0", name=op.f("ck_results_size")),
        sa.ForeignKeyConstraint(
            ["job_id", "shard", "attempt"],
            ["attempts.job_id", "attempts.shard", "attempts.attempt"],
            name=op.f("fk_results_job_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("job_id", "first", name=op.f("pk_results")),
    )
    op.create_table(
        "hosts",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("machine", sa.Text(), nullable=False),
        sa.Column("boot", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_hosts_single")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hosts")),
    )
