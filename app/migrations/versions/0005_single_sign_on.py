"""Persons may sign on to the pages by a provider that their keys have linked with them.

Revision: 0005, after 0004.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('sign_on',
    sa.Column('subject', sa.String(length=64), nullable=False),
    sa.Column('person', sa.String(length=36), nullable=False),
    sa.Column('salt', sa.String(length=64), nullable=False),
    sa.Column('commitment', sa.String(length=64), nullable=False),
    sa.Column('created', sa.String(length=20), nullable=False),
    sa.ForeignKeyConstraint(['person'], ['person.id'], ),
    sa.PrimaryKeyConstraint('subject'),
    sa.UniqueConstraint('person')
    )
    with op.batch_alter_table('page_session', schema=None) as batch_op:
        batch_op.add_column(sa.Column('subject', sa.String(length=64), nullable=True))
        batch_op.add_column(sa.Column('provider_session', sa.String(length=64), nullable=True))
        batch_op.add_column(sa.Column('duties', sa.String(length=80), nullable=True))
        batch_op.add_column(sa.Column('id_token', sa.Text(), nullable=True))
        batch_op.create_index(batch_op.f('ix_page_session_provider_session'), ['provider_session'], unique=False)
        batch_op.create_index(batch_op.f('ix_page_session_subject'), ['subject'], unique=False)
