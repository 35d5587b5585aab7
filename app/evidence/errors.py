"""What is refused about the match log's evidence."""

from __future__ import annotations

from typing import Final

from app.errors import Rule

PROJECT_NEEDED: Final = Rule("project-needed", 422, "A project must be named")
NOTHING_TO_WITNESS: Final = Rule(
    "nothing-to-witness", 409, "No project binds the caller's party yet"
)
NOT_A_WITNESS: Final = Rule("not-a-witness", 409, "The caller cannot cosign with this key")
