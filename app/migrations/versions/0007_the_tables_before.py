"""Where steps begin: the tables of 0007, which the models made. An empty database is made by those of today.

Revision: 0007, after none.
"""

from __future__ import annotations

revision = '0007'
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing: no database is without these tables and before this step."""
