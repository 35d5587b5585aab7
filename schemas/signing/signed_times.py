"""How far what a person signs may lie in time from the entry of the log that holds it.

Broker and verifier go by the same: the broker appends nothing that the verifier would refuse. Spec page:
`schemas/spec/entry.md`.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from schemas.documents.ids import UtcTime, utc_text

# A request may bring a large file on a slow line, and the broker's clock may have been set back since.
LONGEST: Final = timedelta(days=2)
# How far the clock of a person's machine may be ahead of the broker's, or behind it.
CLOCK_SKEW: Final = timedelta(minutes=5)


def is_timely(at: UtcTime, moment: datetime, since: datetime | None = None) -> bool:
    """Tell whether what was signed `at` this time may stand in an entry of this moment.

    Args:
        since: when that began which is signed about, and goes on; None: it is signed to be logged at once.
    """
    earliest = moment - LONGEST if since is None else since - CLOCK_SKEW
    return utc_text(earliest) <= at <= utc_text(moment + CLOCK_SKEW)
