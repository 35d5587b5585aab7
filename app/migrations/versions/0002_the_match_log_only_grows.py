"""The match log only grows.

Revision: 0002, after 0001.
"""

from __future__ import annotations

from alembic import op

from app.matchlog.triggers import append_only_ddl, drop_append_only_ddl

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLES = ("log_leaf", "log_node", "log_checkpoint", "log_key")


def upgrade() -> None:
    dialect = op.get_bind().dialect.name
    for table in TABLES:
        for statement in append_only_ddl(dialect, table):
            op.execute(statement)


def downgrade() -> None:
    dialect = op.get_bind().dialect.name
    for table in TABLES:
        for statement in drop_append_only_ddl(dialect, table):
            op.execute(statement)
