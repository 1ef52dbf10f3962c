"""Users, tokens; jobs, parts, payloads, shards, attempts, results; the machine that uses the store."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the first tables."""
    op.create_table(
        "changes",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("served", sa.Float(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_changes_single")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_changes")),
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
        sa.Column("draft", sa.LargeBinary(), nullable=True),
        sa.Column("priority", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("circuits", sa.Integer(), nullable=False),
        sa.Column("shots", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("bytes", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("changed", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("done", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("failed", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("run_time", sa.Float(), server_default=sa.text("0"), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("started_at", sa.Float(), nullable=True),
        sa.Column("finished_at", sa.Float(), nullable=True),
        sa.Column("timeout", sa.Float(), nullable=True),
        sa.Column("deadline", sa.Float(), nullable=True),
        sa.Column("deadline_boot", sa.Text(), nullable=True),
        sa.Column("fault", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint("(status IN ('PENDING', 'RUNNING')) = (finished_at IS NULL)", name=op.f("ck_jobs_finished")),
        sa.CheckConstraint("draft IS NULL OR status IN ('PENDING', 'CANCELLED')", name=op.f("ck_jobs_draft")),
        sa.CheckConstraint("fault IS NULL OR status = 'FAILED'", name=op.f("ck_jobs_fault")),
        sa.CheckConstraint("status <> 'CANCELLED' OR cancel_requested", name=op.f("ck_jobs_cancelled")),
        sa.CheckConstraint("status <> 'COMPLETED' OR (done = circuits AND failed = 0)", name=op.f("ck_jobs_completed")),
        sa.CheckConstraint("status <> 'FAILED' OR failed > 0 OR fault IS NOT NULL", name=op.f("ck_jobs_failed")),
        sa.CheckConstraint(
            "status IN ('PENDING', 'RUNNING', 'COMPLETED', 'FAILED', 'CANCELLED')", name=op.f("ck_jobs_status")
        ),
        sa.CheckConstraint("(deadline IS NULL) = (deadline_boot IS NULL)", name=op.f("ck_jobs_deadline")),
        sa.CheckConstraint("0 <= failed AND failed <= done AND done <= circuits", name=op.f("ck_jobs_progress")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_jobs")),
        sa.UniqueConstraint("id", name=op.f("uq_jobs_id")),
        sa.UniqueConstraint("owner", "key", name=op.f("uq_jobs_owner")),
    )
    op.create_index("ix_jobs_changed", "jobs", ["changed"], unique=False)
    op.create_index("ix_jobs_followed", "jobs", ["owner", "changed"], unique=False)
    op.create_index("ix_jobs_owner", "jobs", ["owner", "seq"], unique=False)
    op.create_index("ix_jobs_status", "jobs", ["status", "seq"], unique=False)
    op.create_index("ix_jobs_tag", "jobs", ["tag", "seq"], unique=False)
    op.create_table(
        "spent",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("shots", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_spent")),
    )
    op.create_index("ix_spent_owner", "spent", ["owner", "created_at"], unique=False)
    op.create_table(
        "users",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("queued_circuits", sa.BigInteger(), nullable=True),
        sa.Column("running_shards", sa.BigInteger(), nullable=True),
        sa.Column("shots_per_day", sa.BigInteger(), nullable=True),
        sa.Column("stored_bytes", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("role IN ('user', 'admin')", name=op.f("ck_users_role")),
        sa.CheckConstraint("length(name) > 0", name=op.f("ck_users_name")),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_users")),
    )
    op.create_table(
        "parts",
        sa.Column("job_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("circuits", sa.Integer(), nullable=False),
        sa.Column("marks", sa.LargeBinary(), nullable=False),
        sa.Column("options", sa.LargeBinary(), nullable=True),
        sa.Column("template", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint("number >= 0 AND circuits > 0", name=op.f("ck_parts_size")),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_parts_job_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("job_id", "number", name=op.f("pk_parts")),
    )
    op.create_table(
        "tokens",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("user", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("expires_at", sa.Float(), nullable=True),
        sa.Column("revoked_at", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(["user"], ["users.name"], name=op.f("fk_tokens_user"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokens")),
    )
    op.create_table(
        "payloads",
        sa.Column("job_id", sa.Text(), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("slot", sa.Integer(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("cost", sa.Float(), nullable=False),
        sa.Column("labels", sa.LargeBinary(), nullable=False),
        sa.Column("sources", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("size > 0 AND cost >= 0", name=op.f("ck_payloads_size")),
        sa.ForeignKeyConstraint(
            ["job_id", "part"], ["parts.job_id", "parts.number"], name=op.f("fk_payloads_job_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("job_id", "part", "slot", name=op.f("pk_payloads")),
    )
    op.create_table(
        "shards",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("job_id", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("turn", sa.Float(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("slot", sa.Integer(), nullable=False),
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
        sa.CheckConstraint("status IN ('QUEUED', 'LEASED', 'DONE', 'CANCELLED')", name=op.f("ck_shards_status")),
        sa.CheckConstraint("size > 0 AND 0 <= done AND done <= size", name=op.f("ck_shards_progress")),
        sa.CheckConstraint("verdict IS NULL OR suspect IS NOT NULL", name=op.f("ck_shards_blamed")),
        sa.ForeignKeyConstraint(
            ["job_id", "part", "slot"],
            ["payloads.job_id", "payloads.part", "payloads.slot"],
            name="fk_shards_payload",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_shards_job_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_shards")),
        sa.UniqueConstraint("job_id", "number", name=op.f("uq_shards_job_id")),
        sa.UniqueConstraint("job_id", "part", "slot", name="uq_shards_payload"),
    )
    op.create_index(
        "ix_shards_open",
        "shards",
        ["turn", "seq"],
        unique=False,
        sqlite_where=sa.text("status IN ('QUEUED', 'LEASED')"),
        postgresql_where=sa.text("status IN ('QUEUED', 'LEASED')"),
    )
    op.create_index(
        "ix_shards_owner",
        "shards",
        ["owner", "turn"],
        unique=False,
        sqlite_where=sa.text("status IN ('QUEUED', 'LEASED')"),
        postgresql_where=sa.text("status IN ('QUEUED', 'LEASED')"),
    )
    op.create_index(
        "ix_shards_leased",
        "shards",
        ["owner"],
        unique=False,
        sqlite_where=sa.text("status = 'LEASED'"),
        postgresql_where=sa.text("status = 'LEASED'"),
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
        "results",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
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
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_results")),
        sa.UniqueConstraint("job_id", "first", name=op.f("uq_results_job_id")),
    )
    op.create_index("ix_results_seq", "results", ["job_id", "seq"], unique=False)
    op.execute(sa.text("INSERT INTO changes (id, count, served) VALUES (1, 0, 0)"))
