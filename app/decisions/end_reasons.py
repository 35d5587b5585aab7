"""Why a match record or a release is no longer there."""

from __future__ import annotations

from typing import Final

WHY_HINT: Final = "the certificate of destruction says on what ground: blindlink certificate list"


def why_gone(what: str, destroyed: str | None, keep_until: str) -> str:
    """Return one sentence about something that is gone.

    Args:
        what: the name of it, as a sentence begins.
        destroyed: when that was; None where its time is over and it has yet to be destroyed.
        keep_until: until when it was to be kept.
    """
    if destroyed is None or destroyed >= keep_until:
        return f"{what} was kept as long as agreed, and is gone."
    return f"{what} was destroyed on {destroyed[:10]}, before its time was over."
