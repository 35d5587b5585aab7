"""What the service refuses, with the status that the old service answered."""

from __future__ import annotations

from typing import Final

from app.errors import Rule

# One answer for a wrong token, a project that never was and one that is gone.
INVALID_ACCESS: Final = Rule("invalid-access", 403, "This token gives no access here")
TOKEN_MISSING: Final = Rule("token-missing", 400, "The token is missing")
TOKEN_USED: Final = Rule("token-used", 403, "The token was already used")
PROJECT_REFUSED: Final = Rule("project-refused", 400, "The project breaks a rule")
CLKS_REFUSED: Final = Rule("clks-refused", 400, "The CLKs break a rule")
RUN_REFUSED: Final = Rule("run-refused", 400, "The run breaks a rule")
RUN_UNFINISHED: Final = Rule("run-unfinished", 404, "The run is not complete")
RUN_FAILED: Final = Rule("run-failed", 409, "The run failed")
