"""What keeps a message from leaving; said by code, since an address or an answer is not to be logged."""

from __future__ import annotations

from app.errors import UnavailableError


class NotSentError(UnavailableError):
    """A message did not leave, and is sent later; `code` says why."""

    code = "not-sent"
    title = "The message was not sent"

    def __init__(self, code: str, detail: str, *, hint: str | None = None) -> None:
        """Take a stable code, and the sentence for people; neither holds an address."""
        super().__init__(detail, hint=hint)
        self.code = code
