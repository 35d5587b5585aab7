"""Keeping an agreement by its fingerprint on counsel's sheet, for whoever did not sign it at this computer."""

from __future__ import annotations

from collections.abc import Iterable

from encoding.agreement.kept_agreements import KeptAgreement
from encoding.agreement.verification import merged, untrusted_keys
from encoding.errors import AgreementUntrustedError, OthersWaitedForError
from encoding.people.peers import write_peers
from encoding.project.agreement.agreements import Seat
from schemas.signing.identity import PublicIdentity


def accept_agreement(at: Seat, fingerprint: str) -> KeptAgreement:
    """Keep the agreement of this fingerprint and trust the keys that it lists, every signature verified."""
    shown = at.fetch(read_digest(fingerprint), is_compared=True)
    if shown.missing():
        raise OthersWaitedForError(f"{shown.missing()[0]} has not signed this agreement yet")
    # What was seen of it before stays.
    at.keep_own(merged(at.known(), shown).find(shown.digest) or shown)
    trust_persons(at, untrusted_keys(shown.agreement, at.peers(), at.party))
    return shown


def trust_persons(at: Seat, persons: Iterable[PublicIdentity]) -> None:
    """Trust these keys, beside those that are trusted already."""
    peers = at.peers()
    for person in persons:
        peers = peers.trust(person.party, person.fingerprint(), at.session.now(), keep_others=True)
    with at.workspace.lock():
        write_peers(at.workspace.peers, peers)


def read_digest(text: str) -> str:
    """Return the fingerprint of an agreement as the broker writes it, from one that somebody typed."""
    digest = "".join(text.split()).lower()
    if len(digest) != 64 or set(digest) - set("0123456789abcdef"):
        raise AgreementUntrustedError(
            "the fingerprint of an agreement has 64 characters, 0 to 9 and a to f",
            hint="it stands on counsel's sheet",
        )
    return digest
