"""What a release is refused for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.decisions.end_reasons import WHY_HINT, why_gone
from app.errors import RequestError

if TYPE_CHECKING:
    from app.links.models import Release


class ReleaseDestroyedError(RequestError):
    """The release was kept as long as the terms allow, or destroyed before that, and is gone."""

    code = "release-destroyed"
    status = 410
    title = "The release was destroyed"


def release_gone(release: Release) -> ReleaseDestroyedError:
    """Return the refusal of a release that is gone, with why it is."""
    return ReleaseDestroyedError(
        why_gone("The release", release.destroyed, release.keep_until), hint=WHY_HINT
    )


class NotRecipientError(RequestError):
    """The terms in force do not name the party as a recipient in the release's mode and ID space."""

    code = "not-a-recipient"
    status = 409
    title = "The terms do not let this party receive"


class NotFetchedError(RequestError):
    """Only who has fetched a release can say that it is whole."""

    code = "not-fetched"
    status = 409
    title = "The release was not fetched yet"


class OtherFileError(RequestError):
    """The file that was looked at is not the one that was handed out."""

    code = "other-file"
    status = 422
    title = "Not the file that was handed out"
