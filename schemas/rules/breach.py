"""What a step raises: which rule an entry breaks, and what shows it. Who replays decides what that means."""

from __future__ import annotations

Evidence = dict[str, int | str | None]


class BreachError(Exception):
    """An entry does what the rules do not allow; `code` names the rule, `index` the entry, null at the end."""

    def __init__(
        self, rule: str, message: str, *, index: int | None, evidence: Evidence | None = None
    ) -> None:
        """Take the rule's code, one plain sentence, where it went wrong, and what contradicts it."""
        super().__init__(message)
        self.code = rule
        self.message = message
        self.index = index
        self.evidence = evidence or {}
