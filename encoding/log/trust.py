"""What a broker's answers are held against: the pinned match log, and the receipts that are kept."""

from __future__ import annotations

from dataclasses import dataclass

from encoding.log.pins import PinnedLog
from encoding.log.receipts import ReceiptFolder
from schemas.matchlog.log_keys import LogKeys


@dataclass(frozen=True, slots=True)
class Trust:
    """What answers are checked against, and where proof is kept."""

    log: PinnedLog
    receipts: ReceiptFolder

    @property
    def keys(self) -> LogKeys:
        """The log's keys as they are pinned now: while a command waits, the log may be handed over."""
        return self.log.keys()
