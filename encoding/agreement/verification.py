"""Holds what a broker shows of an agreement against signatures, trusted keys, and what was seen before.

Nothing that the broker concludes is believed: who has consented, who halts, and whose keys are whose is worked
out here from the signed statements.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial

from encoding.agreement.kept_agreements import KeptAgreement, KeptAgreements
from encoding.errors import AgreementUntrustedError, UntrustedKeyError
from encoding.people.peers import Peer, Peers
from schemas.agreement.agreement import Agreement
from schemas.agreement.amendment import newcomer_fault, stewards_before, succession_fault
from schemas.agreement.negotiation import AgreementView
from schemas.agreement.statement import Consent, Notice, SignedStatement
from schemas.documents.errors import SignatureError
from schemas.signing.identity import IdentityHistory, PublicIdentity


def verified(view: AgreementView, wanted: str | None = None) -> KeptAgreement:
    """Return what a broker shows of an agreement, once every signature in it has been verified.

    Args:
        view: the broker's answer.
        wanted: the digest that was asked for; None where any will do.
    Raises:
        AgreementUntrustedError: it is another agreement or profile, or a signature does not count.
    """
    agreement = view.agreement
    if wanted is not None and agreement.digest() != wanted:
        raise AgreementUntrustedError(
            "the broker shows a different agreement from the one you asked for"
        )
    if view.profile.digest() != agreement.profile:
        raise AgreementUntrustedError(
            "the broker shows a different encoding profile from the one in the agreement"
        )
    kept = KeptAgreement(
        agreement=agreement,
        profile=view.profile,
        consents=tuple(_counting(agreement, view.consents, Consent)),
        notices=tuple(_counting(agreement, view.notices, Notice)),
    )
    if len({signed.statement.party for signed in kept.consents}) != len(kept.consents):
        raise AgreementUntrustedError("the broker shows two signatures of one party")
    if view.state in ("signed", "in-force", "suspended") and kept.missing():
        raise AgreementUntrustedError(
            f"the broker says that every party has signed agreement {agreement.number}, but the signature of"
            f" {kept.missing()[0]} is not there"
        )
    return kept


def merged(known: KeptAgreements, shown: KeptAgreement) -> KeptAgreements:
    """Return what is kept, with what has been verified of one of its agreements.

    A consent that its party has undone since by leaving the one before does not count, no matter who shows it
    again.

    Raises:
        AgreementUntrustedError: a signature that was seen before is not shown any more.
    """
    before = known.find(shown.digest)
    if before is None:
        return known.with_one(_without_undone(known, shown))
    if before.is_complete():
        for party in shown.missing():
            raise AgreementUntrustedError(
                f"the broker no longer shows the signature of {party} on agreement {shown.agreement.number}"
            )
    seen = {signed.statement.digest() for signed in shown.notices}
    for signed in before.notices:
        if signed.statement.digest() not in seen:
            raise AgreementUntrustedError(
                f"the broker no longer shows a notice of {signed.statement.party} about agreement"
                f" {shown.agreement.number}"
            )
    # The own consent may be on its way.
    own = [one for one in before.consents if one.statement.party in shown.missing()]
    if own and not before.is_complete():
        shown = shown.model_copy(update={"consents": (*shown.consents, *own)})
    return known.with_one(_without_undone(known, shown))


def require_adoptable(
    known: KeptAgreements, shown: KeptAgreement, party: str, peers: Peers
) -> bool:
    """Make sure that an agreement that is not kept yet may be, though nobody has compared its fingerprint here.

    It may if nothing is kept of its project, or if this party's steward has signed it: a steward by the newest
    agreement that is kept, with the keys that it lists or later ones that are trusted. Where the persons of
    another party change alone, it is that party's steward. It comes after the newest one, or the next one that
    is kept names it.

    Args:
        known: what is kept.
        shown: what has been verified.
        party: this agency.
    Returns:
        Whether it is the first of its project, so that someone should compare its fingerprint now.
    Raises:
        AgreementUntrustedError: not all have signed it, it does not name this agency, or nobody known did sign.
    """
    agreement = shown.agreement
    if agreement.party(party) is None:
        raise AgreementUntrustedError(f"the broker shows an agreement that does not name {party}")
    if shown.missing():
        raise AgreementUntrustedError(
            f"the broker uses agreement {agreement.number}, which {shown.missing()[0]} has not signed"
        )
    if not known.agreements:
        return True
    signer = party if party in agreement.signers else agreement.signers[0]
    own = next(signed for signed in shown.consents if signed.statement.party == signer)
    listed = agreement.person(own.statement.person)
    if listed is None or not _was_steward(known, listed, peers):
        raise AgreementUntrustedError(
            f"the broker uses agreement {agreement.number}, signed for {signer} with keys that are not known"
            " here",
            hint="compare it with counsel's sheet: blindlink agreement accept FINGERPRINT",
        )
    if all(kept.agreement.previous != shown.digest for kept in known.agreements):
        require_next(known, agreement)
    return False


def require_log(agreement: Agreement, log: str) -> None:
    """Make sure that an agreement names the log that is pinned here: it counts in no other one.

    Raises:
        AgreementUntrustedError: it was made for another log.
    """
    if agreement.log != log:
        raise AgreementUntrustedError(
            f"the agreement was made for another log: {agreement.log}; this computer has pinned {log}",
            hint="ask the operator, by telephone, which one is right",
        )


def require_next(known: KeptAgreements, agreement: Agreement) -> None:
    """Make sure that an agreement is the next one of the project, as far as this agency knows.

    Raises:
        AgreementUntrustedError: it does not follow the last one that all have signed.
    """
    last = known.last_complete()
    if last is None or last.digest == agreement.digest():
        return
    fault = succession_fault(last.agreement, agreement)
    if fault is None and agreement.amends is not None and known.with_words(last).ended_by():
        fault = "a party has left that one"
    if fault is not None:
        raise AgreementUntrustedError(
            f"the agreement does not follow number {last.agreement.number}, which you keep: {fault}"
        )


def require_stewards(
    known: KeptAgreements,
    shown: KeptAgreement,
    histories: Callable[[], Iterable[IdentityHistory]],
    *,
    is_compared: bool = False,
) -> None:
    """Make sure that each party signs an amendment by a steward of the version before, but for one at most.

    So the operator takes nobody's place. Where the version before is not kept, nothing is found, and
    what is kept with the signatures of all was looked at when it came.

    Args:
        known: what is kept.
        shown: what has been verified.
        histories: asks the broker for persons' keys, where a steward has others by now.
        is_compared: someone has compared the fingerprint with counsel's sheet, and so the keys that it lists.
            Then a steward's other keys need no signature of the former ones; another person is refused.
    Raises:
        AgreementUntrustedError: more than one party has signed by someone else, or one that has no reason to.
    """
    before = known.find(shown.agreement.previous or "")
    if before is None or _is_signed_as_kept(known, shown):
        return
    earlier = [kept.agreement for kept in known.complete_until(before)]
    strangers = _newcomers(earlier, shown, lambda *_: True)
    newcomers = strangers
    if not is_compared:
        newcomers = _newcomers(earlier, shown, partial(_leads_to, histories))
    fault = newcomer_fault(earlier, shown.agreement, newcomers)
    if fault is None:
        return
    hint = "call the other parties: someone may be signing in their place"
    if newcomer_fault(earlier, shown.agreement, strangers) is None:
        hint += "; if nobody is, compare it with counsel's sheet: blindlink agreement accept FINGERPRINT"
    raise AgreementUntrustedError(
        f"agreement {shown.agreement.number} is signed for {min(newcomers)} by someone who was not its"
        f" steward before: {fault}",
        hint=hint,
    )


def require_keys(agreement: Agreement, peers: Peers) -> None:
    """Make sure that an agreement lists no other keys than trusted ones, for parties with a trusted person.

    Raises:
        UntrustedKeyError: it does; the sentence holds both fingerprints.
    """
    for party in agreement.parties:
        trusted = peers.of(party.name)
        for person in party.persons:
            for peer in trusted:
                _refuse_swap(peer, person)
        if trusted and party.persons and all(not is_known(p, peers) for p in party.persons):
            shown = "; ".join(person.fingerprint() for person in party.persons)
            raise UntrustedKeyError(
                f"the agreement lists no keys of {party.name} that you trust: trusted {trusted[0].fingerprint};"
                f" listed {shown}",
                hint=f"nothing was signed; have {party.name} read its fingerprint to you",
            )


def require_keys_of_then(shown: KeptAgreement, peers: Peers) -> None:
    """Make sure that nothing was signed about an agreement with keys that a trusted person had replaced before.

    What was signed earlier counts on. Who has the old keys can date a statement back; the match log's order
    shows that to an auditor.

    Raises:
        UntrustedKeyError: something was.
    """
    for signed in (*shown.consents, *shown.notices):
        stated = signed.statement
        keys = signed.verify(shown.agreement).signing_key
        changes = (
            one.change
            for peer in peers.of(stated.party)
            if peer.history is not None
            for one in peer.history.changes
        )
        if any(one.old_key == keys and one.at < stated.at for one in changes):
            raise UntrustedKeyError(
                f"a statement for {stated.party} was signed with keys that this person had already replaced",
                hint=f"someone may have the old keys; call {stated.party}, and the operator of the broker",
            )


def untrusted_keys(agreement: Agreement, peers: Peers, own: str) -> Iterator[PublicIdentity]:
    """Yield the persons of an agreement whose fingerprint nobody has compared yet, but for those of `own`."""
    for party in agreement.parties:
        if party.name != own:
            yield from (person for person in party.persons if not is_known(person, peers))


def vouched_keys(known: KeptAgreements, peers: Peers, own: str) -> Iterator[PublicIdentity]:
    """Yield the persons of other parties whom nobody has compared here, but whom a trusted steward vouches for.

    Those of the last complete agreement: each party lists its persons, and signs that. So anyone who takes
    someone's place is trusted where the one is who signed for them, in this version or an earlier one; the one
    may be trusted by such a word, too, since between two visits to the broker several may have followed.
    """
    complete = [kept for kept in known.agreements if kept.is_complete()]
    brought: list[PublicIdentity] = []
    for kept in complete:
        stewards = [
            listed
            for signed in kept.consents
            if (listed := kept.agreement.person(signed.statement.person)) is not None
            and (listed in brought or is_known(listed, peers))
        ]
        parties = {steward.party for steward in stewards}
        others = untrusted_keys(kept.agreement, peers, own)
        brought += [one for one in others if one.party in parties and one not in brought]
    for person in brought:
        if complete[-1].agreement.person(person.person) == person:
            yield person


def is_known(person: PublicIdentity, peers: Peers) -> bool:
    """Tell whether these are keys of a trusted person, now or before they were replaced.

    So it is the person; whether such keys may still sign says `require_keys_of_then`.
    """
    return any(
        peer.fingerprint == person.fingerprint() or person in _identities(peer)
        for peer in peers.of(person.party)
    )


def _is_signed_as_kept(known: KeptAgreements, shown: KeptAgreement) -> bool:
    """Tell whether an agreement is kept with the signatures of all, by the same persons as those shown."""
    kept = known.find(shown.digest)
    signers = [
        {(one.statement.party, one.statement.person) for one in version.consents}
        for version in (kept, shown)
        if version is not None and version.is_complete()
    ]
    return len(signers) == 2 and signers[0] == signers[1]


def _newcomers(
    earlier: Sequence[Agreement],
    shown: KeptAgreement,
    leads_to: Callable[[PublicIdentity, PublicIdentity], bool],
) -> set[str]:
    """Return the parties that someone has signed for who is none of their stewards of before."""
    found = set()
    for stated in (signed.statement for signed in shown.consents):
        stewards = stewards_before(earlier, stated.party)
        signer = shown.agreement.person(stated.person)
        former = (one for one in stewards or () if one.person == stated.person)
        if stewards is not None and not any(signer and leads_to(one, signer) for one in former):
            found.add(stated.party)
    return found


def _leads_to(
    histories: Callable[[], Iterable[IdentityHistory]],
    former: PublicIdentity,
    signer: PublicIdentity,
) -> bool:
    """Tell whether a person's keys are the former ones, or followed from them by the person's signatures."""
    if former.signing_key == signer.signing_key:
        return True
    for history in histories():
        if history.newest().person == former.person:
            with suppress(SignatureError):
                keys = [one.signing_key for one in history.verify()]
                if former.signing_key in keys:
                    return signer.signing_key in keys[keys.index(former.signing_key) :]
    return False


def _was_steward(known: KeptAgreements, signer: PublicIdentity, peers: Peers) -> bool:
    """Tell whether a signer is a steward already, by known keys: nobody lists themselves, or comes back."""
    last = known.last_complete()
    before = known.agreements if last is None else [last]
    listed = (kept.agreement.person(signer.person) for kept in before)
    stewards = [
        one
        for one in listed
        if one is not None and one.party == signer.party and "steward" in one.duties
    ]
    return bool(stewards) and (signer in stewards or is_known(signer, peers))


def _without_undone(known: KeptAgreements, shown: KeptAgreement) -> KeptAgreement:
    """Return an agreement without the consents of parties that left an earlier one after they had consented."""
    left = [
        signed.statement
        for kept in known.agreements
        if kept.agreement.number < shown.agreement.number
        for signed in kept.notices
        if isinstance(signed.statement, Notice) and signed.statement.act == "withdraw"
    ]
    undone = {
        consent.statement.party
        for consent in shown.consents
        for notice in left
        if notice.party == consent.statement.party
        and (consent.statement.at < notice.at or notice.before == consent.statement.digest())
    }
    counting = tuple(one for one in shown.consents if one.statement.party not in undone)
    return shown.model_copy(update={"consents": counting})


def _counting(
    agreement: Agreement, statements: Iterable[SignedStatement], kind: type[object]
) -> Iterator[SignedStatement]:
    for signed in statements:
        stated = signed.statement
        if not isinstance(stated, kind):
            raise AgreementUntrustedError("the broker shows one statement in place of another")
        try:
            signed.verify(agreement)
        except SignatureError as exc:
            raise AgreementUntrustedError(
                f"the broker shows a signature of {stated.party} that does not count: {exc}"
            ) from exc
        yield signed


def _refuse_swap(peer: Peer, person: PublicIdentity) -> None:
    known = _identities(peer)
    if known and known[-1].person == person.person and person not in known:
        raise UntrustedKeyError(
            f"the agreement lists different keys for a person of {person.party} from those that you"
            f" trust: trusted {peer.fingerprint}; listed {person.fingerprint()}",
            hint=f"nothing was signed; call {person.party} about it",
        )


def _identities(peer: Peer) -> tuple[PublicIdentity, ...]:
    history = peer.history
    if history is None:
        return ()
    successors = (change.change.successor for change in history.changes)
    return (history.enrolled.identity, *successors)
