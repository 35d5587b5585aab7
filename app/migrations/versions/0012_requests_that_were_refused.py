"""requests that were refused

Revision: 0012, after 0011.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


revision = '0012'
down_revision = '0011'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('refused_requests',
    sa.Column('hour', sa.String(length=20), nullable=False),
    sa.Column('project', sa.String(length=40), nullable=False),
    sa.Column('party', sa.String(length=40), nullable=False),
    sa.Column('why', sa.String(length=60), nullable=False),
    sa.Column('clause', sa.String(length=60), nullable=False),
    sa.Column('count', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['party'], ['party.name'], name=op.f('fk_refused_requests_party_party')),
    sa.ForeignKeyConstraint(['project'], ['project.name'], name=op.f('fk_refused_requests_project_project')),
    sa.PrimaryKeyConstraint('hour', 'project', 'party', 'why', 'clause', name=op.f('pk_refused_requests'))
    )


def downgrade() -> None:
    op.drop_table('refused_requests')
