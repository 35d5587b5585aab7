"""All kinds of match-log entries: for who reads or writes a whole log. A feature's own stand beside this."""

from __future__ import annotations

from typing import Final

from schemas.matchlog.agreement_kinds import AGREEMENT_KINDS
from schemas.matchlog.delivery_kinds import DELIVERY_KINDS
from schemas.matchlog.destruction_kinds import DESTRUCTION_KINDS
from schemas.matchlog.log_kinds import LOG_KINDS
from schemas.matchlog.person_kinds import PERSON_KINDS
from schemas.matchlog.registry import Kinds
from schemas.matchlog.release_kinds import RELEASE_KINDS
from schemas.matchlog.review_kinds import REVIEW_KINDS
from schemas.matchlog.round_kinds import ROUND_KINDS
from schemas.matchlog.run_kinds import RUN_KINDS
from schemas.matchlog.share_kinds import SHARE_KINDS
from schemas.matchlog.upload_kinds import UPLOAD_KINDS

KINDS: Final[Kinds] = {
    **LOG_KINDS,
    **PERSON_KINDS,
    **AGREEMENT_KINDS,
    **SHARE_KINDS,
    **ROUND_KINDS,
    **UPLOAD_KINDS,
    **RUN_KINDS,
    **REVIEW_KINDS,
    **RELEASE_KINDS,
    **DELIVERY_KINDS,
    **DESTRUCTION_KINDS,
}
