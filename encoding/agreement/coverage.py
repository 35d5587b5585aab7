"""Whether what a broker says about a project, or about a run, is covered by what all parties have signed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta

from encoding.agreement.kept_agreements import KeptAgreement, KeptAgreements
from encoding.errors import AgreementUntrustedError, NotReadyError
from schemas.agreement.agreement import ProjectTerms
from schemas.api.projects import ProjectView
from schemas.linkage.run import RunSpecification
from schemas.rounds.upload import Manifest


def require_cover(
    known: KeptAgreements, view: ProjectView, today: date, *, must_bind: bool
) -> None:
    """Make sure that a project's terms are those of an agreement that every party has signed.

    Args:
        must_bind: the agreement has to bind today; else it is enough that the broker does not misstate it.
    Raises:
        AgreementUntrustedError: the broker goes by other terms, another profile or an earlier agreement.
        NotReadyError: with `must_bind`, the agreement has not begun or has ended, not all have signed it, or a
            party has halted the linkage or left.
    """
    kept = known.find(view.agreement)
    if kept is None:
        raise AgreementUntrustedError(
            "the broker uses an agreement that this agency does not have",
            hint="to compare it: blindlink agreement status",
        )
    if kept.agreement.terms() != view.terms:
        fields = ", ".join(_differing(kept.agreement.terms(), view.terms))
        raise AgreementUntrustedError(
            f"the broker uses different terms from those of agreement {kept.agreement.number}: {fields}"
        )
    if view.profile.digest() != kept.agreement.profile:
        raise AgreementUntrustedError(
            "the broker shows a different encoding profile from the one in the agreement; nothing was encoded"
        )
    binding = known.binding_about(today)
    if view.in_force and all(kept.digest != one.digest for one in binding):
        newest = max((one.agreement.number for one in binding), default=None)
        raise AgreementUntrustedError(
            f"the broker uses agreement {kept.agreement.number}"
            + (", which has not begun" if newest is None else f", and number {newest} binds")
        )
    if must_bind:
        require_force(known.with_words(kept), today)


def require_covered_run(
    known: KeptAgreements, run: str, specification: RunSpecification, sha256: str
) -> KeptAgreement:
    """Make sure that a run is one that the signed agreement provides for; return that.

    Args:
        known: what is kept.
        run: whose specification it is said to be.
        sha256: the digest that it is said to have.
    Raises:
        AgreementUntrustedError: it is not; the sentence says in what.
    """
    if (specification.run, specification.digest()) != (run, sha256):
        raise AgreementUntrustedError(
            "the broker shows a different specification from the run's own"
        )
    kept = known.find(specification.agreement)
    if kept is None or not kept.is_complete():
        raise AgreementUntrustedError(
            "the run is under an agreement that this agency does not have, or that not all have signed"
        )
    for fault in _faults(specification, kept.agreement.terms()):
        raise AgreementUntrustedError(
            f"agreement {kept.agreement.number} does not allow the run: {fault}"
        )
    return kept


def require_own_upload(
    known: KeptAgreements, specification: RunSpecification, sent: Mapping[str, Manifest]
) -> None:
    """Make sure that a run uses an own upload as it was sent, under no agreement from before that.

    A later one than the upload's may have come to bind before the partner's upload asked for the run.

    Args:
        known: what is kept.
        specification: the run's, which is covered.
        sent: the own manifests that are kept, by upload; also of other projects that share the workspace.
    Raises:
        AgreementUntrustedError: it names another upload or manifest, or an agreement that had been replaced.
    """
    names = [one.party for one in specification.uploads]
    numbers = {digest: one.number for digest, one in known.signed().items()}
    for upload, manifest in sent.items():
        used = next((one for one in specification.uploads if one.upload == upload), None)
        turn = manifest.project, manifest.round, *sorted((manifest.party, manifest.partner))
        is_of_run = turn == (specification.project, specification.round, *sorted(names))
        stated = used and (used.party, used.manifest_sha256)
        if stated != ((manifest.party, manifest.digest()) if is_of_run else None):
            raise AgreementUntrustedError(
                "the run names this agency's upload, but not the way this agency sent it"
            )
        if is_of_run and numbers[specification.agreement] < numbers.get(manifest.agreement, 0):
            raise AgreementUntrustedError(
                "the run is under an agreement that was replaced before this agency uploaded for it"
            )


def require_force(kept: KeptAgreement, today: date) -> None:
    """Make sure that an agreement, with what was said of those that it amends, binds today.

    Raises:
        NotReadyError: it has not begun or has ended, not all have signed it, or a party has halted it or left.
    """
    agreement = kept.agreement
    if kept.missing():
        raise NotReadyError(
            f"agreement {agreement.number} is not in force yet: {kept.missing()[0]} has not signed it",
            hint="to see who has: blindlink agreement status",
        )
    if kept.ended_by():
        raise NotReadyError(f"{kept.ended_by()[0]} has left agreement {agreement.number}")
    if kept.halted_by():
        raise NotReadyError(
            f"{kept.halted_by()[0]} has suspended the linkage",
            hint="ask that party; it lifts the halt with: blindlink agreement halt --lift",
        )
    # The broker's clock decides; this one may be a day off.
    if (today + timedelta(days=1)).isoformat() < agreement.start:
        raise NotReadyError(f"agreement {agreement.number} begins on {agreement.start}")
    if (today - timedelta(days=1)).isoformat() > agreement.end:
        raise NotReadyError(
            f"agreement {agreement.number} ended on {agreement.end}",
            hint="draft the next one with: blindlink agreement draft --amends",
        )


def _faults(specification: RunSpecification, terms: ProjectTerms) -> Iterator[str]:
    if (specification.project, specification.epoch) != (terms.project, terms.epoch):
        yield "it is of a different project or epoch"
    if specification.profile != terms.profile:
        yield "it uses a different encoding profile"
    if not terms.allows(specification.policy):
        yield "its matching policy is not one of those agreed on"
    if specification.floor != terms.floor:
        yield "it shows smaller counts"
    for recipient in specification.recipients:
        if recipient not in terms.recipients:
            yield f"it hands match IDs to {recipient.party}, or in another mode or link-ID set"
    if not set(specification.spaces) <= set(terms.spaces):
        yield "its link-ID sets are different"
    larger, smaller = (upload.party for upload in specification.uploads)
    if (larger, smaller) not in terms.pairs:
        yield f"it takes {larger} for the larger and {smaller} for the smaller file of a pair"
    if specification.asked_by not in {*terms.providers, *(r.party for r in terms.recipients)}:
        yield f"{specification.asked_by} has asked for it"


def _differing(agreed: ProjectTerms, shown: ProjectTerms) -> list[str]:
    ours, theirs = agreed.to_json(), shown.to_json()
    return [name for name in sorted({*ours, *theirs}) if ours.get(name) != theirs.get(name)]
