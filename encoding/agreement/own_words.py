"""What a party has signed before, as this agency knows it, held against what a broker says was the last of it.

Each statement names the one before it. Whoever believes a broker about that may leave out, by their own
signature, a halt or a revocation of their own party.
"""

from __future__ import annotations

from collections.abc import Iterator

from encoding.agreement.kept_agreements import KeptAgreements, OwnWord
from encoding.errors import AgreementUntrustedError
from schemas.agreement.negotiation import LastWord


def require_last(word: LastWord, known: KeptAgreements, party: str) -> None:
    """Make sure that what a broker says was a party's last statement can be the last.

    What others of the party have signed elsewhere may be unknown here, so that a later one counts.

    Raises:
        AgreementUntrustedError: the party has signed something after it.
    """
    said = {one.sha256: one for one in _own(known, party)}
    newest = max((one.at for one in said.values()), default="")
    before = {one.before for one in said.values()}
    same = said.get(word.sha256 or "")
    is_older = word.sha256 in before or (word.at or "") < newest
    if said and (is_older or (same is not None and same.at != word.at)):
        raise AgreementUntrustedError(
            f"the broker leaves out what {party} has signed since, such as a halt or a revocation",
            hint="nothing was signed; ask the operator by telephone, and keep your copies of the log",
        )


def _own(known: KeptAgreements, party: str) -> Iterator[OwnWord]:
    """Yield what the party has signed that a broker has shown here; a consent may never have come to it."""
    yield from known.words
    for kept in known.agreements:
        for signed in kept.notices:
            if signed.statement.party == party:
                yield OwnWord.of(signed.statement)
