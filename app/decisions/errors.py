"""What is refused about match records."""

from __future__ import annotations

from app.errors import RequestError


class MatchRecordGoneError(RequestError):
    """The match record was kept as long as the terms allow, or destroyed before that, and is gone."""

    code = "match-record-gone"
    status = 410
    title = "The match record was destroyed"
