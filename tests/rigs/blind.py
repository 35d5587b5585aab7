"""A blind project of two agencies and a recipient who holds keys, and what each can do with a release."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rigs.linkage import CHILD_WELFARE, PROJECT, SCHOOL, Linkage, MakeLinkage

from encoding.people.identity import Identity
from schemas.linkage.run import IdSpace, Recipient
from schemas.rounds.blind import (
    RECORD_BYTES,
    BlindHeader,
    MatchIdSeal,
    blind_release_bytes,
    parse_blind_header,
)

RESEARCH = "research-office"


@dataclass
class BlindLinkage:
    """The project, and a person of its recipient."""

    linkage: Linkage
    receiver: Identity

    def run(self) -> None:
        """Let a worker do the run that the last upload started."""
        self.linkage.work()

    def view(self, agency: str, recipient: str = RESEARCH) -> dict[str, Any]:
        """Return the newest release for the recipient that the agency fetches."""
        seen = self.linkage.get(f"/v1/projects/{PROJECT}/releases", agency).json()["releases"]
        return next(one for one in seen if one["recipient"] == recipient)

    def file(self, agency: str, recipient: str = RESEARCH) -> bytes:
        """Return the newest blind release that the agency fetches."""
        release = self.view(agency, recipient)["release"]
        answer = self.linkage.get(f"/v1/releases/{release}/file", agency)
        assert answer.status_code == 200, answer.text
        return answer.content

    def match_ids(self, agency: str) -> dict[bytes, bytes]:
        """Return what the recipient would find in the newest release of an agency, by handle."""
        return opened(self.file(agency), self.receiver)


def make_blind(make: MakeLinkage, **changes: Any) -> BlindLinkage:
    """Create the blind project; changes are those of its terms."""
    terms: dict[str, Any] = {
        "recipients": (Recipient(party=RESEARCH, mode="blind", space="research"),),
        "spaces": (IdSpace(name="research", lifetime="round"),),
    }
    linkage = make(**{**terms, **changes})
    return BlindLinkage(linkage, linkage.person(RESEARCH).identity)


def records_of(raw: bytes) -> dict[bytes, bytes]:
    """Return the sealed match ID of each handle, after checking all that is fixed about the file."""
    parsed = parse_blind_header(raw)
    assert len(raw) == blind_release_bytes(parsed)
    body = raw[parsed.body_offset :]
    records = [body[at : at + RECORD_BYTES] for at in range(0, len(body), RECORD_BYTES)]
    handles = [record[:16] for record in records]
    assert handles == sorted(set(handles))
    return {record[:16]: record[16:] for record in records}


def opened(raw: bytes, receiver: Identity) -> dict[bytes, bytes]:
    """Return the match ID of each handle, opened with the recipient's keys."""
    header: BlindHeader = parse_blind_header(raw).header
    key = header.open(receiver.public, receiver.keys.receiving_key)
    seal = MatchIdSeal.of(key, header.release, header.agency)
    return {handle: bytes(seal.open(sealed)) for handle, sealed in records_of(raw).items()}


AGENCIES = (CHILD_WELFARE, SCHOOL)
