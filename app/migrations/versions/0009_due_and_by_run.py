"""What is due or open, the pair of a run, approvals under an agreement, and a witness's newest are found by an index.

Revision: 0009, after 0008.
"""

from __future__ import annotations

from alembic import op
from sqlalchemy import text

revision = '0009'
down_revision = '0008'
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ('delivery', 'match_record', 'release', 'review', 'sealed_message'):
        due = text('destroyed IS NULL')
        op.create_index(f'ix_{table}_due', table, ['keep_until'], sqlite_where=due, postgresql_where=due)
    is_open = text("state != 'ended'")
    op.drop_index('ix_review_state', 'review')
    op.create_index(
        'ix_review_open', 'review', ['deadline'], sqlite_where=is_open, postgresql_where=is_open
    )
    op.create_index('ix_log_cosignature_key_size', 'log_cosignature', ['key', 'size'])
    op.create_index('ix_round_pair_run', 'round_pair', ['run'])
    op.create_index('ix_standing_approval_agreement', 'standing_approval', ['agreement'])
