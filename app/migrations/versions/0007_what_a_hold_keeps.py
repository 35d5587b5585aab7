"""What was replaced, or never came whole, waits in a table until no hold of its project keeps it.

Revision: 0007, after 0006.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('retired_object',
    sa.Column('object', sa.String(length=80), nullable=False),
    sa.Column('project', sa.String(length=40), nullable=False),
    sa.ForeignKeyConstraint(['object'], ['sealed_object.id'], ),
    sa.PrimaryKeyConstraint('object')
    )
    with op.batch_alter_table('retired_object', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_retired_object_project'), ['project'], unique=False)
