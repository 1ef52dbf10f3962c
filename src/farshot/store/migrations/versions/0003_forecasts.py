"""How the circuit is run that a shard is at."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add what there is more."""
    op.add_column("shards", sa.Column("forecast", sa.LargeBinary(), nullable=True))
