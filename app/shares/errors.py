"""What a share of a secret is refused for."""

from __future__ import annotations

from typing import Final

from app.errors import Rule

NOT_HOLDER: Final = Rule("not-a-holder", 409, "The terms do not let this party hold the secret")
SHARE_REFUSED: Final = Rule("share-refused", 422, "The share or confirmation was refused")
SHARE_FETCHED: Final = Rule("share-fetched", 409, "The recipient has fetched another share")
SHARE_SERVED: Final = Rule("share-served", 410, "The share has already been used")
SECRET_CONFIRMED: Final = Rule("secret-confirmed", 409, "All holders have confirmed the secret")
