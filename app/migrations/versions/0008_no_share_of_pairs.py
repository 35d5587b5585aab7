"""What may be asked about is an allowance now, so no pair is left out for being beyond a share.

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
