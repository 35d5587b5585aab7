"""The first tables, of which those of the match log only grow.

Revision: 0001, after none.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.matchlog.triggers import append_only_ddl, drop_append_only_ddl

revision = '0001'
down_revision = None
branch_labels = None
depends_on = None

APPEND_ONLY = ('log_leaf', 'log_node', 'log_checkpoint', 'log_key')


def upgrade() -> None:
    op.create_table('alarm',
    sa.Column('id', sa.String(length=36), nullable=False),
    sa.Column('project', sa.String(length=40), nullable=False),
    sa.Column('what', sa.String(length=12), nullable=False),
    sa.Column('object', sa.String(length=60), nullable=False),
    sa.Column('party', sa.String(length=40), nullable=False),
    sa.Column('duty', sa.String(length=12), nullable=False),
    sa.Column('since', sa.String(length=20), nullable=False),
    sa.Column('raised', sa.String(length=20), nullable=False),
    sa.Column('done', sa.String(length=20), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_alarm')),
    sa.UniqueConstraint('project', 'what', 'object', 'party', 'since', name=op.f('uq_alarm_project'))
    )
    with op.batch_alter_table('alarm', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_alarm_done'), ['done'], unique=False)

    op.create_table('alarm_message',
    sa.Column('alarm', sa.String(length=36), nullable=False),
    sa.Column('outlet', sa.String(length=48), nullable=False),
    sa.Column('first_told', sa.String(length=20), nullable=True),
    sa.Column('last_told', sa.String(length=20), nullable=True),
    sa.Column('failures', sa.Integer(), nullable=False),
    sa.Column('next_try', sa.String(length=20), nullable=False),
    sa.ForeignKeyConstraint(['alarm'], ['alarm.id'], name=op.f('fk_alarm_message_alarm_alarm')),
    sa.PrimaryKeyConstraint('alarm', 'outlet', name=op.f('pk_alarm_message'))
    )
    op.create_table('encoding_profile',
    sa.Column('digest', sa.String(length=64), nullable=False),
    sa.Column('document', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('digest', name=op.f('pk_encoding_profile'))
    )
    op.create_table('log_checkpoint',
    sa.Column('size', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=False, nullable=False),
    sa.Column('batch', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('note', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('size', name=op.f('pk_log_checkpoint')),
    sa.UniqueConstraint('batch', name=op.f('uq_log_checkpoint_batch'))
    )
    op.create_table('log_head',
    sa.Column('id', sa.SmallInteger(), autoincrement=False, nullable=False),
    sa.Column('size', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('batch', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('time', sa.String(length=20), nullable=False),
    sa.Column('frontier', sa.LargeBinary(), nullable=False),
    sa.Column('key', sa.String(length=300), nullable=False),
    sa.CheckConstraint('id = 1', name=op.f('ck_log_head_one_row')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_log_head'))
    )
    op.create_table('log_key',
    sa.Column('after_size', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=False, nullable=False),
    sa.Column('key', sa.String(length=300), nullable=False),
    sa.PrimaryKeyConstraint('after_size', name=op.f('pk_log_key'))
    )
    op.create_table('log_leaf',
    sa.Column('seq', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=False, nullable=False),
    sa.Column('entry', sa.LargeBinary(), nullable=False),
    sa.Column('leaf_hash', sa.LargeBinary(length=32), nullable=False),
    sa.Column('project', sa.String(length=40), nullable=False),
    sa.Column('place', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.PrimaryKeyConstraint('seq', name=op.f('pk_log_leaf')),
    sa.UniqueConstraint('project', 'place', name=op.f('uq_log_leaf_project'))
    )
    op.create_table('log_node',
    sa.Column('level', sa.SmallInteger(), autoincrement=False, nullable=False),
    sa.Column('idx', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=False, nullable=False),
    sa.Column('hash', sa.LargeBinary(length=32), nullable=False),
    sa.PrimaryKeyConstraint('level', 'idx', name=op.f('pk_log_node')),
    sqlite_with_rowid=False
    )
    op.create_table('logged_setting',
    sa.Column('name', sa.String(length=60), nullable=False),
    sa.Column('value', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('name', name=op.f('pk_logged_setting'))
    )
    op.create_table('party',
    sa.Column('name', sa.String(length=40), nullable=False),
    sa.Column('title', sa.String(length=200), nullable=False),
    sa.Column('created', sa.String(length=20), nullable=False),
    sa.PrimaryKeyConstraint('name', name=op.f('pk_party'))
    )
    op.create_table('project',
    sa.Column('name', sa.String(length=40), nullable=False),
    sa.Column('created', sa.String(length=20), nullable=False),
    sa.PrimaryKeyConstraint('name', name=op.f('pk_project'))
    )
    op.create_table('refused_sign_ins',
    sa.Column('party', sa.String(length=40), nullable=False),
    sa.Column('hour', sa.String(length=20), nullable=False),
    sa.Column('count', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('party', 'hour', name=op.f('pk_refused_sign_ins'))
    )
    op.create_table('sealed_object',
    sa.Column('id', sa.String(length=80), nullable=False),
    sa.Column('is_ended', sa.Boolean(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_sealed_object'))
    )
    with op.batch_alter_table('sealed_object', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_sealed_object_is_ended'), ['is_ended'], unique=False)

    op.create_table('seen_once',
    sa.Column('digest', sa.String(length=64), nullable=False),
    sa.Column('expires', sa.String(length=20), nullable=False),
    sa.PrimaryKeyConstraint('digest', name=op.f('pk_seen_once'))
    )
    with op.batch_alter_table('seen_once', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_seen_once_expires'), ['expires'], unique=False)

    op.create_table('agreement',
    sa.Column('digest', sa.String(length=64), nullable=False),
    sa.Column('project', sa.String(length=40), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('profile', sa.String(length=64), nullable=False),
    sa.Column('document', sa.Text(), nullable=False),
    sa.Column('party', sa.String(length=40), nullable=False),
    sa.Column('proposed', sa.String(length=20), nullable=False),
    sa.Column('completed', sa.String(length=20), nullable=True),
    sa.Column('withdrawn', sa.String(length=20), nullable=True),
    sa.ForeignKeyConstraint(['party'], ['party.name'], name=op.f('fk_agreement_party_party')),
    sa.ForeignKeyConstraint(['profile'], ['encoding_profile.digest'], name=op.f('fk_agreement_profile_encoding_profile')),
    sa.ForeignKeyConstraint(['project'], ['project.name'], name=op.f('fk_agreement_project_project')),
    sa.PrimaryKeyConstraint('digest', name=op.f('pk_agreement'))
    )
    with op.batch_alter_table('agreement', schema=None) as batch_op:
        batch_op.create_index('ix_agreement_project', ['project', 'number'], unique=False)

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

    op.create_table('epoch_key',
    sa.Column('project', sa.String(length=40), nullable=False),
    sa.Column('epoch', sa.Integer(), nullable=False),
    sa.Column('key_id', sa.String(length=16), nullable=False),
    sa.ForeignKeyConstraint(['project'], ['project.name'], name=op.f('fk_epoch_key_project_project')),
    sa.PrimaryKeyConstraint('project', 'epoch', name=op.f('pk_epoch_key'))
    )
    op.create_table('invitation',
    sa.Column('digest', sa.String(length=64), nullable=False),
    sa.Column('party', sa.String(length=40), nullable=False),
    sa.Column('label', sa.String(length=200), nullable=False),
    sa.Column('duties', sa.String(length=80), nullable=False),
    sa.Column('created', sa.String(length=20), nullable=False),
    sa.Column('expires', sa.String(length=20), nullable=False),
    sa.Column('person', sa.String(length=36), nullable=True),
    sa.ForeignKeyConstraint(['party'], ['party.name'], name=op.f('fk_invitation_party_party')),
    sa.PrimaryKeyConstraint('digest', name=op.f('pk_invitation'))
    )
    with op.batch_alter_table('invitation', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_invitation_party'), ['party'], unique=False)

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

    op.create_table('log_cosignature',
    sa.Column('size', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=False, nullable=False),
    sa.Column('key', sa.String(length=300), nullable=False),
    sa.Column('line', sa.String(length=1000), nullable=False),
    sa.Column('time_s', sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(['size'], ['log_checkpoint.size'], name=op.f('fk_log_cosignature_size_log_checkpoint')),
    sa.PrimaryKeyConstraint('size', 'key', name=op.f('pk_log_cosignature'))
    )
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
    op.create_table('person',
    sa.Column('id', sa.String(length=36), nullable=False),
    sa.Column('party', sa.String(length=40), nullable=False),
    sa.Column('label', sa.String(length=200), nullable=False),
    sa.Column('created', sa.String(length=20), nullable=False),
    sa.Column('duties', sa.String(length=80), nullable=True),
    sa.Column('identity', sa.Text(), nullable=True),
    sa.Column('history', sa.Text(), nullable=True),
    sa.Column('confirmed', sa.String(length=20), nullable=True),
    sa.Column('revoked', sa.String(length=20), nullable=True),
    sa.ForeignKeyConstraint(['party'], ['party.name'], name=op.f('fk_person_party_party')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_person'))
    )
    with op.batch_alter_table('person', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_person_party'), ['party'], unique=False)

    op.create_table('project_party',
    sa.Column('project', sa.String(length=40), nullable=False),
    sa.Column('party', sa.String(length=40), nullable=False),
    sa.Column('capacity', sa.String(length=20), nullable=False),
    sa.ForeignKeyConstraint(['party'], ['party.name'], name=op.f('fk_project_party_party_party')),
    sa.ForeignKeyConstraint(['project'], ['project.name'], name=op.f('fk_project_party_project_project')),
    sa.PrimaryKeyConstraint('project', 'party', 'capacity', name=op.f('pk_project_party'))
    )
    with op.batch_alter_table('project_party', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_project_party_party'), ['party'], unique=False)

    op.create_table('project_terms',
    sa.Column('project', sa.String(length=40), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('digest', sa.String(length=64), nullable=False),
    sa.Column('profile', sa.String(length=64), nullable=False),
    sa.Column('document', sa.Text(), nullable=False),
    sa.Column('created', sa.String(length=20), nullable=False),
    sa.ForeignKeyConstraint(['profile'], ['encoding_profile.digest'], name=op.f('fk_project_terms_profile_encoding_profile')),
    sa.ForeignKeyConstraint(['project'], ['project.name'], name=op.f('fk_project_terms_project_project')),
    sa.PrimaryKeyConstraint('project', 'version', name=op.f('pk_project_terms')),
    sa.UniqueConstraint('digest', name=op.f('uq_project_terms_digest'))
    )
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
    op.create_table('relayed_share',
    sa.Column('id', sa.String(length=36), nullable=False),
    sa.Column('project', sa.String(length=40), nullable=False),
    sa.Column('epoch', sa.Integer(), nullable=False),
    sa.Column('sender', sa.String(length=40), nullable=False),
    sa.Column('recipient', sa.String(length=40), nullable=False),
    sa.Column('sha256', sa.String(length=64), nullable=False),
    sa.Column('document', sa.Text(), nullable=True),
    sa.Column('created', sa.String(length=20), nullable=False),
    sa.Column('fetched', sa.String(length=20), nullable=True),
    sa.ForeignKeyConstraint(['project'], ['project.name'], name=op.f('fk_relayed_share_project_project')),
    sa.ForeignKeyConstraint(['recipient'], ['party.name'], name=op.f('fk_relayed_share_recipient_party')),
    sa.ForeignKeyConstraint(['sender'], ['party.name'], name=op.f('fk_relayed_share_sender_party')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_relayed_share')),
    sa.UniqueConstraint('project', 'epoch', 'sender', 'recipient', name=op.f('uq_relayed_share_project'))
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

    op.create_table('run',
    sa.Column('id', sa.String(length=36), nullable=False),
    sa.Column('project', sa.String(length=40), nullable=False),
    sa.Column('round', sa.Integer(), nullable=False),
    sa.Column('larger', sa.String(length=40), nullable=False),
    sa.Column('smaller', sa.String(length=40), nullable=False),
    sa.Column('party', sa.String(length=40), nullable=False),
    sa.Column('person', sa.String(length=36), nullable=False),
    sa.Column('state', sa.String(length=12), nullable=False),
    sa.Column('stage', sa.String(length=12), nullable=False),
    sa.Column('purpose', sa.String(length=60), nullable=False),
    sa.Column('specification', sa.Text(), nullable=False),
    sa.Column('specification_sha256', sa.String(length=64), nullable=False),
    sa.Column('created', sa.String(length=20), nullable=False),
    sa.Column('idempotency_key', sa.String(length=128), nullable=True),
    sa.Column('request_sha256', sa.String(length=64), nullable=True),
    sa.Column('lease_token', sa.String(length=32), nullable=True),
    sa.Column('lease_until_ms', sa.BigInteger(), nullable=True),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('stalled_attempts', sa.Integer(), nullable=False),
    sa.Column('range_rows', sa.BigInteger(), nullable=False),
    sa.Column('rows_done', sa.BigInteger(), nullable=False),
    sa.Column('rows_total', sa.BigInteger(), nullable=False),
    sa.Column('rate', sa.BigInteger(), nullable=False),
    sa.Column('finished', sa.String(length=20), nullable=True),
    sa.Column('failure', sa.String(length=60), nullable=True),
    sa.Column('candidate_pairs', sa.BigInteger(), nullable=True),
    sa.Column('auto_pairs', sa.BigInteger(), nullable=True),
    sa.Column('review_pairs', sa.BigInteger(), nullable=True),
    sa.Column('expected_false', sa.BigInteger(), nullable=True),
    sa.Column('rejected_before', sa.BigInteger(), nullable=True),
    sa.Column('expected_missed', sa.BigInteger(), nullable=True),
    sa.Column('concordance', sa.Text(), nullable=True),
    sa.Column('histogram', sa.Text(), nullable=True),
    sa.Column('match_record', sa.String(length=64), nullable=True),
    sa.Column('log_size', sa.BigInteger(), nullable=True),
    sa.ForeignKeyConstraint(['project'], ['project.name'], name=op.f('fk_run_project_project')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_run')),
    sa.UniqueConstraint('project', 'party', 'idempotency_key', name=op.f('uq_run_project'))
    )
    with op.batch_alter_table('run', schema=None) as batch_op:
        batch_op.create_index('ix_run_pending', ['project', 'round', 'larger', 'smaller'], unique=True, sqlite_where=sa.text("state IN ('awaiting', 'queued', 'running')"), postgresql_where=sa.text("state IN ('awaiting', 'queued', 'running')"))
        batch_op.create_index(batch_op.f('ix_run_project'), ['project'], unique=False)
        batch_op.create_index(batch_op.f('ix_run_state'), ['state'], unique=False)

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
    op.create_table('secret_confirmation',
    sa.Column('project', sa.String(length=40), nullable=False),
    sa.Column('epoch', sa.Integer(), nullable=False),
    sa.Column('party', sa.String(length=40), nullable=False),
    sa.Column('key_id', sa.String(length=16), nullable=False),
    sa.Column('sha256', sa.String(length=64), nullable=False),
    sa.Column('document', sa.Text(), nullable=False),
    sa.Column('created', sa.String(length=20), nullable=False),
    sa.ForeignKeyConstraint(['party'], ['party.name'], name=op.f('fk_secret_confirmation_party_party')),
    sa.ForeignKeyConstraint(['project'], ['project.name'], name=op.f('fk_secret_confirmation_project_project')),
    sa.PrimaryKeyConstraint('project', 'epoch', 'party', name=op.f('pk_secret_confirmation'))
    )
    op.create_table('standing_approval',
    sa.Column('id', sa.String(length=36), nullable=False),
    sa.Column('project', sa.String(length=40), nullable=False),
    sa.Column('agreement', sa.String(length=64), nullable=False),
    sa.Column('party', sa.String(length=40), nullable=False),
    sa.Column('policy_sha256', sa.String(length=64), nullable=False),
    sa.Column('until', sa.String(length=10), nullable=False),
    sa.Column('runs', sa.Integer(), nullable=False),
    sa.Column('document', sa.Text(), nullable=False),
    sa.Column('received', sa.String(length=20), nullable=False),
    sa.Column('revoked', sa.String(length=20), nullable=True),
    sa.ForeignKeyConstraint(['project'], ['project.name'], name=op.f('fk_standing_approval_project_project')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_standing_approval'))
    )
    with op.batch_alter_table('standing_approval', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_standing_approval_project'), ['project'], unique=False)

    op.create_table('upload',
    sa.Column('id', sa.String(length=36), nullable=False),
    sa.Column('project', sa.String(length=40), nullable=False),
    sa.Column('party', sa.String(length=40), nullable=False),
    sa.Column('person', sa.String(length=36), nullable=False),
    sa.Column('state', sa.String(length=12), nullable=False),
    sa.Column('epoch', sa.Integer(), nullable=False),
    sa.Column('round', sa.Integer(), nullable=False),
    sa.Column('partner', sa.String(length=40), nullable=False),
    sa.Column('profile', sa.String(length=64), nullable=False),
    sa.Column('key_id', sa.String(length=16), nullable=False),
    sa.Column('container_sha256', sa.String(length=64), nullable=False),
    sa.Column('container_bytes', sa.BigInteger(), nullable=False),
    sa.Column('head_bytes', sa.Integer(), nullable=False),
    sa.Column('records', sa.BigInteger(), nullable=False),
    sa.Column('n_rows', sa.BigInteger(), nullable=False),
    sa.Column('created', sa.String(length=20), nullable=False),
    sa.Column('expires', sa.String(length=20), nullable=False),
    sa.Column('idempotency_key', sa.String(length=128), nullable=True),
    sa.Column('request_sha256', sa.String(length=64), nullable=False),
    sa.Column('committed', sa.String(length=20), nullable=True),
    sa.Column('keep_until', sa.String(length=20), nullable=True),
    sa.Column('agreement', sa.String(length=64), nullable=True),
    sa.Column('purpose', sa.String(length=60), nullable=True),
    sa.Column('manifest', sa.Text(), nullable=True),
    sa.Column('manifest_sha256', sa.String(length=64), nullable=True),
    sa.Column('entry', sa.BigInteger(), nullable=True),
    sa.Column('entry_size', sa.BigInteger(), nullable=True),
    sa.ForeignKeyConstraint(['partner'], ['party.name'], name=op.f('fk_upload_partner_party')),
    sa.ForeignKeyConstraint(['party'], ['party.name'], name=op.f('fk_upload_party_party')),
    sa.ForeignKeyConstraint(['project'], ['project.name'], name=op.f('fk_upload_project_project')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_upload')),
    sa.UniqueConstraint('project', 'party', 'idempotency_key', name=op.f('uq_upload_project'))
    )
    with op.batch_alter_table('upload', schema=None) as batch_op:
        batch_op.create_index('ix_upload_open', ['project', 'party', 'partner'], unique=True, sqlite_where=sa.text("state = 'open'"), postgresql_where=sa.text("state = 'open'"))
        batch_op.create_index(batch_op.f('ix_upload_state'), ['state'], unique=False)

    op.create_table('withdrawn_record',
    sa.Column('project', sa.String(length=40), nullable=False),
    sa.Column('epoch', sa.Integer(), nullable=False),
    sa.Column('party', sa.String(length=40), nullable=False),
    sa.Column('digest', sa.String(length=64), nullable=False),
    sa.ForeignKeyConstraint(['party'], ['party.name'], name=op.f('fk_withdrawn_record_party_party')),
    sa.ForeignKeyConstraint(['project'], ['project.name'], name=op.f('fk_withdrawn_record_project_project')),
    sa.PrimaryKeyConstraint('project', 'epoch', 'party', 'digest', name=op.f('pk_withdrawn_record'))
    )
    op.create_table('agreement_consent',
    sa.Column('agreement', sa.String(length=64), nullable=False),
    sa.Column('party', sa.String(length=40), nullable=False),
    sa.Column('document', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['agreement'], ['agreement.digest'], name=op.f('fk_agreement_consent_agreement_agreement')),
    sa.ForeignKeyConstraint(['party'], ['party.name'], name=op.f('fk_agreement_consent_party_party')),
    sa.PrimaryKeyConstraint('agreement', 'party', name=op.f('pk_agreement_consent'))
    )
    op.create_table('party_word',
    sa.Column('project', sa.String(length=40), nullable=False),
    sa.Column('party', sa.String(length=40), nullable=False),
    sa.Column('sha256', sa.String(length=64), nullable=False),
    sa.Column('at', sa.String(length=20), nullable=False),
    sa.ForeignKeyConstraint(['party'], ['party.name'], name=op.f('fk_party_word_party_party')),
    sa.ForeignKeyConstraint(['project'], ['project.name'], name=op.f('fk_party_word_project_project')),
    sa.PrimaryKeyConstraint('project', 'party', name=op.f('pk_party_word'))
    )
    op.create_table('agreement_notice',
    sa.Column('project', sa.String(length=40), nullable=False),
    sa.Column('party', sa.String(length=40), nullable=False),
    sa.Column('at', sa.String(length=20), nullable=False),
    sa.Column('agreement', sa.String(length=64), nullable=False),
    sa.Column('act', sa.String(length=10), nullable=False),
    sa.Column('document', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['agreement'], ['agreement.digest'], name=op.f('fk_agreement_notice_agreement_agreement')),
    sa.ForeignKeyConstraint(['party'], ['party.name'], name=op.f('fk_agreement_notice_party_party')),
    sa.ForeignKeyConstraint(['project'], ['project.name'], name=op.f('fk_agreement_notice_project_project')),
    sa.PrimaryKeyConstraint('project', 'party', 'at', name=op.f('pk_agreement_notice'))
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
    op.create_table('match_record',
    sa.Column('run', sa.String(length=36), nullable=False),
    sa.Column('release', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('project', sa.String(length=40), nullable=False),
    sa.Column('agreement', sa.String(length=64), nullable=False),
    sa.Column('purpose', sa.String(length=60), nullable=False),
    sa.Column('object', sa.String(length=36), nullable=False),
    sa.Column('header', sa.Text(), nullable=False),
    sa.Column('root', sa.String(length=64), nullable=False),
    sa.Column('keep_until', sa.String(length=20), nullable=False),
    sa.Column('destroyed', sa.String(length=20), nullable=True),
    sa.ForeignKeyConstraint(['project'], ['project.name'], name=op.f('fk_match_record_project_project')),
    sa.ForeignKeyConstraint(['run'], ['run.id'], name=op.f('fk_match_record_run_run')),
    sa.PrimaryKeyConstraint('run', 'release', name=op.f('pk_match_record')),
    sa.UniqueConstraint('object', name=op.f('uq_match_record_object'))
    )
    with op.batch_alter_table('match_record', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_match_record_project'), ['project'], unique=False)

    op.create_table('release',
    sa.Column('id', sa.String(length=36), nullable=False),
    sa.Column('run', sa.String(length=36), nullable=False),
    sa.Column('project', sa.String(length=40), nullable=False),
    sa.Column('recipient', sa.String(length=40), nullable=False),
    sa.Column('agency', sa.String(length=40), nullable=False),
    sa.Column('round', sa.Integer(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('partner', sa.String(length=40), nullable=True),
    sa.Column('mode', sa.String(length=12), nullable=False),
    sa.Column('space', sa.String(length=40), nullable=False),
    sa.Column('agreement', sa.String(length=64), nullable=False),
    sa.Column('purpose', sa.String(length=60), nullable=False),
    sa.Column('floor', sa.Integer(), nullable=False),
    sa.Column('sha256', sa.String(length=64), nullable=False),
    sa.Column('size_bytes', sa.BigInteger(), nullable=False),
    sa.Column('matches', sa.BigInteger(), nullable=False),
    sa.Column('created', sa.String(length=20), nullable=False),
    sa.Column('keep_until', sa.String(length=20), nullable=False),
    sa.Column('entry', sa.BigInteger(), nullable=False),
    sa.Column('entry_size', sa.BigInteger(), nullable=False),
    sa.Column('fetched', sa.String(length=20), nullable=True),
    sa.Column('verified', sa.String(length=20), nullable=True),
    sa.Column('refused', sa.String(length=20), nullable=True),
    sa.Column('destroyed', sa.String(length=20), nullable=True),
    sa.ForeignKeyConstraint(['agency'], ['party.name'], name=op.f('fk_release_agency_party')),
    sa.ForeignKeyConstraint(['project'], ['project.name'], name=op.f('fk_release_project_project')),
    sa.ForeignKeyConstraint(['recipient'], ['party.name'], name=op.f('fk_release_recipient_party')),
    sa.ForeignKeyConstraint(['run'], ['run.id'], name=op.f('fk_release_run_run')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_release')),
    sa.UniqueConstraint('run', 'number', 'recipient', 'agency', name=op.f('uq_release_run'))
    )
    with op.batch_alter_table('release', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_release_agency'), ['agency'], unique=False)
        batch_op.create_index(batch_op.f('ix_release_project'), ['project'], unique=False)
        batch_op.create_index(batch_op.f('ix_release_recipient'), ['recipient'], unique=False)

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
    op.create_table('run_approval',
    sa.Column('id', sa.String(length=36), nullable=False),
    sa.Column('run', sa.String(length=36), nullable=False),
    sa.Column('step', sa.String(length=8), nullable=False),
    sa.Column('party', sa.String(length=40), nullable=False),
    sa.Column('document', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['run'], ['run.id'], name=op.f('fk_run_approval_run_run')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_run_approval')),
    sa.UniqueConstraint('run', 'step', 'party', name=op.f('uq_run_approval_run'))
    )
    op.create_table('run_block',
    sa.Column('run', sa.String(length=36), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('n_rows', sa.BigInteger(), nullable=False),
    sa.Column('meetings', sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(['run'], ['run.id'], name=op.f('fk_run_block_run_run')),
    sa.PrimaryKeyConstraint('run', 'number', name=op.f('pk_run_block'))
    )
    op.create_table('sealed_message',
    sa.Column('project', sa.String(length=40), nullable=False),
    sa.Column('round', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('party', sa.String(length=40), nullable=False),
    sa.Column('kind', sa.String(length=12), nullable=False),
    sa.Column('target', sa.String(length=40), nullable=False),
    sa.Column('release', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('sequence', sa.BigInteger(), nullable=False),
    sa.Column('object', sa.String(length=36), nullable=False),
    sa.Column('sha256', sa.String(length=64), nullable=False),
    sa.Column('received', sa.String(length=20), nullable=False),
    sa.Column('keep_until', sa.String(length=20), nullable=False),
    sa.Column('fetched', sa.String(length=20), nullable=True),
    sa.Column('destroyed', sa.String(length=20), nullable=True),
    sa.ForeignKeyConstraint(['party'], ['party.name'], name=op.f('fk_sealed_message_party_party')),
    sa.ForeignKeyConstraint(['project', 'round'], ['round.project', 'round.number'], name=op.f('fk_sealed_message_project_round')),
    sa.PrimaryKeyConstraint('project', 'round', 'party', 'kind', 'target', 'release', name=op.f('pk_sealed_message')),
    sa.UniqueConstraint('object', name=op.f('uq_sealed_message_object'))
    )
    op.create_table('standing_use',
    sa.Column('run', sa.String(length=36), nullable=False),
    sa.Column('party', sa.String(length=40), nullable=False),
    sa.Column('approval', sa.String(length=36), nullable=False),
    sa.ForeignKeyConstraint(['approval'], ['standing_approval.id'], name=op.f('fk_standing_use_approval_standing_approval')),
    sa.ForeignKeyConstraint(['run'], ['run.id'], name=op.f('fk_standing_use_run_run')),
    sa.PrimaryKeyConstraint('run', 'party', name=op.f('pk_standing_use'))
    )
    with op.batch_alter_table('standing_use', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_standing_use_approval'), ['approval'], unique=False)

    op.create_table('token',
    sa.Column('id', sa.String(length=36), nullable=False),
    sa.Column('digest', sa.String(length=64), nullable=False),
    sa.Column('person', sa.String(length=36), nullable=False),
    sa.Column('role', sa.String(length=20), nullable=False),
    sa.Column('created', sa.String(length=20), nullable=False),
    sa.Column('expires', sa.String(length=20), nullable=False),
    sa.Column('revoked', sa.String(length=20), nullable=True),
    sa.Column('thumbprint', sa.String(length=43), nullable=True),
    sa.ForeignKeyConstraint(['person'], ['person.id'], name=op.f('fk_token_person_person')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_token')),
    sa.UniqueConstraint('digest', name=op.f('uq_token_digest'))
    )
    with op.batch_alter_table('token', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_token_person'), ['person'], unique=False)

    op.create_table('upload_rejection',
    sa.Column('upload', sa.String(length=36), nullable=False),
    sa.Column('manifest_sha256', sa.String(length=64), nullable=False),
    sa.Column('rule', sa.String(length=60), nullable=False),
    sa.Column('detail', sa.Text(), nullable=False),
    sa.Column('clause', sa.String(length=60), nullable=True),
    sa.ForeignKeyConstraint(['upload'], ['upload.id'], name=op.f('fk_upload_rejection_upload_upload')),
    sa.PrimaryKeyConstraint('upload', 'manifest_sha256', 'rule', name=op.f('pk_upload_rejection'))
    )
    op.create_table('page_session',
    sa.Column('digest', sa.String(length=64), nullable=False),
    sa.Column('token', sa.String(length=36), nullable=False),
    sa.Column('expires', sa.String(length=20), nullable=False),
    sa.ForeignKeyConstraint(['token'], ['token.id'], name=op.f('fk_page_session_token_token')),
    sa.PrimaryKeyConstraint('digest', name=op.f('pk_page_session'))
    )
    with op.batch_alter_table('page_session', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_page_session_token'), ['token'], unique=False)

    op.create_table('run_openings',
    sa.Column('run', sa.String(length=36), nullable=False),
    sa.Column('release', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('party', sa.String(length=40), nullable=False),
    sa.Column('sha256', sa.String(length=64), nullable=False),
    sa.Column('size_bytes', sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(['run', 'release'], ['match_record.run', 'match_record.release'], name=op.f('fk_run_openings_run_match_record')),
    sa.PrimaryKeyConstraint('run', 'release', 'party', name=op.f('pk_run_openings'))
    )
    op.create_table('session_code',
    sa.Column('digest', sa.String(length=64), nullable=False),
    sa.Column('token', sa.String(length=36), nullable=False),
    sa.Column('expires', sa.String(length=20), nullable=False),
    sa.ForeignKeyConstraint(['token'], ['token.id'], name=op.f('fk_session_code_token_token')),
    sa.PrimaryKeyConstraint('digest', name=op.f('pk_session_code'))
    )
    with op.batch_alter_table('session_code', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_session_code_token'), ['token'], unique=False)

    op.create_table('supplement',
    sa.Column('project', sa.String(length=40), nullable=False),
    sa.Column('round', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('release', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('run', sa.String(length=36), nullable=False),
    sa.Column('larger', sa.String(length=40), nullable=False),
    sa.Column('smaller', sa.String(length=40), nullable=False),
    sa.Column('space', sa.String(length=40), nullable=True),
    sa.Column('state', sa.String(length=8), nullable=False),
    sa.Column('closing', sa.BigInteger(), nullable=True),
    sa.Column('closing_size', sa.BigInteger(), nullable=True),
    sa.ForeignKeyConstraint(['project', 'round'], ['round.project', 'round.number'], name=op.f('fk_supplement_project_round')),
    sa.PrimaryKeyConstraint('project', 'round', 'release', name=op.f('pk_supplement')),
    sa.UniqueConstraint('run', name=op.f('uq_supplement_run'))
    )
    op.create_table('review',
    sa.Column('run', sa.String(length=36), nullable=False),
    sa.Column('project', sa.String(length=40), nullable=False),
    sa.Column('round', sa.Integer(), nullable=False),
    sa.Column('reviewer', sa.String(length=40), nullable=False),
    sa.Column('asked', sa.String(length=40), nullable=False),
    sa.Column('agreement', sa.String(length=64), nullable=False),
    sa.Column('purpose', sa.String(length=60), nullable=False),
    sa.Column('floor', sa.Integer(), nullable=False),
    sa.Column('persons', sa.Integer(), nullable=False),
    sa.Column('object', sa.String(length=36), nullable=False),
    sa.Column('state', sa.String(length=8), nullable=False),
    sa.Column('created', sa.String(length=20), nullable=False),
    sa.Column('deadline', sa.String(length=20), nullable=False),
    sa.Column('questions', sa.Integer(), nullable=False),
    sa.Column('buckets', sa.Integer(), nullable=False),
    sa.Column('entry', sa.BigInteger(), nullable=False),
    sa.Column('entry_size', sa.BigInteger(), nullable=False),
    sa.Column('answered', sa.String(length=20), nullable=True),
    sa.Column('answer_sha256', sa.String(length=64), nullable=True),
    sa.Column('ended', sa.String(length=20), nullable=True),
    sa.Column('reason', sa.String(length=12), nullable=True),
    sa.Column('accepted', sa.Integer(), nullable=True),
    sa.Column('rejected', sa.Integer(), nullable=True),
    sa.Column('agreed', sa.Text(), nullable=True),
    sa.Column('release', sa.Integer(), nullable=True),
    sa.Column('keep_until', sa.String(length=20), nullable=True),
    sa.Column('destroyed', sa.String(length=20), nullable=True),
    sa.ForeignKeyConstraint(['asked'], ['party.name'], name=op.f('fk_review_asked_party')),
    sa.ForeignKeyConstraint(['project'], ['project.name'], name=op.f('fk_review_project_project')),
    sa.ForeignKeyConstraint(['reviewer'], ['party.name'], name=op.f('fk_review_reviewer_party')),
    sa.ForeignKeyConstraint(['run'], ['run.id'], name=op.f('fk_review_run_run')),
    sa.PrimaryKeyConstraint('run', name=op.f('pk_review')),
    sa.UniqueConstraint('object', name=op.f('uq_review_object'))
    )
    with op.batch_alter_table('review', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_review_project'), ['project'], unique=False)
        batch_op.create_index(batch_op.f('ix_review_state'), ['state'], unique=False)

    op.create_table('review_file',
    sa.Column('run', sa.String(length=36), nullable=False),
    sa.Column('what', sa.String(length=12), nullable=False),
    sa.Column('sha256', sa.String(length=64), nullable=False),
    sa.Column('size_bytes', sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(['run'], ['review.run'], name=op.f('fk_review_file_run_review')),
    sa.PrimaryKeyConstraint('run', 'what', name=op.f('pk_review_file'))
    )
    op.create_table('review_statement',
    sa.Column('run', sa.String(length=36), nullable=False),
    sa.Column('person', sa.String(length=36), nullable=False),
    sa.Column('number', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('place', sa.Integer(), nullable=False),
    sa.Column('document', sa.Text(), nullable=False),
    sa.Column('is_last', sa.Boolean(), nullable=False),
    sa.Column('received', sa.String(length=20), nullable=False),
    sa.Column('accepted', sa.Integer(), nullable=False),
    sa.Column('rejected', sa.Integer(), nullable=False),
    sa.Column('unsure', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['run'], ['review.run'], name=op.f('fk_review_statement_run_review')),
    sa.PrimaryKeyConstraint('run', 'person', 'number', name=op.f('pk_review_statement'))
    )
    op.create_table('delivery',
    sa.Column('id', sa.String(length=36), nullable=False),
    sa.Column('project', sa.String(length=40), nullable=False),
    sa.Column('round', sa.Integer(), nullable=False),
    sa.Column('sender', sa.String(length=40), nullable=False),
    sa.Column('recipient', sa.String(length=40), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('agreement', sa.String(length=64), nullable=False),
    sa.Column('purpose', sa.String(length=60), nullable=False),
    sa.Column('sha256', sa.String(length=64), nullable=False),
    sa.Column('size_bytes', sa.BigInteger(), nullable=False),
    sa.Column('received', sa.String(length=20), nullable=False),
    sa.Column('keep_until', sa.String(length=20), nullable=False),
    sa.Column('entry', sa.BigInteger(), nullable=False),
    sa.Column('entry_size', sa.BigInteger(), nullable=False),
    sa.Column('replaced', sa.String(length=20), nullable=True),
    sa.Column('fetched', sa.String(length=20), nullable=True),
    sa.Column('opened', sa.String(length=20), nullable=True),
    sa.Column('fault', sa.String(length=16), nullable=True),
    sa.Column('destroyed', sa.String(length=20), nullable=True),
    sa.ForeignKeyConstraint(['project', 'round'], ['round.project', 'round.number'], name=op.f('fk_delivery_project_round')),
    sa.ForeignKeyConstraint(['recipient'], ['party.name'], name=op.f('fk_delivery_recipient_party')),
    sa.ForeignKeyConstraint(['sender'], ['party.name'], name=op.f('fk_delivery_sender_party')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_delivery')),
    sa.UniqueConstraint('project', 'round', 'sender', 'recipient', 'number', name=op.f('uq_delivery_project'))
    )

    dialect = op.get_bind().dialect.name
    for table in APPEND_ONLY:
        for statement in append_only_ddl(dialect, table):
            op.execute(statement)


def downgrade() -> None:
    dialect = op.get_bind().dialect.name
    for table in APPEND_ONLY:
        for statement in drop_append_only_ddl(dialect, table):
            op.execute(statement)
    op.drop_table('delivery')
    op.drop_table('review_statement')
    op.drop_table('review_file')
    op.drop_table('review')
    op.drop_table('supplement')
    op.drop_table('session_code')
    op.drop_table('run_openings')
    op.drop_table('page_session')
    op.drop_table('upload_rejection')
    op.drop_table('token')
    op.drop_table('standing_use')
    op.drop_table('sealed_message')
    op.drop_table('run_block')
    op.drop_table('run_approval')
    op.drop_table('round_pair')
    op.drop_table('release')
    op.drop_table('match_record')
    op.drop_table('destruction_signature')
    op.drop_table('destruction_object')
    op.drop_table('party_word')
    op.drop_table('agreement_notice')
    op.drop_table('agreement_consent')
    op.drop_table('withdrawn_record')
    op.drop_table('upload')
    op.drop_table('standing_approval')
    op.drop_table('secret_confirmation')
    op.drop_table('sealed_piece')
    op.drop_table('run')
    op.drop_table('round')
    op.drop_table('relayed_share')
    op.drop_table('refused_requests')
    op.drop_table('project_terms')
    op.drop_table('project_party')
    op.drop_table('person')
    op.drop_table('offered_nonce')
    op.drop_table('log_cosignature')
    op.drop_table('legal_hold')
    op.drop_table('invitation')
    op.drop_table('epoch_key')
    op.drop_table('destruction_statement')
    op.drop_table('destruction')
    op.drop_table('agreement')
    op.drop_table('seen_once')
    op.drop_table('sealed_object')
    op.drop_table('refused_sign_ins')
    op.drop_table('project')
    op.drop_table('party')
    op.drop_table('logged_setting')
    op.drop_table('log_node')
    op.drop_table('log_leaf')
    op.drop_table('log_key')
    op.drop_table('log_head')
    op.drop_table('log_checkpoint')
    op.drop_table('encoding_profile')
    op.drop_table('alarm_message')
    op.drop_table('alarm')
