"""What is refused about deliveries."""

from __future__ import annotations

from typing import Final

from app.errors import Rule

NOT_AGREED: Final = Rule("delivery-not-agreed", 409, "The agreement lets no columns go this way")
NOT_DUE: Final = Rule(
    "delivery-not-due", 409, "Link IDs of this round are not there yet, or are old"
)
OUT_OF_NUMBER: Final = Rule("delivery-number", 409, "The delivery is out of number")
TOO_LARGE: Final = Rule(
    "delivery-too-large", 413, "The delivery is larger than the files agreed on"
)
EMPTY: Final = Rule("delivery-empty", 422, "The delivery is empty")
NOT_RECIPIENT: Final = Rule("delivery-not-yours", 409, "The delivery is for another party")
GONE: Final = Rule("delivery-gone", 410, "The delivery is gone")
NOT_FETCHED: Final = Rule("delivery-not-fetched", 409, "The delivery was not fetched yet")
OTHER_FILE: Final = Rule("other-delivery", 422, "Not the file that was handed out")
