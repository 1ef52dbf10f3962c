"""Checksums of what is stored, of which rows from before have none; a turn for each owner."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add what there is more."""
    op.add_column("jobs", sa.Column("checksum", sa.BigInteger(), nullable=True))
    op.add_column("parts", sa.Column("checksum", sa.BigInteger(), nullable=True))
    op.add_column("payloads", sa.Column("labels_checksum", sa.BigInteger(), nullable=True))
    op.add_column("payloads", sa.Column("sources_checksum", sa.BigInteger(), nullable=True))
    op.add_column("shards", sa.Column("checksum", sa.BigInteger(), nullable=True))
    op.add_column("results", sa.Column("checksum", sa.BigInteger(), nullable=True))
    _keep_turns_of_owners()
    _keep_bytes_of_owners()


def _keep_bytes_of_owners() -> None:
    """Have what each owner has stored as one number, the sum of its jobs."""
    op.create_table(
        "stored",
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("owner", name=op.f("pk_stored")),
    )
    op.execute("INSERT INTO stored (owner, bytes) SELECT owner, sum(bytes) FROM jobs WHERE owner <> '' GROUP BY owner")


def _keep_turns_of_owners() -> None:
    """Have a turn for each owner and none for each shard; who waits begins anew, together."""
    op.create_table(
        "turns",
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("turn", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("owner", name=op.f("pk_turns")),
    )
    op.add_column("shards", sa.Column("rank", sa.Integer(), server_default=sa.text("0"), nullable=False))
    op.add_column("shards", sa.Column("cost", sa.Float(), server_default=sa.text("0"), nullable=False))
    op.add_column("shards", sa.Column("charged", sa.Float(), server_default=sa.text("0"), nullable=False))
    op.drop_index("ix_shards_open", "shards")
    op.drop_index("ix_shards_owner", "shards")
    op.drop_column("shards", "turn")
    op.create_index(
        "ix_shards_waiting",
        "shards",
        ["owner", "rank", "seq"],
        unique=False,
        sqlite_where=sa.text("status IN ('QUEUED', 'LEASED')"),
        postgresql_where=sa.text("status IN ('QUEUED', 'LEASED')"),
    )
    op.execute(
        "UPDATE shards SET rank = -(SELECT priority FROM jobs WHERE jobs.id = shards.job_id), "
        "cost = (SELECT cost FROM payloads WHERE payloads.job_id = shards.job_id "
        "AND payloads.part = shards.part AND payloads.slot = shards.slot) WHERE status IN ('QUEUED', 'LEASED')"
    )
