"""destruction, legal holds and withdrawn records

Revision: 0009, after 0008.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


revision = '0009'
down_revision = '0008'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('destruction',
    sa.Column('id', sa.String(length=36), nullable=False),
    sa.Column('project', sa.String(length=40), nullable=False),
    sa.Column('agreement', sa.String(length=64), nullable=False),
    sa.Column('purpose', sa.String(length=60), nullable=False),
    sa.Column('floor', sa.BigInteger(), nullable=False),
    sa.Column('scope', sa.String(length=12), nullable=False),
    sa.Column('subject', sa.String(length=40), nullable=True),
    sa.Column('reason', sa.String(length=60), nullable=False),
    sa.Column('asked_by', sa.String(length=40), nullable=True),
    sa.Column('person', sa.String(length=36), nullable=True),
    sa.Column('asked', sa.String(length=20), nullable=False),
    sa.Column('certificate', sa.Text(), nullable=True),
    sa.Column('certificate_sha256', sa.String(length=64), nullable=True),
    sa.Column('log_key', sa.String(length=300), nullable=True),
    sa.Column('signature', sa.String(length=88), nullable=True),
    sa.Column('entry', sa.BigInteger(), nullable=True),
    sa.Column('entry_size', sa.BigInteger(), nullable=True),
    sa.ForeignKeyConstraint(['project'], ['project.name'], name=op.f('fk_destruction_project_project')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_destruction'))
    )
    with op.batch_alter_table('destruction', schema=None) as batch_op:
        batch_op.create_index('ix_destruction_open', ['certificate_sha256'], unique=False)
        batch_op.create_index(batch_op.f('ix_destruction_project'), ['project'], unique=False)

    op.create_table('destruction_statement',
    sa.Column('sha256', sa.String(length=64), nullable=False),
    sa.Column('project', sa.String(length=40), nullable=False),
    sa.Column('party', sa.String(length=40), nullable=False),
    sa.Column('at', sa.String(length=20), nullable=False),
    sa.Column('document', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['party'], ['party.name'], name=op.f('fk_destruction_statement_party_party')),
    sa.ForeignKeyConstraint(['project'], ['project.name'], name=op.f('fk_destruction_statement_project_project')),
    sa.PrimaryKeyConstraint('sha256', name=op.f('pk_destruction_statement'))
    )
    with op.batch_alter_table('destruction_statement', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_destruction_statement_project'), ['project'], unique=False)

    op.create_table('legal_hold',
    sa.Column('id', sa.String(length=36), nullable=False),
    sa.Column('project', sa.String(length=40), nullable=False),
    sa.Column('party', sa.String(length=40), nullable=False),
    sa.Column('person', sa.String(length=36), nullable=False),
    sa.Column('ground', sa.String(length=200), nullable=False),
    sa.Column('made', sa.String(length=20), nullable=False),
    sa.Column('lifted', sa.String(length=20), nullable=True),
    sa.Column('document', sa.Text(), nullable=True),
    sa.Column('lifting', sa.Text(), nullable=True),
    sa.ForeignKeyConstraint(['party'], ['party.name'], name=op.f('fk_legal_hold_party_party')),
    sa.ForeignKeyConstraint(['project'], ['project.name'], name=op.f('fk_legal_hold_project_project')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_legal_hold'))
    )
    with op.batch_alter_table('legal_hold', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_legal_hold_project'), ['project'], unique=False)

    op.create_table('withdrawn_record',
    sa.Column('project', sa.String(length=40), nullable=False),
    sa.Column('epoch', sa.Integer(), nullable=False),
    sa.Column('party', sa.String(length=40), nullable=False),
    sa.Column('digest', sa.String(length=64), nullable=False),
    sa.ForeignKeyConstraint(['party'], ['party.name'], name=op.f('fk_withdrawn_record_party_party')),
    sa.ForeignKeyConstraint(['project'], ['project.name'], name=op.f('fk_withdrawn_record_project_project')),
    sa.PrimaryKeyConstraint('project', 'epoch', 'party', 'digest', name=op.f('pk_withdrawn_record'))
    )
    op.create_table('destruction_object',
    sa.Column('destruction', sa.String(length=36), nullable=False),
    sa.Column('object', sa.String(length=36), nullable=False),
    sa.Column('kind', sa.String(length=16), nullable=False),
    sa.Column('party', sa.String(length=40), nullable=True),
    sa.Column('sha256', sa.String(length=64), nullable=False),
    sa.Column('n_items', sa.BigInteger(), nullable=True),
    sa.Column('pieces', sa.BigInteger(), nullable=False),
    sa.Column('created', sa.String(length=20), nullable=True),
    sa.Column('destroyed', sa.String(length=20), nullable=False),
    sa.Column('entry_index', sa.BigInteger(), nullable=True),
    sa.ForeignKeyConstraint(['destruction'], ['destruction.id'], name=op.f('fk_destruction_object_destruction_destruction')),
    sa.PrimaryKeyConstraint('destruction', 'object', name=op.f('pk_destruction_object'))
    )
    op.create_table('destruction_signature',
    sa.Column('destruction', sa.String(length=36), nullable=False),
    sa.Column('party', sa.String(length=40), nullable=False),
    sa.Column('document', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['destruction'], ['destruction.id'], name=op.f('fk_destruction_signature_destruction_destruction')),
    sa.ForeignKeyConstraint(['party'], ['party.name'], name=op.f('fk_destruction_signature_party_party')),
    sa.PrimaryKeyConstraint('destruction', 'party', name=op.f('pk_destruction_signature'))
    )


def downgrade() -> None:
    op.drop_table('destruction_signature')
    op.drop_table('destruction_object')
    op.drop_table('withdrawn_record')
    with op.batch_alter_table('legal_hold', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_legal_hold_project'))

    op.drop_table('legal_hold')
    with op.batch_alter_table('destruction_statement', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_destruction_statement_project'))

    op.drop_table('destruction_statement')
    with op.batch_alter_table('destruction', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_destruction_project'))
        batch_op.drop_index('ix_destruction_open')

    op.drop_table('destruction')
