"""The head of a project: its newest entry in the log that this agency has seen, kept with the proof.

Each entry names the one before it, so the head fixes all of them. What a person signs states it. So two
agencies that were shown different entries at one place of the project find out by what the other one signs, and
both entries prove the fork: the log has signed the two of them.
"""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

from encoding.errors import LogError, LogForkedError
from encoding.files import write_durably
from encoding.log.log_copy import LogCopy
from schemas.documents.errors import FormatError
from schemas.documents.merkle import hash_leaf
from schemas.matchlog.entry import parse_entry
from schemas.matchlog.kinds import KINDS
from schemas.matchlog.proof import LogProof, parse_proof
from schemas.rules.breach import BreachError
from schemas.signing.signed_request import SeenHead


def seen_head(pins: Path, project: str) -> SeenHead | None:
    """Return the head of a project; None before its log was first read.

    Raises:
        LogError: the file is damaged.
    """
    proof = _kept(pins, project)
    return None if proof is None else _head_of(proof)


def hold_to_head(copy: LogCopy, project: str, pins: Path) -> None:
    """Make sure that a copy keeps to the rules and goes on from what its readers have seen; keep its head.

    Raises:
        LogForkedError: another entry stands where one of them has seen one; both are kept as evidence.
        LogError: the file of the head is damaged, or the log breaks a rule.
    """
    proof = _kept(pins, project)
    if proof is not None:
        head = _head_of(proof)
        if copy.leaf(project, head.place) != head.leaf:
            _fork(copy, project, head, proof, pins)
    if copy.breach is not None:
        _refuse(copy, copy.breach, project, pins)
    chain = copy.chains.get(project)
    if chain:
        write_durably(_path(pins, project), copy.proof(chain[-1]).to_bytes())


def _refuse(copy: LogCopy, breach: BreachError, project: str, pins: Path) -> NoReturn:
    if breach.code == "fork" and breach.index is not None:
        seen = {"place": breach.evidence["head_place"], "leaf": breach.evidence["head_leaf"]}
        _fork(copy, project, SeenHead.model_validate(seen), copy.proof(breach.index), pins)
    raise LogError(
        f"the match log breaks its rules: {breach.message} (entry {breach.index}, {breach.code})",
        hint="nothing was encoded, stored, or sent; call the other agencies and the operator of the broker",
    )


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
        " blindlink-audit verify",
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
        place = parse_entry(proof.entry, KINDS).place
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
