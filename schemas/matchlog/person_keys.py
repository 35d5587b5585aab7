"""Whose signing keys were whose, as the match log says: for readers of statements that persons signed."""

from __future__ import annotations

from dataclasses import dataclass, field

from schemas.matchlog.entry import Entry
from schemas.matchlog.person_kinds import KeyRotated, PersonEnrolled
from schemas.signing.identity import Duty, PublicIdentity, signing_key_sha256

SIGNING = "signing"


@dataclass(slots=True)
class _Enrolled:
    duties: frozenset[str]
    keys: set[str] = field(default_factory=set)


class PersonKeys:
    """Takes the log's entries in order; knows of each party's person the duties and all keys until now."""

    def __init__(self) -> None:
        """Know nobody yet."""
        # By party, too: a person of one party says nothing for another.
        self._known: dict[tuple[str, str], _Enrolled] = {}

    def take(self, entry: Entry) -> None:
        """Note a key where the entry is about one."""
        body = entry.body
        if isinstance(body, PersonEnrolled):
            enrolled = _Enrolled(frozenset(body.duties), {signing_key_sha256(body.signing_key)})
            self._known.setdefault((body.party, body.person), enrolled)
        elif isinstance(body, KeyRotated) and body.use == SIGNING and body.person and body.new:
            known = self._known.get((body.party, body.person))
            if known is not None:
                known.keys.add(body.new)

    def know(self, identity: PublicIdentity, duties: frozenset[Duty]) -> bool:
        """Tell whether this person of this party has had this key, and was enrolled for one of these duties."""
        known = self._known.get((identity.party, identity.person))
        if known is None or identity.key_sha256() not in known.keys:
            return False
        return not duties.isdisjoint(known.duties)
