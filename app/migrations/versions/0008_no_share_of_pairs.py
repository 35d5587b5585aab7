"""No pair is left out for being beyond a share; the log finds the next entry of a project by an index.

Revision: 0008, after 0007.
"""

from __future__ import annotations

from alembic import op

revision = '0008'
down_revision = '0007'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('run', schema=None) as batch_op:
        batch_op.drop_column('beyond_share_pairs')
    op.create_index('ix_log_leaf_project_seq', 'log_leaf', ['project', 'seq'])
