"""What is refused about deliveries."""

from __future__ import annotations

from typing import Final

from app.errors import RefusedError, Rule

NOT_AGREED: Final = Rule(
    "delivery-not-agreed", 409, "The agreement does not allow columns in this direction"
)
NOT_DUE: Final = Rule(
    "delivery-not-due", 409, "The round's link IDs do not exist yet or are out of date"
)
OUT_OF_NUMBER: Final = Rule("delivery-number", 409, "The delivery number is out of order")
TOO_LARGE: Final = Rule("delivery-too-large", 413, "The delivery is larger than the agreed files")
EMPTY: Final = Rule("delivery-empty", 422, "The delivery is empty")
NOT_RECIPIENT: Final = Rule("delivery-not-yours", 409, "The delivery is for another party")
GONE: Final = Rule("delivery-gone", 410, "The delivery is gone")
NOT_FETCHED: Final = Rule("delivery-not-fetched", 409, "The delivery has not been fetched yet")
OTHER_FILE: Final = Rule("other-delivery", 422, "This is not the file that was handed out")


def not_agreed(sender: str, recipient: str) -> RefusedError:
    """Return the refusal of columns that no agreement in force lets go this way."""
    return RefusedError(
        NOT_AGREED,
        f"No columns go from {sender} to {recipient} beside link IDs.",
        clause="elements",
    )
