"""uploads that were refused

Revision: 0014, after 0013.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


revision = '0014'
down_revision = '0013'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('upload_rejection',
    sa.Column('upload', sa.String(length=36), nullable=False),
    sa.Column('manifest_sha256', sa.String(length=64), nullable=False),
    sa.Column('rule', sa.String(length=60), nullable=False),
    sa.Column('detail', sa.Text(), nullable=False),
    sa.Column('clause', sa.String(length=60), nullable=True),
    sa.ForeignKeyConstraint(['upload'], ['upload.id'], name=op.f('fk_upload_rejection_upload_upload')),
    sa.PrimaryKeyConstraint('upload', 'manifest_sha256', 'rule', name=op.f('pk_upload_rejection'))
    )


def downgrade() -> None:
    op.drop_table('upload_rejection')
