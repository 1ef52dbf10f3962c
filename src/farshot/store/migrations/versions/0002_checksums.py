"""Checksums of what is stored; rows from before have none."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns, which no row has to have."""
    op.add_column("jobs", sa.Column("checksum", sa.BigInteger(), nullable=True))
    op.add_column("parts", sa.Column("checksum", sa.BigInteger(), nullable=True))
    op.add_column("payloads", sa.Column("labels_checksum", sa.BigInteger(), nullable=True))
    op.add_column("payloads", sa.Column("sources_checksum", sa.BigInteger(), nullable=True))
    op.add_column("shards", sa.Column("checksum", sa.BigInteger(), nullable=True))
    op.add_column("results", sa.Column("checksum", sa.BigInteger(), nullable=True))
