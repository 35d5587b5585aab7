"""The match log knows by which key each person signs, and which signed requests it holds.

A commit that waits for its check is asked for anew: what was kept of it had the day on which it was asked for.

Revision: 0006, after 0005.
"""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None


def upgrade() -> None:
    persons = op.create_table('log_person',
    sa.Column('id', sa.String(length=36), nullable=False),
    sa.Column('signing_key', sa.String(length=44), nullable=False),
    sa.Column('is_revoked', sa.Boolean(), nullable=False),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_table('log_request',
    sa.Column('sha256', sa.String(length=64), nullable=False),
    sa.Column('at', sa.String(length=20), nullable=False),
    sa.PrimaryKeyConstraint('sha256')
    )
    with op.batch_alter_table('log_request', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_log_request_at'), ['at'], unique=False)
    # Of requests nothing: none of the kind that the log has had until now is taken any more.
    op.bulk_insert(persons, _known_persons(op.get_bind()))
    op.execute("UPDATE upload SET state = 'open', asked = NULL, checked = NULL, check_token = NULL, "
    "check_until_ms = NULL, check_attempts = NULL WHERE state = 'checking'")


def _known_persons(connection: sa.Connection) -> list[dict[str, object]]:
    rows = connection.execute(sa.text(
    "SELECT id, identity, revoked FROM person WHERE identity IS NOT NULL AND confirmed IS NOT NULL"
    ))
    return [
        {'id': row.id, 'signing_key': json.loads(row.identity)['signing_key'],
        'is_revoked': row.revoked is not None}
        for row in rows
    ]
