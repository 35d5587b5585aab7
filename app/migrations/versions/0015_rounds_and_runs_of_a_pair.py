"""rounds, containers of rows, and runs of a pair

Revision: 0015, after 0014.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


revision = '0015'
down_revision = '0014'
branch_labels = None
depends_on = None

# Nothing of one side of this step can be read on the other: another encoding, another kind of run.
FORGOTTEN = (
    'upload_part', 'upload_rejection', 'run_block', 'run_approval', 'standing_use', 'match_record_piece',
    'run_openings', 'match_record', 'release_piece', 'release', 'run', 'upload', 'epoch_key',
)


def upgrade() -> None:
    _forget()
    op.create_table('offered_nonce',
    sa.Column('project', sa.String(length=40), nullable=False),
    sa.Column('party', sa.String(length=40), nullable=False),
    sa.Column('number', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('nonce', sa.String(length=64), nullable=False),
    sa.Column('state', sa.String(length=8), nullable=False),
    sa.ForeignKeyConstraint(['party'], ['party.name'], name=op.f('fk_offered_nonce_party_party')),
    sa.ForeignKeyConstraint(['project'], ['project.name'], name=op.f('fk_offered_nonce_project_project')),
    sa.PrimaryKeyConstraint('project', 'party', 'number', name=op.f('pk_offered_nonce')),
    sa.UniqueConstraint('project', 'nonce', name=op.f('uq_offered_nonce_project'))
    )
    op.create_table('round',
    sa.Column('project', sa.String(length=40), nullable=False),
    sa.Column('number', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('state', sa.String(length=12), nullable=False),
    sa.Column('opened', sa.String(length=20), nullable=False),
    sa.Column('deadline', sa.String(length=20), nullable=False),
    sa.Column('corrects', sa.Integer(), nullable=True),
    sa.Column('superseded_by', sa.Integer(), nullable=True),
    sa.Column('entry', sa.BigInteger(), nullable=False),
    sa.Column('entry_size', sa.BigInteger(), nullable=False),
    sa.Column('closing', sa.BigInteger(), nullable=True),
    sa.Column('closing_size', sa.BigInteger(), nullable=True),
    sa.ForeignKeyConstraint(['project'], ['project.name'], name=op.f('fk_round_project_project')),
    sa.PrimaryKeyConstraint('project', 'number', name=op.f('pk_round'))
    )
    with op.batch_alter_table('round', schema=None) as batch_op:
        batch_op.create_index('ix_round_open', ['project'], unique=True, sqlite_where=sa.text("state = 'open'"), postgresql_where=sa.text("state = 'open'"))

    op.create_table('round_pair',
    sa.Column('project', sa.String(length=40), nullable=False),
    sa.Column('round', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('larger', sa.String(length=40), nullable=False),
    sa.Column('smaller', sa.String(length=40), nullable=False),
    sa.Column('number_larger', sa.BigInteger(), nullable=False),
    sa.Column('nonce_larger', sa.String(length=64), nullable=False),
    sa.Column('number_smaller', sa.BigInteger(), nullable=False),
    sa.Column('nonce_smaller', sa.String(length=64), nullable=False),
    sa.Column('space', sa.String(length=40), nullable=True),
    sa.Column('root_larger', sa.String(length=64), nullable=True),
    sa.Column('root_smaller', sa.String(length=64), nullable=True),
    sa.Column('earlier', sa.String(length=40), nullable=True),
    sa.Column('run', sa.String(length=36), nullable=True),
    sa.Column('run_state', sa.String(length=12), nullable=True),
    sa.Column('is_handed_out', sa.Boolean(), nullable=False),
    sa.ForeignKeyConstraint(['larger'], ['party.name'], name=op.f('fk_round_pair_larger_party')),
    sa.ForeignKeyConstraint(['project', 'round'], ['round.project', 'round.number'], name=op.f('fk_round_pair_project_round')),
    sa.ForeignKeyConstraint(['smaller'], ['party.name'], name=op.f('fk_round_pair_smaller_party')),
    sa.PrimaryKeyConstraint('project', 'round', 'larger', 'smaller', name=op.f('pk_round_pair'))
    )
    op.create_table('sealed_message',
    sa.Column('project', sa.String(length=40), nullable=False),
    sa.Column('round', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('party', sa.String(length=40), nullable=False),
    sa.Column('kind', sa.String(length=12), nullable=False),
    sa.Column('target', sa.String(length=40), nullable=False),
    sa.Column('sequence', sa.BigInteger(), nullable=False),
    sa.Column('object', sa.String(length=36), nullable=False),
    sa.Column('sha256', sa.String(length=64), nullable=False),
    sa.Column('blob', sa.String(length=64), nullable=False),
    sa.Column('received', sa.String(length=20), nullable=False),
    sa.Column('keep_until', sa.String(length=20), nullable=False),
    sa.Column('fetched', sa.String(length=20), nullable=True),
    sa.Column('destroyed', sa.String(length=20), nullable=True),
    sa.Column('is_shredded', sa.Boolean(), nullable=False),
    sa.ForeignKeyConstraint(['party'], ['party.name'], name=op.f('fk_sealed_message_party_party')),
    sa.ForeignKeyConstraint(['project', 'round'], ['round.project', 'round.number'], name=op.f('fk_sealed_message_project_round')),
    sa.PrimaryKeyConstraint('project', 'round', 'party', 'kind', 'target', name=op.f('pk_sealed_message')),
    sa.UniqueConstraint('blob', name=op.f('uq_sealed_message_blob')),
    sa.UniqueConstraint('object', name=op.f('uq_sealed_message_object'))
    )
    op.drop_table('lasting_space')
    with op.batch_alter_table('release', schema=None) as batch_op:
        batch_op.add_column(sa.Column('round', sa.Integer(), nullable=False))
        batch_op.add_column(sa.Column('partner', sa.String(length=40), nullable=True))
        batch_op.add_column(sa.Column('matches', sa.BigInteger(), nullable=False))
        batch_op.drop_column('links')

    with op.batch_alter_table('run', schema=None) as batch_op:
        batch_op.add_column(sa.Column('round', sa.Integer(), nullable=False))
        batch_op.add_column(sa.Column('larger', sa.String(length=40), nullable=False))
        batch_op.add_column(sa.Column('smaller', sa.String(length=40), nullable=False))
        batch_op.add_column(sa.Column('range_rows', sa.BigInteger(), nullable=False))
        batch_op.add_column(sa.Column('rows_done', sa.BigInteger(), nullable=False))
        batch_op.add_column(sa.Column('rows_total', sa.BigInteger(), nullable=False))
        batch_op.add_column(sa.Column('expected_false', sa.BigInteger(), nullable=True))
        batch_op.alter_column('request_sha256',
               existing_type=sa.String(length=64),
               nullable=True)
        batch_op.drop_index(batch_op.f('ix_run_pending'), sqlite_where=sa.text("state IN ('awaiting', 'queued', 'running')"))
        batch_op.create_index('ix_run_pending', ['project', 'round', 'larger', 'smaller'], unique=True, sqlite_where=sa.text("state IN ('awaiting', 'queued', 'running')"), postgresql_where=sa.text("state IN ('awaiting', 'queued', 'running')"))
        batch_op.drop_column('inputs_sha256')
        batch_op.drop_column('comparisons_done')
        batch_op.drop_column('block_pairs')
        batch_op.drop_column('matched')
        batch_op.drop_column('kernel')
        batch_op.drop_column('comparisons_total')
        batch_op.drop_column('groups')

    with op.batch_alter_table('run_block', schema=None) as batch_op:
        batch_op.add_column(sa.Column('n_rows', sa.BigInteger(), nullable=False))
        batch_op.add_column(sa.Column('meetings', sa.BigInteger(), nullable=False))
        batch_op.drop_column('comparisons')
        batch_op.drop_column('pairs')

    with op.batch_alter_table('upload', schema=None) as batch_op:
        batch_op.add_column(sa.Column('round', sa.Integer(), nullable=False))
        batch_op.add_column(sa.Column('partner', sa.String(length=40), nullable=False))
        batch_op.add_column(sa.Column('head_bytes', sa.Integer(), nullable=False))
        batch_op.add_column(sa.Column('n_rows', sa.BigInteger(), nullable=False))
        batch_op.add_column(sa.Column('token_index', sa.String(length=64), nullable=True))
        batch_op.alter_column('records',
               existing_type=sa.BigInteger(),
               nullable=False)
        batch_op.drop_index(batch_op.f('ix_upload_open'), sqlite_where=sa.text("state = 'open'"))
        batch_op.create_index('ix_upload_open', ['project', 'party', 'partner'], unique=True, sqlite_where=sa.text("state = 'open'"), postgresql_where=sa.text("state = 'open'"))
        batch_op.create_unique_constraint(batch_op.f('uq_upload_token_index'), ['token_index'])
        batch_op.create_foreign_key(batch_op.f('fk_upload_partner_party'), 'party', ['partner'], ['name'])
        batch_op.drop_column('encodings')
        batch_op.drop_column('part_bytes')


def downgrade() -> None:
    _forget()
    with op.batch_alter_table('upload', schema=None) as batch_op:
        batch_op.add_column(sa.Column('part_bytes', sa.Integer(), nullable=False))
        batch_op.add_column(sa.Column('encodings', sa.BigInteger(), nullable=True))
        batch_op.drop_constraint(batch_op.f('fk_upload_partner_party'), type_='foreignkey')
        batch_op.drop_constraint(batch_op.f('uq_upload_token_index'), type_='unique')
        batch_op.drop_index('ix_upload_open', sqlite_where=sa.text("state = 'open'"), postgresql_where=sa.text("state = 'open'"))
        batch_op.create_index(batch_op.f('ix_upload_open'), ['project', 'party'], unique=True, sqlite_where=sa.text("state = 'open'"), postgresql_where=sa.text("state = 'open'"))
        batch_op.alter_column('records',
               existing_type=sa.BigInteger(),
               nullable=True)
        batch_op.drop_column('token_index')
        batch_op.drop_column('n_rows')
        batch_op.drop_column('head_bytes')
        batch_op.drop_column('partner')
        batch_op.drop_column('round')

    with op.batch_alter_table('run_block', schema=None) as batch_op:
        batch_op.add_column(sa.Column('pairs', sa.BigInteger(), nullable=False))
        batch_op.add_column(sa.Column('comparisons', sa.BigInteger(), nullable=False))
        batch_op.drop_column('meetings')
        batch_op.drop_column('n_rows')

    with op.batch_alter_table('run', schema=None) as batch_op:
        batch_op.add_column(sa.Column('groups', sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column('comparisons_total', sa.BigInteger(), nullable=False))
        batch_op.add_column(sa.Column('kernel', sa.String(length=60), nullable=True))
        batch_op.add_column(sa.Column('matched', sa.Text(), server_default=sa.text("'[]'"), nullable=False))
        batch_op.add_column(sa.Column('block_pairs', sa.BigInteger(), nullable=False))
        batch_op.add_column(sa.Column('comparisons_done', sa.BigInteger(), nullable=False))
        batch_op.add_column(sa.Column('inputs_sha256', sa.String(length=64), nullable=False))
        batch_op.drop_index('ix_run_pending', sqlite_where=sa.text("state IN ('awaiting', 'queued', 'running')"), postgresql_where=sa.text("state IN ('awaiting', 'queued', 'running')"))
        batch_op.create_index(batch_op.f('ix_run_pending'), ['project', 'inputs_sha256'], unique=True, sqlite_where=sa.text("state IN ('awaiting', 'queued', 'running')"), postgresql_where=sa.text("state IN ('awaiting', 'queued', 'running')"))
        batch_op.alter_column('request_sha256',
               existing_type=sa.String(length=64),
               nullable=False)
        batch_op.drop_column('expected_false')
        batch_op.drop_column('rows_total')
        batch_op.drop_column('rows_done')
        batch_op.drop_column('range_rows')
        batch_op.drop_column('smaller')
        batch_op.drop_column('larger')
        batch_op.drop_column('round')

    with op.batch_alter_table('release', schema=None) as batch_op:
        batch_op.add_column(sa.Column('links', sa.BigInteger(), nullable=False))
        batch_op.drop_column('matches')
        batch_op.drop_column('partner')
        batch_op.drop_column('round')

    op.create_table('lasting_space',
    sa.Column('project', sa.String(length=40), nullable=False),
    sa.Column('epoch', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=40), nullable=False),
    sa.Column('object', sa.String(length=36), nullable=False),
    sa.Column('revision', sa.Integer(), nullable=False),
    sa.Column('keep_until', sa.String(length=20), nullable=False),
    sa.Column('blob', sa.String(length=64), nullable=False),
    sa.ForeignKeyConstraint(['project'], ['project.name'], name=op.f('fk_lasting_space_project_project')),
    sa.PrimaryKeyConstraint('project', 'epoch', 'name', name=op.f('pk_lasting_space')),
    sa.UniqueConstraint('blob', name=op.f('uq_lasting_space_blob'))
    )
    op.drop_table('sealed_message')
    op.drop_table('round_pair')
    with op.batch_alter_table('round', schema=None) as batch_op:
        batch_op.drop_index('ix_round_open', sqlite_where=sa.text("state = 'open'"), postgresql_where=sa.text("state = 'open'"))

    op.drop_table('round')
    op.drop_table('offered_nonce')


def _forget() -> None:
    for table in FORGOTTEN:
        op.execute(f'DELETE FROM {table}')
