"""The ranges of a run are tasks, each with a lease of its own.

Done ranges stay. A worker of the version before finds no table to write to, so that its attempt fails, and a
newer worker goes on with the run.

Revision: 0004, after 0003.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.rename_table('run_block', 'run_task')
    with op.batch_alter_table('run_task', schema=None) as batch_op:
        batch_op.alter_column('meetings', existing_type=sa.BigInteger(), nullable=True)
        batch_op.add_column(sa.Column('lease_token', sa.String(length=32), nullable=True))
        batch_op.add_column(sa.Column('lease_until_ms', sa.BigInteger(), nullable=True))
