"""What goes wrong at the provider; what is refused about who signs on is a SignInRefusedError."""

from __future__ import annotations

from app.errors import UnavailableError


class ProviderFailedError(UnavailableError):
    """The provider does not answer, or answers otherwise than OpenID Connect says it must.

    `reason` is a word of ours for the operator's log; it is never in the answer.
    """

    code = "sign-on-unavailable"
    title = "The single sign-on provider does not answer"

    def __init__(self, reason: str) -> None:
        """Take the rule: a word of ours, and nothing that the provider sent."""
        super().__init__(
            "The provider of the single sign-on does not answer as it should.",
            hint="try again later, or sign in with a link that your keys get you",
        )
        self.reason = reason
