"""Whose keys this agency trusts: fingerprints that someone compared by voice or on paper, and nothing else.

A broker's list of persons is only a directory. From it, or from a file, come the keys that belong to a
trusted fingerprint; a person who has replaced keys since is followed by the signatures of the old ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, ClassVar, Final, Literal, Self

from pydantic import Field, model_validator

from encoding.errors import HoldersError, UntrustedKeyError, WorkspaceError
from encoding.files import write_durably
from schemas.documents.document import Document, Model
from schemas.documents.errors import FormatError, SignatureError
from schemas.documents.ids import Name, UtcTime, utc_text
from schemas.signing.identity import FINGERPRINT_GROUPS, IdentityHistory, PublicIdentity
from schemas.signing.secret_share import FingerprintText

MAX_PEERS: Final = 1024
_GROUP: Final = 5


class Peer(Model):
    """A trusted person of a party; `history` is null until their keys have been seen."""

    party: Name
    fingerprint: FingerprintText
    since: UtcTime
    history: IdentityHistory | None = None


class Peers(Document):
    """The trusted persons, by party and fingerprint."""

    KIND: ClassVar[str] = "list of trusted persons"

    version: Literal["blindlink/peers/1"] = "blindlink/peers/1"
    peers: Annotated[tuple[Peer, ...], Field(max_length=MAX_PEERS)] = ()

    @model_validator(mode="after")
    def _peers_are_in_order(self) -> Self:
        places = [_place(peer) for peer in self.peers]
        if places != sorted(set(places)):
            raise ValueError("trusted persons must be listed once each, in order")
        return self

    def of(self, party: str) -> tuple[Peer, ...]:
        """Return the trusted persons of a party."""
        return tuple(peer for peer in self.peers if peer.party == party)

    def trust(
        self, party: str, fingerprint: str, now: datetime, *, keep_others: bool = False
    ) -> Peers:
        """Return the list with one person more; the party's others go, unless they are to be kept.

        They go since a fingerprint is mostly compared anew because keys were lost or stolen.
        """
        since = utc_text(now)
        new = Peer(party=party, fingerprint=fingerprint, since=since)
        kept = [
            peer
            for peer in self.peers
            if _place(peer) != _place(new) and (keep_others or peer.party != party)
        ]
        return _listed([*kept, new])

    def meet(self, histories: Iterable[IdentityHistory]) -> Peers:
        """Return the list with the newest keys of each trusted person among these.

        Raises:
            UntrustedKeyError: the history of a trusted person is forged, or there are two of it.
        """
        met = {_place(peer): peer for peer in self.peers}
        for history in histories:
            known = _known_in(self, history)
            if known is None:
                continue
            newest = _verified(history)[-1]
            if met.pop(_place(known), None) is None:
                raise UntrustedKeyError(f"the keys shown for {newest.party} belong to two persons")
            changes = {"fingerprint": newest.fingerprint(), "history": history}
            followed = known.model_copy(update=changes)
            met[_place(followed)] = followed
        return _listed(met.values())

    def person_of(
        self, party: str, shown: Sequence[IdentityHistory], *, person: str | None = None
    ) -> PublicIdentity:
        """Return the trusted person through whom a party holds the secret.

        Args:
            party: whose person.
            shown: the persons of whichever parties that a directory shows now, which `meet` has had; where it
                shows none of the party, those that are known from before count.
            person: the id of the one that is meant, where several of the party are trusted; None: there is one,
                or one analyst among them.
        Raises:
            UntrustedKeyError: none is trusted, or other keys are shown; the sentence holds both fingerprints.
            HoldersError: several are trusted, and it is not clear which of them is meant.
        """
        trusted = self.trusted_of(party, shown)
        if person is not None:
            found = [one for one in trusted if one.person == person]
        else:
            found = trusted if len(trusted) == 1 else [p for p in trusted if "analyst" in p.duties]
        if len(found) == 1:
            return found[0]
        raise HoldersError(
            f"it is not clear which person whom you trust holds the secret for {party}",
            hint=f"name one: --holder {party}=PERSON",
        )

    def trusted_among(self, shown: Iterable[IdentityHistory]) -> list[IdentityHistory]:
        """Return those of these histories, which `meet` has had, that are of trusted persons."""
        return [one for one in shown if _known_in(self, one) is not None]

    def trusted_of(self, party: str, shown: Sequence[IdentityHistory]) -> list[PublicIdentity]:
        """Return the newest keys of all trusted persons of a party; `shown` is as for `person_of`.

        Raises:
            UntrustedKeyError: none is trusted, or other keys are shown; the sentence holds both fingerprints.
        """
        kept = self.of(party)
        of_party = [history for history in shown if history.newest().party == party]
        if not of_party:
            of_party = [peer.history for peer in kept if peer.history is not None]
        trusted = [one.newest() for one in self.trusted_among(of_party)]
        if trusted:
            return trusted
        seen = "; ".join(history.newest().fingerprint() for history in of_party)
        call = f"have {party} read its fingerprint to you, then: blindlink people trust {party} FINGERPRINT"
        if kept and seen:
            pinned = "; ".join(peer.fingerprint for peer in kept)
            raise UntrustedKeyError(
                f"the keys of {party} are not those that you trust: trusted {pinned}; shown {seen}",
                hint=f"nothing was sent; {call}",
            )
        if seen:
            raise UntrustedKeyError(
                f"you trust no keys of {party} yet; the broker shows keys with the fingerprint {seen}",
                hint=call,
            )
        raise UntrustedKeyError(
            f"the keys of {party} are not known here yet",
            hint=f"{call} --file FILE, with the file that its person shows",
        )


def read_peers(path: Path) -> Peers:
    """Return the trusted persons that a workspace has; a file that does not exist is an empty list.

    Raises:
        WorkspaceError: the file is damaged.
    """
    try:
        return Peers.from_canonical(path.read_bytes())
    except FileNotFoundError:
        return Peers()
    except FormatError as exc:
        raise WorkspaceError(
            "the list of persons whom you trust is damaged",
            hint="restore peers.json from the backup of the workspace",
        ) from exc


def meet_kept(path: Path, shown: Iterable[IdentityHistory]) -> Peers:
    """Return the kept list with the newest keys of each trusted person among these, and keep it so.

    Call it under the lock.

    Raises:
        UntrustedKeyError: as `Peers.meet`; what is kept stays.
    """
    known = read_peers(path)
    met = known.meet(shown)
    if met != known:
        write_peers(path, met)
    return met


def write_peers(path: Path, peers: Peers) -> None:
    """Replace the list of trusted persons."""
    write_durably(path, peers.to_canonical())


def read_fingerprint(text: str) -> str:
    """Return a fingerprint as it is written here, from one that someone typed.

    Raises:
        UntrustedKeyError: it does not have twelve groups of five digits.
    """
    (written,) = read_fingerprints(text, most=1)
    return written


def read_fingerprints(text: str, *, most: int = MAX_PEERS) -> list[str]:
    """Return fingerprints as they are written here, from up to so many that someone typed one after the other.

    Raises:
        UntrustedKeyError: they do not have twelve groups of five digits each.
    """
    digits = "".join(character for character in text if not character.isspace())
    whole = FINGERPRINT_GROUPS * _GROUP
    is_fit = len(digits) % whole == 0 and 0 < len(digits) <= most * whole
    if not (is_fit and digits.isascii() and digits.isdecimal()):
        raise UntrustedKeyError(
            f"a fingerprint has {FINGERPRINT_GROUPS} groups of {_GROUP} digits",
            hint="the other person reads it from: blindlink people me",
        )
    groups = [digits[start : start + _GROUP] for start in range(0, len(digits), _GROUP)]
    return [
        " ".join(groups[start : start + FINGERPRINT_GROUPS])
        for start in range(0, len(groups), FINGERPRINT_GROUPS)
    ]


def _known_in(peers: Peers, history: IdentityHistory) -> Peer | None:
    """Return the trusted person whose history this may be: of the same party, with a trusted fingerprint."""
    identities = [
        history.enrolled.identity,
        *(change.change.successor for change in history.changes),
    ]
    fingerprints = {identity.fingerprint() for identity in identities}
    for peer in peers.of(identities[-1].party):
        if peer.fingerprint in fingerprints:
            return peer
    return None


def _verified(history: IdentityHistory) -> tuple[PublicIdentity, ...]:
    try:
        return history.verify()
    except SignatureError as exc:
        raise UntrustedKeyError(
            f"the keys shown for {history.newest().party} are forged: {exc}"
        ) from None


def _listed(peers: Iterable[Peer]) -> Peers:
    return Peers(peers=tuple(sorted(peers, key=_place)))


def _place(peer: Peer) -> tuple[str, str]:
    return peer.party, peer.fingerprint
