"""What is due, the pair of a run, and the approvals under an agreement are found by an index.

Revision: 0009, after 0008.
"""

from __future__ import annotations

from alembic import op

revision = '0009'
down_revision = '0008'
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ('delivery', 'match_record', 'release', 'review', 'sealed_message'):
        op.create_index(f'ix_{table}_keep_until', table, ['keep_until'])
    op.create_index('ix_round_pair_run', 'round_pair', ['run'])
    op.create_index('ix_standing_approval_agreement', 'standing_approval', ['agreement'])
