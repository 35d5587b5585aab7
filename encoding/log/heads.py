"""The head of a project: its newest entry in the log that this agency has seen, kept with the proof.

Each entry names the one before it, so the head fixes all of them. What a person signs states it. So two
agencies that were shown different entries at one place of the project find out by what the other one signs, and
both entries prove the fork: the log has signed the two of them.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from encoding.errors import LogError, LogForkedError
from encoding.files import write_durably
from encoding.log.log_copy import LogCopy
from schemas.documents.errors import FormatError, SignatureError
from schemas.documents.merkle import hash_leaf
from schemas.matchlog.entry import Entry, parse_entry
from schemas.matchlog.kinds import KeyRotated, PersonEnrolled
from schemas.matchlog.proof import LogProof, parse_proof
from schemas.signing.signed_request import SeenHead, SignedRequest


def seen_head(pins: Path, project: str) -> SeenHead | None:
    """Return the head of a project; None before its log was first read.

    Raises:
        LogError: the file is damaged.
    """
    proof = _kept(pins, project)
    return None if proof is None else _head_of(proof)


def hold_to_head(copy: LogCopy, project: str, pins: Path) -> None:
    """Make sure that a copy goes on from what this agency has seen, and its signers too; keep its head.

    Raises:
        LogForkedError: another entry stands where one of them has seen one; both are kept as evidence.
        LogError: the file of the head is damaged, or the log lets somebody sign what they have not.
    """
    proof, known = _kept(pins, project), -1
    if proof is not None:
        head = _head_of(proof)
        if copy.leaf(project, head.place) != head.leaf:
            _fork(copy, project, head, proof, pins)
        known = head.place
    for entry, signed in _signed_after(copy, project, known):
        seen = signed.request.head
        if seen and (copy.leaf(project, seen.place) != seen.leaf or seen.place >= entry.place):
            _fork(copy, project, seen, copy.proof(entry.seq), pins)
    chain = copy.chains.get(project)
    if chain:
        write_durably(_path(pins, project), copy.proof(chain[-1]).to_bytes())


def _signed_after(copy: LogCopy, project: str, place: int) -> Iterator[tuple[Entry, SignedRequest]]:
    """Yield the entries after a place that persons have signed for: by the keys that the log has of them."""
    keys: dict[str, str] = {}
    for entry in copy.entries:
        body, signed = entry.body, entry.actor.signed
        if isinstance(body, PersonEnrolled):
            keys[body.person] = body.signing_key
        elif isinstance(body, KeyRotated) and body.signed is not None:
            keys[body.person or ""] = body.signed.change.successor.signing_key
        if signed is not None and entry.project == project and entry.place > place:
            try:
                signed.require_signature(_public_key(keys[entry.actor.person or ""]))
            except (SignatureError, LookupError) as exc:
                raise LogError(
                    "the match log holds a request that its person has not signed",
                    hint="send nothing more, and ask an auditor to verify the log",
                ) from exc
            yield entry, signed


def _public_key(text: str) -> Ed25519PublicKey:
    # Its length is a matter of the form of entries.
    return Ed25519PublicKey.from_public_bytes(base64.b64decode(text))


def _fork(copy: LogCopy, project: str, head: SeenHead, seen: LogProof, pins: Path) -> NoReturn:
    """Keep the proof of what was seen beside that of what is shown at the same place, and stop."""
    chain = copy.chains.get(project, [])
    proofs = [seen, *(copy.proof(seq) for seq in chain[head.place : head.place + 1])]
    for number, proof in enumerate(proofs, start=1):
        path = pins / f"evidence-{project}-{head.place}-{number}.tlog-proof"
        if not path.exists():
            write_durably(path, proof.to_bytes())
    raise LogForkedError(
        f"the match log tells two stories: at place {head.place} of {project} an agency has seen entry"
        f" {head.leaf}, and this one is shown {copy.leaf(project, head.place) or 'none'}",
        hint="send nothing more, keep the workspace as it is, and give both agencies' packs to an auditor:"
        " blindlink-audit compare",
    )


def _kept(pins: Path, project: str) -> LogProof | None:
    path = _path(pins, project)
    try:
        return parse_proof(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, FormatError) as exc:
        raise _damaged() from exc


def _head_of(proof: LogProof) -> SeenHead:
    try:
        place = parse_entry(proof.entry).place
    except FormatError as exc:
        raise _damaged() from exc
    return SeenHead(place=place, leaf=hash_leaf(proof.entry).hex())


def _damaged() -> LogError:
    return LogError(
        "what the workspace keeps of the project's newest log entry is damaged",
        hint="restore the folder pins from the backup of the workspace",
    )


def _path(pins: Path, project: str) -> Path:
    return pins / f"head-{project}.tlog-proof"
