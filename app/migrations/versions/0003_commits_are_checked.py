"""A commit is asked for, then its parts are checked.

Revision: 0003, after 0002.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('upload', schema=None) as batch_op:
        batch_op.add_column(sa.Column('asked', sa.Text(), nullable=True))
        batch_op.add_column(sa.Column('checked', sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column('check_token', sa.String(length=32), nullable=True))
        batch_op.add_column(sa.Column('check_until_ms', sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column('check_attempts', sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column('refusal', sa.Text(), nullable=True))
    op.drop_index('ix_upload_open', table_name='upload')
    op.create_index('ix_upload_open', 'upload', ['project', 'party', 'partner'], unique=True, sqlite_where=sa.text("state IN ('open', 'checking')"), postgresql_where=sa.text("state IN ('open', 'checking')"))
