"""one sealed object for all that lies encrypted

Revision: 0016, after 0015.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op


revision = '0016'
down_revision = '0015'
branch_labels = None
depends_on = None

# What lay sealed before is named by other rows than after.
KEPT = (
    'upload_rejection', 'run_block', 'run_approval', 'standing_use', 'run_openings', 'match_record', 'release',
    'run', 'upload', 'epoch_key', 'sealed_message',
)
OWNERS = ('upload', 'release', 'match_record', 'run', 'sealed_message')
BLOBS = (('upload', 'token_index'), ('run_block', 'blob'), ('sealed_message', 'blob'))
PIECES: tuple[tuple[str, str, str, list[sa.Column[Any]], list[str]], ...] = (
    ('upload_part', 'upload', 'upload.id', [sa.Column('sha256', sa.String(length=64), nullable=False)], []),
    ('release_piece', 'release', 'release.id', [], []),
    ('match_record_piece', 'run', 'match_record.run', [sa.Column('part', sa.String(length=50), nullable=False)], ['part']),
)


def upgrade() -> None:
    _forget(('upload_part', 'match_record_piece', 'release_piece', *KEPT))
    for table, *_ in PIECES:
        op.drop_table(table)
    for table, column in BLOBS:
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.drop_constraint(batch_op.f(f'uq_{table}_{column}'), type_='unique')
            batch_op.drop_column(column)
    for table in OWNERS:
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.drop_column('is_shredded')
    op.create_table('sealed_object',
    sa.Column('id', sa.String(length=80), nullable=False),
    sa.Column('is_ended', sa.Boolean(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_sealed_object'))
    )
    with op.batch_alter_table('sealed_object', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_sealed_object_is_ended'), ['is_ended'], unique=False)

    op.create_table('sealed_piece',
    sa.Column('object', sa.String(length=80), nullable=False),
    sa.Column('kind', sa.String(length=80), nullable=False),
    sa.Column('number', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('blob', sa.String(length=64), nullable=False),
    sa.Column('sha256', sa.String(length=64), nullable=True),
    sa.ForeignKeyConstraint(['object'], ['sealed_object.id'], name=op.f('fk_sealed_piece_object_sealed_object')),
    sa.PrimaryKeyConstraint('object', 'kind', 'number', name=op.f('pk_sealed_piece')),
    sa.UniqueConstraint('blob', name=op.f('uq_sealed_piece_blob'))
    )


def downgrade() -> None:
    _forget(KEPT)
    op.drop_table('sealed_piece')
    with op.batch_alter_table('sealed_object', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_sealed_object_is_ended'))

    op.drop_table('sealed_object')
    for table, owner, target, columns, key in PIECES:
        op.create_table(table,
        sa.Column(owner, sa.String(length=36), nullable=False),
        sa.Column('number', sa.Integer(), nullable=False),
        sa.Column('blob', sa.String(length=64), nullable=False),
        *[column._copy() for column in columns],
        sa.ForeignKeyConstraint([owner], [target], name=op.f(f'fk_{table}_{owner}_{target.split(".")[0]}')),
        sa.PrimaryKeyConstraint(owner, *key, 'number', name=op.f(f'pk_{table}')),
        sa.UniqueConstraint('blob', name=op.f(f'uq_{table}_blob'))
        )
    for table in OWNERS:
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.add_column(sa.Column('is_shredded', sa.Boolean(), nullable=False))
    for table, column in BLOBS:
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.add_column(sa.Column(column, sa.String(length=64), nullable=table == 'upload'))
            batch_op.create_unique_constraint(batch_op.f(f'uq_{table}_{column}'), [column])


def _forget(tables: tuple[str, ...]) -> None:
    for table in tables:
        op.execute(f'DELETE FROM {table}')
