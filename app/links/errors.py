"""What a release is refused for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from app.decisions.end_reasons import WHY_HINT, why_gone
from app.errors import RefusedError, Rule

if TYPE_CHECKING:
    from app.links.models import Release

RELEASE_DESTROYED: Final = Rule("release-destroyed", 410, "The release was destroyed")
NOT_RECIPIENT: Final = Rule("not-a-recipient", 409, "The terms do not let this party receive")
NOT_FETCHED: Final = Rule("not-fetched", 409, "The release has not been fetched yet")
OTHER_FILE: Final = Rule("other-file", 422, "This is not the file that was handed out")


def release_gone(release: Release) -> RefusedError:
    """Return the refusal of a release that is gone, with why it is."""
    return RefusedError(
        RELEASE_DESTROYED,
        why_gone("The release", release.destroyed, release.keep_until),
        hint=WHY_HINT,
    )
