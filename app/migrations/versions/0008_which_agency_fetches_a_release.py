"""which agency fetches a release

Revision: 0008, after 0007.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


revision = '0008'
down_revision = '0007'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('release', schema=None) as batch_op:
        batch_op.add_column(sa.Column('agency', sa.String(length=40), nullable=True))
    # Until now every release was fetched by its recipient.
    op.execute('UPDATE release SET agency = recipient')
    with op.batch_alter_table('release', schema=None) as batch_op:
        batch_op.alter_column('agency', existing_type=sa.String(length=40), nullable=False)
        batch_op.create_index(batch_op.f('ix_release_agency'), ['agency'], unique=False)
        batch_op.create_foreign_key(batch_op.f('fk_release_agency_party'), 'party', ['agency'], ['name'])
        batch_op.drop_constraint(batch_op.f('uq_release_run'), type_='unique')
        batch_op.create_unique_constraint(batch_op.f('uq_release_run'), ['run', 'recipient', 'agency'])


def downgrade() -> None:
    op.execute('DELETE FROM release_piece WHERE release IN (SELECT id FROM release WHERE agency <> recipient)')
    op.execute('DELETE FROM release WHERE agency <> recipient')
    with op.batch_alter_table('release', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('uq_release_run'), type_='unique')
        batch_op.create_unique_constraint(batch_op.f('uq_release_run'), ['run', 'recipient'])
        batch_op.drop_constraint(batch_op.f('fk_release_agency_party'), type_='foreignkey')
        batch_op.drop_index(batch_op.f('ix_release_agency'))
        batch_op.drop_column('agency')
