"""What a person approves or has signed, in plain sentences."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from encoding.agreement.kept_agreements import KeptAgreement
from schemas.agreement.agreement import Agreement
from schemas.agreement.chapter_limits import listed
from schemas.agreement.chapters import Chapter, Table, grouped
from schemas.agreement.policy_words import policy_sentences
from schemas.agreement.statement import Consent, StandingApproval, Step
from schemas.linkage.run import RunSpecification
from schemas.signing.identity import PublicIdentity

_MODES = {
    "linked": "the link IDs of its own records that have a match",
    "blind": "sealed link IDs of all records that were handed over",
    "count": "the number of matches only",
    "none": "nothing",
}


def specification_sentences(
    agreement: Agreement, specification: RunSpecification, step: Step
) -> Iterator[str]:
    """Yield what is approved with one step of a run: who compares what, how, and who receives what."""
    what = {
        "run": "You approve that this run is made.",
        "release": "You approve that the results of this run are released.",
    }
    yield what[step]
    yield f"Run {specification.run}, asked for by {specification.asked_by} at {specification.asked_at}."
    yield (
        f"It is under agreement {agreement.number} of the project {agreement.project}, for"
        f" {agreement.purpose.code}: {agreement.purpose.statement}"
    )
    for upload in specification.uploads:
        yield f"It uses the upload {upload.upload} of {upload.party}, {_short(upload.container_sha256)}."
    yield from policy_sentences(specification.policy)
    if specification.policy != agreement.policy:
        yield "These probabilities are not the agreed ones, but lie within the range that is agreed."
    for recipient in specification.recipients:
        yield f"{recipient.party} receives {_MODES[recipient.mode]} (link-ID set {recipient.space})."
    yield f"Counts below {specification.floor} are not shown."
    yield f"Fingerprint of all that this run does: {grouped(specification.digest())}"


def standing_sentences(agreement: Agreement, until: str, runs: int) -> Iterator[str]:
    """Yield what is approved in advance."""
    yield (
        f"You approve in advance up to {runs:,} runs under agreement {agreement.number} of the project"
        f" {agreement.project}, until {until}, this day included."
    )
    yield from policy_sentences(agreement.policy)
    yield "It holds for these probabilities only, and for no other agreement; a run that failed does not count."
    yield "You can revoke it at any time: blindlink approve --revoke"


def standing_sentence(approval: StandingApproval, used: int, revoked: str | None) -> str:
    """Return how far a standing approval is used, in one sentence."""
    state = f"taken back at {revoked}" if revoked else f"{used} of {approval.runs} runs used"
    return f"{approval.approval} of {approval.party}: until {approval.until}, {state}"


def state_of(kept: KeptAgreement, today: date) -> str:
    """Return in a few words where an agreement stands, by its signatures and dates alone."""
    agreement, day = kept.agreement, today.isoformat()
    if kept.missing():
        return f"waits for the signature of {listed(kept.missing())}"
    if kept.ended_by():
        return f"ended, since {listed(kept.ended_by())} has left"
    if day < agreement.start:
        return f"signed by all, begins on {agreement.start}"
    if day > agreement.end:
        return f"ended on {agreement.end}"
    if kept.halted_by():
        return f"suspended by {listed(kept.halted_by())}"
    return "signed by all"


def signature_chapter(kept: KeptAgreement) -> Chapter:
    """Return who has signed an agreement, when, with which counsel, and what parties have said since."""
    rows = []
    for signed in kept.consents:
        stated = signed.statement
        if isinstance(stated, Consent):
            rows.append((stated.party, stated.at, stated.counsel_words, stated.person))
    tables = []
    if rows:
        header = ("party", "signed at", "counsel", "by the person")
        tables.append(Table("Signatures that were verified", header, tuple(rows)))
    sentences = [f"Not signed yet by {listed(kept.missing())}."] if kept.missing() else []
    if not kept.missing():
        sentences.append(
            "Every party has signed."
            if len(kept.agreement.signers) > 1
            else f"{kept.agreement.signers[0]} has signed; no other party has to."
        )
    for party in kept.agreement.names():
        word = kept.last_word(party)
        if word is not None:
            acts = {"suspend": "suspended", "resume": "resumed", "withdraw": "left"}
            sentences.append(f"{party} has {acts[word.act]} at {word.at}: {word.reason}")
    return Chapter("Who has signed", tuple(sentences), tuple(tables))


def adoption_words(before: Agreement | None, after: Agreement, *, is_first: bool) -> str:
    """Return in a sentence what is kept from now on though nobody has compared its fingerprint here.

    Args:
        before: the version that it takes the place of; None: that one is not kept.
        is_first: whether it is the first that is kept.
    """
    digest, number = grouped(after.digest()), after.number
    if is_first:
        return f"agreement {number} is kept now; compare its fingerprint with counsel's sheet: {digest}"
    if before is not None and after.amends is not None and after.amends.party is not None:
        told = roster_words(before, after, after.amends.party)
    else:
        told = f"agreement {number} is kept now, signed by all, with the fingerprint {digest}"
    return f"{told}; if that is wrong, halt the linkage: blindlink agreement halt"


def roster_words(before: Agreement, after: Agreement, party: str) -> str:
    """Return in a sentence, by ids, who acts for a party by an amendment and who does not any more."""
    old, new = ({one.person for one in _persons(each, party)} for each in (before, after))
    changes = [f"{one} acts for it" for one in sorted(new - old)]
    changes += [f"{one} does not any more" for one in sorted(old - new)]
    return f"{party} changed who acts for it: {listed(changes or ['other duties or keys'])}"


def _persons(agreement: Agreement, party: str) -> tuple[PublicIdentity, ...]:
    found = agreement.party(party)
    return () if found is None else found.persons


def _short(digest: str) -> str:
    return f"whose fingerprint begins with {digest[:8]}"
