"""What is refused about destruction."""

from __future__ import annotations

from typing import Final

from app.errors import Rule

NOTHING_TO_DESTROY: Final = Rule("nothing-to-destroy", 409, "There is nothing to destroy")
NOT_CERTIFIED: Final = Rule("not-certified", 409, "There is no certificate yet")
OTHER_CERTIFICATE: Final = Rule("other-certificate", 422, "The statement is about something else")
